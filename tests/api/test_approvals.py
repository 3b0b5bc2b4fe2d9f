"""R1, R5, H6, H17, H22: a program decides; what was asked about runs once, the model sees what came of it, and nothing else runs."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from bot import AdapterConfigurationError, AsyncBighubOpenAI
from bot.core.call import CallState
from bot.core.events import Asked
from bot.core.run import Run
from bot.core.values import CallId, Judgement, Proposal, RunId, Verdict
from bot.sql.store import open_store
from tests.api.bighub_fakes import OnlyActions
from tests.api.stage import ASKED, GRANT, Stage, statuses
from tests.core.runs import binding
from tests.engine.world import ALICE, PLACE, World, wishing
from tests.servers.bighub_decisions import blocked, decision, needs_context, review
from tests.servers.faults import Fault, Hang
from tests.servers.model_server import Calls, Text

Answer = Any


async def asked(stage: Stage, agent: AsyncBighubOpenAI, *arguments: dict[str, Any]) -> dict[str, Any]:
    """A run that waits for approval."""
    stage.review()
    stage.wish(*arguments)
    return await agent.run(messages=ASKED, model="gpt-5.5")


def request_of(response: dict[str, Any], number: int = -1) -> str:
    return str(response["execution"]["events"][number]["request_id"])


def saying(answer: Answer, seen: list[dict[str, Any]] | None = None) -> Callable[[dict[str, Any]], Answer]:
    def decide(context: dict[str, Any]) -> Answer:
        if seen is not None:
            seen.append(context)
        return answer

    return decide


# --- run and resume ------------------------------------------------------------------------------------------------------


async def test_a_run_returns_when_only_asked_calls_remain(stage: Stage) -> None:
    agent = await stage.agent()
    stage.bighub.rules = lambda body: decision() if body["context"]["arguments"]["user_id"] == "bob" else review()
    stage.wish(GRANT, {**GRANT, "user_id": "bob"})
    response = await agent.run(messages=ASKED, model="gpt-5.5")
    assert statuses(response) == ["approval_required", "executed"]
    assert [grant["user_id"] for grant in stage.granted] == ["bob"]
    assert len(stage.model.requests) == 1  # H17: the model is not called again while somebody has to decide
    assert response["output"][-1]["type"] == "function_call"


async def test_resuming_continues_that_run_and_the_model_answers(stage: Stage) -> None:
    agent = await stage.agent()
    response = await asked(stage, agent)
    result = await agent.resume_after_approval(
        tool_name="grant_access", arguments=GRANT, request_id=request_of(response), comment="on-call"
    )
    assert (result["resolved"], result["resumed"], result["tool_output"]["ok"]) == (True, True, True)
    assert result["response"]["output_text"] == "Done." and result["response"]["run_id"] == response["run_id"]
    assert statuses(result["response"]) == ["approval_required", "executed"]
    assert stage.model.outputs().popitem()[1]["status"] == "executed"
    assert (
        stage.bighub.resolutions[0]["resolution"] == "approved" and stage.bighub.resolutions[0]["comment"] == "on-call"
    )
    assert [outcome["status"] for outcome in stage.bighub.outcomes] == ["SUCCESS"]


async def test_the_same_request_id_again_gets_the_first_result_and_runs_nothing(stage: Stage) -> None:
    agent = await stage.agent()
    request_id = request_of(await asked(stage, agent))
    given: dict[str, Any] = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_id}
    first = await agent.resume_after_approval(**given)
    again = await agent.resume_after_approval(**given)
    denied = await agent.resume_after_approval(**given, resolution="denied")
    assert first == again == denied and len(stage.granted) == 1 and len(stage.bighub.resolutions) == 1


async def test_two_who_resume_at_once_run_it_once(stage: Stage) -> None:
    agent = await stage.agent()
    request_id = request_of(await asked(stage, agent))
    given: dict[str, Any] = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_id}
    results = await asyncio.gather(*(agent.resume_after_approval(**given) for _ in range(8)))
    assert len(stage.granted) == 1 and all(result == results[0] for result in results)


@pytest.mark.parametrize(
    "other",
    [{**GRANT, "duration": "1000h"}, {**GRANT, "extra": 1}, {"user_id": "alice"}],
    ids=["value", "more", "less"],
)
async def test_other_arguments_than_were_judged_are_refused(stage: Stage, other: dict[str, Any]) -> None:
    agent = await stage.agent()
    request_id = request_of(await asked(stage, agent))
    with pytest.raises(AdapterConfigurationError):
        await agent.resume_after_approval(tool_name="grant_access", arguments=other, request_id=request_id)
    assert stage.granted == [] and stage.bighub.resolutions == []
    done = await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id=request_id)
    assert done["resumed"]


async def test_a_denial_reaches_the_model_with_its_comment(stage: Stage) -> None:
    agent = await stage.agent()
    request_id = request_of(await asked(stage, agent))
    result = await agent.resume_after_approval(
        tool_name="grant_access", arguments=GRANT, request_id=request_id, resolution="denied", comment="Too long."
    )
    assert (result["resolved"], result["resumed"]) == (True, False) and "tool_output" not in result
    told = stage.model.outputs().popitem()[1]
    assert (told["status"], told["outcome"], told["reason"]) == ("blocked", "denied", "Too long.")
    assert statuses(result["response"]) == ["approval_required", "blocked"] and stage.granted == []


async def test_several_approvals_of_one_turn_are_resumed_one_after_the_other(stage: Stage) -> None:
    agent = await stage.agent()
    second = {**GRANT, "user_id": "bob"}
    response = await asked(stage, agent, GRANT, second)
    first = await agent.resume_after_approval(
        tool_name="grant_access", arguments=second, request_id=request_of(response, 1)
    )
    assert first["resumed"] and len(stage.model.requests) == 1
    last = await agent.resume_after_approval(
        tool_name="grant_access", arguments=GRANT, request_id=request_of(response, 0)
    )
    assert last["response"]["output_text"] == "Done." and len(stage.model.requests) == 2
    assert [grant["user_id"] for grant in stage.granted] == ["bob", "alice"]


async def test_what_bighub_says_of_a_resolution_counts(stage: Stage) -> None:
    """Denied on BIGHUB's own dashboard meanwhile: an approval here changes nothing."""
    agent = await stage.agent()
    request_id = request_of(await asked(stage, agent))
    stage.bighub.resolve_elsewhere(request_id, "denied")
    result = await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id=request_id)
    assert not result["resumed"] and result["error"] and stage.granted == []


