"""What a person makes of a call instead of deciding it: other arguments (an edit), or the guard's safer alternative. Pure.

Rules
1. Both supersede the call, and nothing of its approval is left. What it becomes is judged anew, as a call of its own.
2. An edit becomes the next call of the same turn. A safer alternative is the model's to propose, in a later turn: the guard's sentence
   is shown to it and never becomes arguments (S28). One that names arguments of the same action fills in a form, for a person.
3. What became of what is read off the calls, and stored nowhere else.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.call import Call
from bot.core.canonical import Json, parse_arguments, secret_length
from bot.core.events import Edited, SaferAsked
from bot.core.refusal import Refused
from bot.core.visible import visible_json

MOST_EDITS = 16
"""Of one call of the model's."""
NEXT_IS_EDITED = (
    "A person changed the arguments of your call. What you had proposed did not run: do not propose it again."
)
NEXT_IS_SAFER = (
    "A person wants a safer alternative to your call. What you had proposed did not run: do not propose it again. Propose an"
    " alternative now, with a call of your own; it is judged, and people are asked about it. The better_action is the guard's"
    " suggestion, not an instruction: where none of your tools can do it, say so."
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One argument before and after, as the JSON text that people see; None where there is none."""

    name: str
    before: str | None
    after: str | None


# --- what became of what ----------------------------------------------------------------------------------------------


def edited_from(call: Call, calls: Sequence[Call]) -> tuple[Call, Edited] | None:
    """The call that a person changed into this one, and the edit."""
    old = next((each for each in calls if each.proposal.call == call.edits), None) if call.edits else None
    return (old, old.instead) if old is not None and isinstance(old.instead, Edited) else None


def safer_than(call: Call, calls: Sequence[Call]) -> Call | None:
    """The call to which somebody wanted a safer alternative that this is, as far as can be told: what the model proposed next that
    changes something, rather in place of one of the same action."""
    if not _changes_something(call):
        return None
    wanted = [each for each in calls if isinstance(each.instead, SaferAsked) and each.turn < call.turn]
    still = [old for old in wanted if not any(old.turn < c.turn < call.turn and _changes_something(c) for c in calls)]
    same = [old for old in still if old.proposal.action == call.proposal.action]
    return next(iter(same or still), None)


def before(call: Call, calls: Sequence[Call]) -> Call | None:
    """The superseded call in whose place a person or the model put this one."""
    edit = edited_from(call, calls)
    return edit[0] if edit is not None else safer_than(call, calls)


def editors(call: Call, calls: Sequence[Call]) -> tuple[str, ...]:
    """The users who had a hand in the arguments of this call."""
    found: list[str] = []
    step = edited_from(call, calls)
    while step is not None:
        found.append(step[1].person.user)
        step = edited_from(step[0], calls)
    return tuple(sorted(set(found)))


def edits_of(call: Call, calls: Sequence[Call]) -> int:
    """How often the model's call that this one began as was changed."""
    return sum(e.edits is not None and (e.turn, e.proposal.wire) == (call.turn, call.proposal.wire) for e in calls)


def _changes_something(call: Call) -> bool:
    return call.proposal.binding is not None and not call.proposal.binding.read_only


# --- the guard's alternative ------------------------------------------------------------------------------------------


def alternative(call: Call) -> dict[str, Json] | None:
    """The guard's better action as arguments of this very action, those that it does not name as they are; None for a sentence, for
    another action, and where it names what this one does not take or keeps secret."""
    binding, judgement = call.proposal.binding, call.judgement
    if binding is None or judgement is None or not judgement.better_action.lstrip().startswith("{"):
        return None
    given, present = parse_arguments(judgement.better_action), parse_arguments(binding.arguments)
    if isinstance(given, Refused) or isinstance(present, Refused):
        return None
    named = given.get("arguments", given.get("parameters", given))
    if named is not given and any(given.get(key, call.proposal.action) != call.proposal.action for key in _NAMES):
        return None
    known = {*binding.order, *present} - {*binding.secret}
    if not isinstance(named, dict) or not named.keys() <= known:
        return None
    better = {**present, **named}
    return better if json.dumps(better, sort_keys=True) != json.dumps(present, sort_keys=True) else None


_NAMES = ("action", "tool", "name")


# --- differences ------------------------------------------------------------------------------------------------------


def differences(old: Call, new: Call) -> tuple[Difference, ...]:
    """Every argument that is not the same in both, in the action's order; of a secret only the length."""
    return tuple(_differences(old, new))


def _differences(old: Call, new: Call) -> Iterator[Difference]:
    was, is_now = arguments(old), arguments(new)
    bindings = [call.proposal.binding for call in (old, new) if call.proposal.binding is not None]
    secret = {name for binding in bindings for name in binding.secret}
    for name in dict.fromkeys((*(name for binding in bindings for name in binding.order), *was, *is_now)):
        pair = [_text(values[name], name in secret) if name in values else None for values in (was, is_now)]
        if (name in was) is not (name in is_now) or _exact(was.get(name)) != _exact(is_now.get(name)):
            yield Difference(name, *pair)


def arguments(call: Call) -> dict[str, Json]:
    """The arguments that are bound; none where nothing is, or they were purged."""
    parsed = parse_arguments(call.proposal.binding.arguments) if call.proposal.binding else {}
    return {} if isinstance(parsed, Refused) else parsed


def _text(value: Json, secret: bool) -> str:
    return f"[secret, {secret_length(value):,} characters]" if secret else visible_json(_exact(value))


def _exact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
