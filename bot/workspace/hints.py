"""Server-Sent Events for the page: hints that something changed, never the content itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
HEARTBEAT_SECONDS = 10.0


@dataclass(slots=True)
class Hints:
    """Open streams by person. `close` ends them all."""

    _streams: dict[asyncio.Queue[Json | None], str] = field(default_factory=dict)
    _closed: bool = False

    def send(self, users: set[str] | None, hint: Json) -> None:
        """To the streams of these users; None is everybody."""
        for queue, user in self._streams.items():
            if users is None or user in users:
                queue.put_nowait(hint)

    def close(self) -> None:
        self._closed = True
        for queue in self._streams:
            queue.put_nowait(None)

    async def stream(self, user: str) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._streams[queue] = user
        try:
            yield b": connected\n\n"
            while not self._closed:
                try:
                    hint = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if hint is None:
                    return
                yield f"data: {json.dumps(hint)}\n\n".encode()
        finally:
            self._streams.pop(queue, None)
