"""The founding README is true here: each of its code blocks runs as a program of its own, unchanged but for the import line, and
does what the README says of it; each name in its tables exists. The servers are real; the programs find them by their environment.
"""

import asyncio
import hashlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import bot
from bot import AdapterConfigurationError, AsyncBighubOpenAI, BighubOpenAI
from tests.api.stage import GRANT, Stage, statuses
from tests.servers.bighub_decisions import blocked, decision, needs_context, review
from tests.servers.bighub_server import running_bighub
from tests.servers.model_server import Calls, Text, running_model

README = (Path(__file__).parent / "founding_readme.md").read_text(encoding="utf-8")
ROOT = Path(__file__).parents[2]
CLASSES = (BighubOpenAI, AsyncBighubOpenAI)
KEYS: dict[str, Any] = {"bighub_api_key": "bh_live_xxx", "openai_api_key": "sk-xxx"}

# What stands before a block that needs it: an agent as the quickstart makes one, and the functions that the prose names.
AGENT = """
import json, os
from bot import BighubOpenAI

agent = BighubOpenAI(
    openai_api_key=os.getenv("OPENAI_API_KEY"), bighub_api_key=os.getenv("BIGHUB_API_KEY"), actor="ops-agent", domain="it_actions"
)
"""
DEPLOY_SERVICE = """
def deploy_service(service: str, version: str) -> dict:
    return {"deployed": f"{service} {version}"}
"""
SYNC_ARGOCD_APP = """
def sync_argocd_app(app: str, environment: str) -> dict:
    return {"synced": app}
"""
SYNC = """
agent.tool("sync_argocd_app", sync_argocd_app)
"""
ROTATE_CREDENTIALS = """
import json, os

async def rotate_credentials(database: str) -> dict:
    return {"rotated": database}
"""
GRANT_ACCESS = """
@agent.action(system="okta", risk="high", environment="production")
def grant_access(user_id: str, group: str, duration: str) -> dict:
    print("granted", user_id)
    return {"ok": True}
"""
# What stands after a block that only prepares something, or does not print what it promises.
RUN = """
response = agent.run(messages=[{"role": "user", "content": "Go on"}], model="gpt-5.5")
print(json.dumps(response["execution"]["last"]))
"""


def blocks() -> list[tuple[str, str]]:
    """Each Python block of the README, under its heading."""
    parts = re.split(r"^## (.*)$", README, flags=re.MULTILINE)
    named = zip(parts[1::2], parts[2::2], strict=True)
    return [(title, code) for title, text in named for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


def block(title: str, number: int = 0) -> str:
    """One block; its import line names this project."""
    code = [code for name, code in blocks() if name == title][number]
    return code.replace("from bighub_openai import", "from bot import")


async def played(stage: Stage, code: str, before: str = "", after: str = "") -> list[str]:
    """What the program prints, line by line. It knows the servers by its environment, and ends by itself without a word more."""
    environment = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": stage.model.base_url,
        "BIGHUB_API_KEY": stage.bighub.api_key,
        "BIGHUB_BASE_URL": stage.bighub.url,
    }
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.api.programs.play"),
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    pieces = json.dumps({"before": before, "block": code, "after": after}).encode()
    async with asyncio.timeout(60):
        printed, complained = await program.communicate(pieces)
    assert (program.returncode, complained.decode()) == (0, "")
    return printed.decode().splitlines()


def once(request: dict[str, Any]) -> Calls | Text:
    """A model that proposes once in each run, and then answers."""
    return Text("Done.") if len(request["input"]) > 1 else Calls([("grant_access", GRANT)])


# --- the code blocks ----------------------------------------------------------------------------------------------------------


def test_the_readme_is_the_founding_one_byte_for_byte() -> None:
    """Formatters have opinions about the code in it."""
    digest = hashlib.sha256((Path(__file__).parent / "founding_readme.md").read_bytes()).hexdigest()
    assert digest == "ce226e719d20a37b5f5cda914faf1b3ed5e8a02d0dc6f85d5ad9ee5fe7a4f1a6"


