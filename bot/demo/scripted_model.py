"""The scripted model: a local server that speaks OpenAI's Responses API and follows plain rules. There is no AI in it.

1. The newest user message decides; its wishes become calls of the tools that the request offers, all in one turn.
2. What lacks a word is asked for; what no rule knows is answered with what can be asked.
3. Outcomes are told before anything else, and no better than the bot reported them (`sentences`).
4. A smaller call is proposed only if the user said "or safer", or asks for the safer one, and only once; and if the bot says that a
   person wants one.

The wire is in `responses_wire`, the patterns are in `wishes`, the history is read by `conversation`.
"""

import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.demo import sentences
from bot.demo.conversation import Conversation, PastCall, read_conversation
from bot.demo.responses_rules import Refusal
from bot.demo.responses_wire import ProposedCall, Reply, read_request, refusal_response, reply_response
from bot.demo.wishes import Wish, durations_in, wishes_in
from bot.serving import serving

MODEL_NAME = "signoff-scripted"
LABEL = "This is Signoff's scripted model: fixed rules, no AI. It speaks the OpenAI Responses API at /v1/responses."

NOTHING_SAFER = "I know no safer way to do that."

_REFUSED = frozenset({"denied", "blocked", "superseded"})
_AGAIN = re.compile(r"\b(again|same|once more|repeat)\b", re.I)
_SAFER = re.compile(r"\bsafer\b", re.I)
_WANTS_SAFER = re.compile(r"\bwants a safer alternative\b", re.I)
_OR_SAFER = re.compile(r"\bor\s+(?:something\s+)?safer\b", re.I)
_GROUP = re.compile(r"\b[a-z]\w*(?:-\w+)+\b", re.I)
_SUBJECTS = ("user_id", "service", "app", "name", "image", "workspace", "incident")
_ASSUMED = {
    "environment": "production",
    "status": "investigating",
    "plan_summary": "the pending plan, as it stands",
}
_QUESTIONS = {
    "user_id": "For whom?",
    "group": "Which group?",
    "duration": "For how long?",
    "service": "Which service?",
    "version": "Which version?",
    "replicas": "How many replicas?",
    "app": "Which app?",
    "workspace": "Which workspace?",
    "name": "Which credentials?",
    "image": "Which image?",
    "incident": "Which incident?",
    "message": "What should it say?",
}
_EXAMPLES = {
    "grant_access": "grant bob okta-prod-admins for 48h",
    "revoke_access": "revoke bob's access to okta-prod-admins",
    "deploy_service": "deploy checkout 2.4.1 to production",
    "scale_deployment": "scale checkout to 6 replicas",
    "sync_argocd_app": "sync checkout",
    "terraform_apply": "apply terraform network",
    "rotate_credentials": "rotate checkout-db credentials",
    "post_incident_update": "post incident update INC-42 monitoring: error rate is back to normal",
    "scan_image": "scan image checkout:2.4.1",
    "get_service_status": "status of checkout",
    "list_services": "list services",
}


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """Where the running scripted model is reached; `base_url` is what `OPENAI_BASE_URL` wants."""

    base_url: str


def scripted_model_app(*, pace: float = 0.0) -> Starlette:
    """The server: `POST /v1/responses`, `GET /v1/models` and a page that says what it is. `pace`: seconds per delta."""

    async def respond(request: Request) -> Response:
        body = await read_request(request)
        if isinstance(body, Refusal):
            return refusal_response(body)
        return reply_response(body, reply_to(body), model=MODEL_NAME, pace=pace)

    async def models(_request: Request) -> Response:
        entry = {"id": MODEL_NAME, "object": "model", "created": 0, "owned_by": "signoff"}
        return JSONResponse({"object": "list", "data": [entry]})

    async def label(_request: Request) -> Response:
        return PlainTextResponse(LABEL)

    return Starlette(
        routes=[
            Route("/", label),
            Route("/v1/models", models),
            Route("/v1/responses", respond, methods=["POST"]),
        ]
    )


@contextlib.asynccontextmanager
async def running_scripted_model(
    host: str = "127.0.0.1", port: int = 0, *, pace: float = 0.0
) -> AsyncIterator[ScriptedModel]:
    """Serve the scripted model until the block ends.

    Raises:
        OSError: the port is taken.
    """
    async with serving(scripted_model_app(pace=pace), host=host, port=port) as address:
        yield ScriptedModel(f"{address.url}/v1")


def reply_to(request: Mapping[str, Any]) -> Reply:
    """What the script answers to a request that `responses_rules` found valid."""
    conversation = read_conversation(request["input"])
    tools = {tool["name"]: tool for tool in request.get("tools") or ()}
    lines = [sentences.report(conversation.unreported)] if conversation.unreported else []
    calls: list[ProposedCall] = []
    wishes = _understood(conversation, list(tools)) if conversation.new_words else _safer_wishes(conversation)
    wanted = any(_WANTS_SAFER.search(outcome.note) for _, outcome in conversation.unreported)
    lines += [NOTHING_SAFER] if wanted and not wishes else []
    for wish in wishes:
        call, line = _proposal(wish, tools)
        calls += [call] if call else []
        lines += [line] if line else []
    if request.get("tool_choice") == "none":
        calls.clear()
    if not calls and not lines:
        lines.append(_what_can_be_asked(tools))
    return Reply(text="\n".join(lines), calls=tuple(calls), reasoning=bool(calls))