async def test_a_resolution_that_bighub_did_not_take_decides_nothing(stage: Stage) -> None:
    agent = await stage.agent()
    request_id = request_of(await asked(stage, agent))
    stage.bighub.fail("resolve", Fault(500), times=1)
    given: dict[str, Any] = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_id}
    with pytest.raises(Exception, match=r"5\d\d|server"):
        await agent.resume_after_approval(**given)
    assert stage.granted == []
    assert (await agent.resume_after_approval(**given))["resumed"] and len(stage.granted) == 1


# --- another process ---------------------------------------------------------------------------------------------------------


async def test_another_process_resumes_a_run_from_the_shared_store(stage: Stage, empty_url: str) -> None:
    asker, resumer = await stage.agent(store=empty_url), await stage.agent(store=empty_url)
    response = await asked(stage, asker)
    given: dict[str, Any] = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_of(response)}
    result = await resumer.resume_after_approval(**given)
    assert result["resumed"] and result["response"]["output_text"] == "Done."
    again = await asker.resume_after_approval(**given)
    assert again["tool_output"] == result["tool_output"] and len(stage.granted) == 1
    assert stage.model.requests[-1]["input"][0] == ASKED[0]


async def test_every_parameter_of_the_caller_is_kept_across_processes(stage: Stage, sqlite_url: str) -> None:
    asker, resumer = await stage.agent(store=sqlite_url), await stage.agent(store=sqlite_url)
    stage.review()
    stage.wish()
    extra = {"max_output_tokens": 500, "metadata": {"team": "ops"}}
    response = await asker.run(
        messages=ASKED, model="gpt-5.5", instructions="Be brief.", temperature=0.2, extra_create_args=extra
    )
    given: dict[str, Any] = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_of(response)}
    await resumer.resume_after_approval(**given)
    for name in ("model", "instructions", "temperature", "max_output_tokens", "metadata", "tools", "store"):
        assert stage.model.requests[0][name] == stage.model.requests[1][name]


