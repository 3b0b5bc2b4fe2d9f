"""The door: the signature, the size of a body, and the inbox row that is committed before anything is acknowledged.

Rule 1: what is acknowledged is committed. What cannot be committed is answered 500 (HTTP) or not at all (Socket Mode), so that
Slack sends it again.
Rule 2: a duplicate and what starts nothing are acknowledged at once, without a call to Slack.
Rule 3: over HTTP a request that is malformed in any way is 401, and nothing of it is logged.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Final

from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.errors import ConfigurationError
from bot.ports import InboxRow
from bot.slack.payloads import ORDER, Kind, Payload, action_of, inbox_row, kind_of

PATH: Final = "/slack/events"
MOST_BYTES: Final = 1 << 20
BODY_SECONDS: Final = 10.0

Receive = Callable[..., Awaitable[bool]]
Gate = Callable[..., Awaitable[BoltResponse | None]]


def gate(receive: Receive) -> Gate:
    """Bolt's ``before_authorize``: after the signature and before any call to Slack, in both transports."""

    async def before_authorize(
        req: AsyncBoltRequest, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        kind = kind_of(req.body)
        row = inbox_row(req.body, kind=kind) if kind is not None else None
        if row is not None and not await _committed(receive, row):
            return BoltResponse(status=200)
        if kind is None or not _has_listener(req.body, kind, row):
            return BoltResponse(status=200)
        return await next()

    return before_authorize


def _committed(receive: Receive, row: InboxRow) -> Awaitable[bool]:
    """Whoever gave an order waits for its answer."""
    return receive(row, awaited=True) if row.kind == ORDER else receive(row)


def slack_routes(app: AsyncApp, signing_secret: str, now: Callable[[], float] = time.time) -> list[Route]:
    """``POST /slack/events``. Raises `ConfigurationError` for an empty secret. ``now`` in epoch seconds."""
    if not signing_secret.strip():
        raise ConfigurationError("SLACK_SIGNING_SECRET is empty; copy it from the app's “Basic Information” page.")
    verifier = SignatureVerifier(signing_secret, _Clock(now))

    async def events(request: Request) -> Response:
        if request.method == "GET":
            return Response() if request.query_params.get("ssl_check") == "1" else Response(status_code=405)
        body = await _body(request)
        if isinstance(body, Response):
            return body
        text = _verified(verifier, request, body)
        if text is None:
            return _malformed()
        challenge = _challenge(text)
        return (
            JSONResponse({"challenge": challenge}) if challenge is not None else await _dispatched(app, request, text)
        )

    return [Route(PATH, events, methods=["GET", "POST"])]


def _has_listener(body: Payload, kind: Kind, row: InboxRow | None) -> bool:
    """Whether somebody must answer beside the engine: with a modal, a list, or a word about an old button."""
    match kind:
        case "event":
            return False
        case "click":
            return row is None and not action_of(body).get("url")
        case "view":
            return row is None
        case "command":
            return True


# --- HTTP -----------------------------------------------------------------------------------------------------------


class _Clock(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now()


def _malformed() -> Response:
    return JSONResponse({"error": "invalid request"}, status_code=401)


async def _body(request: Request) -> bytes | Response:
    """The body, at most 1 MiB of it and within ten seconds; else the answer to give."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    return JSONResponse({"error": "too large"}, status_code=413)
    except TimeoutError:
        return JSONResponse({"error": "too slow"}, status_code=408)
    return bytes(body)


def _verified(verifier: SignatureVerifier, request: Request, body: bytes) -> str | None:
    """The body's text if Slack signed it within the last five minutes."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 20 and signature.isascii()):
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if verifier.is_valid(text, timestamp, signature) else None


def _challenge(text: str) -> str | None:
    """What Slack wants to read back when a request URL is entered; None for any other body."""
    if "url_verification" not in text:
        return None
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    verifies = isinstance(parsed, dict) and parsed.get("type") == "url_verification"
    return str(parsed.get("challenge", "")) if verifies else None


async def _dispatched(app: AsyncApp, request: Request, text: str) -> Response:
    try:
        asked = AsyncBoltRequest(body=text, query=str(request.url.query), headers=dict(request.headers))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # signed, yet no payload that Bolt can read
        return _malformed()
    if not isinstance(asked.body, dict):
        return _malformed()
    return to_starlette_response(await app.async_dispatch(asked))
