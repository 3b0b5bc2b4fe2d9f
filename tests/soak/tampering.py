"""T6: a stored approval after somebody changed the database, column by column, and the journal's own account of it (R6, R18, S31).

Rule 1: whoever changes a row of `events`, or the bytes of one of `contents`, stops the run: nothing of it executes.
Rule 2: whoever also computes the chain anew has no key: what is sealed stops the run; what is not (`UNSEALED`: words, notes; and the
times of all but `SEALED_TIMES`) may change, and then exactly what was approved executes, once, or nothing does.
Rule 3: the projections decide nothing: after a change of them exactly what was approved executes, once, or nothing does.
All of it in every state from which something may still start (`STATES`).
"""

import asyncio
import hashlib
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from structlog.testing import capture_logs

from bot.core.events import Voted
from bot.core.inputs import Clicked
from bot.core.policy import Policy
from bot.core.run import Run
from bot.core.values import ApprovalId, Choice, Judgement, Person, RunId, Verdict
from bot.ports import InboxRow, Unavailable
from bot.sql import tables
from bot.sql.chain import genesis, link
from bot.sql.codec import encode
from bot.sql.engines import WrongStatementError
from bot.sql.export import exported, heads_in, held_against
from bot.sql.reader import SqlReader
from bot.sql.rebuild import verify_chain
from bot.sql.schema import migrate
from bot.sql.store import SqlStore, open_store
from bot.sql.writer import SqlWriter
from tests.databases import running_postgres
from tests.engine.world import BOB, CAROL, PLACE, POLICY, TEAM, World, approval_of, saying, wishing
from tests.soak.report import Line
from tests.sql.samples import approved, record, said, story

GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
DEED = "bob in admins"
ASK, ALLOW = (
    Judgement(verdict, "broad", "BIGHUB", 0.8, request_id="req_1") for verdict in (Verdict.ASK, Verdict.ALLOW)
)
TWO = Policy(replace(POLICY.defaults, quorum=2))
TABLES: tuple[Table, ...] = (
    tables.runs, tables.events, tables.contents, tables.approvals, tables.buttons, tables.inbox, tables.freezes,
)  # fmt: skip
TRUTH = (tables.events.name, tables.contents.name)
UNSEALED = (
    "Asked.text", "Asked.message", "Asked.previous", "Asked.brief", "ModelReplied.items", "ModelReplied.text",
    "ModelReplied.heard", "ModelReplied.tokens", "ModelReplied.response", "ModelReplied.proposals.wire",
    "ModelReplied.proposals.raw_arguments", "ModelReplied.proposals.refusal", "Judged.judgement.reason", "Judged.judgement.source",
    "Judged.judgement.better_action", "Judged.judgement.request_id", "Judged.judgement.rule",
    "Judged.judgement.decision", "Judged.terms.rule", "CardShown", "Voted.message", "Delivered",
    "Tightened.terms.rule", "Tightened.void", "Started.worker", "Started.action", "Started.rechecked", "Started.request",
    "Started.attempt", "ModelReplied.took", "Judged.judgement.memory", "Judged.judgement.shadow",
    "Judged.judgement.ours", "ModelReplied.read", "Voted.review_at", "Voted.waited",
)  # fmt: skip
SEALED_TIMES = ("Judged", "Voted")
TAMPERINGS = 1_000
LONGEST = 4.0
"""Seconds for a bot to come to its end; one that turns in circles over a damaged row is left then."""
Rows = dict[str, list[dict[str, Any]]]


def changed_rows(seed: int, share: float) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="signoff-soak-") as folder:
        url = f"sqlite:///{Path(folder) / 'signoff.db'}"
        asyncio.run(migrate(url))
        yield from asyncio.run(of_one_database("SQLite", url, seed, share))
    with running_postgres() as server:
        yield from asyncio.run(of_one_database("Postgres", server.create("migrated"), seed, share))


async def of_one_database(name: str, url: str, seed: int, share: float) -> list[Line]:
    store = open_store(url)
    try:
        return [await tampered_approvals(name, store, seed, share), await found_by_the_chain(name, store, seed, share)]
    finally:
        await store.close()


