"""A database as it is after years: 1,000,000 runs that have ended, and 10,000 that wait for people. What is measured on it is not here.

Both kinds are made from a real run of each kind. Those that wait are whole: their journals are chained and can be folded, so that whoever
lists them finds what a bot would have written; their ids, threads, cards and risks are their own. Those that have ended are rows of
SQL: of each run its row, the first and the last event of its journal, its button, and its two inbox rows (which stay for ever, emptied).
That is 6,000,000 rows; the rest of the journals, which nothing reads that lists, is left out, and the chain of these runs is not
theirs. Contents are shared, as they are between real runs of the same words.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.databases import Database
from bot.core.events import Asked, CardShown, Event, Judged, Recorded
from bot.core.journal import fold
from bot.core.values import ApprovalId, RunId
from bot.ports import Writer
from bot.sql.store import SqlStore, open_store

ENDED, WAITING = 1_000_000, 10_000
_AT_ONCE = 500
_CHANNELS = 50


async def filled(base: Database, ended: int, waiting: int) -> None:
    """Copy the one run that waits and the one that has ended."""
    store = open_store(base.url)
    try:
        approval = (await store.read(lambda tx: tx.open_approvals()))[0]
        (done,) = await store.read(lambda tx: tx.runs(1, "done"))
        await _wait(store, await store.read(lambda tx: tx.journal(approval.run)), waiting)
        assert not await store.read(lambda tx: tx.due_runs(1)), "a bot would be busy with what was made"
    finally:
        await store.close()
    await base.script(_ended(base.ids(ended), done.run, done.length))


async def _wait(store: SqlStore, journal: tuple[Recorded, ...], count: int) -> None:
    for first in range(0, count, _AT_ONCE):

        async def some(tx: Writer, first: int = first) -> None:
            for number in range(first, min(first + _AT_ONCE, count)):
                run_id = RunId(hashlib.sha256(str(number).encode()).hexdigest()[:32])
                events = [replace(each, event=_own(each.event, number, run_id)) for each in journal]
                run = fold(run_id, events)
                assert run is not None
                await tx.append(None, run, events)

        await store.write(some)


def _own(event: Event, number: int, run_id: RunId) -> Event:
    """The event of another run."""
    channel, ts = f"C{number % _CHANNELS}", f"18.{number:06}"
    match event:
        case Asked():
            return replace(event, place=replace(event.place, channel=channel, thread=ts), message=ts)
        case Judged(terms=terms) if terms is not None:
            judgement = replace(event.judgement, risk=number % 100 / 100, request_id=f"req_{run_id}")
            return replace(event, judgement=judgement, terms=replace(terms, approval=_approval(run_id)))
        case CardShown():
            return replace(event, channel=channel, message=f"19.{number:06}", shows=f"asking:{_approval(run_id)}:0")
        case _:
            return event


def _approval(run: RunId) -> ApprovalId:
    return ApprovalId(run[::-1])


def _ended(ids: str, run: str, length: int) -> Iterator[str]:
    yield (
        "INSERT INTO runs (run, team, channel, thread, requester, state, asked_at, length, head_hash)"
        f" SELECT new.id, team, 'C' || new.i % {_CHANNELS}, '16.' || new.i, requester, state, asked_at - new.i, length, head_hash"
        f" FROM {ids} AS new CROSS JOIN runs WHERE run = '{run}'"
    )
    yield (
        "INSERT INTO events (run, seq, at, kind, body, hash) SELECT new.id, seq, at, kind, body, hash"
        f" FROM {ids} AS new CROSS JOIN events WHERE run = '{run}' AND seq IN (1, {length})"
    )
    yield f"INSERT INTO buttons (opaque, run) SELECT 'b' || new.id, new.id FROM {ids} AS new"
    for kind in ("event", "click"):
        yield (
            "INSERT INTO inbox (key, team, kind, payload, received_at, done_at)"
            f" SELECT '{kind}:' || new.id, 'T0ACME', '{kind}', '', new.i, new.i FROM {ids} AS new"
        )
    yield "ANALYZE"
