"""H6: `resume_after_approval` decides what was asked about and nothing else, whoever else is at the same run at the same time."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from bighub import AsyncBighubClient

from bot import AdapterConfigurationError, AsyncBighubOpenAI
from bot.api.parts import MOST_ENDED_RUNS
from bot.engine.door import FOLDED_RUNS
from tests.api.stage import ASKED, GRANT, Stage, staged, statuses
from tests.servers.bighub_decisions import blocked, decision, needs_context, review
from tests.servers.bighub_server import API_KEY

Json = dict[str, Any]


async def resumed(agent: AsyncBighubOpenAI, event: Json, **more: Any) -> Json:
    given = {"tool_name": event["tool"], "arguments": event["arguments"], "request_id": event["request_id"]}
    return await agent.resume_after_approval(**{**given, **more})


# --- what nobody was asked about -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [decision(), blocked(), needs_context()], ids=["allowed", "blocked", "no-context"])
async def test_h6_a_call_that_bighub_decided_by_itself_cannot_be_resumed(stage: Stage, answer: Json) -> None:
    agent = await stage.agent()
    stage.bighub.default = answer
    stage.wish()
    event = (await agent.run(messages=ASKED, model="gpt-5.5"))["execution"]["last"]
    before = list(stage.granted)
    with pytest.raises(AdapterConfigurationError, match=f"{event['request_id']} waits for no approval"):
        await resumed(agent, event)
    assert stage.granted == before and stage.bighub.resolutions == []


async def test_h6_the_new_decision_of_an_edited_call_cannot_be_resumed(stage: Stage) -> None:
    agent, short = await stage.agent(), {**GRANT, "duration": "2h"}
    stage.bighub.rules = lambda body: decision() if body["context"]["arguments"] == short else review()
    stage.wish()
    edit = {"resolution": "approved", "arguments": short}
    result = await agent.run_with_approval(messages=ASKED, model="gpt-5.5", on_approval_required=lambda context: edit)
    with pytest.raises(AdapterConfigurationError, match="waits for no approval"):
        await resumed(agent, result["execution"]["last"])
    assert stage.granted == [short]


@pytest.mark.parametrize("answer", [decision(), blocked()], ids=["allowed", "blocked"])
async def test_h6_what_check_tool_was_told_without_a_question_cannot_be_resumed(stage: Stage, answer: Json) -> None:
    agent = await stage.agent()
    stage.bighub.default = answer
    request_id = (await agent.check_tool("grant_access", GRANT))["request_id"]
    with pytest.raises(AdapterConfigurationError, match="waits for no approval"):
        await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id=request_id)
    assert stage.granted == [] and stage.bighub.resolutions == []


def test_h6_what_was_judged_on_one_event_loop_cannot_be_resumed_on_another() -> None:
    """`asyncio.run` twice."""
    agents, events, granted = list[AsyncBighubOpenAI](), list[Json](), list[Json]()

    async def ask() -> None:
        async with staged() as stage:
            agents.append(AsyncBighubOpenAI(**stage.given()))
            agents[0].tool("grant_access", stage.grant_access)
            stage.bighub.default = blocked()
            stage.wish()
            events.append((await agents[0].run(messages=ASKED, model="gpt-5.5"))["execution"]["last"])
            granted.extend(stage.granted)

    asyncio.run(ask())
    with pytest.raises(AdapterConfigurationError, match="waits for no approval"):
        asyncio.run(resumed(agents[0], events[0]))
    assert granted == []


class Quick:
    """A model without a network, which proposes what it is told to, and then only answers."""

    def __init__(self, *wishes: Json) -> None:
        self.responses, self.wishes = self, list(wishes)

    async def create(self, **given: Any) -> Json:
        names = [f"c{len(self.wishes)}.{number}" for number in range(len(self.wishes))]
        calls = [
            {"type": "function_call", "call_id": name, "name": "grant_access", "arguments": json.dumps(wish)}
            for name, wish in zip(names, self.wishes, strict=True)
        ]
        self.wishes = []
        return {"output": calls, "output_text": "" if calls else "Done."}


async def test_h6_a_request_that_was_decided_and_is_forgotten_is_not_decided_anew(stage: Stage) -> None:
    """Of the runs that have ended a process without a store remembers the last ones only; their names longer."""
    agent = await stage.agent(openai_client=Quick(GRANT))
    stage.review()
    event = (await agent.run(messages=ASKED, model="gpt-5.5"))["execution"]["last"]
    assert (await resumed(agent, event))["resumed"]
    for _ in range(max(MOST_ENDED_RUNS, FOLDED_RUNS) + 1):
        await agent.run(messages="hello", model="gpt-5.5")
    with pytest.raises(AdapterConfigurationError, match="waits for no approval"):
        await resumed(agent, event)
    assert len(stage.granted) == 1


# --- the name of a request ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "", "  ", True, 1.5, ["q1"], b"q1"], ids=repr)
async def test_h6_what_names_no_request_resumes_nothing(stage: Stage, name: Any) -> None:
    agent = await stage.agent()
    with pytest.raises(AdapterConfigurationError, match="request_id must be"):
        await agent.resume_after_approval(tool_name="grant_access", arguments=GRANT, request_id=name)
    assert stage.granted == [] and stage.bighub.resolutions == []


@pytest.mark.parametrize(("given", "named"), [(7, "7"), ("7", "7"), (" 7 ", "7")], ids=repr)
async def test_h6_a_request_is_known_by_its_number_and_by_the_text_of_it(
    stage: Stage, given: object, named: str
) -> None:
    """Whichever of the two the program passes on: the decision's own, or the event's."""
    agent = await stage.agent()
    stage.bighub.default = {**blocked(), "request_id": given}
    stage.wish()
    event = (await agent.run(messages=ASKED, model="gpt-5.5"))["execution"]["last"]
    assert event["request_id"] == named
    for name in (given, named, 7):
        with pytest.raises(AdapterConfigurationError, match="7 waits for no approval"):
            await resumed(agent, event, request_id=name)
    assert stage.granted == []


# --- several at once ----------------------------------------------------------------------------------------------------------


BOB = {**GRANT, "user_id": "bob"}
RESULTS = {"alice": {"ok": True, **GRANT}, "bob": {"ok": True, **BOB}}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def two_asked(stage: Stage, agent: AsyncBighubOpenAI) -> list[Json]:
    """The events of a run whose two calls wait for approval."""
    stage.review()
    stage.wish(GRANT, BOB)
    events: list[Json] = (await agent.run(messages=ASKED, model="gpt-5.5"))["execution"]["events"]
    assert [event["status"] for event in events] == ["approval_required"] * 2
    return events


def holding(stage: Stage, agent: AsyncBighubOpenAI, votes: int) -> None:
    """From now on `grant_access` takes until BIGHUB has heard of so many ``votes``; the last may be recorded a little later."""

    async def grant_access(user_id: str, group: str, duration: str) -> Json:
        """Put a user into a group for a while."""
        await until(lambda: len(stage.bighub.resolutions) >= votes)
        return stage.grant_access(user_id, group, duration)

    agent.tool("grant_access", grant_access)


def shown(result: Json) -> tuple[Any, ...]:
    return result["resumed"], result["tool_output"], len(result["response"]["execution"]["events"])


async def test_h6_two_who_resume_two_calls_of_one_run_at_once_both_see_the_whole_run(stage: Stage) -> None:
    async with AsyncBighubOpenAI(**stage.given()) as agent:
        holding(stage, agent, votes=2)
        alice, bob = await two_asked(stage, agent)
        first, second = await asyncio.gather(resumed(agent, alice), resumed(agent, bob))
        assert shown(first)[:2] == (True, RESULTS["alice"]) and shown(second) == (True, RESULTS["bob"], 4)
        assert second["response"]["output_text"] == "Done."
        assert await resumed(agent, alice) == first and len(stage.granted) == 2


async def test_h6_two_processes_with_one_store_that_resume_one_run_at_once_both_see_it(
    stage: Stage, empty_url: str
) -> None:
    agents = [AsyncBighubOpenAI(**stage.given(store=empty_url)) for _ in range(2)]
    for agent in agents:
        await stage.stack.enter_async_context(agent)
        holding(stage, agent, votes=2)
    alice, bob = await two_asked(stage, agents[0])
    first, second = await asyncio.gather(resumed(agents[0], alice), resumed(agents[1], bob))
    assert shown(first)[:2] == (True, RESULTS["alice"]) and shown(second) == (True, RESULTS["bob"], 4)
    assert len(stage.granted) == 2 and len(stage.model.requests) == 2


async def test_h6_a_run_that_is_resumed_from_on_decision_ends_for_whoever_began_it(stage: Stage) -> None:
    seen: list[str] = []

    async def decide(event: Json) -> None:
        seen.append(event["status"])
        if event["status"] == "approval_required":
            await until(lambda: bool(stage.bighub.memory))
            await asyncio.sleep(0.2)  # the run rests now, most likely
            results.append(await resumed(agent, event))

    results: list[Json] = []
    agent = await stage.agent(on_decision=decide)
    stage.review()
    stage.wish()
    response = await agent.run(messages=ASKED, model="gpt-5.5")
    assert statuses(response) == ["approval_required", "executed"] and response["output_text"] == "Done."
    assert shown(results[0]) == (True, RESULTS["alice"], 2) and len(stage.granted) == 1
    assert seen.count("approval_required") == 1 and "executed" in seen


async def test_h6_whoever_leaves_stops_nobody_else_who_works_the_same_run(stage: Stage) -> None:
    async with AsyncBighubOpenAI(**stage.given()) as agent:
        holding(stage, agent, votes=2)
        alice, bob = await two_asked(stage, agent)
        leaving = asyncio.create_task(resumed(agent, alice))
        await until(lambda: len(stage.bighub.resolutions) == 1)
        staying = asyncio.create_task(resumed(agent, bob))
        await until(lambda: len(stage.bighub.resolutions) == 2)
        leaving.cancel()
        assert shown(await staying) == (True, RESULTS["bob"], 4)
        assert (await resumed(agent, alice))["tool_output"] == RESULTS["alice"] and len(stage.granted) == 2


async def test_h6_whoever_leaves_a_run_that_another_process_works_stops_nothing(stage: Stage, sqlite_url: str) -> None:
    agents = [AsyncBighubOpenAI(**stage.given(store=sqlite_url)) for _ in range(2)]
    for agent in agents:
        await stage.stack.enter_async_context(agent)
        holding(stage, agent, votes=3)
    alice, bob = await two_asked(stage, agents[0])
    staying = asyncio.create_task(resumed(agents[0], alice))
    await until(lambda: len(stage.bighub.resolutions) == 1)
    leaving = asyncio.create_task(resumed(agents[1], bob))
    await until(lambda: len(stage.bighub.resolutions) == 2)
    await asyncio.sleep(0.1)  # it looks on now, or at least may
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    stage.bighub.resolutions.append({"request_id": "", "resolution": "", "comment": None})
    assert shown(await staying)[:2] == (True, RESULTS["alice"])
    assert (await resumed(agents[0], bob))["tool_output"] == RESULTS["bob"] and len(stage.granted) == 2


async def test_a_stream_goes_on_while_somebody_else_resumes_a_call_of_its_run(stage: Stage) -> None:
    agent = await stage.agent()
    stage.review()
    stage.wish(then="Granted it now.")
    events, results = list[Json](), list[Json]()
    async for event in agent.run_stream(messages=ASKED, model="gpt-5.5"):
        events.append(event)
        if event["type"] == "execution_event" and event["event"]["status"] == "approval_required":
            results.append(await resumed(agent, event["event"]))
    kinds = [event["type"] for event in events]
    assert kinds.count("execution_event") == 2 and kinds[-1] == "final_response"
    assert "".join(event["delta"] for event in events if event["type"] == "llm_delta") == "Granted it now."
    assert events[-1]["response"] == results[0]["response"]


# --- a vote that does not count --------------------------------------------------------------------------------------------------


async def with_another_seal(stage: Stage, url: str) -> AsyncBighubOpenAI:
    """An agent in another process, with a secret of its own."""
    client = await stage.stack.enter_async_context(AsyncBighubClient(base_url=stage.bighub.url, api_key=API_KEY))
    return await stage.agent(store=url, bighub=client, openai_client=Quick(), openai_api_key="sk-another-secret")


@pytest.mark.parametrize("resolution", ["approved", "denied"])
async def test_a_vote_that_would_not_count_is_told_to_nobody_and_says_why(
    stage: Stage, sqlite_url: str, resolution: str
) -> None:
    asker, other = await stage.agent(store=sqlite_url), await with_another_seal(stage, sqlite_url)
    stage.review()
    stage.wish()
    event = (await asker.run(messages=ASKED, model="gpt-5.5"))["execution"]["last"]
    for _ in range(2):
        result = await resumed(other, event, resolution=resolution)
        assert (result["resolved"], result["resumed"], result["approval"]) == (False, False, {})
        assert "sealed with a key" in result["error"] and "the same SIGNOFF_SEAL_KEY" in result["error"]
        assert statuses(result["response"]) == ["approval_required"]
    assert stage.bighub.resolutions == [] and stage.granted == []
    assert (await resumed(asker, event))["resumed"] and len(stage.granted) == 1


async def test_a_vote_that_came_second_gets_what_was_decided_first(stage: Stage, sqlite_url: str) -> None:
    """Decided in another process between this one's look and its vote; BIGHUB has heard of both, and the first one counts."""
    first, late = await stage.agent(store=sqlite_url), Late()
    second = await stage.agent(store=sqlite_url, bighub=late, bighub_api_key=API_KEY)
    stage.review()
    stage.wish()
    event = (await first.run(messages=ASKED, model="gpt-5.5"))["execution"]["last"]
    coming = asyncio.create_task(resumed(second, event))
    await until(late.asked.is_set)
    denied = await resumed(first, event, resolution="denied", comment="No.")
    late.answers.set()
    result = await coming
    assert not denied["resumed"] and stage.granted == []
    assert (result["resolved"], result["resumed"], result["approval"]["status"]) == (True, False, "denied")
    assert type(result["approval"]["status"]) is type(result["approval"]["resolution"]) is str


class Late:
    """A client of BIGHUB's that answers a resolution when it is told to, and approves."""

    def __init__(self) -> None:
        self.actions = self.approvals = self.outcomes = self
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def resolve(self, *, request_id: str, resolution: str, comment: str | None) -> Json:
        self.asked.set()
        await self.answers.wait()
        return {"status": "approved", "resolution": resolution}

    async def report(self, **given: Any) -> None:
        """Nobody asks what was reported."""
