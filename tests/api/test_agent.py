"""The asynchronous agent over real servers: what a run returns, what it sends, what it yields, and how it fails."""

import asyncio
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot import AdapterConfigurationError, AsyncBighubOpenAI, ProviderResponseError
from tests.api.stage import ASKED, GRANT, Stage, statuses
from tests.servers.bighub_decisions import blocked, needs_context, review
from tests.servers.faults import Fault, Hang
from tests.servers.model_server import Calls, Failed, Incomplete, Refusal, Text

QUICK: dict[str, Any] = {"provider_retry_backoff_seconds": 0.01, "provider_retry_jitter_seconds": 0.0}


async def ran(stage: Stage, agent: AsyncBighubOpenAI, **given: Any) -> dict[str, Any]:
    return await agent.run(messages=ASKED, model="gpt-5.5", **given)


# --- the response ------------------------------------------------------------------------------------------------------------


async def test_an_allowed_call_runs_and_the_model_answers(stage: Stage) -> None:
    agent = await stage.agent()
    stage.wish()
    response = await ran(stage, agent)
    assert response["output_text"] == "Done." == response["llm_response"]["output_text"]
    assert response["response_id"] and response["output"][0]["type"] == "message"
    last = response["execution"]["last"]
    assert (last["tool"], last["status"], last["output"]["ok"]) == ("grant_access", "executed", True)
    assert last["decision"] == stage.bighub.evaluations[0].answer
    assert (last["arguments"], last["seq"], last["error"]) == (GRANT, 0, None)
    assert last["request_id"] == last["decision"]["request_id"] and last["risk_score"] == 0.2


async def test_the_statuses_are_those_of_the_founding_readme(stage: Stage) -> None:
    agent = await stage.agent()
    agent.tool("fail", fail)
    answers = {"a": None, "b": blocked(), "c": review(), "d": needs_context()}
    stage.bighub.rules = lambda body: answers.get(body["context"]["arguments"].get("user_id", "a"))
    wishes = [("grant_access", {**GRANT, "user_id": name}) for name in answers]
    stage.model.say(Calls([*wishes, ("fail", {}), ("unknown", {}), ("grant_access", "{")]))
    response = await ran(stage, agent)
    found = {event["call_id"]: event["status"] for event in response["execution"]["events"]}
    kinds = ["executed", "blocked", "approval_required", "blocked", "tool_error", "blocked", "blocked"]
    assert sorted(found.values()) == sorted(kinds)
    assert len(stage.granted) == 1


def fail() -> None:
    """Fail."""
    raise ValueError("There is no such group.")


async def test_an_answer_without_calls_is_an_answer(stage: Stage) -> None:
    agent = await stage.agent()
    response = await ran(stage, agent)
    assert response["output_text"] == "OK." and response["execution"] == {"events": [], "last": None}


async def test_a_program_may_pass_its_request_as_one_text(stage: Stage) -> None:
    agent = await stage.agent()
    await agent.run(messages="hello", model="gpt-5.5")
    assert stage.model.requests[0]["input"] == [{"role": "user", "content": "hello"}]


async def test_a_refusal_of_the_model_is_its_answer(stage: Stage) -> None:
    agent = await stage.agent()
    stage.model.say(Refusal("I will not."))
    assert (await ran(stage, agent))["output_text"] == "I will not."


async def test_an_output_is_the_object_that_the_tool_returned(stage: Stage) -> None:
    agent, returned = await stage.agent(), {1: (datetime(2026, 1, 2), Decimal("1.5")), "s": {date(2026, 1, 2)}}
    agent.tool("odd", lambda: returned)
    stage.model.say(Calls([("odd", {})]), Text("Odd."))
    response = await ran(stage, agent)
    assert response["execution"]["last"]["output"] is returned
    assert stage.model.outputs().popitem()[1]["output"]["s"] == ["2026-01-02"]


# --- what the model is sent -----------------------------------------------------------------------------------------------------


async def test_every_turn_carries_the_callers_parameters_and_the_whole_conversation(stage: Stage) -> None:
    """H5: nothing is stored at OpenAI, so nothing is referred to there."""
    agent = await stage.agent()
    stage.model.say(
        Calls([("grant_access", GRANT)]), Calls([("grant_access", {**GRANT, "user_id": "bob"})]), Text("Both.")
    )
    extra = {"max_output_tokens": 500, "metadata": {"team": "ops"}, "parallel_tool_calls": False}
    await ran(stage, agent, instructions="Be brief.", temperature=0.2, extra_create_args=extra)
    assert stage.model.refusals == [] and len(stage.model.requests) == 3
    for request in stage.model.requests:
        assert "previous_response_id" not in request and request["store"] is False
        assert (request["instructions"], request["temperature"]) == ("Be brief.", 0.2)
        assert all(request[name] == value for name, value in extra.items())
        assert [tool["name"] for tool in request["tools"]] == ["grant_access"]
        assert request["input"][0] == ASKED[0]
    kinds = [item.get("type") for item in stage.model.requests[2]["input"]]
    assert kinds.count("function_call") == kinds.count("function_call_output") == 2