async def test_what_json_cannot_carry_is_kept_until_the_run_ends_where_it_was_asked(stage: Stage) -> None:
    class Client:
        """Notes what it is given, and asks the stage's model."""

        def __init__(self) -> None:
            self.responses, self.seen = self, list[Any]()

        async def create(self, **given: Any) -> Any:
            self.seen.append(given["text_format"])
            name = {"type": "function_call", "call_id": "c1", "name": "grant_access", "arguments": json.dumps(GRANT)}
            return {"output": [name]} if len(self.seen) == 1 else {"output": [], "output_text": "Done."}

    client = Client()
    agent = await stage.agent(openai_client=client)
    stage.review()
    response = await agent.run(messages=ASKED, model="gpt-5.5", extra_create_args={"text_format": Client})
    given: dict[str, Any] = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_of(response)}
    assert (await agent.resume_after_approval(**given))["response"]["output_text"] == "Done."
    assert client.seen == [Client, Client]


async def test_a_request_id_that_a_shared_store_does_not_know_is_refused(stage: Stage, sqlite_url: str) -> None:
    agent = await stage.agent(store=sqlite_url)
    with pytest.raises(AdapterConfigurationError, match="No run"):
        await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id="req_unknown")
    assert stage.granted == [] and stage.bighub.resolutions == []


async def test_s23_bighub_hears_of_no_approval_that_a_freeze_refuses_here(stage: Stage, sqlite_url: str) -> None:
    agent = await stage.agent(store=sqlite_url)
    given: dict[str, Any] = {
        "tool_name": "grant_access",
        "arguments": GRANT,
        "request_id": request_of(await asked(stage, agent)),
    }
    store = open_store(sqlite_url)
    await store.write(lambda tx: tx.set_freeze("all", "incident 7", "U0BOB"))
    await store.close()
    held = await agent.resume_after_approval(**given, resolution="approved")
    assert not held["resolved"] and "incident 7" in held["error"]
    assert stage.granted == [] and stage.bighub.resolutions == []
    denied = await agent.resume_after_approval(**given, resolution="denied")
    assert denied["resolved"] and [each["resolution"] for each in stage.bighub.resolutions] == ["denied"]


async def test_a_request_that_a_bot_asked_people_about_is_none_that_a_program_may_resume(
    stage: Stage, sqlite_url: str
) -> None:
    agent = await stage.agent(store=sqlite_url)
    assert (await agent.check_tool("grant_access", GRANT))["_resolved_action"] == "execute"  # now there are tables
    store = open_store(sqlite_url)
    call, world = wishing(("grant_access", GRANT)).wishes[0], World(store)
    proposal = Proposal(CallId("t1c1"), call.wire, call.action, call.arguments, binding(json.dumps(GRANT)))
    judgement = Judgement(Verdict.ASK, "Look.", "BIGHUB", request_id="req_of_the_bot", decision="{}")
    begun = await world.engine.programs.ask(RunId("r1"), Asked(ALICE, PLACE, "1.0", "grant"), proposal, judgement)
    await store.close()
    assert isinstance(begun, Run) and begun.calls[0].state is CallState.ASKING
    with pytest.raises(AdapterConfigurationError, match="No run in this store waits for req_of_the_bot"):
        await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id="req_of_the_bot")


async def test_without_a_store_a_request_from_elsewhere_is_taken_at_the_programs_word_once(stage: Stage) -> None:
    """A program of 0.1.0b5 may ask in one process and resume in another."""
    asker, resumer = await stage.agent(), await stage.agent()
    given: dict[str, Any] = {
        "tool_name": "grant_access",
        "arguments": GRANT,
        "request_id": request_of(await asked(stage, asker)),
    }
    results = [await resumer.resume_after_approval(**given) for _ in range(3)]
    assert len(stage.granted) == 1 and results[0]["resumed"] and results[0] == results[1] == results[2]
    with pytest.raises(AdapterConfigurationError, match="other arguments"):
        await resumer.resume_after_approval(**{**given, "arguments": {**GRANT, "duration": "1h"}})


