"""The Reader port over one open transaction. It only reads; `writer.py` adds the writing, `store.py` the transactions."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Double,
    Executable,
    Row,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    extract,
    false,
    func,
    not_,
    or_,
    select,
    text,
)

from bot.core.events import Recorded
from bot.core.fatigue import PastVote
from bot.core.faults import BrokenJournal
from bot.core.run import ENDS
from bot.core.timing import PastStart
from bot.core.values import ApprovalId, Choice, Person, Place, RunId
from bot.ports import (
    LONGEST_LEASE,
    ApprovalGroup,
    Epoch,
    Freeze,
    Freezing,
    InboxRow,
    OpenApproval,
    Rewound,
    RunLine,
    Sealing,
)
from bot.sql import epochs, tables
from bot.sql.chain import EventRow, first_fault, genesis
from bot.sql.codec import decode, references
from bot.sql.direct import PostgresConnection
from bot.sql.inline import InlineConnection

_IDS_PER_QUERY = 1000


def clock(dialect: str) -> ColumnElement[float]:
    """The database's clock in epoch seconds."""
    if dialect == "sqlite":
        return (func.julianday("now", type_=Double) - 2440587.5) * 86400.0
    return cast(extract("epoch", func.clock_timestamp()), Double)


def _without(dialect: str, column: ColumnElement[str], without: str = "without") -> ColumnElement[bool]:
    """``column`` is none of the list ``without``, which goes as one value: the number of placeholders is bounded."""
    named = bindparam(without, type_=Text)
    each = func.json_each(named) if dialect == "sqlite" else func.json_array_elements_text(cast(named, JSON))
    return column.not_in(select(each.table_valued("value").c.value))


# Statements are made once: making one costs more than SQLite needs to answer it.
_DIALECTS = ("sqlite", "postgresql")
NOW = {dialect: select(clock(dialect)) for dialect in _DIALECTS}
_event, _content, _run, _row = tables.events.c, tables.contents.c, tables.runs.c, tables.inbox.c
_HELD = and_(_run.lease_until >= bindparam("now"), _run.lease_until <= bindparam("now") + LONGEST_LEASE)
_FREE = and_(or_(_run.lease_until.is_(None), not_(_HELD)), _run.parked.is_(None))
_EVENTS = (
    select(_event.seq, _event.at, _event.kind, _event.body, _event.hash)
    .where(_event.run == bindparam("run"), _event.seq >= bindparam("first"))
    .order_by(_event.seq)
)
_CONTENTS = select(_content.digest, _content.bytes).where(_content.digest.in_(bindparam("digests", expanding=True)))
_RUN_OF = select(tables.buttons.c.run).where(tables.buttons.c.opaque == bindparam("opaque"))
_LATEST = (
    select(_run.run)
    .where(_run.team == bindparam("team"), _run.channel == bindparam("channel"), _run.thread == bindparam("thread"))
    .order_by(_run.asked_at.desc(), _run.run.desc())
    .limit(1)
)
_LINES = select(
    _run.run, _run.team, _run.channel, _run.thread, _run.requester, _run.state, _run.asked_at, _run.due_at, _run.length, _run.parked,
    _run.rules,
)  # fmt: skip
_LINE = _LINES.where(_run.run == bindparam("run"))
_DUE = {
    dialect: select(_run.run)
    .where(
        _run.due_at <= bindparam("now"),
        _FREE,
        _without(dialect, _run.run),
        or_(_without(dialect, _run.run, "woken"), _run.lease_owner.is_not(None)),
    )
    .order_by(_run.due_at, _run.run)
    .limit(bindparam("limit"))
    for dialect in _DIALECTS
}
_NEXT_DUE = select(func.min(_run.due_at)).where(_FREE)
_OPEN_INBOX = {
    dialect: select(_row.key, _row.team, _row.kind, _row.payload, _row.received_at, _row.seal)
    .where(_row.done_at.is_(None), _without(dialect, _row.key))
    .order_by(_row.number)
    .limit(bindparam("limit"))
    for dialect in _DIALECTS
}
_SEALING = select(tables.sealing.c.until, tables.sealing.c.seal)
_ONLY_UNSEALED = select(and_(exists().where(_row.number > 0), not_(exists().where(_row.seal != ""))))
_STARTS = (
    select(_event.body, _run.requester, _event.at)
    .join_from(tables.events, tables.runs, _run.run == _event.run)
    .where(tables.IS_START, _event.at > bindparam("since"))
)
_VOTES = (
    select(_run.team, _event.body)
    .join_from(tables.events, tables.runs, _run.run == _event.run)
    .where(tables.IS_VOTE, _event.at > bindparam("since"))
)
_freeze = tables.freezes.c
_FREEZES = select(_freeze.scope, _freeze.reason, _freeze.by, _freeze.since).order_by(_freeze.since, _freeze.scope)
_approval = tables.approvals.c
_OPEN_OF = (
    select(func.count())
    .select_from(tables.approvals)
    .where(_approval.team == bindparam("team"), _approval.requester == bindparam("requester"))
)
_OWN = _approval.requester == bindparam("reader")
_DIRECT = func.substr(_approval.channel, 1, 1) == "D"
_FIRST = select(tables.approvals).order_by(*tables.RISKIEST_FIRST)
_KINDS = (_approval.approvers, _approval.requester_may_approve, _OWN.label("own"), _DIRECT.label("direct"))
_GROUPS = (
    select(*_KINDS, func.count().label("number"))
    .where(_approval.team == bindparam("team"))
    .group_by(_approval.approvers, _approval.requester_may_approve, text("own"), text("direct"))
)
_freezing = tables.freezings.c
_FREEZINGS = select(tables.freezings).order_by(_freezing.number.desc()).limit(bindparam("limit"))
_FREEZINGS_OF = _FREEZINGS.where(_freezing.scope == bindparam("scope"))


