"""What a remote server can do instead of answering well. Both programmable servers serve these; when is theirs to say."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from starlette.responses import Response

PAGE = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error answer. Without `body`, one in the shape that the server's API uses for errors."""

    status: int = 500
    body: Any = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Html:
    """A proxy's page where JSON was expected, with a status of 200 unless said otherwise."""

    status: int = 200


@dataclass(frozen=True, slots=True)
class BrokenJson:
    """200, application/json, and half an object."""


@dataclass(frozen=True, slots=True)
class Empty:
    """200 and `{}`: what the bighub SDK also makes of any 200 that is not JSON."""


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for so long (or until the server stops), then a 504."""

    seconds: float = 3600.0


AnyFault = Fault | Html | BrokenJson | Empty | Hang


async def fault_response(fault: AnyFault, error_body: Any, closing: asyncio.Event) -> Response:
    """The HTTP answer of a fault; `error_body` is the API's usual error, `closing` ends a hang early."""
    match fault:
        case Fault():
            body = error_body if fault.body is None else fault.body
            content = body if isinstance(body, str) else json.dumps(body)
            return Response(content, fault.status, dict(fault.headers), media_type=fault.content_type)
        case Html():
            return Response(PAGE, fault.status, media_type="text/html")
        case BrokenJson():
            return Response('{"id": "resp_1", "output": [{"type": "mess', media_type="application/json")
        case Empty():
            return Response("{}", media_type="application/json")
        case Hang():
            await wait(fault.seconds, closing)
            return Response(json.dumps(error_body), 504, media_type="application/json")
        case _:
            assert_never(fault)


async def wait(seconds: float, closing: asyncio.Event) -> None:
    """Sleep, but wake up when the server stops."""
    try:
        async with asyncio.timeout(seconds):
            await closing.wait()
    except TimeoutError:
        return