def _understood(conversation: Conversation, offered: Sequence[str]) -> list[Wish]:
    words = "\n".join(conversation.new_words)
    if _SAFER.search(words) and not _OR_SAFER.search(words) and conversation.turns:
        smaller = [_reduced(call, words) for call in conversation.turns[-1]]
        if wishes := [wish for wish in smaller if wish]:
            return wishes
    if wishes := wishes_in(words, offered):
        return wishes
    if _AGAIN.search(words):
        return _once_more(conversation, words, offered)
    if unclear := [call for call, outcome in conversation.unreported if outcome.status.startswith("needs_")]:
        return [Wish(call.name, _as_said(call.arguments)) for call in unclear]
    if conversation.last_answer.endswith("?") and len(conversation.asked) > 1:
        return wishes_in(f"{conversation.asked[-2]} {conversation.asked[-1]}", offered)
    return []


def _once_more(conversation: Conversation, words: str, offered: Sequence[str]) -> list[Wish]:
    """The wishes of before; "for alice" puts alice in the place of whom or what they were about."""
    before = [Wish(call.name, _as_said(call.arguments)) for turn in conversation.turns[-1:] for call in turn]
    earlier = (wishes_in(text, offered) for text in reversed(conversation.asked[: -len(conversation.new_words)]))
    before = before or next((wishes for wishes in earlier if wishes), [])
    changes = {"duration": durations[0]} if (durations := durations_in(words)) else {}
    named = re.search(r"\bfor\s+([^\d\s].*)", words, re.I)
    subjects = re.split(r"\s*(?:,|\band\b)\s*", named[1]) if named else []
    names = [re.sub(r"\s.*|[<>@.!?]|\|.*", "", subject).strip() for subject in subjects]
    return [_about(wish, name, changes) for wish in before for name in [name for name in names if name] or [""]]


def _about(wish: Wish, name: str, changes: Mapping[str, str]) -> Wish:
    said = {**wish.said, **{key: value for key, value in changes.items() if key in wish.said}}
    subject = next((key for key in _SUBJECTS if key in said), None)
    if name and subject:
        said[subject] = name.upper() if re.fullmatch(r"[UW]0?[A-Z0-9]{3,}", name) else name.lower()
    return Wish(wish.action, said)


def _safer_wishes(conversation: Conversation) -> list[Wish]:
    welcome = bool(conversation.asked) and _OR_SAFER.search(conversation.asked[-1]) is not None
    refused = [
        (call, f"{outcome.better_action}\n{outcome.reason}")
        for call, outcome in conversation.unreported
        if _WANTS_SAFER.search(outcome.note)
        or (welcome and outcome.status in _REFUSED and conversation.calls_since_asked.count(call.name) == 1)
    ]
    return [wish for call, advice in refused if (wish := _reduced(call, advice))]


def _reduced(call: PastCall, advice: str) -> Wish | None:
    """The call with the first duration, number, group or environment of `advice` that differs; None if none does."""
    said = _as_said(call.arguments)
    offers = {
        "duration": durations_in(advice),
        "replicas": re.findall(r"\b\d+\b", advice),
        "group": [found.lower() for found in _GROUP.findall(advice)],
        "environment": re.findall(r"\b(?:staging|development)\b", advice.lower()),
    }
    for name, values in offers.items():
        better = next((value for value in values if value != said.get(name)), None)
        if name in said and better:
            return Wish(call.name, {**said, name: better})
    return None


def _proposal(wish: Wish, tools: Mapping[str, Any]) -> tuple[ProposedCall | None, str]:
    """A call, or the sentence that says why there is none."""
    if wish.action not in tools:
        return None, f"I cannot {sentences.wished(wish.action, wish.said)}: {wish.action} is not among my actions."
    schema = tools[wish.action].get("parameters") or {}
    required = schema.get("required") or []
    arguments: dict[str, Any] = {}
    for name, parameter in (schema.get("properties") or {}).items():
        said = wish.said.get(name, _ASSUMED.get(name))
        if said is not None:
            arguments[name] = _typed(said, parameter)
        elif name in required and "null" in _types(parameter):
            arguments[name] = None
        elif name in required:
            question = _QUESTIONS.get(name, f"What is the {name}?")
            return None, f"I need one more word for {wish.action}. {question}"
    return ProposedCall(wish.action, json.dumps(arguments)), ""


def _types(parameter: Mapping[str, Any]) -> list[str]:
    kinds = parameter.get("type", [])
    inner = [kind for branch in parameter.get("anyOf", ()) for kind in _types(branch)]
    return ([kinds] if isinstance(kinds, str) else list(kinds)) + inner


def _typed(said: str, parameter: Mapping[str, Any]) -> Any:
    kinds = _types(parameter)
    if "string" in kinds or not kinds:
        return said
    try:
        return json.loads(said)
    except ValueError:
        return said


def _as_said(arguments: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in arguments.items()
        if value is not None
    }


def _what_can_be_asked(tools: Mapping[str, Any]) -> str:
    known = [f"• {_EXAMPLES[name]}" for name in _EXAMPLES if name in tools]
    others = [f"• {name} key=value" for name in tools if name not in _EXAMPLES]
    if not known + others:
        return "I am a scripted model, no AI, and I was offered no actions, so there is nothing that I can do."
    return "\n".join(["I am a scripted model, no AI: I only know fixed sentences. Try for example:", *known, *others])