async def test_the_model_is_not_shown_the_decision(stage: Stage) -> None:
    """H18."""
    agent = await stage.agent()
    stage.bighub.default = blocked("Too broad.", decision_packet={"secret": "x" * 50_000}, better_action="Grant 2h")
    stage.wish()
    await ran(stage, agent)
    told = stage.model.outputs().popitem()[1]
    assert told == {"status": "blocked", "outcome": "blocked", "reason": "Too broad.", "better_action": "Grant 2h"}


@pytest.mark.parametrize("name", ["input", "stream", "background"])
async def test_an_extra_argument_that_would_change_what_a_run_is_is_refused(stage: Stage, name: str) -> None:
    agent = await stage.agent()
    with pytest.raises(AdapterConfigurationError, match=name):
        await ran(stage, agent, extra_create_args={name: True})


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"messages": []}, "messages"),
        ({"messages": 7}, "messages"),
        ({"messages": [*ASKED, object()]}, r"messages\[1\] must be a dict, not object"),
        ({"model": ""}, "model"),
        ({"temperature": "hot"}, "temp"),
    ],
    ids=["no-messages", "a-number", "an-object-among-messages", "no-model", "a-word-as-temperature"],
)
async def test_a_request_that_could_not_be_sent_is_refused_at_once(
    stage: Stage, wrong: dict[str, Any], word: str
) -> None:
    agent = await stage.agent()
    with pytest.raises(AdapterConfigurationError, match=word):
        await agent.run(**{"messages": ASKED, "model": "gpt-5.5", **wrong})


async def test_a_client_that_cannot_be_asked_is_told_by_what_it_lacks(stage: Stage) -> None:
    agent = await stage.agent(openai_client=object())
    with pytest.raises(ProviderResponseError, match=r"openai_client cannot be asked: it has no responses\.create"):
        await agent.run(messages=ASKED, model="gpt-5.5")
    agent = await stage.agent(bighub=object(), fail_mode="open")
    judged = await agent.check_tool("grant_access", GRANT)
    assert judged["_resolved_action"] == "blocked"
    assert "it has no decisions.evaluate or actions.submit" in judged["reason"]


async def test_an_agent_without_tools_says_so(stage: Stage) -> None:
    async with AsyncBighubOpenAI(**stage.given()) as agent:
        with pytest.raises(AdapterConfigurationError, match="No tools registered"):
            await agent.run(messages=ASKED, model="gpt-5.5")


async def test_a_closed_agent_says_so(stage: Stage) -> None:
    agent = await stage.agent()
    await agent.close()
    with pytest.raises(AdapterConfigurationError, match="closed"):
        await ran(stage, agent)


# --- what BIGHUB is sent ---------------------------------------------------------------------------------------------------------


async def test_bighub_sees_the_arguments_and_whose_they_are(stage: Stage) -> None:
    """H1, H2: no value-like argument is needed."""
    agent = await stage.agent(domain="it_actions")
    stage.wish({**GRANT, "duration": "password=hunter2 AKIAABCDEFGHIJKLMNOP"})
    await ran(stage, agent)
    body = stage.bighub.evaluations[0].body
    assert (body["action"], body["actor"], body["domain"]) == ("grant_access", "ops-agent", "okta")
    assert body["context"]["arguments"]["user_id"] == "alice" and "AKIAABCDEF" not in json.dumps(body)
    assert (body["context"]["system"], body["context"]["environment"]) == ("okta", "production")


def once(request: dict[str, Any]) -> Calls | Text:
    """A model that proposes once and then answers, however many ask it at a time."""
    return Text("Done.") if len(request["input"]) > 1 else Calls([("grant_access", GRANT)])


async def test_two_runs_share_neither_trajectory_nor_session(stage: Stage) -> None:
    """H23."""
    agent = await stage.agent()
    stage.model.default = once
    await asyncio.gather(ran(stage, agent), ran(stage, agent))
    contexts = [evaluation.body["context"] for evaluation in stage.bighub.evaluations]
    assert contexts[0]["trajectory_id"] != contexts[1]["trajectory_id"]
    assert contexts[0]["session_id"] != contexts[1]["session_id"]