# --- a stored approval ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """How an honest bot brings an action there: the policies that it asked and took each vote under, and what happens afterwards:
    ``last`` still clicks (None: nobody has to), under ``policy``."""

    votes: tuple[tuple[Policy, Person], ...] = ()
    asked: Policy = POLICY
    last: Person | None = None
    policy: Policy = POLICY
    judgement: Judgement = ASK
    wish: tuple[str, dict[str, Any]] = GRANT
    deed: str = DEED
    cut_after: str = ""


STATES = {
    "asked": State(last=CAROL),
    "half voted": State(((TWO, BOB),), TWO, CAROL, TWO),
    "approved": State(((POLICY, CAROL),)),
    "half voted, stricter since": State(((TWO, CAROL),), last=BOB),
    "approved, stricter since": State(((TWO, CAROL), (TWO, BOB))),
    "allowed": State(judgement=ALLOW, cut_after="Judged"),
    "started": State(judgement=ALLOW, wish=("sync", {}), deed="began to sync", cut_after="Started"),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """All rows of a database in which one action is in a state."""

    run: RunId
    approval: str
    state: State
    rows: Rows


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody does to the rows; ``where`` names it, ``may_run``: whether exactly what was approved may still execute."""

    where: str
    may_run: bool
    rows: Callable[[Rows], None]


async def tampered_approvals(name: str, store: SqlStore, seed: int, share: float) -> Line:
    began, chance = time.monotonic(), random.Random(seed)
    wrong: list[str] = []
    stopped = ran = refused = 0
    honest = True
    for state in STATES.values():
        scene = await made(store, state)
        honest = honest and await executed(store, scene, Change("nothing", True, lambda rows: None)) == [state.deed]
        changes = [*column_changes(scene), *rechained_changes(scene)]
        for change in changes if share >= 1.0 else chance.sample(changes, max(5, int(len(changes) * share))):
            deeds = await executed(store, scene, change)
            if deeds is None:
                refused += 1
            elif not deeds:
                stopped += 1
            elif deeds == [state.deed] and change.may_run:
                ran += 1
            else:
                wrong.append(f"{change.where}: {deeds}")
    for each in wrong:
        print(f"violation on {name}: {each}")
    work = f"{stopped + ran + len(wrong):,} changes of every column, and of every field with the chain computed anew"
    figure = (
        f"{stopped:,} stopped the run, after {ran:,} exactly what was approved ran, {refused:,} the database refused"
    )
    floor = honest and stopped >= 5 and ran >= 2
    return Line(
        "T6",
        "R6 S8 S31",
        f"rows of {name} are changed",
        work,
        len(wrong),
        floor,
        seed,
        time.monotonic() - began,
        figure,
    )


async def made(store: SqlStore, state: State) -> Scene:
    """Honest bots bring it there, each with its policy, and end."""
    await written(store, {table.name: [] for table in TABLES})
    world = world_of(store, state, state.asked)
    async with world.engine.running(drain_seconds=0.2):
        world.model.turns = [wishing(state.wish), saying("Done.")]
        await world.write("grant bob admins")
        asked = state.judgement.verdict is Verdict.ASK
        run = await world.until(lambda run: run.calls and (run.calls[0].card if asked else run.replies), seconds=60.0)
        await rests(world)
    for number, (policy, person) in enumerate(state.votes, 1):
        world = world_of(store, state, policy)
        await clicked(world, approval_of(run), person)
        voted = await world.run()
        assert voted is not None and votes_of(voted) == number
    rows = await store.read(all_rows)
    if state.cut_after:
        cut(rows, state.cut_after)
    return Scene(run.id, approval_of(run) if asked else "", state, rows)


def world_of(store: SqlStore, state: State, policy: Policy) -> World:
    world = World(store, policy=policy)
    world.guard.answers |= {"grant_access": state.judgement, "sync": state.judgement}
    return world


async def clicked(world: World, approval: str, person: Person) -> None:
    """The click is recorded, and no worker is there that would start what it allows."""
    world.dispatch.lossy = True
    world.inputs["click"] = Clicked(person, "approve", approval, PLACE.channel, "card-t1c1")
    await world.engine._inbox.work(InboxRow("click", TEAM, "click", "{}"))


async def rests(world: World) -> None:
    while world.dispatch.tasks:
        await asyncio.sleep(0.02)


