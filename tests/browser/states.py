"""A call in each state that its card can show, made by the core's own transitions, for the pictures of docs/approvals.md.

To add a picture, add a line to `STATES`: its name, and what happened after people were asked; or to `OTHERS`, for what is no card of a
call. No test lives here.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.core.canonical import Json
from bot.core.events import (
    Asked,
    CallRefused,
    Cancelled,
    CardShown,
    Delivered,
    Doubted,
    Edited,
    Event,
    Expired,
    Finished,
    FreezeNoted,
    Inquired,
    Judged,
    ModelReplied,
    Recorded,
    Reviewed,
    SaferAsked,
    Said,
    Settled,
    Started,
    Voted,
    Withdrawn,
)
from bot.core.glass import BY_GLASS
from bot.core.journal import fold
from bot.core.run import Run
from bot.core.values import (
    Answer,
    ApprovalId,
    CallId,
    Choice,
    Ground,
    Judgement,
    Proposal,
    Quorum,
    Share,
    Terms,
)
from bot.slack.blocks import Message
from bot.slack.cards import card
from bot.slack.glass import announcement, review_card
from bot.slack.replies import linked, older_card
from tests.slack.made import ALICE, APPROVAL, CALL, CARD, CAROL, DAN, PLACE, QUESTION, RUN, binding, judgement, terms

NOON = datetime(2026, 11, 23, 12, 4, tzinfo=UTC).timestamp()
"""When Alice asked; the page's clock says a little more (`NOW`)."""
NOW = NOON + 35 * 60
HOUR = 3_600.0
NEW, NEXT = CallId("call_new"), ApprovalId("n" * 32)
SRE, SECURITY = "group:S0SRE", "group:S0SECURITY"
WORDS = "Bob needs it for the incident."
BROAD = judgement(reason="48h is broader than necessary.", better_action="")
WITH_SAFER = judgement(reason="48h is broader than necessary.", better_action="Grant it for 2h")
LAPSED = judgement(
    ours="It was approved, but it did not run within the time that the policy gives it.",
    reason=BROAD.reason,
    better_action="",
)
LONG: dict[str, Json] = {f"host_{number:02}": "drain" for number in range(1, 46)}
SCOPED = judgement(risk=0.41, reason="Scoped to the incident.", better_action="")
State = tuple[Run, int]
"""A run, and which of its calls."""


def grant(duration: str = "48h") -> dict[str, Json]:
    return {"user_id": "bob", "group": "okta-prod-admins", "duration": duration}


def proposal(
    call: str = CALL, duration: str = "48h", arguments: dict[str, Json] | None = None, **changes: Any
) -> Proposal:
    given = arguments or grant(duration)
    bound = binding(given, order=tuple(given), target="okta-prod-admins", **changes)
    return Proposal(CallId(call), call, "grant_access", json.dumps(given), bound)


def asking(*after: Event, judged: Judgement | None = None, wanted: Terms | None = None, **changes: Any) -> State:
    """People are asked about the grant; then ``after`` happened, one event after another, three minutes apart."""
    agreed = wanted or terms(expires_at=NOON + 4 * HOUR)
    begun = (
        Asked(ALICE, PLACE, PLACE.thread, "grant bob okta-prod-admins for 48h"),
        ModelReplied("[]", WORDS, (proposal(**changes),), 1),
        Judged(CALL, judged or BROAD, agreed),
        CardShown(CALL, PLACE.channel, CARD, f"asking:{agreed.approval}:0"),
    )
    return told((*begun, *after)), 0


def told(events: Sequence[Event]) -> Run:
    times = [NOON + n for n in range(4)] + [NOON + 180.0 * n for n in range(1, len(events))]
    recorded = [Recorded(seq, at, event) for seq, (at, event) in enumerate(zip(times, events, strict=False), 1)]
    run = fold(RUN, recorded)
    assert run is not None
    return run


def vote(
    who: Any = CAROL, choice: Choice = Choice.APPROVE, comment: str = "go ahead", counts_as: tuple[str, ...] = ()
) -> Voted:
    return Voted(APPROVAL, who, choice, comment, "k:seal", "slack", CARD, counts_as)


APPROVED = (vote(),)
STARTED = (*APPROVED, Started(CALL, "a1", "w"))
DOUBTED = (*STARTED, Doubted(CALL, "a1", QUESTION, NOON + 24 * HOUR))
LATE = Finished(CALL, "a1", True, '{"user_id": "bob"}', 2.1)
FROZEN = FreezeNoted(CALL, "all", DAN.user, NOON + 60, "The checkout outage; nothing changes now.")
ALONE = replace(vote(comment="Checkout is down, and nobody of @sre answers."), via=BY_GLASS, review_at=NOON + 21 * HOUR)
EACH = Quorum((SECURITY, SRE), 2, (Share(SECURITY, 1), Share(SRE, 1)))
BOTH = terms(expires_at=NOON + 4 * HOUR, approvers=(SECURITY, SRE), quorum=2, quorums=(EACH,))
LATER = Quorum((SECURITY,), 1, (), (SRE,), NOON + 2 * HOUR)