async def test_memory_gets_every_event_in_one_batch(stage: Stage) -> None:
    agent = await stage.agent()
    stage.bighub.rules = lambda body: review() if body["context"]["arguments"]["user_id"] == "bob" else None
    stage.wish(GRANT, {**GRANT, "user_id": "bob"})
    response = await ran(stage, agent)
    assert len(stage.bighub.memory) == 1
    told = stage.bighub.memory_events()
    assert [event["status"] for event in told] == ["executed", "approval_required"]
    assert [event["event_id"] for event in told] == [event["event_id"] for event in response["execution"]["events"]]


async def test_outcomes_are_reported_for_executed_blocked_denied_and_failed_calls(stage: Stage) -> None:
    """H15."""
    agent = await stage.agent()
    agent.tool("fail", fail)
    stage.bighub.rules = lambda body: blocked() if body["context"]["arguments"].get("user_id") == "eve" else None
    stage.model.say(
        Calls([("grant_access", GRANT), ("grant_access", {**GRANT, "user_id": "eve"}), ("fail", {})]), Text("Done.")
    )
    await ran(stage, agent)
    found = {outcome["status"] for outcome in stage.bighub.outcomes}
    assert {"SUCCESS", "FAILURE"} < found and len(stage.bighub.outcomes) == 3


async def test_reports_never_hold_up_a_run_for_longer_than_they_may(stage: Stage) -> None:
    """H24."""
    agent = await stage.agent(memory_ingest_timeout_ms=100)
    stage.bighub.fail("report", Hang())
    stage.bighub.fail("memory", Hang())
    stage.wish()
    began = asyncio.get_running_loop().time()
    response = await ran(stage, agent)
    assert response["output_text"] == "Done." and asyncio.get_running_loop().time() - began < 2.0


async def test_a_required_report_that_fails_raises_after_everything_is_recorded(stage: Stage) -> None:
    agent = await stage.agent(outcome_reporting_required=True)
    stage.bighub.fail("report", Fault(500))
    stage.wish()
    with pytest.raises(RuntimeError, match="outcome report failed") as raised:
        await ran(stage, agent)
    assert raised.value.response["output_text"] == "Done."  # type: ignore[attr-defined]
    assert len(stage.granted) == 1 and stage.bighub.memory_events()


# --- how it fails -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [Incomplete(), Failed()], ids=["incomplete", "failed"])
async def test_a_response_that_is_not_complete_is_an_error(stage: Stage, turn: Incomplete | Failed) -> None:
    """H21."""
    agent = await stage.agent(provider_max_retries=0)
    stage.model.say(turn)
    with pytest.raises(ProviderResponseError):
        await ran(stage, agent)


async def test_a_failure_keeps_what_was_done_and_the_memory_hears_of_it(stage: Stage) -> None:
    """H16."""
    agent = await stage.agent(provider_max_retries=0)
    stage.model.say(Calls([("grant_access", GRANT)]), Fault(400))
    with pytest.raises(ProviderResponseError, match="non-retryable") as raised:
        await ran(stage, agent)
    assert raised.value.execution["last"]["status"] == "executed" and raised.value.__cause__ is not None
    assert [event["status"] for event in stage.bighub.memory_events()] == ["executed"]


async def test_too_many_rounds_is_an_error_and_the_last_answer_counts(stage: Stage) -> None:
    """H16."""
    agent = await stage.agent(max_tool_rounds=1)
    stage.wish()
    assert (await ran(stage, agent))["output_text"] == "Done."
    stage.model.say(Calls([("grant_access", GRANT)]), Calls([("grant_access", GRANT)]))
    with pytest.raises(ProviderResponseError, match="Max tool rounds"):
        await ran(stage, agent)
    assert len(stage.granted) == 2


async def test_a_model_that_stumbles_is_tried_again(stage: Stage) -> None:
    agent = await stage.agent(**QUICK)
    stage.model.say(Fault(500), Fault(429), Text("At last."))
    assert (await ran(stage, agent))["output_text"] == "At last."
    stage.model.say(Fault(500), Fault(500), Fault(500), Text("Too late."))
    with pytest.raises(ProviderResponseError, match="after retries"):
        await ran(stage, agent)


async def test_whoever_leaves_stops_the_run_and_interrupts_no_tool(stage: Stage) -> None:
    agent, began, ended = await stage.agent(), asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        """Take a while."""
        began.set()
        await asyncio.sleep(0.2)
        ended.set()
        return "done"

    agent.tool("slow", slow)
    stage.model.say(Calls([("slow", {}), ("grant_access", GRANT)]), Text("Done."))
    run = asyncio.create_task(ran(stage, agent))
    await began.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await asyncio.wait_for(ended.wait(), 2)
    await asyncio.sleep(0.2)
    assert stage.granted == [] and len(stage.model.requests) == 1
    assert "SUCCESS" in {outcome["status"] for outcome in stage.bighub.outcomes}