class SqlReader:
    """Reads in one transaction. ``shift`` seconds are added to the database's clock, so that tests can move time."""

    def __init__(self, connection: PostgresConnection | InlineConnection, now: float, shift: float = 0.0) -> None:
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
        if after > 0:
            if not rows:
                raise Rewound(f"run {run} was longer than {after} events, and is not any more")
            if rows[0].seq != after:
                raise BrokenJournal(f"run {run}: event {after} is missing")
            before, seq = rows.pop(0).hash, after
        if fault := first_fault(run, rows, before, seq):
            raise BrokenJournal(f"run {run}: {fault.reason}")
        return rows

    async def event_rows(self, run: str, first: int = 0) -> list[EventRow]:
        """The stored rows with ``seq >= first``, unchecked."""
        return [EventRow(*row) for row in await self._all(_EVENTS, run=run, first=first)]

    async def contents(self, digests: Sequence[str]) -> dict[str, bytes]:
        """What is left of these contents: a purged one is missing. Unchecked."""
        found: dict[str, bytes] = {}
        wanted = sorted(set(digests))
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            rows = await self._all(_CONTENTS, digests=wanted[start : start + _IDS_PER_QUERY])
            found.update((digest, bytes(raw)) for digest, raw in rows)
        return found

    async def latest_run(self, place: Place) -> RunId | None:
        where = {"team": place.team, "channel": place.channel, "thread": place.thread}
        found = await self.connection.scalar(_LATEST, where)
        return None if found is None else RunId(found)

    async def run_of(self, opaque: str) -> RunId | None:
        found = await self.connection.scalar(_RUN_OF, {"opaque": opaque})
        return None if found is None else RunId(found)

    async def open_approvals(self, team: str | None = None) -> tuple[OpenApproval, ...]:
        query = _FIRST if team is None else _FIRST.where(_approval.team == team)
        return tuple(_open_approval(row) for row in await self._all(query))

    async def approval_groups(self, team: str, reader: str) -> tuple[ApprovalGroup, ...]:
        found = await self._all(_GROUPS, team=team, reader=reader)
        return tuple(
            ApprovalGroup(tuple(json.loads(who)), bool(open_to_own), bool(own), bool(direct), count)
            for who, open_to_own, own, direct, count in found
        )

    async def first_approvals(
        self, team: str, reader: str, groups: Collection[ApprovalGroup], limit: int
    ) -> tuple[OpenApproval, ...]:
        alike = or_(false(), *(_alike(group) for group in groups))
        query = _FIRST.where(_approval.team == bindparam("team"), alike).limit(limit)
        return tuple(_open_approval(row) for row in await self._all(query, team=team, reader=reader))

    async def runs(self, limit: int, state: str | None = None) -> tuple[RunLine, ...]:
        query = _LINES.order_by(_run.asked_at.desc(), _run.run.desc()).limit(limit)
        if state is not None:
            query = query.where(_run.state == state)
        return tuple(RunLine(*row) for row in await self._all(query))

    async def line(self, run: RunId) -> RunLine | None:
        found = await self._all(_LINE, run=run)
        return RunLine(*found[0]) if found else None

    async def due_runs(
        self, limit: int, without: Collection[RunId] = (), woken: Collection[RunId] = ()
    ) -> tuple[RunId, ...]:
        due = _DUE[self.connection.dialect.name]
        found = await self._all(due, now=self.now, limit=limit, without=_listed(without), woken=_listed(woken))
        return tuple(RunId(row.run) for row in found)

    async def next_due(self) -> float | None:
        found: float | None = await self.connection.scalar(_NEXT_DUE, {"now": self.now})
        return found

    async def open_inbox(self, limit: int, without: Collection[str] = ()) -> tuple[InboxRow, ...]:
        rows = _OPEN_INBOX[self.connection.dialect.name]
        return tuple(InboxRow(*row) for row in await self._all(rows, limit=limit, without=_listed(without)))

    async def sealing(self) -> Sealing | None:
        return next((Sealing(*row) for row in await self._all(_SEALING)), None)

    async def only_unsealed(self) -> bool:
        return any(found for (found,) in await self._all(_ONLY_UNSEALED))

    async def freezes(self) -> tuple[Freeze, ...]:
        return tuple(Freeze(*row) for row in await self._all(_FREEZES))

    async def recent_starts(self, since: float) -> tuple[PastStart, ...]:
        rows = await self._all(_STARTS, since=since)
        return tuple(PastStart(json.loads(row.body).get("action", ""), row.requester, row.at) for row in rows)

    async def open_of(self, run: RunId, team: str, requester: str) -> int:
        found: int = await self.connection.scalar(_OPEN_OF, {"team": team, "requester": requester})
        return found

    async def votes(self, since: float) -> tuple[PastVote, ...]:
        return tuple(_past_vote(*row) for row in await self._all(_VOTES, since=since))

    async def freezings(self, limit: int, scope: str = "") -> tuple[Freezing, ...]:
        of_one = {"scope": scope} if scope else {}
        found = await self._all(_FREEZINGS_OF if scope else _FREEZINGS, limit=limit, **of_one)
        return tuple(Freezing(**row._mapping) for row in found)

    async def epoch(self) -> Epoch:
        return await epochs.present(self.connection)

    async def unended(self, limit: int, after: str = "") -> tuple[RunId, ...]:
        moving = or_(_run.state.not_in(sorted(ENDS)), _run.due_at.is_not(None))
        found = await self._all(select(_run.run).where(_run.run > after, moving).order_by(_run.run).limit(limit))
        return tuple(RunId(row.run) for row in found)

    async def _all(self, query: Executable, **values: object) -> Sequence[Any]:
        found: Sequence[Any] = (await self.connection.execute(query, values)).all()
        return found


def _listed(texts: Collection[str]) -> str:
    return json.dumps([tables.storable(text) for text in texts])


def _alike(group: ApprovalGroup) -> ColumnElement[bool]:
    values = (json.dumps(group.approvers), group.requester_may_approve, group.own, group.direct)
    return and_(*(kind == value for kind, value in zip(_KINDS, values, strict=True)))


def _past_vote(team: str, body: str) -> PastVote:
    told = json.loads(body)
    person, choice = Person(**told["person"]), Choice(told["choice"])
    return PastVote(team, person, choice, told.get("via", "slack"), told.get("waited"))


def _open_approval(row: Row[Any]) -> OpenApproval:
    values = dict(row._mapping)
    values["approval"] = ApprovalId(values["approval"])
    values["approvers"] = tuple(json.loads(values["approvers"]))
    return OpenApproval(**values)
