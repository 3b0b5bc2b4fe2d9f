"""What an operator does with whole journals: make every projection anew from them, and verify their chains."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, select, text

from bot.core.values import RunId
from bot.sql import tables
from bot.sql.chain import EventRow, Fault, Head, first_fault, genesis, heads_digest
from bot.sql.codec import references
from bot.sql.reader import SqlReader
from bot.sql.store import SqlStore
from bot.sql.writer import SqlWriter


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read, the first fault that was found in it, and the digest over all heads ("" where there is a fault)."""

    runs: int
    events: int
    fault: Fault | None = None
    heads: str = field(default="", compare=False)


async def rebuild(store: SqlStore) -> int:
    """Write `runs`, `approvals` and `buttons` anew from the journal, in one transaction. Leases stay. Returns how many runs."""

    async def work(writer: SqlWriter) -> int:
        connection = writer.connection
        if connection.dialect.name == "postgresql":
            await connection.execute(text("LOCK TABLE runs, approvals, buttons IN SHARE ROW EXCLUSIVE MODE"))
        journals = select(tables.events.c.run).distinct()
        for projection in (tables.approvals, tables.buttons):
            await connection.execute(delete(projection))
        await connection.execute(delete(tables.runs).where(tables.runs.c.run.not_in(journals)))
        runs = (await connection.scalars(journals)).all()
        for run in runs:
            await writer.project(RunId(run))
        return len(runs)

    return await store.write(work)


async def verify_chain(reader: SqlReader) -> Verified:
    """Recompute the hashes of every journal and of what is left of its contents, and compare each end with its run's row.
    Stops at the first fault."""
    heads = {run: Head(length, head) for run, length, head in await _heads(reader)}
    journals = set((await reader.connection.scalars(select(tables.events.c.run).distinct())).all())
    events = 0
    for run in sorted(journals | heads.keys()):
        rows = await reader.event_rows(run)
        events += len(rows)
        fault = (
            first_fault(run, rows, genesis(run), 0)
            or _head_fault(run, rows, heads)
            or await _content_fault(reader, run, rows)
        )
        if fault is not None:
            return Verified(len(heads), events, fault)
    return Verified(len(heads), events, None, heads_digest(heads))


def _head_fault(run: str, rows: list[EventRow], heads: Mapping[str, Head]) -> Fault | None:
    if run not in heads:
        return Fault(run, 0, "the run's row is missing")
    if heads[run] != Head(len(rows), rows[-1].hash if rows else genesis(run)):
        return Fault(run, len(rows) + 1, f"the journal ends at event {len(rows)}; its run's row says otherwise")
    return None


async def _content_fault(reader: SqlReader, run: str, rows: list[EventRow]) -> Fault | None:
    owners = {digest: row.seq for row in reversed(rows) for digest in references(row.kind, row.body)}
    for digest, raw in (await reader.contents(list(owners))).items():
        if hashlib.sha256(raw).hexdigest() != digest:
            return Fault(run, owners[digest], f"a content of event {owners[digest]} is not the one that was written")
    return None


async def _heads(reader: SqlReader) -> list[tuple[str, int, str]]:
    table = tables.runs.c
    rows = await reader.connection.execute(select(table.run, table.length, table.head_hash))
    return [(row.run, row.length, row.head_hash) for row in rows]
