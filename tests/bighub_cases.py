"""Questions and histories for the tests of BIGHUB's guard."""

import json

from bot.core.call import Call
from bot.core.events import Asked, Event, Expired, Finished, Judged, ModelReplied, Started, Voted
from bot.core.run import Run, apply, begin
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
from bot.ports import Question

ALICE, CAROL = Person("T1", "UALICE"), Person("T1", "UCAROL")
PLACE = Place("T1", "COPS", "1.0")
BINDING = Binding("{}", "digest1", "def1", "okta-admins", "okta", "production", "high", False, "ask")
APPROVAL = ApprovalId("ap1")
TERMS = Terms(APPROVAL, ("user:UCAROL",), 1, False, 1000.0)


def question(key: str = "run1:call1:digest1", request: str = "please", earlier: tuple[str, ...] = ()) -> Question:
    arguments = json.dumps({"user": "bob", "token": "[secret, 12 characters]"})
    return Question(RunId("run1"), key, "grant_access", arguments, BINDING, ALICE, PLACE, request, earlier)


def history(
    judgement: Judgement, *events: Event, binding: Binding | None = BINDING, brief: str = ""
) -> tuple[Run, Call]:
    """A run whose only call was judged (where it has a binding), and to which `events` happened."""
    refusal = "" if binding else "user is missing."
    proposal = Proposal(
        CallId("c1"), "w1", "grant_access", binding.arguments if binding else "nonsense", binding, refusal
    )
    run = begin(RunId("run1"), Asked(ALICE, PLACE, "1.0", "please", brief=brief), 1.0)
    terms = TERMS if judgement.verdict is Verdict.ASK else None
    judged = (Judged(CallId("c1"), judgement, terms),) if binding else ()
    for event in (ModelReplied("[]", "", (proposal,), 1), *judged, *events):
        run = after(run, event, 2000.0 if isinstance(event, Expired) else 2.0)
    return run, run.calls[0]


def after(run: Run, event: Event, at: float) -> Run:
    """The run after an event that is legal."""
    now = apply(run, event, at)
    assert isinstance(now, Run), now
    return now


def voted(choice: Choice, comment: str = "") -> Voted:
    return Voted(APPROVAL, CAROL, choice, comment, "seal", "shell")


RAN = (Started(CallId("c1"), "a1", "w"), Finished(CallId("c1"), "a1", True, '{"ok":true}', 2.1))
