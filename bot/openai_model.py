"""The Model port over OpenAI's Responses API. What the model is shown is `core/transcript.py`'s; here it is sent and read.

Rules
1. Every call is stateless: `store=False`, the whole input, reasoning items with their encrypted content.
2. One attempt a call, under one time limit: the SDK's own retries are off, the engine tries again.
3. The request goes out and the answer is parsed once, as plain JSON: the SDK's typed models cost several times the CPU,
   and an answer that is not the expected JSON is nonsense for us, not a wrongly typed object.
4. What is down, slow or nonsense is `Unavailable`; what will not get better by itself is `Rejected`, in words for people.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI, DefaultAioHttpClient, OpenAIError

from bot.core.redact import redact_text
from bot.errors import ConfigurationError
from bot.ports import Rejected, Reply, Unavailable, Wish

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
# Not `str.splitlines`: a text may hold other separators, which JSON leaves as they are.
_LINE_ENDS = re.compile(r"\r\n|\n|\r")
_CUT = {
    "max_output_tokens": "the longest answer that it may give",
    "content_filter": "OpenAI's content filter",
}


class OpenAIModel:
    """A model behind the Responses API. One connection pool; `close` ends it. ``timeout`` in seconds for a whole attempt.

    Raises ConfigurationError: a key that no header can carry, or an address that is none.
    """

    def __init__(
        self, api_key: str, base_url: str | None, model: str, stream: bool = False, timeout: float = 120.0
    ) -> None:
        if not api_key.strip() or not api_key.isascii() or not api_key.isprintable():
            raise ConfigurationError("OPENAI_API_KEY is not a key: copy it again, without quotes or spaces.")
        host = urlsplit(base_url or "https://api.openai.com").hostname
        if not host:
            raise ConfigurationError(f"OPENAI_BASE_URL {base_url} is not an address: write https://…/v1 .")
        # A proxy of the environment is for the internet, not for a server on this machine.
        http = DefaultAioHttpClient(trust_env=host not in ("localhost", "127.0.0.1", "::1"))
        self._client = AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0, timeout=timeout, http_client=http)
        self._model = model
        self._stream = stream
        self._timeout = timeout

    async def close(self) -> None:
        await self._client.close()

    async def reply(self, items: Sequence[object], tools: Sequence[object]) -> Reply:
        """One stateless call: the whole input item list in, one response out. Raises `Unavailable`, `Rejected`."""
        body: dict[str, Any] = {
            "model": self._model,
            "input": list(items),
            "store": False,
            "include": ["reasoning.encrypted_content"],
        }
        if tools:
            body["tools"] = list(tools)
        if self._stream:
            body["stream"] = True
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._answer(body)
        except (TimeoutError, APITimeoutError) as error:
            raise Unavailable(f"OpenAI did not answer within {self._timeout:g} s.") from error
        except (APIConnectionError, httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError) as error:
            raise Unavailable("OpenAI cannot be reached, or broke off.") from error
        except APIStatusError as error:
            raise self._told(error) from error
        except OpenAIError as error:
            raise Unavailable(f"OpenAI's answer cannot be read ({type(error).__name__}).") from error
        return _read(response, items)

    async def _answer(self, body: dict[str, Any]) -> object:
        # `post`, not `responses.create`: that walks through the whole input once more (measured: 38 ms against 1.3 ms
        # of CPU for 60 kB, benchmarks/model_call.py), and here nobody reads a stream before its end.
        answer = await self._client.post("/responses", body=body, cast_to=httpx2.Response)
        return _last_event(answer.content.decode("utf-8", "replace")) if self._stream else _parsed(answer.content)

    def _told(self, error: APIStatusError) -> Unavailable | Rejected:
        status, code = error.status_code, error.code
        if code == "insufficient_quota":
            return Rejected("OpenAI's quota is used up (429): check the plan and billing of the account.")
        if status in (408, 409, 425, 429) or status >= 500:
            return Unavailable(f"OpenAI answered {status}.", _retry_after(error))
        if status == 401:
            return Rejected("OpenAI refused the key (401): check OPENAI_API_KEY.")
        if status == 403:
            return Rejected("OpenAI does not let this key do that (403): check the permissions of OPENAI_API_KEY.")
        if status == 404:
            return Rejected(f'OpenAI does not know "{self._model}" (404): check SIGNOFF_MODEL and OPENAI_BASE_URL.')
        if code == "context_length_exceeded":
            return Rejected("This conversation has become too long for the model: please start a new thread.")
        return Rejected(f"OpenAI refused the request ({status}): {_message(error.body)}")


def _read(response: object, given: Sequence[object]) -> Reply:
    """A `Reply` of a response object; raises `Unavailable` for nonsense, `Rejected` for an answer that was cut."""
    if not isinstance(response, dict):
        raise _nonsense("no response object")
    match response.get("status"):
        case "completed":
            pass
        case "failed":
            raise Unavailable(f"OpenAI failed: {_message(response.get('error'))}")
        case "incomplete":
            details = response.get("incomplete_details")
            reason = str(details.get("reason")) if isinstance(details, dict) else "an unknown limit"
            raise Rejected(f"The model's answer was cut at {_CUT.get(reason, reason)}. Please ask for less at once.")
        case other:
            raise _nonsense(f"status {str(other)[:40]!r}")
    output = response.get("output")
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        raise _nonsense("no output")
    text = "".join(_words(output))
    wishes = tuple(_wish(item) for item in output if item.get("type") == "function_call")
    if not text and not wishes:
        raise _nonsense("neither words nor calls")
    _check_ids(wishes, given)
    usage = response.get("usage")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else 0
    reply = Reply(json.dumps(output, separators=(",", ":")), text, wishes, tokens if isinstance(tokens, int) else 0)
    _check_storable(reply)
    return reply


def _words(output: list[dict[str, Any]]) -> Iterator[str]:
    for item in output:
        content = item.get("content") if item.get("type") == "message" else None
        for part in content if isinstance(content, list) else ():
            spoken = (part.get("text") or part.get("refusal")) if isinstance(part, dict) else None
            if isinstance(spoken, str):
                yield spoken


def _wish(item: dict[str, Any]) -> Wish:
    wire, name, arguments = item.get("call_id"), item.get("name"), item.get("arguments")
    if not (isinstance(wire, str) and wire and isinstance(name, str) and name and isinstance(arguments, str)):
        raise _nonsense("a call without its id, name or arguments")
    return Wish(wire, name, arguments)


def _check_ids(wishes: tuple[Wish, ...], given: Sequence[object]) -> None:
    """An id that stands for two calls would get one's output for the other."""
    used = {item.get("call_id") for item in given if isinstance(item, dict) and item.get("type") == "function_call"}
    for wish in wishes:
        if wish.wire in used:
            raise _nonsense("two calls with the same id")
        used.add(wish.wire)


