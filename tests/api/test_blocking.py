"""The blocking agent: the same code on a loop of its own, for scripts, threads and programs that run a loop themselves."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot import AsyncBighubOpenAI, BighubOpenAI
from tests.api.stage import ASKED, GRANT, Stage, beside, statuses
from tests.servers.model_server import Calls, JsonObject, Text, Turn

SCRIPT = """
import sys
from bot import BighubOpenAI

agent = BighubOpenAI(openai_api_key="sk-test", bighub_api_key={key!r}, openai_base_url={model!r}, bighub_base_url={bighub!r})

@agent.action(system="okta")
def grant_access(user_id: str, group: str, duration: str) -> dict:
    return {{"ok": True}}

response = agent.run(messages=[{{"role": "user", "content": "hi"}}], model="gpt-5.5")
print(response["output_text"])
"""


def run(agent: BighubOpenAI, **given: Any) -> dict[str, Any]:
    return agent.run(messages=ASKED, model="gpt-5.5", **given)


async def test_it_returns_what_the_asynchronous_one_returns(stage: Stage) -> None:
    with stage.blocking() as blocking:
        stage.wish()
        one = await beside(run, blocking)
        stage.wish()
        other = await (await stage.agent()).run(messages=ASKED, model="gpt-5.5")
        assert one.keys() == other.keys() and one["output_text"] == other["output_text"] == "Done."
        first, second = one["execution"]["last"], other["execution"]["last"]
        different = {"decision", "event_id", "trace_id", "request_id", "call_id"}
        assert {k: v for k, v in first.items() if k not in different} == {
            k: v for k, v in second.items() if k not in different
        }


async def test_it_works_where_an_event_loop_runs_already(stage: Stage) -> None:
    """A notebook: the caller's thread has a running loop, which cannot be used and is not needed."""
    agent = stage.blocking()
    stage.wish()

    def notebook() -> dict[str, Any]:
        async def cell() -> dict[str, Any]:
            return run(agent)

        return asyncio.run(cell())

    assert (await beside(notebook))["output_text"] == "Done."


