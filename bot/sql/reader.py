"""The Reader port over one open transaction. It only reads; `writer.py` adds the writing, `store.py` the transactions."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Double, Row, Select, and_, cast, extract, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.events import Recorded
from bot.core.run import BrokenJournal
from bot.core.values import ApprovalId, Place, RunId
from bot.ports import Freeze, InboxRow, OpenApproval, RunLine
from bot.sql import tables
from bot.sql.chain import EventRow, first_fault, genesis
from bot.sql.codec import decode, references

_IDS_PER_QUERY = 1000
_NULLS_LAST = -1.0


def clock(dialect: str) -> ColumnElement[float]:
    """The database's clock in epoch seconds."""
    if dialect == "sqlite":
        return (func.julianday("now", type_=Double) - 2440587.5) * 86400.0
    return cast(extract("epoch", func.clock_timestamp()), Double)


class SqlReader:
    """Reads in one transaction. ``shift`` seconds are added to the database's clock, so that tests can move time."""

    def __init__(self, connection: AsyncConnection, now: float, shift: float = 0.0) -> None:
        self.connection = connection
        self._shift = shift
        self._now = now

    @property
    def now(self) -> float:
        return self._now + self._shift

    async def journal(self, run: RunId, after: int = 0) -> tuple[Recorded, ...]:
        rows = await self._rows_after(run, after)
        contents = await self.contents([digest for row in rows for digest in references(row.kind, row.body)])
        return tuple(Recorded(row.seq, row.at, decode(row.kind, row.body, contents)) for row in rows)

    async def _rows_after(self, run: RunId, after: int) -> list[EventRow]:
        """The rows with ``seq > after``, checked against the chain: nobody acts on a damaged journal."""
        rows = await self.event_rows(run, after)
        before, seq = genesis(run), 0
        if after > 0 and rows:
            if rows[0].seq != after:
                raise BrokenJournal(f"run {run}: event {after} is missing")
            before, seq = rows.pop(0).hash, after
        if fault := first_fault(run, rows, before, seq):
            raise BrokenJournal(f"run {run}: {fault.reason}")
        return rows

    async def event_rows(self, run: str, first: int = 0) -> list[EventRow]:
        """The stored rows with ``seq >= first``, unchecked."""
        table = tables.events.c
        query = select(table.seq, table.at, table.kind, table.body, table.hash)
        query = query.where(table.run == run, table.seq >= first).order_by(table.seq)
        return [EventRow(*row) for row in await self._all(query)]

    async def contents(self, digests: Sequence[str]) -> dict[str, bytes]:
        """What is left of these contents: a purged one is missing. Unchecked."""
        found: dict[str, bytes] = {}
        table = tables.contents.c
        wanted = sorted(set(digests))
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            query = select(table.digest, table.bytes).where(table.digest.in_(wanted[start : start + _IDS_PER_QUERY]))
            found.update((digest, bytes(raw)) for digest, raw in await self._all(query))
        return found

    async def latest_run(self, place: Place) -> RunId | None:
        table = tables.runs.c
        query = select(table.run).where(
            table.team == place.team, table.channel == place.channel, table.thread == place.thread
        )
        found = await self.connection.scalar(query.order_by(table.asked_at.desc(), table.run.desc()).limit(1))
        return None if found is None else RunId(found)

    async def run_of(self, opaque: str) -> RunId | None:
        found = await self.connection.scalar(select(tables.buttons.c.run).where(tables.buttons.c.opaque == opaque))
        return None if found is None else RunId(found)

    async def open_approvals(self, team: str | None = None) -> tuple[OpenApproval, ...]:
        table = tables.approvals.c
        query = select(tables.approvals).order_by(
            func.coalesce(table.risk, _NULLS_LAST).desc(), table.asked_at, table.approval
        )
        if team is not None:
            query = query.where(table.team == team)
        return tuple(_open_approval(row) for row in await self._all(query))

    async def runs(self, limit: int, state: str | None = None) -> tuple[RunLine, ...]:
        table = tables.runs.c
        columns = (table.run, table.team, table.channel, table.thread, table.requester, table.state)
        query = select(*columns, table.asked_at, table.due_at, table.length)
        query = query.order_by(table.asked_at.desc(), table.run.desc()).limit(limit)
        if state is not None:
            query = query.where(table.state == state)
        return tuple(RunLine(*row) for row in await self._all(query))

    async def due_runs(self, limit: int) -> tuple[RunId, ...]:
        table = tables.runs.c
        query = select(table.run).where(and_(table.due_at <= self.now, self._unheld()))
        found = await self._all(query.order_by(table.due_at, table.run).limit(limit))
        return tuple(RunId(row.run) for row in found)

    async def next_due(self) -> float | None:
        found: float | None = await self.connection.scalar(select(func.min(tables.runs.c.due_at)).where(self._unheld()))
        return found

    def _unheld(self) -> ColumnElement[bool]:
        until = tables.runs.c.lease_until
        return or_(until.is_(None), until < self.now)

    async def open_inbox(self, limit: int, without: Collection[str] = ()) -> tuple[InboxRow, ...]:
        table = tables.inbox.c
        query = select(table.key, table.team, table.kind, table.payload, table.received_at)
        query = query.where(table.done_at.is_(None), table.key.not_in(without)).order_by(table.number).limit(limit)
        return tuple(InboxRow(*row) for row in await self._all(query))

    async def freezes(self) -> tuple[Freeze, ...]:
        table = tables.freezes.c
        query = select(table.scope, table.reason, table.by, table.since).order_by(table.since, table.scope)
        return tuple(Freeze(*row) for row in await self._all(query))

    async def _all(self, query: Select[Any]) -> Sequence[Any]:
        found: Sequence[Any] = (await self.connection.execute(query)).all()
        return found


def _open_approval(row: Row[Any]) -> OpenApproval:
    values = dict(row._mapping)
    values["approval"] = ApprovalId(values["approval"])
    values["approvers"] = tuple(json.loads(values["approvers"]))
    return OpenApproval(**values)