def _check_storable(reply: Reply) -> None:
    try:
        "".join(
            (reply.text, *(part for wish in reply.wishes for part in (wish.wire, wish.action, wish.arguments)))
        ).encode()
    except UnicodeEncodeError as error:
        raise _nonsense("broken Unicode") from error


def _last_event(text: str) -> object:
    """The response that the event which ends a stream carries; what comes before only repeats it in pieces."""
    name, texts = "", list[str]()
    for line in _LINE_ENDS.split(text):
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            texts.append(line[5:].strip())
        elif not line:
            event = _parsed("\n".join(texts)) if texts and (not name or name in _ENDS) else None
            if isinstance(event, dict) and event.get("type") in _ENDS:
                if event["type"] == "error":
                    raise Unavailable(f"OpenAI broke off: {_message(event)}")
                return event.get("response")
            name, texts = "", []
    raise Unavailable("OpenAI's answer broke off.")


def _parsed(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _nonsense("no JSON") from error


def _nonsense(what: str) -> Unavailable:
    return Unavailable(f"OpenAI's answer is nonsense ({what}).")


def _message(body: object) -> str:
    """What OpenAI says about an error, for a person: without anything secret, at most 300 characters."""
    inner = body.get("error") if isinstance(body, dict) and isinstance(body.get("error"), dict) else body
    said = inner.get("message") if isinstance(inner, dict) else None
    return redact_text(said)[:300] if isinstance(said, str) and said else "no reason was given."


def _retry_after(error: APIStatusError) -> float:
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, min(float(headers[name]) * unit, 3600.0))
        except (KeyError, ValueError):
            continue
    return 0.0
