"""OpenAI's Responses API: the bot's Model port, and the one request that the library makes with its own client. What the
model is shown is `core/transcript.py`'s; here it is sent and read.

Rules
1. Every call is stateless: `store=False`, the whole input, reasoning items with their encrypted content.
2. One attempt a call, under one time limit: the SDK's own retries are off, the engine tries again. Where somebody reads a
   stream as it comes, the limit is on the silence before its first event and between two.
3. The request goes out and the answer is parsed once, as plain JSON: the SDK's typed models cost several times the CPU,
   and an answer that is not the expected JSON is nonsense for us, not a wrongly typed object.
4. What is down, slow or nonsense is `Unavailable`; what will not get better by itself is `Rejected`, in words for people.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai
from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

from bot.core.redact import redact_text
from bot.errors import ConfigurationError
from bot.ports import Prompt, Rejected, Reply, Unavailable, Wish

Json = dict[str, Any]
OnEvent = Callable[[Json], object]

REASONING = "reasoning.encrypted_content"
_BROKEN_OFF = (APIConnectionError, httpx2.RequestError, httpx2.StreamError, aiohttp.ClientError)
_ABSENT = (openai.NotGiven, openai.Omit)
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
# Not `splitlines`: a text may hold other separators, which JSON leaves as they are. A CR at the end may be half a CRLF.
_LINE_ENDS = re.compile(rb"\r\n|\n|\r(?!\Z)")
_OF_THE_CALL = {"extra_headers": "headers", "extra_query": "params", "extra_body": "extra_json"}
_CUT = {"max_output_tokens": "the longest answer that it may give", "content_filter": "OpenAI's content filter"}


class OpenAIModel:
    """A model behind the Responses API. One connection pool; `close` ends it. ``timeout`` in seconds for a whole attempt.
    Without ``base_url`` the environment's OPENAI_BASE_URL counts, as it does for the SDK.

    Raises ConfigurationError: a key that no header can carry, or an address that is none.
    """

    def __init__(
        self, api_key: str, base_url: str | None, model: str, stream: bool = False, timeout: float = 120.0
    ) -> None:
        if not api_key.strip() or not api_key.isascii() or not api_key.isprintable():
            raise ConfigurationError("OPENAI_API_KEY is not a key: copy it again, without quotes or spaces.")
        address = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        host = urlsplit(address).hostname
        if not host:
            raise ConfigurationError(f"OPENAI_BASE_URL {address} is not an address: write https://…/v1 .")
        # A proxy of the environment is for the internet, not for a server on this machine.
        http = openai.DefaultAioHttpClient(trust_env=host not in ("localhost", "127.0.0.1", "::1"))
        self._client = openai.AsyncOpenAI(
            api_key=api_key, base_url=address, max_retries=0, timeout=timeout, http_client=http
        )
        self._model = model
        self._stream = stream
        self._timeout = timeout
        self._without_reasoning: set[str] = set()

    async def close(self) -> None:
        await self._client.close()

    async def reply(self, prompt: Prompt) -> Reply:
        """One stateless call: the whole input item list in, one response out. Raises `Unavailable`, `Rejected`."""
        body: Json = {"model": self._model, "input": list(prompt.items)}
        if prompt.tools:
            body["tools"] = list(prompt.tools)
        try:
            response = await self.respond(body, self._timeout)
        except (TimeoutError, APITimeoutError) as error:
            raise Unavailable(f"OpenAI did not answer within {self._timeout:g} s.") from error
        except _BROKEN_OFF as error:
            raise Unavailable("OpenAI cannot be reached, or broke off.") from error
        except APIStatusError as error:
            raise self._told(error) from error
        except OpenAIError as error:
            raise Unavailable(f"OpenAI's answer cannot be read ({type(error).__name__}).") from error
        return _read(response, prompt.items)

    async def respond(self, body: Mapping[str, Any], seconds: float | None, on_event: OnEvent | None = None) -> Json:
        """One request with this body, in one attempt: the response object, whatever its status.

        ``store`` is False and encrypted reasoning asked for, unless the body says otherwise; ``extra_headers``, ``extra_query``
        and ``extra_body`` are the SDK's. With ``on_event`` the events of the stream are given away as they arrive; then
        ``seconds`` (None: no limit) count for the silence between two, else for the whole attempt.
        Raises what the SDK raises, TimeoutError, `Unavailable` for an answer that is no response.
        """
        sent: Json = {"store": False} | {n: v for n, v in body.items() if not isinstance(v, _ABSENT)}
        if not sent["store"] and str(sent.get("model")) not in self._without_reasoning:
            sent["include"] = with_reasoning(sent.get("include"))
        try:
            response = await self._answer(sent, seconds, on_event)
        except APIStatusError as error:
            if not refuses_reasoning(error):
                raise
            self._without_reasoning.add(str(sent.get("model")))
            included = [each for each in sent.pop("include", ()) if each != REASONING]
            response = await self._answer(sent | ({"include": included} if included else {}), seconds, on_event)
        if not isinstance(response, dict):
            raise _nonsense("no response object")
        return response

    async def _answer(self, sent: Json, seconds: float | None, on_event: OnEvent | None) -> object:
        # `post`, not `responses.create`: that walks through the whole input once more (measured: 38 ms against 1.3 ms
        # of CPU for 60 kB, benchmarks/model_call.py). With this `cast_to` a streamed response comes unread, as it is.
        streamed = self._stream or on_event is not None
        body = {n: v for n, v in sent.items() if n not in _OF_THE_CALL} | ({"stream": True} if streamed else {})
        options: Any = {ours: sent[theirs] for theirs, ours in _OF_THE_CALL.items() if sent.get(theirs)}
        raw: Any = {"cast_to": httpx2.Response, "stream": streamed, "stream_cls": openai.AsyncStream[Any]}
        async with asyncio.timeout(seconds) as limit:  # the only limit: the SDK's own would race it
            answer = await self._client.post("/responses", body=body, options=options | {"timeout": None}, **raw)
            if not streamed:
                return _parsed(answer.content)
            try:
                return await self._last_of(answer, seconds, limit, on_event)
            finally:
                await answer.aclose()

    async def _last_of(
        self, stream: httpx2.Response, seconds: float | None, limit: asyncio.Timeout, on_event: OnEvent | None
    ) -> object:
        """The response that the event which ends a stream carries; what comes before only repeats it in pieces."""
        now, events = asyncio.get_running_loop().time, Events()
        async for chunk in stream.aiter_bytes():
            for name, text in events.fed(chunk):
                if on_event is None and name and name not in _ENDS:
                    continue
                event = _parsed(text)
                if on_event is not None and isinstance(event, dict):
                    limit.reschedule(None if seconds is None else now() + seconds)
                    on_event(event)
                if isinstance(event, dict) and event.get("type") in _ENDS:
                    if event["type"] == "error":
                        raise Unavailable(f"OpenAI broke off: {_message(event)}")
                    return event.get("response")
        raise Unavailable("OpenAI's answer broke off.")

    def _told(self, error: APIStatusError) -> Unavailable | Rejected:
        status, code = error.status_code, error.code
        if code == "insufficient_quota":
            return Rejected("OpenAI's quota is used up (429): check the plan and billing of the account.")
        if transient(error):
            return Unavailable(f"OpenAI answered {status}.", retry_after(error))
        if status == 401:
            return Rejected("OpenAI refused the key (401): check OPENAI_API_KEY.")
        if status == 403:
            return Rejected("OpenAI does not let this key do that (403): check the permissions of OPENAI_API_KEY.")
        if status == 404:
            return Rejected(f'OpenAI does not know "{self._model}" (404): check SIGNOFF_MODEL and OPENAI_BASE_URL.')
        if code == "context_length_exceeded":
            return Rejected("This conversation has become too long for the model: please start a new thread.")
        return Rejected(f"OpenAI refused the request ({status}): {_message(error.body)}")


def _read(response: Json, given: Sequence[object]) -> Reply:
    """A `Reply` of a response object; raises `Unavailable` for nonsense, `Rejected` for an answer that was cut."""
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
    items, name = json.dumps(output, separators=(",", ":")), str(response.get("id") or "")
    reply = Reply(items, text, wishes, tokens if isinstance(tokens, int) else 0, name)
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
    wished = (part for wish in reply.wishes for part in (wish.wire, wish.action, wish.arguments))
    try:
        "".join((reply.text, *wished)).encode()
    except UnicodeEncodeError as error:
        raise _nonsense("broken Unicode") from error


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


def transient(error: BaseException) -> bool:
    """Whether another attempt may fare better: what a model's client raised, ours or a program's own."""
    if isinstance(error, (Unavailable, OSError, *_BROKEN_OFF)):  # a TimeoutError is an OSError
        return True
    if isinstance(error, RuntimeError):  # what bighub-openai's own fakes raise
        return str(error).strip().lower() == "transient provider failure"
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or getattr(error, "code", None) == "insufficient_quota":
        return False
    return status in (408, 409, 425, 429) or status >= 500


def retry_after(error: BaseException) -> float:
    """The seconds that the other side asked to wait, at most an hour; 0 where it did not say."""
    if isinstance(error, Unavailable):
        return error.retry_after
    headers = getattr(getattr(error, "response", None), "headers", {})
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, min(float(headers[name]) * unit, 3600.0))
        except (KeyError, ValueError, TypeError):
            continue
    return 0.0


def with_reasoning(include: Sequence[str] | None) -> list[str]:
    """A caller's ``include`` and the encrypted reasoning, without which no reasoning item can be replayed."""
    return [*(include or ()), *([] if REASONING in (include or ()) else [REASONING])]


def refuses_reasoning(error: BaseException) -> bool:
    """Whether OpenAI says that this model has no encrypted reasoning to include (those that do not reason)."""
    said = str(error).lower()
    return getattr(error, "status_code", None) == 400 and "encrypted content is not supported" in said


class Events:
    """The events of a server-sent stream, out of its bytes as they arrive: each its name, "" without one, and its text."""

    def __init__(self) -> None:
        self._rest, self._name, self._texts = b"", "", list[bytes]()

    def fed(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        self._rest += chunk
        if b"\n" not in chunk and b"\r" not in chunk:
            return
        *lines, self._rest = _LINE_ENDS.split(self._rest)
        for line in lines:
            if line.startswith(b"event:"):
                self._name = line[6:].strip().decode("utf-8", "replace")
            elif line.startswith(b"data:"):
                self._texts.append(line[5:].strip())
            elif not line:
                name, texts, self._name, self._texts = self._name, self._texts, "", []
                if texts:
                    yield name, b"\n".join(texts)