def test_no_block_is_forgotten() -> None:
    """Each of these has its test below, in this order; there is no Python in the README besides."""
    assert [title for title, _ in blocks()] == [
        "Quickstart",
        "Response Shape",
        "Configuration",
        "Registering tools",
        "Registering tools",
        "Streaming",
        "Async",
        "Human-in-the-loop approvals",
    ]
    assert len(re.findall(r"```py", README)) == 8


async def test_the_quickstart_works_as_printed(stage: Stage) -> None:
    """H1: nothing about its arguments looks like a value. The schema is strict, and the system's context reaches BIGHUB."""
    stage.bighub.default = decision("constrained", risk=0.31, reason="Fine for 48 hours.")
    stage.wish()
    assert await played(stage, block("Quickstart")) == ["executed", "constrained", "0.31", "Fine for 48 hours."]
    assert stage.model.requests[0]["model"] == "gpt-5.5" and stage.model.refusals == []
    assert stage.model.outputs().popitem()[1]["output"] == {"ok": True, **GRANT}
    (tool,) = stage.model.requests[0]["tools"]
    assert (tool["type"], tool["name"], tool["strict"]) == ("function", "grant_access", True)
    parameters = tool["parameters"]
    assert {name: each["type"] for name, each in parameters["properties"].items()} == dict.fromkeys(GRANT, "string")
    assert parameters["required"] == list(GRANT) and parameters["additionalProperties"] is False
    (evaluation,) = stage.bighub.evaluations
    assert (evaluation.body["action"], evaluation.body["actor"]) == ("grant_access", "ops-agent")
    told = {"system": "okta", "risk": "high", "environment": "production", "arguments": GRANT}
    assert told.items() <= evaluation.body["context"].items()


async def test_the_quickstart_does_not_run_what_it_may_not(stage: Stage) -> None:
    answers = [review(), blocked(), needs_context()]
    stage.bighub.rules = lambda body: answers.pop(0)
    stage.model.default = once
    lines = await played(stage, block("Quickstart") * 3)
    assert list(zip(lines[0::4], lines[1::4], strict=True)) == [
        ("approval_required", "review"),
        ("blocked", "blocked"),
        ("blocked", "needs_context"),
    ]


async def test_a_response_has_the_shape_that_is_shown_and_its_decision_gives_approval_required(stage: Stage) -> None:
    """The sample decision is judged as it is printed, and with the compatibility signals that are printed beside it."""
    after = "import json; print(json.dumps(shown, default=lambda ellipsis: {}))"
    (line,) = await played(stage, block("Response Shape"), after=after)
    shown = json.loads(line)
    last = shown["execution"]["last"]
    sample, agent = last.pop("decision"), await stage.agent()
    signals = {name: last[name] for name in ("recommendation", "risk_score", "enforcement_mode")}
    for answer in (sample, {**sample, **signals}):
        stage.bighub.default, stage.model.default = answer, once
        response = await agent.run(messages="Grant it.", model="gpt-5.5")
        assert shown.keys() <= response.keys() and shown["execution"].keys() == response["execution"].keys()
        assert statuses(response) == ["approval_required"] and stage.granted == []
        given = response["execution"]["last"]
        assert given is response["execution"]["events"][-1]
        assert (given["decision"], given["request_id"]) == (answer, "req_abc123")
        assert last.keys() <= given.keys()
    assert last.items() <= given.items()


async def test_the_configuration_is_accepted_and_its_keys_are_the_ones_that_are_used() -> None:
    async with running_model() as model, running_bighub(api_key="bh_live_xxx") as bighub:
        stage = Stage(model, bighub)
        model.say(Calls([("deploy_service", {"service": "checkout", "version": "v42"})]), Text("Deployed."))
        before = "import json\nfrom bot import BighubOpenAI\n" + DEPLOY_SERVICE
        after = 'agent.tool("deploy_service", deploy_service)' + RUN
        (line,) = await played(stage, block("Configuration"), before, after)
        assert json.loads(line)["status"] == "executed"
        assert {headers["authorization"] for headers in model.headers} == {"Bearer sk-xxx"}
        body = bighub.evaluations[0].body
        assert (body["actor"], body["domain"], body["context"]["model_selection"]) == (
            "ops-agent",
            "it_actions",
            "auto",
        )
        assert len(bighub.outcomes) == len(bighub.memory) == 1