async def test_a_script_that_never_closes_its_agent_ends_by_itself_and_says_nothing_else(stage: Stage) -> None:
    stage.wish()
    script = SCRIPT.format(key=stage.bighub.api_key, model=stage.model.base_url, bighub=stage.bighub.url)
    began = time.monotonic()
    ended = await beside(
        subprocess.run, [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Done.\n", "")
    assert time.monotonic() - began < 20


FORK = """
import os

sys.stdout.flush()  # or the child prints what was said before it a second time
if (child := os.fork()) == 0:
    print(agent.run(messages="again", model="gpt-5.5")["output_text"], flush=True)
    raise SystemExit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(agent.run(messages="and again", model="gpt-5.5")["output_text"])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
async def test_a_child_that_was_forked_after_the_first_use_works_too(stage: Stage) -> None:
    stage.model.say(Text("Before."), Text("In the child."), Text("After."))
    script = SCRIPT.format(key=stage.bighub.api_key, model=stage.model.base_url, bighub=stage.bighub.url) + FORK
    ended = await beside(subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout.split("\n")) == (0, ["Before.", "In the child.", "7", "After.", ""])


async def test_a_script_ends_although_a_tool_of_it_hangs(stage: Stage) -> None:
    script = SCRIPT.replace('return {{"ok": True}}', "import time; time.sleep(60)").format(
        key=stage.bighub.api_key, model=stage.model.base_url, bighub=stage.bighub.url
    )
    body, call = script.split("response = ")
    script = (
        f"{body}\nimport threading, time\n"
        f"threading.Thread(target=lambda: {call.splitlines()[0]}, daemon=True).start()\ntime.sleep(2)\nprint('leaving')\n"
    )
    stage.wish()
    ended = await beside(subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=20)
    assert ended.returncode == 0 and ended.stdout == "leaving\n"


async def test_it_streams(stage: Stage) -> None:
    agent = stage.blocking()
    stage.wish()
    events = await beside(lambda: list(agent.run_stream(messages=ASKED, model="gpt-5.5")))
    assert events[-1]["type"] == "final_response" and "llm_delta" in {event["type"] for event in events}


async def test_a_stream_that_is_left_early_ends(stage: Stage) -> None:
    agent = stage.blocking()
    stage.wish()

    def first() -> str:
        for event in agent.run_stream(messages=ASKED, model="gpt-5.5"):
            return str(event["type"])
        return ""

    assert await beside(first)


async def test_tools_and_callbacks_run_in_worker_threads_and_may_call_the_agent_again(stage: Stage) -> None:
    threads: list[str] = []
    agent = stage.blocking(on_decision=lambda event: threads.append(threading.current_thread().name))

    def ask_again(question: str) -> str:
        """Ask the agent itself."""
        threads.append(threading.current_thread().name)
        return str(agent.run(messages=question, model="gpt-5.5")["output_text"])

    agent.tool("ask_again", ask_again)
    stage.model.say(Calls([("ask_again", {"question": "deeper"})]), Text("From below."), Text("From above."))
    response = await beside(run, agent)
    assert response["output_text"] == "From above." and response["execution"]["last"]["output"] == "From below."
    assert threading.main_thread().name not in threads and "signoff agent" not in threads


async def test_a_callback_may_call_the_agent_again(stage: Stage) -> None:
    agent = stage.blocking()
    stage.review()
    stage.model.say(Calls([("grant_access", GRANT)]), Text("approve"), Text("Done."))

    def decide(context: dict[str, Any]) -> dict[str, str]:
        advice = agent.run(messages="approve or deny?", model="gpt-5.5")["output_text"]
        return {"resolution": "approved" if advice == "approve" else "denied"}

    result = await beside(agent.run_with_approval, messages=ASKED, model="gpt-5.5", on_approval_required=decide)
    assert result["approval_loop"]["resumed"] and len(stage.granted) == 1


async def test_a_target_that_the_program_looks_up_holds_up_nobody_and_may_ask_the_agent_again(stage: Stage) -> None:
    agent = stage.blocking()
    threads: list[str] = []

    def owner(arguments: dict[str, Any]) -> str:
        threads.append(threading.current_thread().name)
        return str(agent.check_tool("grant_access", GRANT)["mode"])

    agent.tool("restart", lambda: "restarted", target_from_args=owner, strict=False)
    stage.model.say(Calls([("restart", {})]), Text("Restarted."))
    response = await beside(run, agent)
    assert response["output_text"] == "Restarted." and statuses(response) == ["executed"]
    assert len(threads) == 1 and "signoff agent" not in threads
    assert [each.body["target"] for each in stage.bighub.evaluations if each.body["action"] == "restart"] == [
        "autonomous"
    ]


async def test_an_asynchronous_tool_works_in_the_blocking_agent(stage: Stage) -> None:
    agent = stage.blocking()

    async def look(where: str) -> str:
        """Look somewhere."""
        await asyncio.sleep(0)
        return where

    agent.tool("look", look)
    stage.model.say(Calls([("look", {"where": "there"})]), Text("Seen."))
    assert (await beside(run, agent))["execution"]["last"]["output"] == "there"


async def test_an_asynchronous_tool_that_would_wait_for_itself_is_told_so(stage: Stage) -> None:
    agent = stage.blocking()

    async def wait() -> str:
        """Wait for what cannot come."""
        return str(agent.run(messages="again", model="gpt-5.5"))

    agent.tool("wait", wait)
    stage.model.say(Calls([("wait", {})]), Text("No."))
    response = await beside(run, agent)
    assert statuses(response) == ["tool_error"] and "wait for itself" in response["execution"]["last"]["error"]


async def test_a_slow_tool_holds_up_nobody_else(stage: Stage) -> None:
    agent = stage.blocking()
    slow = threading.Event()

    def hold() -> str:
        """Wait."""
        slow.wait(10)
        return "held"

    agent.tool("hold", hold)
    stage.model.default = by_request
    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(agent.run, messages="hold", model="gpt-5.5")
        quick = await asyncio.wrap_future(pool.submit(agent.run, messages="grant alice", model="gpt-5.5"))
        assert quick["output_text"] == "alice" and not held.done()
        slow.set()
        assert (await asyncio.wrap_future(held))["execution"]["last"]["output"] == "held"


def by_request(request: JsonObject) -> Turn:
    """A model that does what the first message says, so that many may ask at once."""
    words = str(request["input"][0]["content"]).split()
    if request["input"][-1].get("type") == "function_call_output":
        return Text(words[-1])
    return Calls([("hold", {})]) if words[0] == "hold" else Calls([("grant_access", {**GRANT, "user_id": words[1]})])


async def test_an_instance_shared_between_threads_mixes_up_nothing(stage: Stage) -> None:
    agent = stage.blocking()
    stage.model.default = by_request
    names = [f"user{n}" for n in range(24)]

    def one(name: str) -> tuple[str, dict[str, Any]]:
        return name, agent.run(messages=f"grant {name}", model="gpt-5.5")

    def everybody() -> list[tuple[str, dict[str, Any]]]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, names))

    for name, response in await beside(everybody):
        assert response["output_text"] == name
        assert [event["arguments"]["user_id"] for event in response["execution"]["events"]] == [name]
    assert sorted(grant["user_id"] for grant in stage.granted) == sorted(names)
    sessions = {evaluation.body["context"]["session_id"] for evaluation in stage.bighub.evaluations}
    assert len(sessions) == len(names)


async def test_tools_may_be_registered_while_runs_are_under_way(stage: Stage) -> None:
    agent = stage.blocking()
    stage.model.default = by_request

    def register() -> None:
        for n in range(200):
            agent.tool(f"tool_{n}", lambda: None)

    def everybody() -> list[str]:
        with ThreadPoolExecutor(4) as pool:
            registering = pool.submit(register)
            runs = [pool.submit(agent.run, messages=f"grant u{n}", model="gpt-5.5") for n in range(12)]
            registering.result()
            return [run.result()["output_text"] for run in runs]

    assert await beside(everybody) == [f"u{n}" for n in range(12)] and len(agent.list_tools()) == 201


def test_the_asynchronous_agent_serves_several_event_loops_one_after_the_other() -> None:
    """`asyncio.run` twice: the clients belong to a loop, the runs that wait do not."""
    from tests.api.stage import staged

    agents: list[AsyncBighubOpenAI] = []

    async def ask() -> tuple[str, dict[str, Any]]:
        async with staged() as stage:
            agents.append(AsyncBighubOpenAI(**stage.given()))
            agents[0].tool("grant_access", stage.grant_access)
            stage.review()
            stage.wish()
            response = await agents[0].run(messages=ASKED, model="gpt-5.5")
            return response["execution"]["last"]["request_id"], response

    async def wrong() -> None:
        with pytest.raises(ValueError, match="other arguments"):
            await agents[0].resume_after_approval(
                tool_name="grant_access", arguments={**GRANT, "user_id": "eve"}, request_id=request_id
            )

    request_id, _ = asyncio.run(ask())
    asyncio.run(wrong())
