"""An open approval, brought to the terms of today before a click on it is worked, where those are stricter.

Rule 1: the terms of then and of today hold together, as two rules that match do: whoever one of their demands names may vote, and counts
for that demand. So nothing runs that is not approved by both, and nobody whom the card names is turned away.
Rule 2: what was tightened stays so, in whichever process, and whatever the policy says later: milder terms never apply.
Rule 3: only what is sealed as it stands is tightened, and nothing for a shell that may not vote. What the policy forbids now is refused
at once.
What becomes of the votes is `core/tightening.py`'s; a policy that changes after the last vote is `starting.py`'s.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core import policy as rules
from bot.core.approval import seal
from bot.core.call import Call, CallState
from bot.core.events import CallRefused, Event, Tightened
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.terms import stricter
from bot.core.tightening import why_void
from bot.core.values import Ground, Verdict
from bot.engine.keyring import Keys
from bot.engine.people import People
from bot.engine.starting import case_in, forbidden, judgement_holds, texts_of
from bot.ports import Decide, Writer


def tightening(people: People, run: Run, call: Call, keys: Keys) -> Decide | None:
    """What makes the approval as strict as the policy of today, to be decided in a transaction; None where it is."""
    if _event(people, run, call, keys) is None:
        return None
    name = call.proposal.call

    async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
        call = run.call(name) if run else None
        event = _event(people, run, call, keys) if run and call else None
        return [] if event is None else [event]

    return decide


def _event(people: People, run: Run, call: Call, keys: Keys) -> Tightened | CallRefused | None:
    approval, binding, name = call.approval, call.proposal.binding, call.proposal.call
    judgement = call.judgement
    if call.state is not CallState.ASKING or approval is None or binding is None or judgement is None:
        return None
    if not judgement_holds(run, call, keys):
        return None
    floor, rule = rules.floor(people.policy, case_in(run, call, binding))
    if floor is Verdict.DENY:
        return CallRefused(name, Ground.BLOCKED, forbidden(rule))
    terms = replace(people.terms_now(run, call), post_to=approval.terms.post_to)
    if not stricter(terms, approval.terms):
        return None
    void = tuple(vote.person.user for vote in approval.votes if why_void(terms, vote, run.asked.person))
    text = texts_of(run, call, judgement, binding, terms)[0]
    return Tightened(terms.approval, terms, seal(keys[0], text), void)