async def test_a_tool_that_takes_too_long_is_a_tool_error_and_the_run_goes_on(stage: Stage) -> None:
    agent = await stage.agent()

    async def hang() -> None:
        """Never end."""
        await asyncio.sleep(60)

    agent.tool("hang", hang, timeout=0.1)
    stage.model.say(Calls([("hang", {})]), Text("It hung."))
    response = await ran(stage, agent)
    error, told = response["execution"]["last"]["error"], stage.model.outputs().popitem()[1]
    assert statuses(response) == ["tool_error"] and told["outcome"] == "in_doubt"
    assert error.startswith("It was started, and nobody knows whether it happened: hang did not answer within 0.1 s.")
    assert told["reason"].startswith("hang did not answer within 0.1 s.")
    assert [outcome["status"] for outcome in stage.bighub.outcomes] == ["UNKNOWN"]


# --- who looks on --------------------------------------------------------------------------------------------------------------------


async def test_on_decision_sees_every_event_once_and_cannot_break_a_run(stage: Stage) -> None:
    seen: list[dict[str, Any]] = []

    def look(event: dict[str, Any]) -> None:
        seen.append(event)
        raise ValueError("a fault of the one who looks on")

    agent = await stage.agent(on_decision=look)
    stage.wish(GRANT, {**GRANT, "user_id": "bob"})
    response = await ran(stage, agent)
    assert seen == response["execution"]["events"] and [event["seq"] for event in seen] == [0, 1]


async def test_an_asynchronous_on_decision_is_awaited(stage: Stage) -> None:
    seen: list[str] = []

    async def look(event: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        seen.append(event["status"])

    agent = await stage.agent(on_decision=look)
    stage.wish()
    await ran(stage, agent)
    assert seen == ["executed"]


async def test_a_stream_yields_deltas_and_events_as_they_happen_and_ends_with_the_response(stage: Stage) -> None:
    agent = await stage.agent()
    stage.wish(then="It is done, for 48 hours.")
    events = [event async for event in agent.run_stream(messages=ASKED, model="gpt-5.5")]
    kinds = [event["type"] for event in events]
    assert kinds[-1] == "final_response" and kinds.count("execution_event") == 1
    assert kinds.index("function_call_args_done") < kinds.index("execution_event") < kinds.index("llm_delta")
    assert "".join(event["delta"] for event in events if event["type"] == "llm_delta") == "It is done, for 48 hours."
    final, looked = events[-1]["response"], next(e["event"] for e in events if e["type"] == "execution_event")
    assert final["execution"]["events"] == [looked] and final["output_text"] == "It is done, for 48 hours."
    assert all(event["response_id"] for event in events if event["type"].startswith("llm"))


async def test_leaving_a_stream_early_stops_the_run(stage: Stage) -> None:
    agent = await stage.agent()
    stage.model.say(Calls([("grant_access", GRANT)]), Calls([("grant_access", GRANT)]), Text("Done."))
    stream = agent.run_stream(messages=ASKED, model="gpt-5.5")
    async for event in stream:
        if event["type"] == "execution_event":
            break
    await stream.aclose()
    before = len(stage.granted)
    await asyncio.sleep(0.3)
    assert len(stage.granted) <= before + 1 and len(stage.model.requests) <= 2


async def test_the_public_names_are_there() -> None:
    import bot

    for name in bot.__all__:
        assert getattr(bot, name) is not None
    assert bot.GuardedOpenAI is bot.BighubOpenAI and bot.AsyncGuardedOpenAI is bot.AsyncBighubOpenAI


async def test_r17_a_programs_run_keeps_the_bounds_of_its_program_and_none_of_the_bots(stage: Stage) -> None:
    """Tokens, time and the size of an answer are the program's own to bound; its rounds are what it said."""
    agent = await stage.agent(max_tool_rounds=3)
    agent.tool("look", lambda: "x" * 100)
    stage.model.say(Calls([("look", {})]), Calls([("look", {})]), Text("y" * 1_200_000))
    response = await ran(stage, agent)
    assert len(response["output_text"]) == 1_200_000
    stage.model.say(*[Calls([("look", {})]) for _ in range(5)])
    with pytest.raises(ProviderResponseError, match="Max tool rounds reached"):
        await ran(stage, agent)
