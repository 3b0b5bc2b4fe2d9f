"""Writes the stored database of the present schema, if it has none yet: `python -m tests.sql.make_databases`.

It holds a run in every state of a run and of a call, made by a real engine, as rows. A sample is what some release stored, for
ever: it is never written again. `test_upgrades.py` loads each one and works every run in it to its end.
"""

import asyncio
import base64
import json
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, MetaData, create_engine, select

from bot.actions import Registry
from bot.core.call import CallState
from bot.core.events import Asked, Cancelled
from bot.core.inputs import Clicked, Input, Wrote
from bot.core.policy import Defaults, Match, Policy, Rule
from bot.core.run import Run, RunState
from bot.core.values import Judgement, Place, RunId, Verdict
from bot.engine.door import Door
from bot.engine.inbox import Inbox
from bot.engine.latest import run_id_of
from bot.engine.people import People
from bot.engine.postmarks import Postmarks
from bot.ports import InboxRow, Rejected, Unavailable
from bot.slack.payloads import translate
from bot.sql.schema import head, migrate
from bot.sql.store import SqlStore, open_store
from tests.engine.world import ALICE, CAROL, LIMITS, TEAM, World, saying, wishing
from tests.sql.sample_actions import HANGING, actions

FOLDER = Path(__file__).parents[1] / "samples" / "databases"
APPROVERS = Defaults(approvers=("user:U0CAROL", "user:U0BOB"), expires_in=30 * 86_400)
POLICY = Policy(APPROVERS, (Rule("two for money", Match(action=("pay",)), quorum=2),))
ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
UNCLEAR = Judgement(Verdict.ASK, "Which group?", "BIGHUB", 0.8, needs_context=True, request_id="req_2")
SEAL_KEYS = (b"k" * 32,)
PATIENT = replace(LIMITS, give_up_after=1e9, patience_with_refusals=1e9, lease=1.0)


