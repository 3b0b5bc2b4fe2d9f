"""How payloads reach the app: Socket Mode or signed HTTP, faults applied, events retried on Slack's schedule.

One payload serves both transports. Interactions and commands are sent once; their ack's body is handed back.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.slack import limits
from bot.workspace.config import WorkspaceConfig
from bot.workspace.faults import Fault, Faults, Traffic
from bot.workspace.sockets import Attempt, Links
from bot.workspace.timeline import Clock

Json = dict[str, Any]
_RETRIES = len(limits.RETRY_SECONDS)
_NO_SOCKET = Attempt(False, "connection_failed")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One payload on its way. `envelope` is Socket Mode's type, `name` what faults and the log call it."""

    envelope: str
    name: str
    key: str
    payload: Json


@dataclass(slots=True)
class Delivery:
    config: WorkspaceConfig
    clock: Clock
    links: Links
    faults: Faults
    traffic: Traffic
    request_url: str | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _held: list[asyncio.Event] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None

    def send_event(self, payload: Json) -> None:
        """Starts delivering an `event_callback` in the background, with Slack's retries."""
        parcel = Parcel("events_api", payload["event"]["type"], payload["event_id"], payload)
        self._start(self._deliver_event(parcel))

    async def send_interaction(self, payload: Json) -> Attempt:
        return await self._once(Parcel("interactive", payload["type"], payload.get("trigger_id", ""), payload))

    def notify(self, payload: Json) -> None:
        """Sends an interaction for whose ack nobody waits (a closed view)."""
        self._start(self.send_interaction(payload))

    async def send_command(self, payload: Json) -> Attempt:
        return await self._once(Parcel("slash_commands", "slash_commands", payload["trigger_id"], payload))

    async def verify_request_url(self) -> bool:
        """Slack's check of a request URL: the challenge must come back."""
        challenge = secrets.token_hex(16)
        attempt = await self._over_http(
            Parcel("events_api", "url_verification", challenge, {"type": "url_verification", "challenge": challenge}),
            0,
            "",
        )
        return attempt.acked and (attempt.body or {}).get("challenge") == challenge

    def release_held(self) -> None:
        for event in self._held:
            event.set()
        self._held.clear()

    def forget(self) -> None:
        """Drops whatever is still on its way."""
        for task in self._tasks:
            task.cancel()
        self._held.clear()

    async def close(self) -> None:
        self.forget()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_event(self, parcel: Parcel) -> None:
        reason = ""
        for number in range(_RETRIES + 1):
            if number:
                await asyncio.sleep(self.config.scaled(limits.RETRY_SECONDS[number - 1]))
            attempt = await self._attempt(parcel, number, reason)
            if attempt.acked or attempt.final:
                return
            reason = attempt.reason

    async def _once(self, parcel: Parcel) -> Attempt:
        return await self._attempt(parcel, 0, "")

    async def _attempt(self, parcel: Parcel, number: int, reason: str) -> Attempt:
        fault = self.faults.strike("delivery", parcel.name)
        entry = self.traffic.record(
            "delivery",
            name=parcel.name,
            key=parcel.key,
            attempt=number,
            transport="http" if self.request_url else "socket",
            payload=parcel.payload,
            fault=fault.do if fault else None,
            outcome="pending",
        )
        attempt = await self._with_fault(parcel, number, reason, fault)
        entry["outcome"] = "ack" if attempt.acked else attempt.reason
        entry["ack_body"] = attempt.body
        if self._held and not (fault and fault.do == "hold"):
            self._held.pop(0).set()
        return attempt

    async def _with_fault(self, parcel: Parcel, number: int, reason: str, fault: Fault | None) -> Attempt:
        def send() -> Coroutine[Any, Any, Attempt]:
            return self._transport(parcel, number, reason)

        match fault.do if fault else "":
            case "drop":
                await asyncio.sleep(self.config.ack_timeout)
                return Attempt(False, "timeout")
            case "lose":
                return Attempt(False, "timeout", final=True)
            case "duplicate":
                attempts = await asyncio.gather(send(), send())
                return attempts[0]
            case "refuse_ack":
                await send()
                return Attempt(False, "timeout")
            case "delay":
                await asyncio.sleep(fault.seconds if fault else 0)
            case "hold":
                event = asyncio.Event()
                self._held.append(event)
                await event.wait()
        return await send()

    async def _transport(self, parcel: Parcel, number: int, reason: str) -> Attempt:
        if self.request_url:
            return await self._over_http(parcel, number, reason)
        link = self.links.choose()
        if link is None:
            return _NO_SOCKET
        envelope: Json = {
            "envelope_id": _uuid(),
            "payload": parcel.payload,
            "type": parcel.envelope,
            "accepts_response_payload": parcel.envelope != "events_api" and parcel.name != "block_actions",
        }
        if parcel.envelope == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        return await link.deliver(envelope, self.config.ack_timeout)

    async def _over_http(self, parcel: Parcel, number: int, reason: str) -> Attempt:
        body, content_type = _encoded(parcel)
        headers = {"Content-Type": content_type, **self.signature(body)}
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": _http_reason(reason)}
        timeout = aiohttp.ClientTimeout(total=self.config.ack_timeout)
        try:
            async with self._client().post(
                self.request_url or "", data=body, headers=headers, timeout=timeout, max_redirects=2
            ) as answer:
                final = answer.headers.get("x-slack-no-retry") == "1"
                if not 200 <= answer.status < 300:
                    return Attempt(False, "http_error", final=final)
                return Attempt(True, body=_ack_body(await answer.text()))
        except TimeoutError:
            return Attempt(False, "http_timeout")
        except aiohttp.TooManyRedirects:
            return Attempt(False, "too_many_redirects")
        except aiohttp.ClientConnectorCertificateError:
            return Attempt(False, "ssl_error")
        except aiohttp.ClientError:
            return Attempt(False, "connection_failed")

    def signature(self, body: bytes) -> dict[str, str]:
        """Slack's v0 headers for this body, at the workspace's time."""
        timestamp = str(int(self.clock.now()))
        digest = hmac.new(self.config.signing_secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest.hexdigest()}"}

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers={"User-Agent": "Slackbot 1.0 (local workspace)"})
        return self._session


def _uuid() -> str:
    raw = secrets.token_hex(16)
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


def _http_reason(reason: str) -> str:
    return {"timeout": "http_timeout", "": "unknown_error"}.get(reason, reason)


def _encoded(parcel: Parcel) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    match parcel.envelope:
        case "events_api":
            return json.dumps(parcel.payload).encode(), "application/json"
        case "interactive":
            return urlencode({"payload": json.dumps(parcel.payload)}).encode(), form
        case _:
            return urlencode(parcel.payload).encode(), form


def _ack_body(text: str) -> Json | None:
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text} if text else None
    return body if isinstance(body, dict) else None