def edited() -> tuple[Event, ...]:
    changed = proposal(NEW, "2h")
    changed = replace(changed, wire=CALL)
    again = terms(approval=NEXT, expires_at=NOON + 4 * HOUR, not_alone=(f"user:{CAROL.user}",))
    return Edited(CALL, changed, CAROL), Judged(NEW, SCOPED, again)


def safer() -> tuple[Event, ...]:
    again = terms(approval=NEXT, expires_at=NOON + 4 * HOUR)
    words = "Then only for two hours."
    return SaferAsked(CALL, CAROL), ModelReplied("[]", words, (proposal(NEW, "2h"),), 1), Judged(NEW, SCOPED, again)


def second(state: State) -> State:
    """The call that came of the first one."""
    return state[0], 1


STATES: dict[str, Callable[[], State]] = {
    "asking": lambda: asking(judged=WITH_SAFER),
    "asking-critical": lambda: asking(judged=judgement(risk=0.93, better_action=""), risk="critical"),
    "asking-comment": lambda: asking(wanted=replace(terms(expires_at=NOON + 4 * HOUR), comment_required=True)),
    "asking-votes": lambda: asking(vote(DAN, counts_as=(SRE,)), wanted=BOTH),
    "asking-escalates": lambda: asking(wanted=replace(terms(expires_at=NOON + 4 * HOUR), quorums=(LATER,))),
    "asking-long": lambda: asking(arguments=LONG),
    "asked-anew": lambda: asking(vote(), Judged(CALL, LAPSED, terms(approval=NEXT, expires_at=NOON + 5 * HOUR))),
    "frozen-open": lambda: asking(FROZEN),
    "glass-offered": lambda: asking(wanted=BOTH),
    "glass-broken": lambda: asking(ALONE, Started(CALL, "a1", "w"), Finished(CALL, "a1", True, "", 2.1), wanted=BOTH),
    "question": lambda: asking(Inquired(APPROVAL, CAROL, "Which incident is it for?", CARD)),
    "answered": lambda: asking(
        Inquired(APPROVAL, CAROL, "Which incident is it for?", CARD),
        Delivered(f"inquiry:{CALL}:1", "1700000010.000100"),
        Said(ALICE, "1700000010.000200", "INC-42, the checkout outage."),
    ),
    "edited": lambda: second(asking(*edited())),
    "edited-before": lambda: asking(*edited()),
    "safer": lambda: second(asking(*safer(), judged=WITH_SAFER)),
    "safer-before": lambda: asking(*safer(), judged=WITH_SAFER),
    "approved": lambda: asking(*APPROVED),
    "running": lambda: asking(*STARTED),
    "executed": lambda: asking(*STARTED, Finished(CALL, "a1", True, '{"user_id": "bob"}', 2.1)),
    "failed": lambda: asking(*STARTED, Finished(CALL, "a1", False, "", 0.3, "There is no group okta-prod-admins.")),
    "denied": lambda: asking(vote(DAN, Choice.DENY, "48 hours are too long; ask for 2.")),
    "expired": lambda: asking(Expired(APPROVAL), wanted=terms(expires_at=NOON + 60)),
    "withdrawn": lambda: asking(Withdrawn(APPROVAL, ALICE, CARD)),
    "cancelled": lambda: asking(Cancelled(ALICE, "")),
    "superseded": lambda: asking(
        CallRefused(CALL, Ground.SUPERSEDED, "The action was changed since it was asked about.")
    ),
    "blocked": lambda: asking(*APPROVED, CallRefused(CALL, Ground.BLOCKED, "The policy forbids this now.")),
    "frozen": lambda: asking(*APPROVED, CallRefused(CALL, Ground.FROZEN, "Everything is frozen: the checkout outage.")),
    "in-doubt": lambda: asking(*DOUBTED),
    "unknown": lambda: asking(*DOUBTED, Settled(CALL, Answer.UNKNOWN, DAN)),
    "it-ran": lambda: asking(*DOUBTED, Settled(CALL, Answer.DID_RUN, DAN)),
    "did-not-run": lambda: asking(*DOUBTED, Settled(CALL, Answer.DID_NOT_RUN, DAN)),
    "reported-otherwise": lambda: asking(*DOUBTED, Settled(CALL, Answer.DID_NOT_RUN, DAN), LATE),
}


def glass(*after: Event) -> tuple[Run, Any]:
    run, _ = asking(ALONE, Started(CALL, "a1", "w"), Finished(CALL, "a1", True, "", 2.1), *after, wanted=BOTH)
    return run, run.broken[0]


OTHERS: dict[str, Callable[[], Message]] = {
    "older": lambda: linked(older_card(), "https://acme.slack.com/archives/C0OPS/p1700000009000100"),
    "glass-announced": lambda: announcement(*glass()),
    "glass-review": lambda: review_card(*glass()),
    "glass-reviewed": lambda: review_card(*glass(Reviewed(APPROVAL, DAN))),
}


def message_of(name: str) -> Message:
    """What stands in Slack in this state."""
    if name in OTHERS:
        return OTHERS[name]()
    run, number = STATES[name]()
    return card(run, run.calls[number], glass=name == "glass-offered")
