"""A BIGHUB that judges as a test tells it to, and writes down everything it is sent.

1. The same `Idempotency-Key` gets the same stored answer and counts once; with another body it is a 422.
2. An answer that wants review opens an approval; resolving it twice the other way is a conflict.
   The oldest approvals are listed first, and no more than `most_listed` of them, whatever limit is asked for; a limit beyond
   `widest_limit` is a 422.
3. Outcomes are kept as sent, doubles included: whether the real BIGHUB removes them is not known.
4. A fault set for an endpoint comes before anything else happens there, unless it is set to come after.

Paths and headers are those of the installed `bighub` SDK. The answers are made in `bighub_decisions`.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.serving import serving
from tests.servers.bighub_decisions import Decision, decision, wants_review
from tests.servers.faults import AnyFault, BrokenJson, Empty, Fault, Hang, Html, fault_response

JsonObject = dict[str, Any]
Rules = Callable[[JsonObject], "Decision | AnyFault | None"]
ENDPOINTS = (
    "evaluate", "approvals", "resolve", "report", "outcome", "memory", "kill_switch", "activate", "deactivate", "status",
)  # fmt: skip
API_KEY = "bh_test_key"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One distinct question about an action: what was sent, with which key, and the answer."""

    request_id: str
    body: JsonObject
    key: str | None
    answer: Decision


@dataclass(slots=True)
class _Planned:
    fault: AnyFault
    times: int | None
    after: bool