def votes_of(run: Run) -> int:
    return len(run.calls[0].approval.votes) if run.calls[0].approval else 0


def cut(rows: Rows, kind: str) -> None:
    """The rows as they were when the first event of this kind had happened."""
    last = next(row["seq"] for row in rows["events"] if row["kind"] == kind)
    rows["events"][:] = [row for row in rows["events"] if row["seq"] <= last]
    told = "".join(row["body"] for row in rows["events"])
    rows["contents"][:] = [row for row in rows["contents"] if row["digest"] in told]
    rechain(rows)


async def all_rows(reader: SqlReader) -> Rows:
    return {
        table.name: [dict(row) for row in (await reader.connection.execute(select(table))).mappings()]
        for table in TABLES
    }


async def written(store: SqlStore, rows: Rows) -> None:
    async def work(writer: SqlWriter) -> None:
        for table in TABLES:
            await writer.connection.execute(delete(table))
            for row in rows[table.name]:
                await writer.connection.execute(insert(table).values(row))

    await store.write(work)


async def executed(store: SqlStore, scene: Scene, change: Change) -> list[str] | None:
    """What another bot carries out after the change, clicking where nobody has; None where the database takes no such row."""
    rows = {name: [dict(row) for row in each] for name, each in scene.rows.items()}
    change.rows(rows)
    try:
        await written(store, rows)
    except (WrongStatementError, Unavailable):
        return None
    world = world_of(store, scene.state, scene.state.policy)
    world.dispatch.lossy = True
    with (
        capture_logs(),
        suppress(Exception),
    ):  # whatever stops a bot that reads changed rows: the question is what it did before
        if scene.state.last is not None:
            await clicked(world, scene.approval, scene.state.last)
        for run in {scene.run, *(RunId(row["run"]) for row in rows["runs"])}:
            await asyncio.wait_for(world.engine.advance(run), LONGEST)
    return world.deeds.done


def column_changes(scene: Scene) -> Iterator[Change]:
    for table in TABLES:
        for number, row in enumerate(scene.rows[table.name]):
            for column in table.columns:
                for new in others(row[column.name], column.type.python_type not in (int, float)):
                    where = f"{table.name}[{number}].{column.name} = {new!r:.40}"

                    def rows(
                        all_of_it: Rows, name: str = table.name, n: int = number, c: str = column.name, v: Any = new
                    ) -> None:
                        all_of_it[name][n][c] = v

                    # A content whose digest is another is one that was taken away, as retention does.
                    yield Change(where, table.name not in TRUTH or column.name == "digest", rows)


def others(value: Any, text: bool) -> Sequence[Any]:
    """Other values of the same kind."""
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return (value + 1, 0)
        case bytes():
            return (bytes([value[0] ^ 1]) + value[1:] if value else b"x", b"")
        case str():
            return (f"{value}x", value[:-1] if value else "y")
        case _:
            return ("x",) if text else (7,)


# --- with the chain computed anew -----------------------------------------------------------------------------------


def rechained_changes(scene: Scene) -> Iterator[Change]:
    """Every field of every event, and forged and missing events; the hashes fit, since they need no key."""
    for number, row in enumerate(scene.rows["events"]):
        for path, new in leaves(json.loads(row["body"]), ()):
            name = ".".join([row["kind"], *(part for part in path if isinstance(part, str) and part != "sha256")])

            def rows(all_of_it: Rows, n: int = number, path: tuple[Any, ...] = path, new: Any = new) -> None:
                body = json.loads(all_of_it["events"][n]["body"])
                put(body, path, stored(all_of_it, new) if path[-1] == "sha256" else new)
                all_of_it["events"][n]["body"] = json.dumps(body, sort_keys=True, separators=(",", ":"))
                rechain(all_of_it)

            unsealed = any(name == each or name.startswith(f"{each}.") for each in UNSEALED)
            yield Change(f"{name} = {new!r:.40}, rechained", unsealed, rows)
        for new in (row["at"] + 60.0, row["at"] - 60.0, 0.0):

            def moved(all_of_it: Rows, n: int = number, new: float = new) -> None:
                all_of_it["events"][n]["at"] = new
                rechain(all_of_it)

            counts = (
                row["kind"] in SEALED_TIMES and scene.state.judgement is not ALLOW
            )  # nothing depends on when it was allowed
            yield Change(f"{row['kind']} at {new}, rechained", not counts, moved)
    if scene.state.last is not None:
        last = scene.state.last.user
        yield Change("a forged vote", False, lambda rows: append(rows, forged_vote(scene, last)))
        yield Change(
            "a forged vote under the requester's name", False, lambda rows: append(rows, forged_vote(scene, "U0ALICE"))
        )
    kinds = {row["kind"] for row in scene.rows["events"]}
    if "Tightened" in kinds:
        yield Change("the milder terms once more, with the seal that they had", False, taken_back)
    for kind in sorted(kinds & {"Judged", "Voted", "Tightened", "CardShown", "ModelReplied"}):
        anew = kind == "Judged" and scene.state.judgement is ALLOW  # then the guard is asked once more
        yield Change(f"no {kind}", kind == "CardShown" or anew, lambda rows, kind=kind: without(rows, kind))