async def test_a_tool_is_registered_in_one_line(stage: Stage) -> None:
    stage.model.say(Calls([("deploy_service", {"service": "checkout", "version": "v42"})]), Text("Deployed."))
    (line,) = await played(stage, block("Registering tools"), AGENT + DEPLOY_SERVICE, RUN)
    last = json.loads(line)
    assert (last["status"], last["output"]) == ("executed", {"deployed": "checkout v42"})


async def test_a_tool_may_say_how_bighub_knows_it_and_extract_metadata_from_its_arguments(stage: Stage) -> None:
    stage.model.say(Calls([("sync_argocd_app", {"app": "checkout", "environment": "staging"})]), Text("Synced."))
    (line,) = await played(stage, block("Registering tools", 1), AGENT + SYNC_ARGOCD_APP, RUN)
    assert json.loads(line)["status"] == "executed"
    body = stage.bighub.evaluations[0].body
    assert (body["action"], body["domain"], body["actor"]) == ("argocd_sync", "it_actions", "ops-agent")
    assert {"system": "argocd", "environment": "staging", "app": "checkout"}.items() <= body["context"].items()


async def test_a_tool_may_bring_a_schema_of_its_own(stage: Stage) -> None:
    """It is what the model is offered and what its arguments are checked by; the function gets the plain values."""
    agent, scaled = await stage.agent(), list[dict[str, Any]]()
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "replicas": {"type": "integer", "maximum": 5}},
        "required": ["name", "replicas"],
        "additionalProperties": False,
    }
    agent.tool("scale", lambda **given: scaled.append(given), parameters_schema=schema)
    good, wrong = {"name": "checkout", "replicas": 3}, {"name": "checkout", "replicas": 6}
    stage.model.say(Calls([("scale", good), ("scale", wrong)]), Text("Scaled."))
    assert statuses(await agent.run(messages="Scale it.", model="gpt-5.5")) == ["blocked", "executed"]
    assert scaled == [good] and stage.bighub.evaluations[0].body["context"]["arguments"] == good
    assert next(tool for tool in stage.model.requests[0]["tools"] if tool["name"] == "scale")["parameters"] == schema


async def test_a_stream_prints_each_execution_event(stage: Stage) -> None:
    wish = ("sync_argocd_app", {"app": "checkout", "environment": "production"})
    stage.model.say(Calls([wish, wish]), Text("Synced twice."))
    assert await played(stage, block("Streaming"), AGENT + SYNC_ARGOCD_APP + SYNC) == ["sync_argocd_app executed"] * 2
    assert {request.get("stream") for request in stage.model.requests} == {True}


async def test_a_stream_is_incremental_and_ends_with_what_run_returns(stage: Stage) -> None:
    """The block's loop, but it prints each event whole."""
    looking = block("Streaming").replace('if event["type"] == "execution_event":', "if True:")
    looking = re.sub(r"print\(.*\)", "print(json.dumps(event))", looking)
    after = "print(json.dumps(agent.run(messages='Sync it', model='gpt-5.5')))"
    for _ in range(2):
        wish = ("sync_argocd_app", {"app": "checkout", "environment": "production"})
        stage.model.say(Calls([wish]), Text("Synced it now."))
    lines = await played(stage, looking, AGENT + SYNC_ARGOCD_APP + SYNC, after)
    *events, response = (json.loads(line) for line in lines)
    kinds = [event["type"] for event in events]
    assert kinds.index("execution_event") < kinds.index("llm_delta") and kinds.count("llm_delta") > 1
    assert "".join(event["delta"] for event in events if event["type"] == "llm_delta") == "Synced it now."
    assert kinds[-1] == "final_response" and kinds.count("final_response") == 1
    assert _shape(events[-1]["response"]) == _shape(response)


def _shape(value: Any) -> Any:
    match value:
        case dict():
            return {name: _shape(each) for name, each in value.items()}
        case list():
            return [_shape(each) for each in value]
        case _:
            return type(value)


