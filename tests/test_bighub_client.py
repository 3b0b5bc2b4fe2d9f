"""Promises about any BIGHUB client: which of its methods is used, what it is given, and what its errors mean."""

import asyncio
import ssl
import urllib.error
from email.message import Message
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
from bighub import AsyncBighubClient
from bighub.exceptions import BighubAPIError, BighubAuthError, BighubNetworkError, BighubTimeoutError

from bot.bighub_client import Bighub, Submission
from bot.bighub_errors import DecidedAlready, NotThere, Unreachable, told
from bot.ports import NotOurs, Rejected, Unavailable, fenced
from tests.servers.bighub_server import API_KEY, running_bighub

ASKED = Submission("key", "grant", "okta", "bot", "it", {"a": 1})


class OwnError(Exception):
    """An error of somebody's own client."""


class StatusError(Exception):
    def __init__(self, status: int, where: str) -> None:
        super().__init__(f"HTTP {status}")
        if where == "response":
            self.response = SimpleNamespace(status_code=status)
        else:
            setattr(self, where, status)


async def test_r9_bighub_is_not_called_for_a_run_that_is_not_ours() -> None:
    calls: list[str] = []

    async def report(**_: Any) -> Any:
        calls.append("reported")
        return {}

    async def no() -> bool:
        return False

    with fenced(no), pytest.raises(NotOurs):
        await Bighub(SimpleNamespace(outcomes=SimpleNamespace(report=report))).report({})
    assert calls == []


def client_raising(error: Exception) -> Any:
    async def submit(**_: Any) -> Any:
        raise error

    return SimpleNamespace(actions=SimpleNamespace(submit=submit))


REQUEST = httpx.Request("POST", "http://127.0.0.1/")
UNREACHABLE = [
    BighubNetworkError("no route"),
    BighubTimeoutError("slow"),
    BighubAPIError("down", 503),
    BighubAPIError("timeout", 408),
    ConnectionRefusedError("refused"),
    OSError("no network"),
    TimeoutError("slow"),
    httpx.ConnectError("no route", request=REQUEST),
    httpx.ReadTimeout("slow", request=REQUEST),
    aiohttp.ServerDisconnectedError(),
    RuntimeError("bighub is down"),
    Exception("bighub is down"),
    RuntimeError("boom"),
    RuntimeError("connection closed"),
    StatusError(502, "status_code"),
    StatusError(502, "response"),
    urllib.error.HTTPError("http://127.0.0.1/", 503, "down", Message(), None),
]
REFUSED = [
    (BighubAuthError("bad key"), Rejected),
    (BighubAPIError("bad", 400), Rejected),
    (BighubAPIError("none", 404), NotThere),
    (BighubAPIError("first", 409), DecidedAlready),
    (BighubAPIError("wait", 429), Unavailable),
    (StatusError(401, "status"), Rejected),
    (StatusError(403, "response"), Rejected),
    (urllib.error.HTTPError("http://127.0.0.1/", 401, "no", Message(), None), Rejected),
]
FAULTS = [
    TypeError("unexpected keyword"),
    ValueError("nonsense"),
    AttributeError("no such method"),
    KeyError("amount"),
    OwnError("what is this"),
    NotImplementedError("later"),
    FileNotFoundError("ca.pem"),
    ssl.SSLCertVerificationError("who are you"),
    RuntimeError("no API key configured"),
    RuntimeError("BIGHUB_API_KEY is not set"),
    Exception("401 Unauthorized"),
    RuntimeError("Task <Task pending> got Future <Future pending> attached to a different loop"),
    RuntimeError("Event loop is closed"),
    httpx.UnsupportedProtocol("ftp", request=REQUEST),
]


@pytest.mark.parametrize("error", UNREACHABLE, ids=repr)
async def test_a_bighub_that_did_not_answer_is_unreachable(error: Exception) -> None:
    with pytest.raises(Unreachable) as caught:
        await Bighub(client_raising(error)).evaluate(ASKED)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(("error", "kind"), REFUSED, ids=repr)
