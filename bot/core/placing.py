"""Where a card stands, or is to stand. Pure.

Rule 1: a card stays where it was posted, whatever the terms of a later approval say; a button counts only there, but for rule 2.
Rule 2: whoever asked need not be in the card's channel, so what tells the thread that it stands elsewhere has Withdraw and Stop too.
Rule 3: nor need whoever clicks be where the request was made, so a click is answered where it was made.
Rule 4: a direct message with Signoff is seen by whoever asked and by nobody else, so nobody else decides on a card there.
"""

from dataclasses import replace

from bot.core.call import Call, CallState
from bot.core.inputs import Clicked
from bot.core.run import Run
from bot.core.terms import all_named
from bot.core.vain import reach_of
from bot.core.values import ApprovalId, Person, Place, Terms

ENDING = frozenset({"withdraw", "stop"})
UNSEEN = (
    "Nobody who decides this can see our direct messages, so nobody was asked. Please ask for it in a channel; or policy.yml can name "
    "one for its cards (post_to)."
)


def channel_of(run: Run, call: Call) -> str:
    """The channel of a call's card: the thread's, unless the policy names one. Of several, the first by id."""
    return _stands(run, call, call.approval.terms if call.approval is not None else None)


def _stands(run: Run, call: Call, terms: Terms | None) -> str:
    if call.card is not None:
        return call.card.channel
    return terms.post_to[0] if terms is not None and terms.post_to else run.asked.place.channel


def is_unseen(run: Run, call: Call, terms: Terms) -> bool:
    """Whether a card of these terms would stand where nobody who could decide it is, as far as the names tell; a program asks by
    itself."""
    channel = run.asked.place.channel
    direct = channel.startswith("D") and channel == _stands(run, call, terms) and not run.of_program
    return direct and bool(terms.approvers) and _wants_others(terms, run.asked.person)


def _wants_others(terms: Terms, requester: Person) -> bool:
    """Whether the requester's own approval is not enough for certain."""
    if not terms.requester_may_approve or requester.user in terms.not_alone:
        return True
    own = f"user:{requester.user}"
    return any(count > 1 or (all_named(names) and own not in names) for count, names in reach_of(terms))


def ended_in_thread(run: Run, about: str) -> ApprovalId | None:
    """The approval that the notice ``about`` (`effects.PostNotice`) lets whoever asked take back; None for one without those buttons."""
    open_ = (call for call in run.calls if call.state is CallState.ASKING and about in _told(run, call))
    return next((call.approval.terms.approval for call in open_ if call.approval is not None), None)


def as_on_card(run: Run, call: Call, clicked: Clicked) -> Clicked:
    """A click on a notice with those buttons, as the one on the card that it stands for; any other as it is."""
    told = any(each.key in _told(run, call) and each.ref == clicked.message for each in run.receipts)
    if call.card is None or not told or clicked.action not in ENDING or clicked.channel != run.asked.place.channel:
        return clicked
    return replace(clicked, channel=call.card.channel, message=call.card.message)


def answered_at(run: Run | None, clicked: Clicked) -> Place:
    """Where whoever clicked is told privately what is the matter: in the thread of ``run`` (None: of nothing here) if they clicked in
    its channel, else with the message that they clicked."""
    thread = run.asked.place.thread if run and run.asked.place.channel == clicked.channel else clicked.message
    return Place(clicked.person.team, clicked.channel, thread)


def _told(run: Run, call: Call) -> tuple[str, ...]:
    """The notices by which the thread is told of a card in another channel: where it stands, and that people are asked anew."""
    if call.card is None or call.card.channel == run.asked.place.channel or call.approval is None:
        return ()
    return f"placed:{call.proposal.call}", f"anew:{call.approval.terms.approval}"