async def test_the_asynchronous_agent_awaits_an_asynchronous_tool(stage: Stage) -> None:
    stage.model.say(Calls([("rotate_credentials", {"database": "orders"})]), Text("Rotated."))
    after = 'print(json.dumps([response["output_text"], response["execution"]["last"]]))'
    (line,) = await played(stage, block("Async"), ROTATE_CREDENTIALS, after)
    text, last = json.loads(line)
    assert (text, last["status"], last["output"]) == ("Rotated.", "executed", {"rotated": "orders"})


async def test_an_approval_pauses_the_run_which_goes_on_inside_the_loop(stage: Stage) -> None:
    stage.review()
    stage.wish(then="Granted for 48 hours.")
    after = 'print(json.dumps({name: result[name] for name in ("output_text", "approval_loop", "execution")}))'
    granted, line = await played(stage, block("Human-in-the-loop approvals"), AGENT + GRANT_ACCESS, after)
    result = json.loads(line)
    assert granted == "granted alice" and result["output_text"] == "Granted for 48 hours."
    assert statuses(result) == ["approval_required", "executed"]
    loop = result["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"], loop["tool_output"]) == (
        True,
        True,
        True,
        {"ok": True},
    )
    (resolution,) = stage.bighub.resolutions
    assert (resolution["resolution"], resolution["comment"]) == ("approved", "approved by on-call")
    assert len(stage.model.requests) == 2 and stage.model.outputs().popitem()[1]["output"] == {"ok": True}


# --- the tables and lists ------------------------------------------------------------------------------------------------------


def section(title: str) -> str:
    """The text under a heading of any level, to the next one."""
    (text,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README, re.DOTALL | re.MULTILINE)
    return str(text)


def rows(title: str) -> dict[str, str]:
    """The table under a heading: its first column without the code marks, and its second as it is."""
    return dict(re.findall(r"^\| `(.+?)` \| (.*) \|$", section(title), re.MULTILINE))


def points(title: str) -> dict[str, list[str]]:
    """The list under a heading: the first code of each point, and the codes that follow it there."""
    codes = [re.findall(r"`(.+?)`", line) for line in section(title).splitlines() if line.startswith("- ")]
    return {first: others for first, *others in codes}


async def judged(stage: Stage, answer: dict[str, Any]) -> dict[str, Any]:
    """The execution event of a call that BIGHUB answered so."""
    stage.bighub.default, stage.model.default = answer, once
    agent = await stage.agent()
    event: dict[str, Any] = (await agent.run(messages="Grant it.", model="gpt-5.5"))["execution"]["last"]
    return event


async def test_every_primary_decision_signal_reaches_the_program_as_bighub_sent_it(stage: Stage) -> None:
    signals = rows("Primary decision signals")
    assert len(signals) == 10
    answer = decision("constrained", better_action="Grant 2h.", reason="Fine.", risk=0.3)
    assert signals.keys() <= answer.keys()
    assert (await judged(stage, answer))["decision"].items() >= answer.items()


@pytest.mark.parametrize(
    ("signal", "stops"),
    [("can_run", False), ("needs_review", True), ("needs_more_context", True), ("should_not_run", True)],
)
async def test_each_signal_that_stops_a_call_stops_it_alone(stage: Stage, signal: str, stops: Any) -> None:
    assert signal in rows("Primary decision signals")
    assert (await judged(stage, decision()))["status"] == "executed"
    event = await judged(stage, {**decision(), signal: stops})
    assert event["status"] in ("blocked", "approval_required") and len(stage.granted) == 1


async def test_every_mode_that_the_table_names_is_understood(stage: Stage) -> None:
    modes = re.findall(r"`(\w+)`", rows("Primary decision signals")["mode"])
    found = {mode: (await judged(stage, decision(mode)))["status"] for mode in modes}
    assert found == {
        "autonomous": "executed",
        "constrained": "executed",
        "review": "approval_required",
        "blocked": "blocked",
        "needs_context": "blocked",
    }