async def test_a_bighub_that_answered_is_not_unreachable(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        await Bighub(client_raising(error)).evaluate(ASKED)
    assert not isinstance(caught.value, Unreachable)


@pytest.mark.parametrize("error", FAULTS, ids=repr)
async def test_a_fault_of_the_clients_own_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        await Bighub(client_raising(error)).evaluate(ASKED)
    assert caught.value is error


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


WRAPPED = [
    httpx.LocalProtocolError("Illegal header value"),
    httpx.UnsupportedProtocol("ftp", request=REQUEST),
    httpx.TooManyRedirects("round and round", request=REQUEST),
    UnicodeError("label too long"),
]


@pytest.mark.parametrize("cause", WRAPPED, ids=repr)
async def test_a_fault_that_a_client_wraps_as_if_nobody_had_answered_is_no_absence(cause: Exception) -> None:
    with pytest.raises(Rejected, match="check BIGHUB_API_KEY and BIGHUB_BASE_URL"):
        await Bighub(client_raising(caused(BighubNetworkError("Network error"), cause))).evaluate(ASKED)


async def test_an_answer_that_cannot_be_decoded_is_one() -> None:
    error = caused(BighubNetworkError("Network error"), httpx.DecodingError("no gzip", request=REQUEST))
    with pytest.raises(Unavailable, match="cannot be read") as caught:
        await Bighub(client_raising(error)).evaluate(ASKED)
    assert not isinstance(caught.value, Unreachable)


async def test_an_error_that_causes_itself_is_read_to_an_end() -> None:
    error = BighubNetworkError("Network error")
    with pytest.raises(Unreachable):
        await Bighub(client_raising(caused(error, caused(ConnectionError("refused"), error)))).evaluate(ASKED)


@pytest.mark.parametrize("error", [BighubAuthError("Unauthorized"), StatusError(401, "status_code")], ids=repr)
async def test_a_key_that_is_refused_is_named(error: Exception) -> None:
    with pytest.raises(Rejected, match="BIGHUB_API_KEY"):
        await Bighub(client_raising(error)).evaluate(ASKED)


async def test_a_client_of_the_sdk_that_was_closed_is_not_an_unreachable_bighub() -> None:
    async with running_bighub() as server:
        client = AsyncBighubClient(base_url=server.url, api_key=API_KEY)
        bighub = Bighub(client)
        await bighub.close()
        with pytest.raises(RuntimeError, match="closed"):
            await bighub.evaluate(ASKED)


def test_a_client_that_belongs_to_another_event_loop_is_no_absence() -> None:
    """A lock of somebody's own client, waited for on a second loop."""
    lock = asyncio.Lock()

    async def submit(**_: Any) -> Any:
        async with lock:
            await asyncio.sleep(0.01)

    async def twice_at_once() -> list[Any]:
        bighub = Bighub(SimpleNamespace(actions=SimpleNamespace(submit=submit)))
        return await asyncio.gather(*(bighub.evaluate(ASKED) for _ in range(2)), return_exceptions=True)

    assert asyncio.run(twice_at_once()) == [None, None]
    first, second = asyncio.run(twice_at_once())
    assert first is None and type(second) is RuntimeError and "different event loop" in str(second)


async def test_a_library_that_is_used_wrongly_is_no_absence() -> None:
    """What a client's own libraries say of it with the plainest of errors is not about BIGHUB."""
    session, client = aiohttp.ClientSession(), httpx.AsyncClient()
    await session.close()
    await client.aclose()
    asking: list[Any] = [lambda **_: session.get("http://127.0.0.1:1"), lambda **_: client.get("http://127.0.0.1:1")]
    for ask in asking:
        with pytest.raises(RuntimeError, match="closed"):
            await Bighub(SimpleNamespace(actions=SimpleNamespace(submit=ask))).evaluate(ASKED)


async def test_a_client_that_does_not_return_in_time_is_left() -> None:
    async def submit(**_: Any) -> Any:
        await asyncio.sleep(60)

    bighub = Bighub(SimpleNamespace(actions=SimpleNamespace(submit=submit)), timeout=0.05)
    with pytest.raises(Unreachable, match=r"did not answer within 0.05 s\.") as caught:
        await bighub.evaluate(ASKED)
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_an_id_of_bighubs_cannot_lead_the_sdk_to_another_path() -> None:
    async with running_bighub() as server:
        client = AsyncBighubClient(base_url=server.url, api_key=API_KEY, max_retries=0)
        with pytest.raises(NotThere):
            await Bighub(client).resolve("a?b", "approved", None)
        assert server.calls["resolve"] == 1
        await client.close()


async def test_an_id_of_another_clients_is_left_alone() -> None:
    given: list[Any] = []

    async def resolve(**arguments: Any) -> dict[str, str]:
        given.append(arguments)
        return {"status": "approved"}

    await Bighub(SimpleNamespace(approvals=SimpleNamespace(resolve=resolve))).resolve("a/b", "approved", "ok")
    assert given == [{"request_id": "a/b", "resolution": "approved", "comment": "ok"}]


def test_an_error_is_told_without_credentials() -> None:
    assert told(OwnError("key sk-0123456789abcdefghij \ud800")) == "OwnError: key [redacted API key] ?"
    assert told(OwnError()) == "OwnError"