@dataclass(slots=True)
class BighubServer:
    """A running server and all that it was sent. `calls` counts every request per endpoint, refused ones too."""

    url: str = ""
    api_key: str = API_KEY
    default: Decision = field(default_factory=decision)
    rules: Rules | None = None
    evaluations: list[Evaluation] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)
    approvals: dict[str, JsonObject] = field(default_factory=dict)
    resolutions: list[JsonObject] = field(default_factory=list)
    outcomes: list[JsonObject] = field(default_factory=list)
    memory: list[JsonObject] = field(default_factory=list)
    switches: list[JsonObject] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENDPOINTS, 0))
    most_listed: int = 1_000_000
    widest_limit: int = 1_000_000
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _faults: dict[str, _Planned] = field(default_factory=dict)

    def fail(self, endpoint: str, fault: AnyFault, *, times: int | None = None, after: bool = False) -> None:
        """Answer `endpoint` with `fault`, for so many requests or for ever; `after`: the work is done, its answer lost."""
        if endpoint not in self.calls:
            raise ValueError(f"There is no endpoint {endpoint!r}; there are {', '.join(ENDPOINTS)}.")
        self._faults[endpoint] = _Planned(fault, times, after)

    def mend(self, endpoint: str) -> None:
        """End the fault of `endpoint`."""
        self._faults.pop(endpoint, None)

    def resolve_elsewhere(self, request_id: str, resolution: str, comment: str = "") -> None:
        """What a person did on BIGHUB's own dashboard."""
        self.approvals[request_id] |= {"status": resolution, "comment": comment}

    def memory_events(self) -> list[JsonObject]:
        """All ingested events, doubles included."""
        return [event for batch in self.memory for event in batch.get("events", [])]

    async def _evaluate(self, request: Request) -> Response:
        body, key = await request.json(), request.headers.get("idempotency-key")
        known = next((each for each in self.evaluations if key is not None and each.key == key), None)
        if known is not None:
            if known.body != body:
                return _error(422, "This Idempotency-Key was used for another action.")
            self.replays.append(known.request_id)
            return JSONResponse(known.answer)
        ruled = self.rules(body) if self.rules else None
        if isinstance(ruled, Fault | Html | BrokenJson | Empty | Hang):
            return await fault_response(ruled, _detail(ruled), self.closing)
        request_id = f"req_{secrets.token_hex(6)}"
        answer = {"request_id": request_id, **(self.default if ruled is None else ruled)}
        if body.get("dry_run"):
            return JSONResponse({**answer, "dry_run": True})
        self.evaluations.append(Evaluation(answer["request_id"], body, key, answer))
        if wants_review(answer):
            self._open_approval(answer["request_id"], body)
        return JSONResponse(answer)

    def _open_approval(self, request_id: str, body: JsonObject) -> None:
        fields = {name: body.get(name) for name in ("action", "actor", "value")}
        self.approvals[request_id] = {"request_id": request_id, **fields, "status": "pending"}

    async def _list_approvals(self, request: Request) -> Response:
        status, limit = request.query_params.get("status", "pending"), int(request.query_params.get("limit", "100"))
        if limit > self.widest_limit:
            return _error(422, f"limit is at most {self.widest_limit}.")
        found = [item for item in self.approvals.values() if status in ("all", item["status"])]
        return JSONResponse(found[: min(self.most_listed, limit)])

    async def _resolve(self, request: Request) -> Response:
        request_id, body = request.path_params["request_id"], await request.json()
        item = self.approvals.get(request_id)
        if item is None:
            return _error(404, "There is no such approval.")
        if item["status"] not in ("pending", body.get("resolution")):
            return _error(409, f"This approval is already {item['status']}.")
        self.resolutions.append({"request_id": request_id, **body})
        item["status"] = body["resolution"]
        return JSONResponse(item)

    async def _report(self, request: Request) -> Response:
        self.outcomes.append(await request.json())
        return JSONResponse({"outcome_id": f"out_{len(self.outcomes)}", **self.outcomes[-1]})

    async def _outcome(self, request: Request) -> Response:
        request_id = request.path_params["request_id"]
        found = next((each for each in self.outcomes if each.get("request_id") == request_id), None)
        return JSONResponse(found) if found else _error(404, "No outcome was reported for this request.")

    async def _ingest(self, request: Request) -> Response:
        self.memory.append(await request.json())
        stored = {event.get("event_id") for event in self.memory_events()}
        return JSONResponse({"accepted": len(self.memory[-1].get("events", [])), "total_stored": len(stored)})

    async def _kill_switch(self, _request: Request) -> Response:
        return JSONResponse({"is_active": bool(self.switches), "active_switches": self.switches})

    async def _activate(self, request: Request) -> Response:
        body = await request.json()
        switch = {"switch_id": f"ks_{secrets.token_hex(4)}", **body}
        self.switches.append(switch)
        return JSONResponse({"switch_id": switch["switch_id"]})

    async def _deactivate(self, request: Request) -> Response:
        name = request.path_params["switch_id"]
        kept = [each for each in self.switches if each["switch_id"] != name]
        if len(kept) == len(self.switches):
            return _error(404, "There is no such switch.")
        self.switches[:] = kept
        return JSONResponse({"success": True})

    def stop_elsewhere(self, reason: str, **more: str) -> None:
        """What a person did on BIGHUB's own dashboard: the kill switch."""
        self.switches.append({"switch_id": f"ks_{secrets.token_hex(4)}", "reason": reason, "scope": "global", **more})

    async def _status(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def _route(self, path: str, method: str, name: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        async def endpoint(request: Request) -> Response:
            self.calls[name] += 1
            if request.headers.get("x-api-key") != self.api_key:
                return _error(401, "Unknown API key.")
            planned = self._due(name)
            if planned and not planned.after:
                return await fault_response(planned.fault, _detail(planned.fault), self.closing)
            try:
                response = await answer(request)
            except json.JSONDecodeError:
                return _error(422, "The body is not JSON.")
            return await fault_response(planned.fault, _detail(planned.fault), self.closing) if planned else response

        return Route(path, endpoint, methods=[method])

    def _due(self, name: str) -> _Planned | None:
        planned = self._faults.get(name)
        if planned is None or planned.times == 0:
            return None
        if planned.times is not None:
            planned.times -= 1
        return planned


@contextlib.asynccontextmanager
async def running_bighub(
    default: Decision | None = None, rules: Rules | None = None, api_key: str = API_KEY
) -> AsyncIterator[BighubServer]:
    """Serve BIGHUB. `rules` sees the body of each evaluation; where it returns None, `default` (allow) is the answer."""
    server = BighubServer(api_key=api_key, default=decision() if default is None else default, rules=rules)
    route = server._route
    routes = [
        route("/actions/evaluate", "POST", "evaluate", server._evaluate),
        route("/approvals", "GET", "approvals", server._list_approvals),
        route("/approvals/{request_id}/resolve", "POST", "resolve", server._resolve),
        route("/outcomes/report", "POST", "report", server._report),
        route("/outcomes/{request_id}", "GET", "outcome", server._outcome),
        route("/actions/memory/ingest", "POST", "memory", server._ingest),
        route("/kill-switch/status", "GET", "kill_switch", server._kill_switch),
        route("/kill-switch/activate", "POST", "activate", server._activate),
        route("/kill-switch/deactivate/{switch_id}", "POST", "deactivate", server._deactivate),
        route("/actions/status", "GET", "status", server._status),
    ]
    async with serving(Starlette(routes=routes)) as address:
        server.url = address.url
        try:
            yield server
        finally:
            server.closing.set()


def _detail(fault: AnyFault) -> JsonObject:
    return {"detail": f"{type(fault).__name__} on purpose"}


def _error(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status_code=status)