ENUMS = {
    "verdict": ("allow", "deny"),
    "choice": ("deny",),
    "on_crash": ("rerun",),
    "via": ("shell", "program"),
    "risk": ("low",),
}


def leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every leaf of a body with other values for it."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from leaves(inner, (*path, name))
            if path and path[-1] in ("terms", "binding"):
                yield path, None
        case list():
            for number, inner in enumerate(value):
                yield from leaves(inner, (*path, number))
            yield path, [*value, "U0EVE"]
        case None:
            yield path, "x"
        case _:
            known = ENUMS.get(path[-1], ()) if isinstance(value, str) else ()
            yield from ((path, new) for new in (*others(value, False), *known) if new != value)


def put(body: Any, path: tuple[Any, ...], new: Any) -> None:
    for part in path[:-1]:
        body = body[part]
    body[path[-1]] = new


def stored(rows: Rows, text: str) -> str:
    """Other content, and its digest: a text that JSON still takes where JSON belongs."""
    raw = json.dumps({"user_id": "mallory", "group": text[:4]}, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(raw).hexdigest()
    if all(row["digest"] != digest for row in rows["contents"]):
        rows["contents"].append({"digest": digest, "bytes": raw})
    return digest


def rechain(rows: Rows) -> None:
    (run,) = rows["runs"]
    head = genesis(run["run"])
    for row in sorted(rows["events"], key=lambda row: row["seq"]):
        head = row["hash"] = link(head, row["seq"], row["at"], row["kind"], row["body"])
    run |= {"head_hash": head, "length": len(rows["events"]), "due_at": 0.0}


def append(rows: Rows, event: Any) -> None:
    last, encoded = rows["events"][-1], encode(event)
    rows["events"].append({**last, "seq": last["seq"] + 1, "kind": encoded.kind, "body": encoded.body})
    rows["contents"] += [{"digest": digest, "bytes": raw} for digest, raw in encoded.contents.items()]
    rechain(rows)


def taken_back(rows: Rows) -> None:
    """The terms of the beginning, under their own seal, put behind those that are stricter."""
    judged, last = (json.loads(row["body"]) for row in rows["events"] if row["kind"] == "Judged"), rows["events"][-1]
    first = next(judged)
    seal, terms = first["judgement"]["seal"], first["terms"]
    body = {"approval": terms["approval"], "terms": terms, "seal": seal, "void": []}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    rows["events"].append({**last, "seq": last["seq"] + 1, "kind": "Tightened", "body": text})
    rechain(rows)


def without(rows: Rows, kind: str) -> None:
    kept = [row for row in rows["events"] if row["kind"] != kind]
    rows["events"][:] = [{**row, "seq": seq} for seq, row in enumerate(kept, 1)]
    rechain(rows)


def forged_vote(scene: Scene, user: str) -> Any:
    return Voted(ApprovalId(scene.approval), Person(TEAM, user), Choice.APPROVE, "", "k:forged", "slack", "card-t1c1")


# --- the chain ------------------------------------------------------------------------------------------------------


class _Undone(Exception):
    """Takes a tampering back; never leaves this file."""


async def found_by_the_chain(name: str, store: SqlStore, seed: int, share: float) -> Line:
    """Violation: a change of the journal that neither `audit verify` nor `audit verify --against` finds."""
    began, chance = time.monotonic(), random.Random(seed)
    await written(store, {table.name: [] for table in TABLES})
    for number in range(12):
        more = (approved(str(number)),) if number % 2 else ()
        await record(store, f"run-{number}", *story(str(number)), *more, *(said(n) for n in range(number)))
    rows = await store.read(all_rows)
    heads = heads_in([json.dumps(line) for line in await store.read(export_of)], "export")
    count = max(24, int(TAMPERINGS * share))
    made: dict[str, int] = {}
    missed: list[str] = []
    only_against = 0

    async def work(writer: SqlWriter) -> None:
        nonlocal only_against
        kind = await tampered(writer, rows["events"], chance)
        made[kind] = made.get(kind, 0) + 1
        if (await verify_chain(writer)).fault is None:
            only_against += 1
            if await held_against(writer, heads) is None:
                missed.append(kind)
        raise _Undone

    for _ in range(count):
        with suppress(_Undone):
            await store.write(work)
    honest = (await store.read(verify_chain)).fault is None
    what = ", ".join(f"{number:,} {kind}" for kind, number in sorted(made.items()))
    figure = f"{only_against:,} of them only against an exported head"
    floor = honest and len(made) == len(WAYS) and only_against > 0
    line = f"{count:,} tamperings made, {count - len(missed):,} found ({what})"
    return Line("T6", "R18", f"the journal in {name}", line, len(missed), floor, seed, time.monotonic() - began, figure)


async def export_of(reader: SqlReader) -> list[dict[str, Any]]:
    return [line async for line in exported(reader)]


WAYS = (
    "altered",
    "deleted",
    "reordered",
    "content altered",
    "tail cut",
    "tail cut with its head",
    "run cut whole",
    "forked",
)


async def tampered(writer: SqlWriter, events: Sequence[dict[str, Any]], chance: random.Random) -> str:
    """Do one thing to the journal; returns what."""
    way, row = chance.choice(WAYS), chance.choice(events)
    run, execute, table = row["run"], writer.connection.execute, tables.events
    last = max(each["seq"] for each in events if each["run"] == run)
    here = (table.c.run == run, table.c.seq == row["seq"])
    match way:
        case "altered":
            column = chance.choice(("at", "kind", "body", "hash"))
            new = chance.choice(others(row[column], True))
            await execute(update(table).where(*here).values({column: new}))
        case "deleted":
            await execute(delete(table).where(table.c.run == run, table.c.seq == chance.randrange(1, last)))
        case "reordered":
            other = chance.choice([seq for seq in range(1, last + 1) if seq != row["seq"]])
            for old, new in ((row["seq"], 10_000), (other, row["seq"]), (10_000, other)):
                await execute(update(table).where(table.c.run == run, table.c.seq == old).values(seq=new))
        case "content altered":
            digest = (await writer.connection.scalars(select(tables.contents.c.digest))).all()
            await execute(
                update(tables.contents).where(tables.contents.c.digest == chance.choice(digest)).values(bytes=b"x")
            )
        case "tail cut":
            await execute(delete(table).where(table.c.run == run, table.c.seq > last - chance.randrange(1, last)))
        case "run cut whole":
            for each in (table, tables.runs):
                await execute(delete(each).where(each.c.run == run))
        case _:
            keep = chance.randrange(1, last)
            await execute(delete(table).where(table.c.run == run, table.c.seq > keep))
            await with_another_end(writer, run, keep, chance.randrange(1, 5) if way == "forked" else 0)
    return way


async def with_another_end(writer: SqlWriter, run: str, keep: int, more: int) -> None:
    """The run's row says what is left, and ``more`` genuine events follow: what a restored database would go on with."""
    rows = await writer.event_rows(run)
    head = rows[-1].hash
    for seq in range(keep + 1, keep + more + 1):
        encoded = encode(said(seq, "elsewhere"))
        head = link(head, seq, rows[-1].at, encoded.kind, encoded.body)
        row = {"run": run, "seq": seq, "at": rows[-1].at, "kind": encoded.kind, "body": encoded.body, "hash": head}
        await writer.connection.execute(insert(tables.events).values(row))
    end = update(tables.runs).where(tables.runs.c.run == run)
    await writer.connection.execute(end.values(length=keep + more, head_hash=head))