class Making:
    """A world in which each run is worked just as far as it is to be stored."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.world = store, World(store, policy=POLICY, limits=PATIENT)
        self.world.registry = Registry(actions())
        self.world.new_engine()
        self.door, self.postmarks = Door(store), Postmarks(store, SEAL_KEYS)

    def place(self, name: str) -> Place:
        return Place(TEAM, "C0OPS", f"17{sum(name.encode()):08}.{len(name):06}")

    async def ask(self, name: str, *turns: Any) -> RunId:
        """The request and as much of its work as goes by itself."""
        await self.work(self.row_of(name, Wrote(ALICE, self.place(name), self.place(name).thread, name, True)))
        return await self.go_on(name, *turns)

    async def go_on(self, name: str, *turns: Any) -> RunId:
        run_id = run_id_of(self.place(name), self.place(name).thread)
        self.world.model.turns = list(turns)
        await self.world.new_engine().advance(run_id)
        return run_id

    def row_of(self, name: str, what: Input) -> InboxRow:
        """As `slack/payloads.py` keeps it."""
        match what:
            case Wrote(person, place, message, text, mentioned):
                kept = {"channel": place.channel, "thread": place.thread, "message": message, "text": text}
                kind, kept = "message", kept | {"mentioned": mentioned, "person": [person.team, person.user]}
            case Clicked(person, action, value, channel, message, comment):
                kept = {"action": action, "value": value, "channel": channel, "message": message, "comment": comment}
                kind, kept = "click", kept | {"person": [person.team, person.user]}
            case _:
                raise TypeError(f"{what} is not stored")
        return InboxRow(f"{kind}:{name}:{kept['message']}", TEAM, kind, json.dumps(kept))

    async def work(self, row: InboxRow) -> None:
        await self.put(row)
        world = self.world
        people = People(world.chat, POLICY)
        await Inbox(self.store, self.door, people, world.chat, Deaf(), translate, SEAL_KEYS).work(row)

    async def put(self, row: InboxRow) -> None:
        await self.postmarks.begin()
        await self.store.write(lambda tx: tx.put_inbox(self.postmarks.on(row)))

    async def run(self, run_id: RunId) -> Run:
        run, _ = await Door(self.store).load(run_id)
        assert run is not None
        return run

    async def asking(self, name: str, action: str = "grant") -> RunId:
        self.world.guard.answers[action] = ASK
        return await self.ask(name, wishing((action, {"who": name})))

    async def click_on(self, run_id: RunId, name: str) -> InboxRow:
        call = (await self.run(run_id)).calls[0]
        assert call.approval is not None and call.card is not None
        clicked = Clicked(CAROL, "approve", call.approval.terms.approval, "C0OPS", call.card.message, "go ahead")
        return self.row_of(name, clicked)

    async def killed_in(self, name: str, action: str) -> RunId:
        """The worker dies while the action runs."""
        self.world.guard.answers.pop(action, None)
        HANGING.add(f"{action} {name}")
        working = asyncio.create_task(self.ask(name, wishing((action, {"who": name}))))
        run_id = run_id_of(self.place(name), self.place(name).thread)
        while True:
            await asyncio.sleep(0.02)
            run, _ = await Door(self.store).load(run_id)
            if run is not None and run.calls and run.calls[0].state is CallState.STARTED:
                break
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return run_id


class Deaf:
    """Nobody is woken: each run is worked when the making says so."""

    async def wake(self, run: RunId) -> None: ...


async def thinking(making: Making) -> None:
    await making.ask("thinking", Unavailable("away"))


async def proposed(making: Making) -> None:
    making.world.guard.answers["grant"] = Unavailable("away")
    await making.ask("proposed", wishing(("grant", {"who": "proposed"})))


async def asking(making: Making) -> None:
    await making.asking("asking")


async def asking_with_a_vote(making: Making) -> None:
    run_id = await making.asking("one vote", "pay")
    await making.work(await making.click_on(run_id, "first vote"))


async def allowed(making: Making) -> None:
    run_id = await making.asking("allowed")
    await making.work(await making.click_on(run_id, "approval"))


async def started(making: Making) -> None:
    for name, action in (("started", "grant"), ("started rerun", "refresh"), ("started probe", "invite")):
        await making.killed_in(name, action)


async def in_doubt(making: Making) -> None:
    await making.killed_in("in doubt", "grant")
    await asyncio.sleep(PATIENT.lease + 0.5)
    await making.go_on("in doubt")


async def waiting(making: Making) -> None:
    making.world.guard.answers["grant"] = UNCLEAR
    await making.ask("waiting", wishing(("grant", {"who": "waiting"})))


async def replying(making: Making) -> None:
    making.world.chat.refuses = True
    await making.ask("replying", saying("Here you are."))
    making.world.chat.refuses = False


async def ended(making: Making) -> None:
    await making.ask("done", saying("Done."))
    await making.ask("failed", Rejected("There is no such model."))
    cancelled = await making.asking("cancelled")
    await making.door.record(cancelled, Cancelled(ALICE, "never mind"))
    stopped = await making.killed_in("stopped while it ran", "grant")
    await making.door.record(stopped, Cancelled(ALICE, "stop"))
    await making.door.record(RunId("a-program's"), replace(a_program_asks(making), brief='{"messages": []}'))


async def unworked(making: Making) -> None:
    """Acked and not worked yet: a mention and a click; and a freeze."""
    place = making.place("unworked")
    mention = making.row_of("unworked", Wrote(ALICE, place, place.thread, "unworked", True))
    click = await making.click_on(await making.asking("clicked"), "unworked click")
    await making.put(mention)
    await making.put(click)
    await making.store.write(lambda tx: tx.set_freeze("system:frozen", "maintenance", "U0CAROL"))


def a_program_asks(making: Making) -> Asked:
    place = making.place("program")
    return Asked(ALICE, place, place.thread, "a program's request")


PARTS: tuple[Callable[[Making], Awaitable[None]], ...] = (
    thinking, proposed, asking, asking_with_a_vote, allowed, in_doubt, waiting, replying, ended, unworked, started,
)  # fmt: skip
STATES = {*RunState, *CallState}


def dumped(connection: Connection) -> dict[str, Any]:
    """Every table's rows, as JSON takes them; what names this very database is left out."""
    found = MetaData()
    found.reflect(connection)
    tables = {
        name: [
            {c.name: _plain(c.type, value) for c, value in zip(table.columns, row, strict=True)}
            for row in connection.execute(select(table).order_by(*table.primary_key))
        ]
        for name, table in sorted(found.tables.items())
    }
    for row in tables.get("epochs", ()):
        row |= {"identity": "", "commits": 0}
    return tables


def _plain(kind: Any, value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(kind, LargeBinary) else value


async def make(into: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.db"
        await migrate(f"sqlite:///{path}")
        store = open_store(f"sqlite:///{path}")
        making = Making(store)
        for part in PARTS:
            making.world.guard.answers.clear()
            await part(making)
        made_at = await store.read(_now)
        await store.close()
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            kept = {"made_at": made_at, "tables": dumped(connection)}
        engine.dispose()
    into.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


async def _now(tx: Any) -> float:
    return float(tx.now)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{head()}.json"
    if not path.exists():
        asyncio.run(make(path))


if __name__ == "__main__":
    main()