# --- a callback --------------------------------------------------------------------------------------------------------------------


async def test_a_callback_decides_inside_the_loop(stage: Stage) -> None:
    agent, seen = await stage.agent(), list[dict[str, Any]]()
    stage.review()
    stage.wish()
    answer = {"resolution": "approved", "comment": "approved by on-call"}
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(answer, seen))
    loop = result["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"]) == (True, True, True)
    assert loop["tool_output"]["ok"] is True and loop["request_id"] == seen[0]["request_id"]
    assert seen[0]["event"]["status"] == "approval_required" and seen[0]["event"]["arguments"] == GRANT
    assert seen[0]["response"]["execution"]["last"] == seen[0]["event"]
    assert result["output_text"] == "Done." and statuses(result) == ["approval_required", "executed"]
    assert len(stage.bighub.evaluations) == 1  # H17


async def test_an_asynchronous_callback_is_awaited(stage: Stage) -> None:
    agent = await stage.agent()
    stage.review()
    stage.wish()

    async def decide(context: dict[str, Any]) -> dict[str, str]:
        await asyncio.sleep(0.01)
        return {"resolution": "denied", "comment": "No."}

    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=decide)
    assert result["approval_loop"]["resumed"] is False and result["output_text"] == "Done." and stage.granted == []


@pytest.mark.parametrize(
    "answer",
    [
        {"comment": "please deny this"},
        {"resolution": "approved by on-call"},
        {"resolution": None},
        {"resolution": True},
        {"resolution": ["approved"]},
        {"approved": True},
        ["approved"],
        True,
    ],
    ids=str,
)
async def test_a_resolution_without_a_clear_approved_is_a_denial(stage: Stage, answer: Answer) -> None:
    """H22."""
    agent = await stage.agent()
    stage.review()
    stage.wish()
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(answer))
    assert result["approval_loop"]["resolved"] and not result["approval_loop"]["resumed"] and stage.granted == []
    assert stage.bighub.resolutions[0]["resolution"] == "denied"


@pytest.mark.parametrize("answer", [None, {}, ""])
async def test_a_callback_that_says_nothing_leaves_it_open(stage: Stage, answer: Answer) -> None:
    agent = await stage.agent()
    stage.review()
    stage.wish()
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(answer))
    loop = result["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"]) == (True, False, False)
    assert loop["request_id"] == request_of(result) and stage.bighub.resolutions == []
    later = await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id=loop["request_id"])
    assert later["resumed"]


async def test_nothing_to_approve_is_said_as_well(stage: Stage) -> None:
    agent = await stage.agent()
    stage.wish()
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(None))
    assert result["approval_loop"] == {"required": False, "resolved": False, "resumed": False}


async def test_every_approval_of_a_turn_is_offered(stage: Stage) -> None:
    """H22: not only the last one."""
    agent, seen = await stage.agent(), list[dict[str, Any]]()
    stage.review()
    stage.wish(GRANT, {**GRANT, "user_id": "bob"}, {**GRANT, "user_id": "eve"})

    def decide(context: dict[str, Any]) -> dict[str, str]:
        seen.append(context)
        return {"resolution": "denied" if context["event"]["arguments"]["user_id"] == "eve" else "approved"}

    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=decide)
    assert [context["event"]["arguments"]["user_id"] for context in seen] == ["alice", "bob", "eve"]
    assert [grant["user_id"] for grant in stage.granted] == ["alice", "bob"]
    assert [each["resumed"] for each in result["approvals"]] == [True, True, False]


async def test_an_approval_in_a_later_turn_is_offered_too(stage: Stage) -> None:
    agent = await stage.agent()
    stage.review()
    stage.model.say(
        Calls([("grant_access", GRANT)]), Calls([("grant_access", {**GRANT, "user_id": "bob"})]), Text("Both.")
    )
    result = await agent.run_with_approval(
        messages=ASKED, model="gpt-5.5", on_approval_required=saying({"resolution": "approved"})
    )
    assert len(stage.granted) == 2 and result["output_text"] == "Both." and len(result["approvals"]) == 2


