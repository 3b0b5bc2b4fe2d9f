"""Runs and calls in every phase of a card, made by the core's own transitions. No test lives here."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bot.core.call import Call
from bot.core.canonical import Json, canonical_bytes
from bot.core.events import (
    Asked,
    CallRefused,
    Cancelled,
    CardShown,
    Delivered,
    Doubted,
    Event,
    Expired,
    Finished,
    Inquired,
    Judged,
    ModelReplied,
    Recorded,
    Said,
    Settled,
    Started,
    Tightened,
    Voted,
    Withdrawn,
)
from bot.core.journal import fold
from bot.core.run import Run
from bot.core.values import (
    Answer,
    ApprovalId,
    Binding,
    CallId,
    Choice,
    Ground,
    Judgement,
    Person,
    Place,
    Proposal,
    RunId,
    Terms,
    Verdict,
)

T0 = 1_700_000_000.0
ALICE, CAROL, DAN, XENA = (Person("T0ACME", f"U0{name}") for name in ("ALICE", "CAROL", "DAN", "XENA"))
XENA = Person("T0OTHER", "U0XENA")
PLACE = Place("T0ACME", "C0OPS", "1700000000.000100")
RUN = RunId("b" * 32)
CALL = CallId("call_" + "c" * 20)
APPROVAL = ApprovalId("a" * 32)
QUESTION = ApprovalId("e" * 32)
CARD = "1700000009.000100"
LATE = Finished(CALL, "t1", True, '{"ok": true}', 2.1)
LATE_FAILURE = Finished(CALL, "t1", False, "null", 0.3, "ValueError: There is no such group.")
ARGUMENTS: dict[str, Json] = {"user_id": "bob", "group": "okta-prod-admins", "duration": "48h"}


def binding(arguments: dict[str, Json] = ARGUMENTS, **changes: Any) -> Binding:
    raw = canonical_bytes(arguments)
    fields: dict[str, Any] = {
        "arguments": raw.decode(),
        "digest": hashlib.sha256(raw).hexdigest(),
        "definition": "d" * 64,
        "target": "okta",
        "system": "okta",
        "environment": "production",
        "risk": "high",
        "read_only": False,
        "on_crash": "ask",
    }
    return Binding(**fields | changes)


def judgement(**changes: Any) -> Judgement:
    fields: dict[str, Any] = {
        "verdict": Verdict.ASK,
        "reason": "Production admin access for 48h is broader than necessary.",
        "source": "BIGHUB",
        "risk": 0.78,
        "better_action": "Grant scoped Okta admin access for 2h instead of 48h",
    }
    return Judgement(**fields | changes)


def terms(**changes: Any) -> Terms:
    fields: dict[str, Any] = {
        "approval": APPROVAL,
        "approvers": ("group:S0SECURITY",),
        "quorum": 1,
        "requester_may_approve": False,
        "expires_at": T0 + 4 * 3_600,
    }
    return Terms(**fields | changes)


def asked_run(
    bound: Binding | None = None,
    judged: Judgement | None = None,
    agreed: Terms | None = None,
    *more: Event,
    action: str = "grant_access",
    words: str = "Bob needs it for the incident.",
    place: Place = PLACE,
    request: str = "please",
    shown: str = CARD,
) -> Run:
    """A run whose one call is asking, with its card standing at ``shown`` ("" for none), and whatever happened after."""
    proposal = Proposal(CALL, "wire", action, "{}", bound or binding())
    events: list[Event] = [
        Asked(ALICE, place, place.thread, request),
        ModelReplied("[]", words, (proposal,), 1),
        Judged(CALL, judged or judgement(), agreed or terms()),
    ]
    if shown:
        events.append(CardShown(CALL, place.channel, shown, "asking:0"))
    return run_of(*events, *more)


def run_of(*events: Event) -> Run:
    run = fold(RUN, [Recorded(seq, T0 + seq, event) for seq, event in enumerate(events, 1)])
    assert run is not None
    return run


def call_of(run: Run) -> Call:
    return run.calls[0]


def voted(person: Person = CAROL, choice: Choice = Choice.APPROVE, comment: str = "go ahead") -> Voted:
    return Voted(APPROVAL, person, choice, comment, "k:seal", "slack", CARD)


def inquired(question: str = "Which incident?", person: Person = CAROL) -> Inquired:
    return Inquired(APPROVAL, person, question, CARD)


def tightened(agreed: Terms, *void: Person, **changes: Any) -> Tightened:
    return Tightened(APPROVAL, replace(agreed, **changes), "k:seal", tuple(person.user for person in void))


def answered(number: int, question: str, answer: str) -> Iterator[Event]:
    """A question, where it stands in the thread, and what the requester wrote next; ``number`` counts from 0."""
    yield inquired(question)
    yield Delivered(f"inquiry:{CALL}:{number + 1}", f"17000000{number + 10}.000100")
    yield Said(ALICE, f"17000000{number + 10}.000200", answer)


def every_phase(**made: Any) -> Iterator[tuple[str, Run]]:
    """A run for each phase that a card can show, by the phase's name."""
    started = (voted(), Started(CALL, "t1", "w"))
    doubted = (*started, Doubted(CALL, "t1", QUESTION))
    expiring = terms(expires_at=T0 + 1)
    histories: dict[str, Sequence[Event]] = {
        "asking:0": (),
        "allowed": (voted(),),
        "started": started,
        "executed": (*started, Finished(CALL, "t1", True, '{"ok": true}', 2.1)),
        "failed": (*started, Finished(CALL, "t1", False, '{"error": "no such group"}', 0.3)),
        "denied": (voted(DAN, Choice.DENY, "too broad"),),
        "superseded": (CallRefused(CALL, Ground.SUPERSEDED, "The action was changed meanwhile."),),
        "frozen": (CallRefused(CALL, Ground.FROZEN, "Everything is frozen."),),
        "blocked": (CallRefused(CALL, Ground.BLOCKED, "Forbidden by policy."),),
        "cancelled": (Cancelled(ALICE, "never mind"),),
        "in_doubt": doubted,
        "in_doubt:unknown": (*doubted, Settled(CALL, Answer.UNKNOWN, DAN)),
        "settled: ran": (*doubted, Settled(CALL, Answer.DID_RUN, DAN)),
        "settled: did not run": (*doubted, Settled(CALL, Answer.DID_NOT_RUN, DAN)),
        "settled: by a probe": (*doubted, Settled(CALL, Answer.DID_RUN, None)),
        "settled: did not run, reported late": (*doubted, Settled(CALL, Answer.DID_NOT_RUN, DAN), LATE),
        "settled: ran, failed late": (*doubted, Settled(CALL, Answer.DID_RUN, DAN), LATE_FAILURE),
        "unknown, reported late": (*doubted, Settled(CALL, Answer.UNKNOWN, DAN), LATE),
    }
    for name, history in histories.items():
        yield name, asked_run(made.get("bound"), made.get("judged"), made.get("agreed"), *history)
    asking = (made.get("bound"), made.get("judged"), made.get("agreed"))
    yield "asking:0:?", asked_run(*asking, inquired())
    yield "asking:0:!", asked_run(*asking, *answered(0, "Which incident?", "INC-42"))
    yield "asking:0:1", asked_run(*asking, tightened(made.get("agreed") or terms(), quorum=2, comment_required=True))
    yield "withdrawn", asked_run(*asking, Withdrawn(APPROVAL, ALICE, CARD))
    yield "asking:1", asked_run(made.get("bound"), made.get("judged"), terms(quorum=2), voted())
    yield "expired", asked_run(made.get("bound"), made.get("judged"), expiring, Expired(APPROVAL))
