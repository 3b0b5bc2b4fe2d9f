"""The form that edits the arguments of an open approval: a call and its schema in, a view out; a submitted view in, arguments out. Pure.

Rule 1: the form is no approval and approves nothing: what is submitted is checked, judged and asked about anew.
Rule 2: its ``private_metadata`` says which approval, on which card, and whether the guard's alternative stands in it; the fields
are read off the call again, and never off the view.
Which fields there are, and what is typed in them, is `core/form.py`'s.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.core.call import Call
from bot.core.canonical import Json, canonical_bytes
from bot.core.changes import alternative, arguments
from bot.core.form import Empty, Faults, Field, Form, Kind, Room, choice_text, form_of, typed
from bot.core.refusal import Refused
from bot.core.vain import BUT_GLASS, NOBODY_ELSE, ORDINARILY
from bot.slack import facts, limits
from bot.slack.blocks import Block, header, line, one_line, plain, said, size_of
from bot.slack.views import Subject

EDIT: Final = "edit"
SAFER_FORM: Final = "safer_form"
ROOM: Final = Room(
    fields=limits.VIEW_BLOCKS - 10, text=limits.PLAIN_TEXT_INPUT, choices=limits.OPTIONS - 1, choice=limits.OPTION_TEXT
)
GONE: Final = (
    "The action was changed or removed since this was asked, so it cannot be edited. Please deny it and ask again."
)
TOO_LARGE: Final = "Its arguments are more than a form of Slack holds. Please deny it and ask again for what you want."
UNCHANGED: Final = "Nothing is changed yet. Change a value; or close this form, and decide on the card."
_INPUT: Final = "value"
_NOTHING: Final = "nothing"
_MOST_KEPT: Final = 20
_LINE_FROM: Final = 80
_SENTENCE: Final = 300


def edit_form(call: Call, schema: Mapping[str, object] | None, *, safer: bool) -> Form | Refused:
    """The fields, with the bound arguments in them, or with the guard's alternative; or why there is no form."""
    binding = call.proposal.binding
    if binding is None or schema is None:
        return Refused(GONE)
    better = alternative(call) if safer else None
    form = form_of(schema, arguments(call), better, order=binding.order, secret=binding.secret, room=ROOM)
    return Refused(f"This cannot be edited. {form.reason}") if isinstance(form, Refused) else form


def in_vain(*, glass: bool) -> str:
    """That nobody could approve what comes of an edit. ``glass``: whether the policy names anybody who may break it."""
    how, then = (f" {ORDINARILY}", f" {BUT_GLASS}") if glass else ("", "")
    return (
        f"⚠ If you edit this, nobody can approve it{how}: your approval alone is not enough then. {NOBODY_ELSE}{then}"
    )


def edit_view(call: Call, form: Form, subject: Subject, *, safer: bool, vain: str = "") -> Block | Refused:
    """The form as a view; or why Slack would not take it. ``vain``: that nobody could approve what comes of it."""
    told = "What the guard suggests stands in the fields; look at each. " if safer else ""
    told += "It does not run yet: it is judged again, and becomes a new request without votes. What you see here is approved by nobody."
    top = [
        header(facts.headline("Edit", call)),
        *facts.place_line("Edit", call),
        line(said(told)),
        *([line(said(vain, "bold"))] if vain else []),
    ]
    about = {"approval": subject.approval, "channel": subject.channel, "message": subject.message, "safer": safer}
    view = {
        "type": "modal",
        "callback_id": EDIT,
        "title": plain("Edit"),
        "submit": plain("Ask anew"),
        "close": plain("Cancel"),
        "blocks": [*top, *map(_input, range(len(form.fields)), form.fields), *_kept(form)],
        "private_metadata": json.dumps(about),
    }
    return view if size_of(view) <= limits.VIEW_BYTES else Refused(TOO_LARGE)


def subject_of(view: Mapping[str, Any]) -> tuple[Subject, bool] | None:
    """What a submitted form is about, and whether the guard's alternative stood in it."""
    try:
        about = json.loads(view.get("private_metadata") or "")
        subject = Subject(str(about["approval"]), str(about["channel"]), str(about["message"]))
        return subject, about.get("safer") is True
    except (ValueError, KeyError, TypeError):
        return None


def submitted(view: Mapping[str, Any], form: Form) -> str | Faults:
    """The arguments that a submitted form says, as JSON text; or what is wrong with which field."""
    found: dict[str, Json] | Faults = typed(form, [_given(view, number) for number in range(len(form.fields))])
    if isinstance(found, Faults):
        return found
    try:
        return canonical_bytes(found).decode()
    except ValueError as fault:
        return Faults({0: str(fault)})


def faults_of(form: Form, wrong: Mapping[str, str]) -> Faults:
    """Faults by argument as faults by field; what belongs to none stands at the first."""
    numbers = {field.name: number for number, field in enumerate(form.fields)}
    found: dict[int, str] = {}
    for name, sentence in wrong.items():
        number = numbers.get(name, 0)
        found[number] = f"{found[number]} {sentence}" if number in found else sentence
    return Faults(found)


def errors_of(faults: Faults) -> dict[str, str]:
    """As `response_action: errors` wants them."""
    return {_block(number): one_line(sentence, _SENTENCE) for number, sentence in faults.by_field.items()}


# --- one field --------------------------------------------------------------------------------------------------------


def _input(number: int, field: Field) -> Block:
    made: Block = {
        "type": "input",
        "block_id": _block(number),
        "optional": field.empty is not Empty.REFUSED,
        "label": plain(one_line(field.name, _SENTENCE) or '""'),
        "element": _select(field) if field.kind is Kind.CHOICE else _text(field),
    }
    return made | ({"hint": plain(one_line(field.hint, _SENTENCE))} if field.hint.strip() else {})


def _text(field: Field) -> Block:
    long = len(field.shown) > _LINE_FROM or "\n" in field.shown
    element: Block = {
        "type": "plain_text_input",
        "action_id": _INPUT,
        "multiline": long or isinstance(field.value, dict | list),
        "max_length": limits.PLAIN_TEXT_INPUT,
    }
    return element | ({"initial_value": field.shown} if field.shown else {})


def _select(field: Field) -> Block:
    options = [{"text": plain(choice_text(each)), "value": str(n)} for n, each in enumerate(field.choices)]
    none = {"text": plain("– (no value)"), "value": _NOTHING}
    begins = options[int(field.shown)] if field.shown else none if field.empty is not Empty.REFUSED else None
    options += [none] if field.empty is not Empty.REFUSED else []
    element: Block = {"type": "static_select", "action_id": _INPUT, "options": options}
    return element | ({"initial_option": begins} if begins else {})


def _kept(form: Form) -> Iterator[Block]:
    told = [f"{one_line(name, 80)} stays as it is: {why}." for name, why in form.kept[:_MOST_KEPT]]
    more = len(form.kept) - _MOST_KEPT
    if told:
        yield line(said(" ".join([*told, *([f"So do {more} more."] if more > 0 else [])])))


def _block(number: int) -> str:
    return f"edit.{number}"


def _given(view: Mapping[str, Any], number: int) -> str | None:
    values = view.get("state", {}).get("values", {})
    state = values.get(_block(number), {}).get(_INPUT, {})
    option = state.get("selected_option")
    value = option.get("value") if isinstance(option, dict) else state.get("value")
    return value if isinstance(value, str) and value != _NOTHING else None
