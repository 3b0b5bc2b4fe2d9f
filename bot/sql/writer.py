"""The Writer port over one open transaction. `store.py` commits it; what the projections say is `projections.py`'s."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Executable,
    Integer,
    Table,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bot.core.events import Recorded
from bot.core.journal import RULES, fold, is_progress
from bot.core.owed import due_at
from bot.core.run import Run
from bot.core.timing import PastStart
from bot.core.values import RunId
from bot.ports import LONGEST_LEASE, Conflict, Epoch, Freeze, InboxRow, Lease, Sealing
from bot.projections import buttons, open_approvals
from bot.sql import epochs, leases, tables
from bot.sql.chain import EventRow, genesis
from bot.sql.direct import PostgresConnection
from bot.sql.heads import Heads
from bot.sql.inline import InlineConnection
from bot.sql.reader import SqlReader, clock
from bot.sql.rows import approval_row, chained_rows, run_row

_STARTS_LOCK = 0x5167_5354
"""The number of the lock that whoever counts starts holds until the commit; any other would do."""
_OPEN_LOCK = 0x5167_4F50
"""The same for those who count what is open of one person, beside the person."""
_run, _row = tables.runs.c, tables.inbox.c
_INSERTS: dict[tuple[str, str, bool], Executable] = {
    (name, table.name, anew): insert(table) if anew else insert(table).on_conflict_do_nothing()
    for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
    for table in tables.metadata.tables.values()
    for anew in (True, False)
}
_HEAD = select(_run.head_hash).where(_run.run == bindparam("run")).with_for_update()
_LOCKED = select(_run.run).where(_run.run == bindparam("run")).with_for_update().cte("held")
_LOCK = select(clock("postgresql")).select_from(_LOCKED)
_ADVANCE = update(tables.runs).where(
    _run.run == bindparam("its_run"), _run.length == bindparam("its_length"), _run.head_hash == bindparam("its_head")
)
_OUR_RULES = literal_column(str(RULES), Integer)
_ADVANCE = _ADVANCE.values(
    {name: bindparam(name) for name in ("state", "due_at", "length", "head_hash")}
    | {"rules": case((_run.rules > _OUR_RULES, _run.rules), else_=_OUR_RULES)}
)
_PROGRESS = _ADVANCE.values(takeovers=0)
_CLOSE_APPROVALS = delete(tables.approvals).where(tables.approvals.c.approval.in_(bindparam("gone", expanding=True)))
_KEEP_FREEZES = text("LOCK TABLE freezes IN SHARE MODE")
_KEEP_STARTS = select(func.pg_advisory_xact_lock(_STARTS_LOCK))
_KEEP_OPEN = select(func.pg_advisory_xact_lock(_OPEN_LOCK, func.hashtext(bindparam("whose"))))
_CLOSE = update(tables.inbox).where(_row.key == bindparam("its_key"), _row.done_at.is_(None))
_CLOSE = _CLOSE.values(payload="", done_at=bindparam("now"))
_SEAL = update(tables.inbox).where(_row.key == bindparam("its_key"), _row.done_at.is_(None), _row.seal == "")
_SEAL = _SEAL.values(seal=bindparam("its_seal"))
_LIFT = delete(tables.freezes).where(tables.freezes.c.scope == bindparam("its_scope"))
_TOUCH = "readiness"
"""A scope that covers no action and that nobody ever sees."""


class SqlWriter(SqlReader):
    """Writes in one transaction. On Postgres `journal` locks the run's row and `freezes` keeps a freeze from being set
    before the commit; on SQLite the transaction holds the whole database anyway. ``changed``: whether there is more to be lost
    with this transaction than a lease."""

    def __init__(
        self,
        connection: PostgresConnection | InlineConnection,
        now: float,
        shift: float = 0.0,
        known: Heads | None = None,
    ) -> None:
        """``heads`` are those that are true once the transaction is committed; ``known`` those of earlier ones."""
        super().__init__(connection, now, shift)
        self.heads: dict[str, tuple[int, str]] = {}
        self._dialect = connection.dialect.name
        self._insert = postgresql.insert if self._dialect == "postgresql" else sqlite.insert
        self._known = known or Heads()
        self.changed = False

    async def journal(self, run: RunId, after: int = 0) -> tuple[Recorded, ...]:
        if self._dialect == "postgresql":
            await self._lock(run)
        return await super().journal(run, after)

    async def _lock(self, run: str) -> None:
        """The first lock also sets the time: whoever waited for a run acts after the one that held it."""
        now = await self.connection.scalar(_LOCK, {"run": run})
        if now is not None and not self.heads:
            self._now = now

    async def event_rows(self, run: str, first: int = 0) -> list[EventRow]:
        rows = await super().event_rows(run, first)
        if rows:
            self.heads[run] = (rows[-1].seq, rows[-1].hash)
        elif first == 0:
            self.heads[run] = (0, genesis(run))
        return rows

    async def append(self, before: Run | None, after: Run, events: Sequence[Recorded]) -> None:
        self.changed = True
        length = before.length if before else 0
        if [event.seq for event in events] != list(range(length + 1, after.length + 1)):
            raise ValueError(f"the events of run {after.id} do not lead from {length} to {after.length}")
        head = await self._head(after.id, length)
        rows, kept = chained_rows(after.id, head, events)
        new_head = rows[-1]["hash"] if rows else head
        try:
            await self._write_run(before, after, head, new_head, _PROGRESS if is_progress(events) else _ADVANCE)
            await self._add(tables.events, rows)
        except IntegrityError as error:
            raise Conflict(f"somebody else appended to run {after.id}") from error
        await self._add(tables.contents, [{"digest": d, "bytes": kept[d]} for d in sorted(kept)], anew=False)
        await self._write_lists(before, after, events)
        self.heads[after.id] = (after.length, new_head)

    async def _head(self, run: RunId, length: int) -> str:
        """The hash of the run's last event, its ``length``-th."""
        if length == 0:
            return genesis(run)
        read = self.heads.get(run)
        head = read[1] if read is not None and read[0] == length else self._known.of(run, length)
        return head if head is not None else await self.connection.scalar(_HEAD, {"run": run}) or ""

    async def _write_run(self, before: Run | None, after: Run, head: str, new_head: str, statement: Executable) -> None:
        if before is None:
            await self._add(tables.runs, [run_row(after, new_head) | {"rules": RULES}])
            return
        values = {"state": after.state, "due_at": due_at(after), "length": after.length, "head_hash": new_head}
        built_on = {"its_run": after.id, "its_length": before.length, "its_head": head}
        if await self._changed(statement, **built_on, **values) != 1:
            raise Conflict(f"somebody else appended to run {after.id}")

    async def _changed(self, statement: Executable, **values: object) -> int:
        """How many rows it changed."""
        changed: int = (await self.connection.execute(statement, values)).rowcount
        return changed

    async def _write_lists(self, before: Run | None, after: Run, events: Iterable[Recorded]) -> None:
        ids = buttons(recorded.event for recorded in events)
        await self._add(tables.buttons, [{"opaque": opaque, "run": after.id} for opaque in ids], anew=False)
        old, new = set(open_approvals(before)), set(open_approvals(after))
        if gone := [line.approval for line in old - new]:
            await self.connection.execute(_CLOSE_APPROVALS, {"gone": gone})
        await self._add(tables.approvals, [approval_row(line) for line in new - old])

    async def _add(self, table: Table, rows: Sequence[dict[str, Any]], anew: bool = True) -> int:
        """Insert rows; with ``anew`` False those whose key is known are left as they are. Returns how many were written."""
        if not rows:
            return 0
        insert = _INSERTS[self._dialect, table.name, anew]
        return (await self.connection.execute(insert, rows if len(rows) > 1 else rows[0])).rowcount

    async def project(self, run_id: RunId) -> None:
        """Write a run's projections from its journal, over whatever they say; its lease stays."""
        journal = await self.journal(run_id)
        run = fold(run_id, journal)
        if run is None:
            return
        row = run_row(run, self.heads[run_id][1])
        anew = self._insert(tables.runs).values(row | {"rules": RULES})
        await self.connection.execute(anew.on_conflict_do_update(index_elements=[tables.runs.c.run], set_=row))
        await self._write_lists(None, run, journal)

    async def put_inbox(self, row: InboxRow) -> bool:
        self.changed = True
        values = {"key": row.key, "team": row.team, "kind": row.kind, "payload": row.payload, "received_at": self.now}
        values["seal"] = row.seal
        return await self._add(tables.inbox, [values], anew=False) == 1

    async def close_inbox(self, key: str) -> None:
        self.changed = True
        await self._changed(_CLOSE, its_key=key, now=self.now)

    async def seal_inbox(self, key: str, seal: str) -> None:
        self.changed = True
        await self._changed(_SEAL, its_key=key, its_seal=seal)

    async def begin_sealing(self, sealing: Sealing) -> None:
        row = {"one": 1, "until": sealing.until, "seal": sealing.seal}
        await self._add(tables.sealing, [row], anew=False)

    async def take_lease(self, run: RunId, owner: str, seconds: float, *, afresh: bool = False) -> Lease | None:
        values = {"its_run": run, "owner": owner, "until": self.now + seconds}
        ways = (leases.TAKE_FREE, leases.TAKE, leases.TAKE_OVER) if afresh else (leases.TAKE, leases.TAKE_OVER)
        for way in ways:
            more = {"now": self.now} if way is leases.TAKE_OVER else {}
            for length, takeovers in await self._all(way, **values, **more):
                return Lease(length, way is not ways[0], takeovers)
        await self._changed(leases.SHORTEN, its_run=run, longest=self.now + LONGEST_LEASE)
        return None

    async def hand_over(self, run: RunId, owner: str, seconds: float) -> None:
        await self._changed(leases.HAND_OVER, its_run=run, owner=owner, until=self.now + seconds if seconds else 0.0)

    async def give_back(self, run: RunId, owner: str, length: int) -> bool:
        return await self._changed(leases.GIVE, its_run=run, owner=owner, its_length=length) == 1

    async def park(self, run: RunId, owner: str, reason: str) -> bool:
        self.changed = True
        return await self._changed(leases.PARK, its_run=run, owner=owner, reason=reason) == 1

    async def resume(self, run: RunId) -> bool:
        self.changed = True
        return await self._changed(leases.RESUME, its_run=run) == 1

    async def freezes(self) -> tuple[Freeze, ...]:
        if self._dialect == "postgresql":
            # FOR SHARE would not see the row that somebody is just inserting; this waits for them, and they for us.
            await self.connection.execute(_KEEP_FREEZES)
        return await super().freezes()

    async def touch(self) -> None:
        # No `changed`: a backup from before it is as good as the database.
        await self._add(tables.freezes, [{"scope": _TOUCH, "reason": "", "by": "", "since": self.now}], anew=False)
        await self._changed(_LIFT, its_scope=_TOUCH)

    async def recent_starts(self, since: float) -> tuple[PastStart, ...]:
        if self._dialect == "postgresql":
            # What another one is just starting cannot be seen yet; this waits for them, and they for us.
            await self.connection.execute(_KEEP_STARTS)
        return await super().recent_starts(since)

    async def open_of(self, run: RunId, team: str, requester: str) -> int:
        if self._dialect == "postgresql":
            # The run first, as everywhere: two of one person's would else wait for each other. The time stays: what is counted for
            # has been sealed with it.
            await self.connection.scalar(_LOCK, {"run": run})
            await self.connection.execute(_KEEP_OPEN, {"whose": f"{team}/{requester}"})
        return await super().open_of(run, team, requester)

    async def set_freeze(self, scope: str, reason: str, by: str, *, over: bool = False) -> bool:
        self.changed = True
        if over:
            await self._changed(_LIFT, its_scope=scope)
        row = {"scope": scope, "reason": reason, "by": by, "since": self.now}
        if not await self._add(tables.freezes, [row], anew=False):
            return False
        await self._note(scope, by, reason, lifted=False)
        return True

    async def lift_freeze(self, scope: str, by: str = "", reason: str = "") -> bool:
        self.changed = True
        if not await self._changed(_LIFT, its_scope=scope):
            return False
        await self._note(scope, by, reason, lifted=True)
        return True

    async def _note(self, scope: str, by: str, reason: str, *, lifted: bool) -> None:
        row = {"at": self.now, "scope": scope, "by": by, "reason": reason, "lifted": lifted, "told": False}
        await self._add(tables.freezings, [row])

    async def mark_freezing(self, number: int, *, told: bool | None = None, switch: str | None = None) -> None:
        self.changed = True
        values = {name: value for name, value in (("told", told), ("switch", switch)) if value is not None}
        marked = update(tables.freezings).where(tables.freezings.c.number == number).values(values)
        await self.connection.execute(marked)

    async def begin_epoch(self, reason: str) -> Epoch:
        going_on = (await epochs.row(self.connection, hold=True)).epoch
        return await epochs.begin(self.connection, self.now, reason) if going_on.settled else going_on

    async def settle_epoch(self, number: int) -> None:
        await epochs.settle(self.connection, number, self.now)
