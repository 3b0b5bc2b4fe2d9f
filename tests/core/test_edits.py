"""What a person changes is judged anew: the old question is superseded, and nothing of its votes is left (R14, S7)."""

import json
from dataclasses import replace

from bot.core.approval import Resolution
from bot.core.call import CallState, Outcome
from bot.core.changes import NEXT_IS_EDITED, NEXT_IS_SAFER, before, editors, safer_than
from bot.core.effects import Judge
from bot.core.events import Doubted, Edited, Finished, SaferAsked, Settled, Started
from bot.core.owed import pending
from bot.core.run import RunState
from bot.core.transcript import items
from bot.core.values import Answer, ApprovalId, CallId, Choice, Proposal, Verdict
from tests.core.runs import CAROL, Story, binding, judged, proposal, replied, story, voted


def changed(call: str = "t1c1e", wire: str = "wire_t1c1", action: str = "grant_access") -> Proposal:
    return Proposal(CallId(call), wire, action, '{"user_id":"eve"}', binding('{"user_id":"eve"}'))


def edited(proposal: Proposal | None = None, call: str = "t1c1") -> Edited:
    return Edited(CallId(call), proposal or changed(), CAROL)


def asking() -> Story:
    items = json.dumps([{"type": "function_call", "call_id": "wire_t1c1", "name": "grant_access", "arguments": "{}"}])
    return story(replace(replied(proposal()), items=items), judged())


def test_an_edit_supersedes_the_question_and_is_judged_anew() -> None:
    run = asking().tell(edited())
    old, new = run.calls
    assert (old.state, old.outcome) == (CallState.REFUSED, Outcome.SUPERSEDED)
    assert old.approval is not None and old.approval.resolution is Resolution.SUPERSEDED
    assert (new.state, new.edits, new.turn, new.approval) == (CallState.PROPOSED, "t1c1", 1, None)
    assert [each for each in pending(run) if isinstance(each, Judge)] == [Judge(CallId("t1c1e"))]


def test_a_vote_on_the_old_question_is_too_late() -> None:
    told = asking()
    told.tell(edited())
    assert told.try_to(voted(message="")) is not None


def test_the_model_gets_one_output_for_its_call_and_it_is_what_the_call_became() -> None:
    told = asking()
    told.tell(edited(), judged("t1c1e"), replace(voted(Choice.APPROVE, "t1c1e"), via="shell"))
    run = told.tell(Started(CallId("t1c1e"), "a", "w"), Finished(CallId("t1c1e"), "a", True, '"ok"', 0.1))
    assert run.state is RunState.THINKING
    outputs = [item for item in items(run) if item.get("type") == "function_call_output"]
    assert [item["call_id"] for item in outputs] == ["wire_t1c1"]
    said = json.loads(outputs[0]["output"])
    assert (said["status"], said["output"], said["changed_by_a_person"]) == ("executed", "ok", {"user_id": "eve"})
    assert said["changes"] == {"user_id": {"from": "bob", "to": "eve"}} and said["note"] == NEXT_IS_EDITED


def test_a_secret_that_a_person_typed_is_not_told_to_the_model() -> None:
    told, secret = asking(), changed()
    assert secret.binding is not None
    told.tell(edited(replace(secret, binding=replace(secret.binding, secret=("user_id",)))), judged("t1c1e"))
    run = told.tell(replace(voted(Choice.DENY, "t1c1e"), via="shell"))
    assert not any("eve" in item.get("output", "") for item in items(run))


def test_an_edit_is_another_value_for_the_same_call_and_nothing_else() -> None:
    for wrong in (
        changed(wire="another"),
        changed(action="delete_everything"),
        changed(call="t1c1"),
        replace(changed(), binding=None),
    ):
        told = asking()
        assert told.try_to(edited(wrong)) is not None
        assert told.run is not None and len(told.run.calls) == 1


def test_only_what_is_asked_about_can_be_edited() -> None:
    proposed, approved = story(replied(proposal())), asking()
    approved.tell(replace(voted(), via="shell"))
    assert proposed.try_to(edited()) is not None
    assert approved.try_to(edited()) is not None


def test_s28_something_safer_supersedes_the_question_and_the_model_is_asked_for_it() -> None:
    told = asking()
    run = told.tell(SaferAsked(CallId("t1c1"), CAROL))
    assert run.state is RunState.THINKING and run.calls[0].outcome is Outcome.SUPERSEDED
    assert run.calls[0].approval is not None and run.calls[0].approval.resolution is Resolution.SUPERSEDED
    (output,) = [json.loads(item["output"]) for item in items(run) if item.get("type") == "function_call_output"]
    assert (output["status"], output["note"]) == ("superseded", NEXT_IS_SAFER) and "U0CAROL" in output["reason"]
    assert told.try_to(voted(message="")) is not None


def test_what_the_model_proposes_next_that_changes_something_is_the_safer_alternative() -> None:
    told = asking()
    told.tell(SaferAsked(CallId("t1c1"), CAROL))
    bound = binding()
    reading = replace(proposal("t2c1", action="look"), binding=replace(bound, read_only=True))
    run = told.tell(
        replied(reading, heard=1), judged("t2c1", Verdict.DENY), replied(proposal("t3c1"), proposal("t3c2"))
    )
    run = told.tell(judged("t3c1", Verdict.DENY), judged("t3c2", Verdict.DENY), replied(proposal("t4c1")))
    links = {
        call.proposal.call: (found.proposal.call if (found := safer_than(call, run.calls)) else None)
        for call in run.calls
    }
    assert links == {"t1c1": None, "t2c1": None, "t3c1": "t1c1", "t3c2": "t1c1", "t4c1": None}


def test_of_several_wishes_an_alternative_is_rather_to_one_of_the_same_action() -> None:
    other = replace(proposal("t1c2"), action="pay")
    told = story(replied(proposal(), other), judged(), judged("t1c2"))
    told.tell(SaferAsked(CallId("t1c1"), CAROL), SaferAsked(CallId("t1c2"), CAROL))
    run = told.tell(replied(replace(proposal("t2c1"), action="pay"), proposal("t2c2"), proposal("t2c3", action="new")))
    found = [safer_than(call, run.calls) for call in run.calls[2:]]
    assert [old.proposal.call if old else None for old in found] == ["t1c2", "t1c1", "t1c1"]


def test_a_call_in_place_of_an_edited_one_that_did_not_run_has_the_same_editors() -> None:
    told = asking()
    told.tell(edited(), judged("t1c1e"), replace(voted(Choice.APPROVE, "t1c1e"), via="shell"))
    told.tell(Started(CallId("t1c1e"), "a", "w"), Doubted(CallId("t1c1e"), "a", ApprovalId("q")))
    run = told.tell(Settled(CallId("t1c1e"), Answer.DID_NOT_RUN, CAROL))
    new = run.call("t1c1e-2")
    assert new is not None and editors(new, run.calls) == ("U0CAROL",)
    assert (old := before(new, run.calls)) is not None and old.proposal.call == "t1c1"
