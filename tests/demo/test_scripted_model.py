"""Promises of the scripted model, told through the unmodified openai SDK."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from bot.actions import define
from bot.core.changes import NEXT_IS_SAFER
from bot.demo import company
from bot.demo.scripted_model import LABEL, NOTHING_SAFER, ScriptedModel, running_scripted_model

OFFERED: tuple[Callable[..., Any], ...] = (
    company.grant_access,
    company.revoke_access,
    company.deploy_service,
    company.scale_deployment,
    company.get_service_status,
    company.list_services,
    company.post_incident_update,
)
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": each.name,
        "description": each.description,
        "parameters": json.loads(each.parameters_schema),
        "strict": True,
    }
    for each in [define(fn) for fn in OFFERED]
]
GRANT = {"user_id": "bob", "group": "okta-prod-admins", "duration": "48h"}


class Talk:
    """A thread as a bot keeps it: every item is replayed, nothing is stored at the other end."""

    def __init__(self, client: AsyncOpenAI, tools: list[dict[str, Any]]) -> None:
        self._client = client
        self._tools = tools
        self.items: list[Any] = []
        self.calls: list[Any] = []
        self.text = ""

    async def say(self, text: str, **options: Any) -> list[tuple[str, dict[str, Any]]]:
        """Say something; the calls that the model proposes."""
        self.items.append({"role": "user", "content": [{"type": "input_text", "text": text}]})
        return await self.go_on(**options)

    async def answer(self, *outputs: Any) -> list[tuple[str, dict[str, Any]]]:
        """Report what came of each open call, in order."""
        self.note(*outputs)
        return await self.go_on()

    def note(self, *outputs: Any) -> None:
        for call, output in zip(self.calls, outputs, strict=True):
            text = output if isinstance(output, str) else json.dumps(output)
            self.items.append({"type": "function_call_output", "call_id": call.call_id, "output": text})

    async def go_on(self, **options: Any) -> list[tuple[str, dict[str, Any]]]:
        include: Any = ["reasoning.encrypted_content"]
        defaults: dict[str, Any] = {"model": "scripted", "store": False, "include": include, "tools": self._tools}
        response: Any = await self._client.responses.create(input=self.items, **{**defaults, **options})
        self.items += [item.model_dump(mode="json", exclude_none=True) for item in response.output]
        self.calls = [item for item in response.output if item.type == "function_call"]
        self.text = response.output_text
        return [(call.name, json.loads(call.arguments)) for call in self.calls]


@pytest.fixture
async def server() -> AsyncIterator[ScriptedModel]:
    async with running_scripted_model() as running:
        yield running


@pytest.fixture
async def client(server: ScriptedModel) -> AsyncIterator[AsyncOpenAI]:
    http = openai.DefaultAioHttpClient(trust_env=False)
    async with AsyncOpenAI(api_key="any", base_url=server.base_url, max_retries=0, http_client=http) as opened:
        yield opened


@pytest.fixture
def talk(client: AsyncOpenAI) -> Talk:
    return Talk(client, TOOLS)


async def test_a_wish_becomes_a_call_and_its_execution_a_sentence(talk: Talk) -> None:
    assert await talk.say("grant bob okta-prod-admins for 48h") == [("grant_access", GRANT)]
    assert await talk.answer({"status": "executed", "output": GRANT}) == []
    assert talk.text == "Done: bob is in okta-prod-admins for 48h."


async def test_two_wishes_are_two_calls_of_one_turn_each_told_of_by_name(talk: Talk) -> None:
    calls = await talk.say("deploy checkout 2.4.1 to production and scale checkout to 6 replicas")
    assert calls == [
        ("deploy_service", {"service": "checkout", "version": "2.4.1", "environment": "production"}),
        ("scale_deployment", {"service": "checkout", "replicas": 6, "environment": "production"}),
    ]
    deployed = {"service": "checkout", "version": "2.4.1", "environment": "production"}
    await talk.answer({"status": "executed", "output": deployed}, {"status": "blocked", "reason": "Change freeze"})
    assert talk.text.splitlines() == [
        "Done: checkout 2.4.1 runs in production.",
        "Not done: scale checkout to 6 replicas: it was blocked: Change freeze.",
    ]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ({"status": "denied", "by": "carol", "reason": "too broad"}, "Not done: carol denied it: 'too broad'."),
        ({"status": "denied", "reason": "carol denied it: too broad"}, "Not done: carol denied it: too broad."),
        ({"status": "blocked", "outcome": "denied", "reason": "no"}, "Not done: an approver denied it: 'no'."),
        ({"status": "denied"}, "Not done: an approver denied it."),
        ({"status": "expired"}, "Not done: nobody decided in time."),
        (
            {"status": "blocked", "reason": "Too broad", "better_action": "2h instead"},
            "Not done: it was blocked: Too broad. A safer way was suggested: 2h instead.",
        ),
        (
            {"status": "tool_error", "error": "Okta is down"},
            "It failed: grant bob okta-prod-admins for 48h. Okta is down.",
        ),
        ({"status": "in_doubt"}, "I do not know whether this happened: grant bob okta-prod-admins for 48h."),
        ({"status": "needs_context", "reason": "Which incident?"}, "I need more to go on before I can"),
        ({"status": "approval_required"}, "Not done: it still waits for approval."),
        ({"status": "postponed", "reason": "Later"}, "the bot answered 'postponed'. Later."),
        ({"status": "executed", "output": {"ok": False}}, 'It returned: {"ok": false}'),
        ({"status": "executed", "output": None}, "It returned nothing."),
        ("just some words", "just some words"),
    ],
)
async def test_the_answer_claims_no_more_than_the_output(talk: Talk, output: Any, sentence: str) -> None:
    await talk.say("grant bob okta-prod-admins for 48h")
    assert await talk.answer(output) == []
    assert sentence in talk.text
    executed = isinstance(output, dict) and output["status"] == "executed"
    assert talk.text.startswith("Done") == executed


async def test_what_is_missing_is_asked_for_and_the_answer_completes_it(talk: Talk) -> None:
    assert await talk.say("give carol access to engineering") == []
    assert talk.text.endswith("For how long?")
    said = {"user_id": "carol", "group": "engineering", "duration": "2h"}
    assert await talk.say("for 2 hours") == [("grant_access", said)]


async def test_again_and_the_same_for_somebody_else_look_back(talk: Talk) -> None:
    await talk.say("grant bob okta-prod-admins for 48h")
    await talk.answer({"status": "executed", "output": GRANT})
    assert await talk.say("do the same for alice and <@U0DAN>") == [
        ("grant_access", {**GRANT, "user_id": "alice"}),
        ("grant_access", {**GRANT, "user_id": "U0DAN"}),
    ]
    await talk.answer({"status": "executed", "output": GRANT}, {"status": "denied"})
    assert [each["user_id"] for _, each in await talk.say("again, for 2h")] == ["alice", "U0DAN"]
    assert json.loads(talk.calls[0].arguments)["duration"] == "2h"


async def test_a_smaller_call_is_proposed_once_and_only_if_the_user_said_or_safer(talk: Talk) -> None:
    denial = {"status": "denied", "by": "carol", "reason": "too broad, 2h is enough"}
    await talk.say("grant bob okta-prod-admins for 48h")
    assert await talk.answer(denial) == []
    await talk.say("grant bob okta-prod-admins for 48h or safer")
    assert await talk.answer(denial) == [("grant_access", {**GRANT, "duration": "2h"})]
    assert "carol denied it" in talk.text
    assert await talk.answer({**denial, "reason": "1h"}) == []


async def test_asking_for_the_safer_version_reduces_the_refused_call(talk: Talk) -> None:
    await talk.say("grant bob okta-prod-admins for 48h")
    await talk.answer({"status": "superseded"})
    safer = "Use the safer version: Grant scoped Okta admin access for 2h instead of 48h"
    assert await talk.say(safer) == [("grant_access", {**GRANT, "duration": "2h"})]


async def test_s28_a_person_who_wants_something_safer_gets_a_smaller_call_once_or_hears_that_there_is_none(
    talk: Talk,
) -> None:
    await talk.say("grant bob okta-prod-admins for 48h")
    wanted = {"status": "superseded", "reason": "<@U0CAROL> wants a safer alternative.", "note": NEXT_IS_SAFER}
    assert await talk.answer({**wanted, "better_action": "2h are enough"}) == [
        ("grant_access", {**GRANT, "duration": "2h"})
    ]
    assert await talk.answer({"status": "executed", "output": {**GRANT, "duration": "2h"}}) == []
    assert talk.text == "Done: bob is in okta-prod-admins for 2h."
    await talk.say("grant bob okta-prod-admins for 48h")
    assert await talk.answer({**wanted, "better_action": "Ask the owner of the group"}) == []
    assert talk.text.endswith(NOTHING_SAFER)


async def test_the_context_that_was_missing_brings_the_call_back(talk: Talk) -> None:
    await talk.say("scale checkout to 6 replicas")
    await talk.answer({"status": "needs_context", "reason": "Which incident is this for?"})
    talk.items.pop()
    assert await talk.say("it is for INC-42") == [
        ("scale_deployment", {"service": "checkout", "replicas": 6, "environment": "production"})
    ]


async def test_what_was_said_meanwhile_is_answered_after_the_outcomes(talk: Talk) -> None:
    await talk.say("grant bob okta-prod-admins for 48h")
    talk.note({"status": "executed", "output": GRANT})
    assert await talk.say("and what is the status of checkout?") == [("get_service_status", {"service": "checkout"})]
    assert talk.text == "Done: bob is in okta-prod-admins for 48h."


async def test_without_a_known_wish_it_says_what_it_is_and_what_it_can_do(talk: Talk) -> None:
    assert await talk.say("tell me a joke") == []
    assert "scripted model, no AI" in talk.text
    assert "• grant bob okta-prod-admins for 48h" in talk.text
    assert "terraform" not in talk.text


async def test_an_action_that_is_not_offered_is_not_proposed(client: AsyncOpenAI) -> None:
    talk = Talk(client, TOOLS[1:])
    assert await talk.say("grant bob okta-prod-admins for 48h") == []
    assert "grant_access is not among my actions" in talk.text


async def test_a_tool_of_ones_own_is_called_by_name_with_typed_values(client: AsyncOpenAI) -> None:
    properties = {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "force": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    }
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    talk = Talk(client, [{"type": "function", "name": "restart_worker", "strict": True, "parameters": schema}])
    assert await talk.say('restart_worker name="a b" count=3') == [
        ("restart_worker", {"name": "a b", "count": 3, "force": None})
    ]


async def test_a_plain_text_input_and_no_tools_are_enough(client: AsyncOpenAI) -> None:
    response = await client.responses.create(model="scripted", input="grant bob okta-prod-admins for 48h")
    assert "not among my actions" in response.output_text


async def test_tool_choice_none_means_no_calls(talk: Talk) -> None:
    assert await talk.say("grant bob okta-prod-admins for 48h", tool_choice="none") == []
    assert talk.text


async def test_a_streamed_answer_is_the_same_answer(client: AsyncOpenAI) -> None:
    options: Any = {"model": "scripted", "input": "grant bob okta-prod-admins for 48h", "tools": TOOLS}
    async with client.responses.stream(**options) as stream:
        kinds = [event.type async for event in stream]
        final: Any = await stream.get_final_response()
    assert json.loads(final.output[-1].arguments) == GRANT
    assert kinds[-1] == "response.completed"
    assert "response.function_call_arguments.done" in kinds


async def test_reasoning_is_sealed_for_the_one_who_asks_and_ids_never_repeat(client: AsyncOpenAI) -> None:
    options: Any = {"model": "scripted", "input": "list services", "tools": TOOLS, "store": False}
    bare = await client.responses.create(**options)
    sealed = await client.responses.create(**options, include=["reasoning.encrypted_content"])
    assert (bare.output[0].type, bare.output[0].encrypted_content) == ("reasoning", None)
    assert sealed.output[0].encrypted_content
    ids = [each.id for response in (bare, sealed) for each in (response, *response.output)]
    assert len(set(ids)) == len(ids)


async def test_it_names_itself_wherever_it_can(server: ScriptedModel, client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["signoff-scripted"]
    response = await client.responses.create(model="gpt-5.5", input="hi")
    assert response.model == "signoff-scripted"
    async with httpx.AsyncClient(trust_env=False) as bare:
        assert (await bare.get(server.base_url.removesuffix("v1"))).text == LABEL


async def test_a_body_that_is_no_json_object_is_a_400(server: ScriptedModel) -> None:
    async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer x"}) as bare:
        answers = [await bare.post(f"{server.base_url}/responses", content=body) for body in (b"{", b"[]", b"\xff")]
    assert [answer.status_code for answer in answers] == [400] * 3
    assert answers[0].json()["error"]["type"] == "invalid_request_error"
