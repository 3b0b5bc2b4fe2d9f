"""Questions and histories for the tests of BIGHUB's guard."""

import json

from bot.core.call import Call
from bot.core.events import (
    ApprovalId,
    Asked,
    Binding,
    CallId,
    Choice,
    Event,
    Expired,
    Finished,
    Judged,
    Judgement,
    ModelReplied,
    Person,
    Place,
    Proposal,
    RunId,
    Started,
    Terms,
    Verdict,
    Voted,
)
from bot.core.run import Run, apply, begin
from bot.ports import Question

ALICE, CAROL = Person("T1", "UALICE"), Person("T1", "UCAROL")
PLACE = Place("T1", "COPS", "1.0")
BINDING = Binding("{}", "digest1", "def1", "okta-admins", "okta", "production", "high", False, "ask")
APPROVAL = ApprovalId("ap1")
TERMS = Terms(APPROVAL, ("user:UCAROL",), 1, False, 1000.0)


def question(key: str = "run1:call1:digest1", request: str = "please") -> Question:
    arguments = json.dumps({"user": "bob", "token": "[secret, 12 characters]"})
    return Question(RunId("run1"), key, "grant_access", arguments, BINDING, ALICE, PLACE, request)


def history(judgement: Judgement, *events: Event) -> tuple[Run, Call]:
    """A run whose only call was judged, and to which `events` happened."""
    proposal = Proposal(CallId("c1"), "w1", "grant_access", "{}", BINDING)
    run = begin(RunId("run1"), Asked(ALICE, PLACE, "1.0", "please"), 1.0)
    terms = TERMS if judgement.verdict is Verdict.ASK else None
    for event in (ModelReplied("[]", "", (proposal,), 1), Judged(CallId("c1"), judgement, terms), *events):
        after = apply(run, event, 2000.0 if isinstance(event, Expired) else 2.0)
        assert isinstance(after, Run), after
        run = after
    return run, run.calls[0]


def voted(choice: Choice, comment: str = "") -> Voted:
    return Voted(APPROVAL, CAROL, choice, comment, "seal", "shell")


RAN = (Started(CallId("c1"), "a1", "w"), Finished(CallId("c1"), "a1", True, '{"ok":true}', 2.1))
