"""The journal written out, and the journal held against what was written out before. The chain itself is `chain.py`'s.

Rule 1: an export is one JSON object a line: every event of every run in order, and at last the digest over all the runs' heads.
Rule 2: what was exported stays: a journal that was cut at its end, went back to an older state or lost a run holds no more what an
export says. What was appended since is no fault.
Rule 3: an export that was cut or changed itself is refused, or it would find nothing.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from bot.errors import SignoffError
from bot.sql import tables
from bot.sql.chain import EventRow, Fault, Head, first_fault, genesis, heads_digest
from bot.sql.reader import SqlReader

Exported = Mapping[str, Head]
"""The head of each run: its last event's number and hash."""


async def exported(reader: SqlReader) -> AsyncIterator[dict[str, Any]]:
    """Every line of an export: the events as they are stored, unchecked, and the digest over their heads."""
    heads: dict[str, Head] = {}
    events = 0
    for run in (await reader.connection.scalars(select(tables.runs.c.run).order_by(tables.runs.c.run))).all():
        for row in await reader.event_rows(run):
            events += 1
            heads[run] = Head(row.seq, row.hash)
            yield {"run": run, **asdict(row)}
    yield {"heads": heads_digest(heads), "runs": len(heads), "events": events}


def heads_in(lines: Iterable[str], name: str) -> Exported:
    """The heads that an export holds; ``name`` is what its refusal calls it. Raises `SignoffError`."""
    heads: dict[str, Head] = {}
    journals: dict[str, list[EventRow]] = {}
    end: object = None
    try:
        for line in filter(str.strip, lines):
            if end is not None:
                raise ValueError("something follows its end")
            told = json.loads(line)
            end = told.get("heads")
            if end is None:
                run = told.pop("run")
                journals.setdefault(run, []).append(EventRow(**told))
        for run, rows in journals.items():
            if fault := first_fault(run, rows, genesis(run), 0):
                raise ValueError(f"run {run}: {fault.reason}")
            heads[run] = Head(rows[-1].seq, rows[-1].hash)
        if end != heads_digest(heads):
            raise ValueError("its last line is not the digest of the others")
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise SignoffError(f"{name} is no whole export of `signoff audit export`: {wrong}.") from wrong
    return heads


async def held_against(reader: SqlReader, heads: Exported) -> Fault | None:
    """The first run whose exported head is not in its journal any more."""
    for run, head in sorted(heads.items()):
        rows = await reader.event_rows(run, head.length)
        if not rows or rows[0].seq != head.length:
            return Fault(run, head.length, f"event {head.length} was exported and is not there any more")
        if rows[0].hash != head.hash:
            return Fault(run, head.length, f"event {head.length} is not the one that was exported")
    return None