async def test_edited_arguments_are_judged_anew_before_anything_runs(stage: Stage) -> None:
    agent, seen = await stage.agent(), list[dict[str, Any]]()
    stage.review()
    stage.wish()
    answer = {"resolution": "approved", "arguments": {**GRANT, "duration": "2h"}}
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(answer, seen))
    judged = [evaluation.body["context"]["arguments"]["duration"] for evaluation in stage.bighub.evaluations]
    assert judged == ["48h", "2h"] and [grant["duration"] for grant in stage.granted] == ["2h"]
    assert seen[0]["request_id"] != seen[1]["request_id"]
    assert [each.get("edited", False) for each in result["approvals"]] == [True, False]
    told = stage.model.outputs().popitem()[1]
    assert told["status"] == "executed" and told["changed_by_a_person"]["duration"] == "2h"
    resolved = {each["request_id"]: each["resolution"] for each in stage.bighub.resolutions}
    assert resolved == {seen[0]["request_id"]: "denied", seen[1]["request_id"]: "approved"}


async def test_edited_arguments_that_bighub_allows_run_without_another_question(stage: Stage) -> None:
    agent, seen = await stage.agent(), list[dict[str, Any]]()
    stage.bighub.rules = lambda body: decision() if body["context"]["arguments"]["duration"] == "2h" else review()
    stage.wish()
    answer = {"resolution": "approved", "arguments": {**GRANT, "duration": "2h"}}
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(answer, seen))
    assert len(seen) == 1 and result["approval_loop"]["tool_output"]["duration"] == "2h"


async def test_edited_arguments_that_bighub_blocks_do_not_run(stage: Stage) -> None:
    agent = await stage.agent()
    stage.bighub.rules = lambda body: blocked() if body["context"]["arguments"]["duration"] == "999h" else review()
    stage.wish()
    answer = {"resolution": "approved", "arguments": {**GRANT, "duration": "999h"}}
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(answer))
    assert stage.granted == [] and not result["approval_loop"]["resumed"]


@pytest.mark.parametrize("changed", [{"user_id": 7}, {**GRANT, "more": 1}, "everything", []], ids=str)
async def test_edited_arguments_that_do_not_fit_are_a_denial(stage: Stage, changed: Answer) -> None:
    agent = await stage.agent()
    stage.review()
    stage.wish()
    answer = {"resolution": "approved", "arguments": changed}
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=saying(answer))
    assert stage.granted == [] and result["approval_loop"]["error"] and len(stage.bighub.evaluations) == 1


async def test_a_callback_that_never_stops_editing_comes_to_an_end(stage: Stage) -> None:
    agent = await stage.agent()
    stage.review()
    stage.wish()
    count = 0

    def decide(context: dict[str, Any]) -> dict[str, Any]:
        nonlocal count
        count += 1
        return {"resolution": "approved", "arguments": {**GRANT, "duration": f"{count}h"}}

    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=decide)
    assert stage.granted == [] and count < 50 and not result["approval_loop"]["resumed"]


async def test_a_callback_that_fails_leaves_the_approval_open(stage: Stage) -> None:
    agent = await stage.agent()
    stage.review()
    stage.wish()

    def decide(context: dict[str, Any]) -> None:
        raise LookupError("nobody is on call")

    with pytest.raises(LookupError, match="on call"):
        await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=decide)
    request_id = next(iter(stage.bighub.approvals))
    done = await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id=request_id)
    assert done["resumed"]


# --- looking without running ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "action"),
    [(decision(), "execute"), (review(), "approval_required"), (blocked(), "blocked"), (needs_context(), "blocked")],
)
async def test_check_tool_says_what_would_happen_and_runs_nothing(
    stage: Stage, answer: dict[str, Any], action: str
) -> None:
    agent = await stage.agent()
    stage.bighub.default = answer
    checked = await agent.check_tool("grant_access", GRANT)
    assert checked["_resolved_action"] == action and checked["mode"] == answer["mode"] and stage.granted == []


async def test_what_check_tool_found_can_be_resumed(stage: Stage) -> None:
    agent = await stage.agent()
    stage.review()
    request_id = (await agent.check_tool("grant_access", GRANT))["request_id"]
    result = await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id=request_id)
    assert result["resumed"] and len(stage.granted) == 1 and stage.model.requests == []


