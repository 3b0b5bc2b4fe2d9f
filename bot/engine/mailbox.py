"""Which row of the inbox is worked when, and by whom. What a row means is `inbox.py`'s.

Rule 1: whoever received a row works it at once. Another process takes it up only when it has lain there for as long as a lease:
its receiver is gone. Were it worked by all, people would be told the same thing by each. Where the clock was put back since, it has
lain there since it was first seen.
Rule 2: a row that cannot be worked yet stays, and waits longer each time.
Rule 3: no row waits for another one.
Rule 4: a row whose seal does not hold is closed without effect, and nobody is told: nobody sent it. One by a key that is not held here
is first left to a replica that may hold it, for `KEY_WAITS_SECONDS`, and at most `MOST_LEFT` of them: anybody can make up a key's id.
"""

import asyncio
from dataclasses import dataclass, replace

from bot.core.faults import NewerJournal
from bot.engine.keyring import NOT_HERE
from bot.engine.limits import Limits
from bot.engine.orders import Orders
from bot.engine.postmarks import Postmarks
from bot.logger import log
from bot.ports import InboxRow, Reader, Sealing, Store, Unavailable, Writer

BATCH = 100
FORGOTTEN_SECONDS = 600.0
KEY_WAITS_SECONDS = 3600.0
MOST_LEFT = 1000


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a row that cannot be worked yet is left alone. ``since``: epoch seconds of the store's clock; 0: as soon as the store is
    back."""

    failures: int = 0
    since: float = 0.0
    seconds: float = 0.0

    @property
    def until(self) -> float:
        return self.since + self.seconds


class Mailbox:
    """``receive`` puts rows in, `watch` works them."""

    def __init__(self, store: Store, orders: Orders, limits: Limits, seal_keys: tuple[bytes, ...]) -> None:
        self._store, self._orders, self._limits = store, orders, limits
        self._postmarks = Postmarks(store, seal_keys)
        self._new: list[InboxRow] = []
        self._working: dict[str, asyncio.Task[None]] = {}
        self._patience: dict[str, Patience] = {}
        self._lain_since: dict[str, float] = {}
        self._strange: set[str] = set()
        self._news = asyncio.Event()

    async def receive(self, row: InboxRow) -> bool:
        """Commit what Slack sent; False for a duplicate. Returns before anything is done about it."""

        sealed = self._postmarks.on(row)

        async def put(tx: Writer) -> tuple[Sealing | None, InboxRow | None]:
            first = await self._postmarks.first(tx)
            return first, replace(sealed, received_at=tx.now) if await tx.put_inbox(sealed) else None

        first, kept = await self._store.write(put)
        self._postmarks.began(first)
        if kept is not None:
            self._new.append(kept)
            self._news.set()
        return kept is not None

    async def watch(self) -> None:
        """One round: work what is new at once, and, as often as the sweep, what waits or was left by somebody else."""
        self._begin_new()
        for row in await self._left():
            self._begin(row)
        try:
            async with asyncio.timeout(self._limits.sweep_every):
                while True:
                    self._begin_new()
                    await self._news.wait()
        except TimeoutError:
            return

    async def finish(self, seconds: float) -> None:
        """Work what was received, as far as ``seconds`` go; another process takes up the rest."""
        self._begin_new()
        if self._working:
            await asyncio.wait(self._working.values(), timeout=seconds)
        left = list(self._working.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _begin_new(self) -> None:
        self._news.clear()
        new, self._new = self._new, []
        for row in new:
            self._begin(row)

    def _begin(self, row: InboxRow) -> None:
        if row.key not in self._working:
            task = self._working[row.key] = asyncio.create_task(self._work(row))
            task.add_done_callback(lambda _: self._working.pop(row.key, None))

    async def _left(self) -> list[InboxRow]:
        """What waits no longer, of ours and of those who are gone."""

        async def look(tx: Reader) -> tuple[float, tuple[InboxRow, ...]]:
            return tx.now, await tx.open_inbox(BATCH, [*self._working, *self.waiting(tx.now)])

        await self._postmarks.begin()
        now, rows = await self._store.read(look)
        rows = await self._postmarks.adopted(rows, now)
        self._patience = {key: kept for key, kept in self._patience.items() if kept.until > now - FORGOTTEN_SECONDS}
        there = {row.key for row in rows} if len(rows) < BATCH else self._patience.keys()
        self._strange &= there | self._working.keys() | set(self.waiting(now))
        self._lain_since = {row.key: min(row.received_at, now, self._lain_since.get(row.key, now)) for row in rows}
        lies_for = 0.0 if self._limits.alone else self._limits.lease
        return [row for row in rows if row.key in self._patience or self._lain_since[row.key] <= now - lies_for]

    async def _work(self, row: InboxRow) -> None:
        asked = 0.0
        try:
            if self._postmarks.holds(row):
                await self._orders.work(row)
            else:
                await self._leave_or_drop(row)
        except Unavailable as absent:
            log.warning("an inbox row waits", key=row.key, why=str(absent))
            asked = absent.retry_after
        except NewerJournal as newer:
            log.warning("an inbox row waits for a newer release", key=row.key, why=str(newer))
        except Exception:  # one broken row must not hold up the others
            log.exception("an inbox row could not be worked", key=row.key)
        else:
            self._patience.pop(row.key, None)
            return
        await self._wait_for(row, asked)

    def waiting(self, now: float) -> list[str]:
        """The keys of the rows that cannot be worked yet; ``now``: the store's clock (epoch seconds)."""
        return [key for key, kept in self._patience.items() if kept.since <= now < kept.until]

    async def _leave_or_drop(self, row: InboxRow) -> None:
        name = self._postmarks.unknown_key(row)
        room = row.key in self._strange or len(self._strange) < MOST_LEFT
        if name and room and await self._store.read(clock) < row.received_at + KEY_WAITS_SECONDS:
            self._strange.add(row.key)
            raise Unavailable(NOT_HERE.format(name))
        await self._store.write(lambda tx: tx.close_inbox(row.key))
        log.error(
            "an inbox row was closed without effect: its seal does not hold, so that nobody knows who sent it",
            key=row.key,
            **({"sealed_by": name} if name else {}),
        )

    async def _wait_for(self, row: InboxRow, asked: float) -> None:
        failures = self._patience.get(row.key, Patience()).failures + 1
        wait = max(asked, self._limits.backoff(failures, self._limits.longest_backoff))
        try:
            now = await self._store.read(clock)
        except Unavailable:
            now = 0.0
        self._patience[row.key] = Patience(failures, now, wait)


async def clock(tx: Reader) -> float:
    return tx.now
