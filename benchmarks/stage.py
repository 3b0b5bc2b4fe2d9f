"""A bot without its doors, for benchmarks: the real engine, store and clients, driven from the same process.

A run is two model calls, one evaluation, one resolution and one outcome report, with an approval in between; BIGHUB's memory is
off. Without delivery a program asks and decides (`bot.api`'s way through the engine); with it a person asks and clicks, and
Slack is told.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.databases import Database
from benchmarks.servers import Addresses
from bot.actions import Registry
from bot.api.alone import POLICY, THE_PROGRAM, Alone
from bot.app import QUEUE_CONNECTIONS, chat_of, limits_of, model_of
from bot.core.call import CallState
from bot.core.events import Asked
from bot.core.policy import Defaults, Policy
from bot.core.run import ENDS, Run
from bot.core.values import Place, RunId
from bot.dispatch import in_memory_queue, install_queue, postgres_queue
from bot.engine import Engine
from bot.engine.latest import run_id_of
from bot.guarding import guard_of
from bot.settings import Settings, read_settings
from bot.slack.payloads import inbox_row, translate
from bot.sql.schema import migrate
from bot.sql.store import open_store

TEAM, BOT, ALICE, CAROL = "T0ACME", "U0SIGNOFF", "U0ALICE", "U0CAROL"
BRIEF = json.dumps({"messages": [{"role": "user", "content": "restart checkout"}]})
_numbers = itertools.count(1)


@dataclass
class Bench:
    """``click_to_text``: of each run, the seconds from the click until nothing is owed any more."""

    engine: Engine
    delivery: bool
    click_to_text: list[float] = field(default_factory=list)
    _waiting: dict[RunId, "asyncio.Queue[Run]"] = field(default_factory=dict)

    def watch(self, run: Run) -> None:
        if run.id in self._waiting:
            self._waiting[run.id].put_nowait(run)

    async def one_run(self) -> None:
        """From the request to the end."""
        await (self._told_to_people() if self.delivery else self._alone())

    async def ask(self) -> Run:
        """A run that waits for its approval."""
        place = Place(TEAM, f"C{next(_numbers)}", f"{time.time():.6f}")
        run_id = run_id_of(place, place.thread)
        with self._watched(run_id) as changes:
            await self._receive_mention(place)
            while True:
                run = await changes.get()
                if run.calls and run.calls[0].state is CallState.ASKING and run.calls[0].card is not None:
                    return run

    async def _told_to_people(self) -> None:
        run = await self.ask()
        with self._watched(run.id) as changes:
            began = time.perf_counter()
            await self._receive_click(run)
            while (ended := await changes.get()).state not in ENDS:
                pass
            self.click_to_text.append(time.perf_counter() - began)
        assert ended.calls[0].state is CallState.EXECUTED, ended

    async def ask_alone(self) -> Run:
        """A program's run that waits for its approval."""
        run_id = RunId(f"{next(_numbers):032x}")
        asked = Asked(THE_PROGRAM, Place(THE_PROGRAM.team, "", run_id), run_id, "restart checkout", brief=BRIEF)
        await self.engine.programs.begin(run_id, asked)
        await self.engine.advance(run_id)
        run = await self.engine.run(run_id)
        assert run is not None and run.calls and run.calls[0].approval is not None, run
        return run

    async def _alone(self) -> None:
        run = await self.ask_alone()
        began, approval = time.perf_counter(), run.calls[0].approval
        assert approval is not None
        voted = await self.engine.programs.vote(approval.terms.approval, THE_PROGRAM.user, "approve", "")
        assert isinstance(voted, Run), voted
        await self.engine.advance(run.id)
        ended = await self.engine.run(run.id)
        assert ended is not None and ended.state in ENDS and ended.calls[0].state is CallState.EXECUTED, ended
        self.click_to_text.append(time.perf_counter() - began)

    @contextlib.contextmanager
    def _watched(self, run_id: RunId) -> Iterator["asyncio.Queue[Run]"]:
        self._waiting[run_id] = asyncio.Queue()
        try:
            yield self._waiting[run_id]
        finally:
            del self._waiting[run_id]

    async def _receive_mention(self, place: Place) -> None:
        event = {"type": "app_mention", "user": ALICE, "team": TEAM, "text": f"<@{BOT}> restart checkout"}
        body = {
            "type": "event_callback",
            "team_id": TEAM,
            "event": {**event, "channel": place.channel, "ts": place.thread},
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
        }
        row = inbox_row(body, kind="event")
        assert row is not None and await self.engine.receive(row)

    async def _receive_click(self, run: Run) -> None:
        row = inbox_row(click(run), kind="click")
        assert row is not None and await self.engine.receive(row)