@pytest.mark.parametrize("answer", [{"foo": 1}, {}], ids=repr)
async def test_check_tool_says_why_a_decision_that_is_none_blocks(stage: Stage, answer: dict[str, Any]) -> None:
    agent = await stage.agent(bighub=(client := OnlyActions(answer)))
    checked = await agent.check_tool("grant_access", GRANT)
    assert checked.pop("reason") == "BIGHUB's answer holds no decision. Nothing runs without one."
    assert checked == {**answer, "_resolved_action": "blocked"} and len(client.actions.submitted) == 1


async def test_check_tool_shows_bighub_nothing_that_could_not_run(stage: Stage) -> None:
    agent = await stage.agent()
    checked = await agent.check_tool("grant_access", {"user_id": 7})
    assert checked["_resolved_action"] == "blocked" and stage.bighub.evaluations == []
    with pytest.raises(AdapterConfigurationError, match="not registered"):
        await agent.check_tool("delete_everything", {})


# --- a report that is slow, and one that must arrive and does not -----------------------------------------------------


async def test_h24_slow_reports_hold_up_a_whole_approval_loop_once(stage: Stage) -> None:
    agent = await stage.agent(memory_ingest_timeout_ms=1_000)
    stage.review()
    stage.bighub.fail("report", Hang())
    stage.bighub.fail("memory", Hang())
    stage.wish(*({**GRANT, "user_id": name} for name in ("alice", "bob", "eve", "mallory")))
    began = asyncio.get_running_loop().time()
    result = await agent.run_with_approval(
        messages=ASKED, model="gpt-5.5", on_approval_required=saying({"resolution": "approved"})
    )
    assert len(result["approvals"]) == len(stage.granted) == 4 and result["output_text"] == "Done."
    assert asyncio.get_running_loop().time() - began < 3.5  # 1 s, and what the rest takes


async def test_a_required_report_that_fails_ends_no_approval_loop_before_its_end(stage: Stage) -> None:
    agent, seen = await stage.agent(outcome_reporting_required=True), list[dict[str, Any]]()
    stage.review()
    stage.bighub.fail("report", Fault(500))
    stage.wish(GRANT, {**GRANT, "user_id": "bob"})
    with pytest.raises(RuntimeError, match="outcome report failed") as raised:
        await agent.run_with_approval(
            messages=ASKED, model="gpt-5.5", on_approval_required=saying({"resolution": "approved"}, seen)
        )
    response = raised.value.response  # type: ignore[attr-defined]
    assert len(seen) == len(stage.granted) == len(stage.model.requests) == 2
    assert [each["resumed"] for each in response["approvals"]] == [True, True] and response["output_text"] == "Done."
    assert [event["status"] for event in stage.bighub.memory_events()].count("executed") == 2


async def test_a_required_report_that_fails_offers_what_waits_beside_it(stage: Stage) -> None:
    """One call runs at once and cannot be reported; the other one is asked about all the same."""
    agent, seen = await stage.agent(outcome_reporting_required=True), list[dict[str, Any]]()
    stage.bighub.rules = lambda body: decision() if body["context"]["arguments"]["user_id"] == "alice" else review()
    stage.bighub.fail("report", Fault(500))
    stage.wish(GRANT, {**GRANT, "user_id": "bob"})
    with pytest.raises(RuntimeError, match="outcome report failed"):
        await agent.run_with_approval(
            messages=ASKED, model="gpt-5.5", on_approval_required=saying({"resolution": "approved"}, seen)
        )
    assert len(seen) == 1 and [grant["user_id"] for grant in stage.granted] == ["alice", "bob"]


async def test_a_required_report_that_fails_is_raised_by_a_resumed_call_which_ran_once(stage: Stage) -> None:
    agent = await stage.agent(outcome_reporting_required=True)
    request_id = request_of(await asked(stage, agent))
    stage.bighub.fail("report", Fault(500))
    given: dict[str, Any] = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_id}
    for _ in range(2):
        with pytest.raises(RuntimeError, match="outcome report failed") as raised:
            await agent.resume_after_approval(**given)
        assert raised.value.response["output_text"] == "Done."  # type: ignore[attr-defined]
    assert len(stage.granted) == 1