async def test_the_execution_statuses_are_the_tables(stage: Stage) -> None:
    agent = await stage.agent()
    answers = {"alice": decision(), "bob": blocked(), "carol": review()}
    stage.bighub.rules = lambda body: answers.get(body["context"]["arguments"].get("user_id", ""))
    agent.tool("fail", fail)
    stage.wish(*({**GRANT, "user_id": name} for name in answers))
    stage.model.script.insert(0, Calls([("fail", {})]))
    response = await agent.run(messages="Grant it.", model="gpt-5.5")
    assert set(statuses(response)) == rows("Execution statuses").keys()
    assert len(statuses(response)) == len(rows("Execution statuses")) == 4


def fail() -> None:
    """Fail."""
    raise ValueError("There is no such group.")


async def test_the_compatibility_signals_stand_beside_the_decision_and_in_it(stage: Stage) -> None:
    names = re.findall(r"`(\w+)`", section("Compatibility signals").split("may also")[1])
    assert names[:6] == ["recommendation", "risk_score", "enforcement_mode", "allowed", "result", "reason"]
    answer = dict(zip(names, ("proceed", 0.25, "advisory", True, "approved", "Fine."), strict=False))
    event = await judged(stage, answer)
    assert event["status"] == "executed" and event["decision"].items() >= answer.items()
    assert [event[name] for name in names[:3]] == ["proceed", 0.25, "advisory"]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_key_parameter_is_one_and_takes_the_values_that_are_named(kind: Any) -> None:
    named = points("Configuration")
    assert list(named) == ["decision_mode", "fail_mode", "outcome_reporting", "memory_enabled", "model_selection"]
    for name, values in named.items():
        assert name in inspect.signature(kind).parameters
        allowed: list[Any] = ["auto"] if name == "model_selection" else [True, False]
        for value in values or allowed:
            assert getattr(kind(**KEYS, **{name: value}), name) == value
        if values:
            with pytest.raises(AdapterConfigurationError, match=name):
                kind(**KEYS, **{name: "something else"})


@pytest.mark.parametrize("kind", CLASSES)
def test_every_pattern_of_registration_is_possible(kind: Any) -> None:
    named = points("Registering tools")
    register_tool = "register_tool(...)"
    assert list(named) == ["value_from_args", "target_from_args", "parameters_schema", register_tool]
    taken = inspect.signature(getattr(kind, register_tool.removesuffix("(...)"))).parameters
    assert named.keys() - {register_tool} <= taken.keys()


@pytest.mark.parametrize("kind", CLASSES)
def test_every_method_of_the_api_reference_takes_what_is_named(kind: Any) -> None:
    methods = rows("API Reference")
    assert len(methods) == 7
    for method in methods:
        name, given = re.fullmatch(r"(\w+)\((.*)\)", method).groups()  # type: ignore[union-attr]
        names = {each.strip() for each in given.split(",") if each.strip() not in ("", "...", "**kwargs")}
        assert names <= inspect.signature(getattr(kind, name)).parameters.keys(), method


def test_the_aliases_are_the_classes() -> None:
    aliases = points("Compatibility")
    assert aliases == {"GuardedOpenAI": ["BighubOpenAI"], "AsyncGuardedOpenAI": ["AsyncBighubOpenAI"]}
    for alias, (name,) in aliases.items():
        assert getattr(bot, alias) is getattr(bot, name)


STREAM = (
    *("llm_delta", "llm_text_done", "output_item_added", "function_call_args_delta", "function_call_args_done"),
    *("refusal_delta", "response_done", "response_failed", "execution_event", "final_response"),
)


def test_the_librarys_page_has_a_row_for_every_feature_of_the_readme() -> None:
    page = (Path(__file__).parents[2] / "docs" / "library.md").read_text()
    (table,) = re.findall(r"^\| feature \| test \|\n(.*?)\n\n", page, re.DOTALL | re.MULTILINE)
    features = {code for row in table.splitlines() for code in re.findall(r"`(.+?)`", row.split(" | ")[0])}
    compatible = re.findall(r"`(\w+)`", section("Compatibility signals").split("may also")[1])[:6]
    registering = [name.removesuffix("(...)") for name in points("Registering tools")]
    methods = [re.split(r"\W", method)[0] for method in rows("API Reference")]
    named = {*rows("Primary decision signals"), *rows("Execution statuses"), *points("Configuration"), *STREAM}
    assert {*named, *compatible, *registering, *methods} - features == set()