def click(run: Run) -> dict[str, object]:
    """Carol's click on Approve of the run's card, as Slack sends it."""
    call = run.calls[0]
    assert call.approval is not None and call.card is not None
    return {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": CAROL, "team_id": TEAM},
        "container": {"type": "message", "message_ts": call.card.message, "channel_id": run.asked.place.channel},
        "channel": {"id": run.asked.place.channel},
        "message": {"ts": call.card.message},
        "trigger_id": "1.1",
        "actions": [{"action_id": "approve", "value": call.approval.terms.approval, "action_ts": "1.1"}],
    }


def settings_of(url: str, addresses: Addresses) -> Settings:
    return read_settings(
        SLACK_BOT_TOKEN="xoxb-bench",
        SLACK_SIGNING_SECRET="s",
        SLACK_API_URL=addresses.slack,
        SIGNOFF_SLACK_PACING="false",
        OPENAI_API_KEY="sk-bench",
        OPENAI_BASE_URL=addresses.openai,
        BIGHUB_API_KEY="bh_bench",
        BIGHUB_BASE_URL=addresses.bighub,
        SIGNOFF_BIGHUB_MEMORY="0",
        DATABASE_URL=url,
        SIGNOFF_ACTIONS="benchmarks.actions",
        SIGNOFF_SEAL_KEY="k" * 32,
    )


async def prepared(database: Database) -> None:
    """Make the tables, the queue's in their own database."""
    await migrate(database.url)
    if database.queue is not None:
        await install_queue(database.queue)


@asynccontextmanager
async def bench(database: Database, addresses: Addresses, *, delivery: bool) -> AsyncIterator[Bench]:
    """The engine as `bot.app` wires it, on a database that `prepared` made ready."""
    settings = settings_of(database.url, addresses)
    policy = Policy(Defaults(approvers=(f"user:{CAROL}",)), open_per_person=100_000) if delivery else POLICY
    async with contextlib.AsyncExitStack() as stack:
        store = open_store(database.url)
        stack.push_async_callback(store.close)
        model = model_of(settings)
        stack.push_async_callback(model.close)
        guard = await stack.enter_async_context(guard_of(settings, policy))
        alone = Alone()
        chat = await stack.enter_async_context(chat_of(settings)) if delivery else alone
        queue = in_memory_queue() if database.queue is None else await postgres_queue(database.queue, QUEUE_CONNECTIONS)
        stack.push_async_callback(queue.close)
        limits = limits_of(settings) if delivery else limits_of(settings, programs=True)
        found: list[Bench] = []
        engine = Engine(
            store=store,
            model=model,
            guard=guard,
            chat=chat,
            actions=Registry.load(settings.actions),
            dispatch=queue if delivery else alone,
            translate=translate,
            policy=policy,
            seal_keys=(b"k" * 32,),
            limits=limits,
            watch=lambda run: found[0].watch(run),
        )
        found.append(Bench(engine, delivery))
        if delivery:
            await stack.enter_async_context(
                queue.running(engine.advance, runs_at_once=limits.runs_at_once, heartbeat=settings.heartbeat_seconds)
            )
            await stack.enter_async_context(engine.running(5.0))
        yield found[0]
