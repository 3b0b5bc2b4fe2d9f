"""Building blocks for stories about runs: people, places, proposals, and a `Story` that records events as the door would."""

from dataclasses import dataclass, field

from bot.core.events import Asked, Delivered, Event, Judged, ModelReplied, Recorded, Said, Voted
from bot.core.journal import applied_or_refused
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import (
    ApprovalId,
    Binding,
    CallId,
    Choice,
    Judgement,
    Person,
    Place,
    Proposal,
    RunId,
    Terms,
    Verdict,
)

ALICE, BOB, CAROL = Person("T1", "U0ALICE"), Person("T1", "U0BOB"), Person("T1", "U0CAROL")
PLACE = Place("T1", "C0OPS", "1700000000.000100")
RUN = RunId("run1")
"""Everything happens at second 1000 unless a story says otherwise; approvals expire at 5000."""
NOON, LATE = 1000.0, 5000.0


def asked(text: str = "grant bob admin", previous: RunId | None = None) -> Asked:
    return Asked(ALICE, PLACE, PLACE.thread, text, previous)


def said(text: str, person: Person = ALICE, message: str = "1700000000.000200") -> Said:
    return Said(person, message, text)


def binding(arguments: str = '{"user_id":"bob"}', environment: str = "production") -> Binding:
    return Binding(arguments, "d" * 64, "f" * 64, "okta", "okta", environment, "high", False, "ask")


def proposal(call: str = "t1c1", *, valid: bool = True, action: str = "grant_access") -> Proposal:
    bound = binding() if valid else None
    return Proposal(
        CallId(call), f"wire_{call}", action, '{"user_id":"bob"}', bound, "" if valid else "There is no such action."
    )


def replied(*proposals: Proposal, text: str = "", heard: int = 1) -> ModelReplied:
    return ModelReplied("[]", text, proposals, heard)


def judged(
    call: str = "t1c1", verdict: Verdict = Verdict.ASK, *, needs_context: bool = False, quorum: int = 1
) -> Judged:
    judgement = Judgement(verdict, "because", "BIGHUB", 0.7, needs_context=needs_context, request_id="req_1")
    asking = verdict is Verdict.ASK and not needs_context
    return Judged(CallId(call), judgement, terms(call, quorum) if asking else None)


def terms(call: str = "t1c1", quorum: int = 1) -> Terms:
    return Terms(ApprovalId(f"ap_{call}"), ("group:S0SECURITY",), quorum, False, LATE)


def voted(choice: Choice = Choice.APPROVE, call: str = "t1c1", person: Person = CAROL, message: str = "card") -> Voted:
    return Voted(ApprovalId(f"ap_{call}"), person, choice, "", "seal", "slack", message)


def reply_delivered(number: int = 1) -> Delivered:
    return Delivered(f"reply:{number}", "ts")


@dataclass
class Story:
    """A run, told event by event; ``journal`` is what a store would keep."""

    run: Run | None = None
    journal: list[Recorded] = field(default_factory=list)

    def tell(self, *events: Event, at: float = NOON) -> Run:
        """These events happen; each must be legal."""
        for event in events:
            refused = self.try_to(event, at=at)
            assert refused is None, f"{event} was refused: {refused}"
        assert self.run is not None
        return self.run

    def try_to(self, event: Event, *, at: float = NOON) -> Refused | None:
        """This event is tried: recorded, or refused and nothing changes."""
        after = applied_or_refused(RUN, self.run, event, at)
        if isinstance(after, Refused):
            return after
        self.run = after
        self.journal.append(Recorded(len(self.journal) + 1, at, event))
        return None


def story(*events: Event) -> Story:
    told = Story()
    told.tell(asked(), *events)
    return told
