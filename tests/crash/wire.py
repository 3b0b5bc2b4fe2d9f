"""A wire between the bot and Postgres that is cut at a commit: before it reaches the server, or after the server has committed and
before the bot hears of it. Either way the bot cannot know (contract R15).
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import make_url

COMMIT = b"COMMIT\x00"
READY = b"Z\x00\x00\x00\x05I"


class Wire:
    """``cut``: at which commit, counted from 1; ``heard``: whether the server hears of it. ``note`` is called when it is cut."""

    def __init__(self, url: str, cut: int, note: Callable[[], None], *, heard: bool) -> None:
        self._url, self._cut, self._note, self._heard = make_url(url), cut, note, heard
        self._commits = 0

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        """The URL at which the bot finds the same database behind this wire."""
        name = f".s.PGSQL.{self._url.port or 5432}"
        far = str(Path(str(self._url.query["host"])) / name)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, OSError):
                await self._carry((reader, writer), await asyncio.open_unix_connection(far))

        with tempfile.TemporaryDirectory(prefix="wire-") as folder:
            server = await asyncio.start_unix_server(connected, Path(folder) / name)
            try:
                yield self._url.update_query_dict({"host": folder}).render_as_string(hide_password=False)
            finally:
                server.close()

    async def _carry(self, bot: "End", server: "End") -> None:
        answers = asyncio.create_task(self._back(server[0], bot[1]))
        try:
            while data := await bot[0].read(65_536):
                if COMMIT in data:
                    self._commits += 1
                    if self._commits == self._cut:
                        answers.cancel()
                        await asyncio.wait([answers])
                        return await self._cut_now(data, server)
                server[1].write(data)
        finally:
            answers.cancel()
            for _, writer in (bot, server):
                writer.close()

    async def _cut_now(self, data: bytes, server: "End") -> None:
        if self._heard:
            server[1].write(data)
            seen = b""
            while READY not in seen and (answer := await server[0].read(65_536)):
                seen += answer
        self._note()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
            writer.close()


End = tuple[asyncio.StreamReader, asyncio.StreamWriter]
