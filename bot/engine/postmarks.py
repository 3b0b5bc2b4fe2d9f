"""The seal of an inbox row: what tells a row that Slack sent from one that somebody wrote into the database. `mailbox.py` asks for it.

Rule 1: a row is sealed in the insert that keeps it, with the present key, and worked only while its seal holds under any key that is
configured.
Rule 2: rows of releases before the seal have none. The first process that knows it seals those that are open, once; for
`OLDER_SECONDS` from then on replicas of the older release may still put in some, and those are sealed as they are found. Until when
is stored under a seal of its own, so that nobody can prolong it without the key; after that a row without a seal is nobody's.
Rule 3: a database in which one row is sealed, or that has no row at all, was never an older release's: it takes none from the start.
"""

import json
from dataclasses import replace

from bot.core.approval import seal, sealed_by
from bot.engine.keyring import unknown_key
from bot.logger import log
from bot.ports import InboxRow, Sealing, Store, Writer

OLDER_SECONDS = 3600.0
MOST_OPEN = 1_000_000


class Postmarks:
    def __init__(self, store: Store, seal_keys: tuple[bytes, ...]) -> None:
        self._store, self._keys = store, seal_keys
        self._until: float | None = None

    def on(self, row: InboxRow) -> InboxRow:
        return replace(row, seal=seal(self._keys[0], row_text(row)))

    def holds(self, row: InboxRow) -> bool:
        return sealed_by(self._keys, row_text(row), row.seal)

    def unknown_key(self, row: InboxRow) -> str:
        """The id of the key that a row says it is sealed with, where that is not held here; "" else."""
        return unknown_key([row.seal], self._keys)

    async def begin(self) -> None:
        """Once per process, before it takes up any row."""
        if self._until is None:
            self.began(await self._store.write(self.first))

    async def first(self, tx: Writer) -> Sealing | None:
        """The same in a transaction that does more; once it is committed, `began` takes what comes of it."""
        if self._until is not None:
            return None
        return await tx.sealing() or await self._first(tx)

    def began(self, kept: Sealing | None) -> None:
        if kept is not None:
            self._until = kept.until if sealed_by(self._keys, sealing_text(kept.until), kept.seal) else 0.0

    async def adopted(self, rows: tuple[InboxRow, ...], now: float) -> tuple[InboxRow, ...]:
        """The rows; those of an older release sealed, while there may be some."""
        if now >= (self._until or 0.0) or all(row.seal for row in rows):
            return rows
        return await self._store.write(lambda tx: self._sealed(rows, tx))

    async def _first(self, tx: Writer) -> Sealing:
        """This process may be the first that seals: what is open is an older release's."""
        until = tx.now + OLDER_SECONDS if await tx.only_unsealed() else 0.0
        await tx.begin_sealing(Sealing(until, seal(self._keys[0], sealing_text(until))))
        if until:
            log.warning("an older release received what is open; its rows are taken without a seal", until=until)
            await self._sealed(await tx.open_inbox(MOST_OPEN), tx)
        return await tx.sealing() or Sealing(0.0, "")

    async def _sealed(self, rows: tuple[InboxRow, ...], tx: Writer) -> tuple[InboxRow, ...]:
        sealed = tuple(row if row.seal else self.on(row) for row in rows)
        for old, new in zip(rows, sealed, strict=True):
            if not old.seal:
                await tx.seal_inbox(new.key, new.seal)
        return sealed


def row_text(row: InboxRow) -> str:
    """What the seal of a row covers."""
    return json.dumps(["received", row.key, row.team, row.kind, row.payload])


def sealing_text(until: float) -> str:
    return json.dumps(["sealing", until])
