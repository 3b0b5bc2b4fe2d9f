"""People go on asking and clicking while replicas are killed and told to stop, the database restarts and Slack has its faults.

A storm rages for a while and calms down; what was really done is counted. What must hold afterwards is `findings.py`'s.
"""

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
import asyncpg

from bot.workspace.config import TEAM_ID
from bot.workspace.events import callback
from bot.workspace.world import Draft, World
from tests.databases import Postgres
from tests.journey.stage import ALICE, BOT, DAN, OPS, Message, buttons, shown
from tests.replicas.findings import Findings, Report, replies
from tests.replicas.fleet import Fleet, Replica

REPLICAS = 3
CALM_SECONDS = 180.0
PERSON_SECONDS = 240.0
SLACK_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "delivery", "match": "*", "do": "duplicate"},
    {"kind": "delivery", "match": "app_mention", "do": "hold"},
    {"kind": "delivery", "match": "*", "do": "refuse_ack"},
    {"kind": "delivery", "match": "block_actions", "do": "delay", "seconds": 1.0},
    {"kind": "api", "method": "chat.postMessage", "do": "lost", "when": "after"},
    {"kind": "api", "method": "chat.update", "do": "lost", "when": "after"},
    {"kind": "api", "method": "*", "do": "status"},
    {"do": "close_sockets", "reason": "refresh_requested"},
    {"do": "close_sockets", "reason": "abort"},
)


@dataclass(frozen=True, slots=True)
class Weather:
    """``people`` at once; ``noise``: other deliveries per second; each of the rest: seconds between two of a kind, from and to.
    None: not at all. ``least``: what must be done before it calms down, though not after ``longest`` seconds."""

    seconds: float
    people: int = 8
    noise: float = 5.0
    replicas: tuple[float, float] | None = (2.0, 10.0)
    database: tuple[float, float] | None = (5.0, 40.0)
    slack: tuple[float, float] | None = (1.0, 4.0)
    least: Mapping[str, int] = field(default_factory=dict)
    longest: float = 0.0


@dataclass
class Storm:
    """A storm over a fleet. ``postgres``: its server, which stops and starts."""

    several: Fleet
    postgres: Postgres
    random: Random
    weather: Weather
    report: Report = field(default_factory=Report)
    _names: int = 0
    _unheard: dict[str, str] = field(default_factory=dict)
    _over: bool = False

    @property
    def _world(self) -> World:
        return self.several.stage.workspace.world

    async def rage(self) -> Report:
        """The storm, the calm after it, and what is found then."""
        weather, people = self.weather, [asyncio.create_task(self._person()) for _ in range(self.weather.people)]
        kinds = ((weather.replicas, self._restart), (weather.database, self._shake), (weather.slack, self._fault))
        chaos = [asyncio.create_task(self._every(pause, act)) for pause, act in kinds if pause is not None]
        self._world.traffic.entries = deque()  # all of it: what was acknowledged is compared with what was kept
        chaos.append(asyncio.create_task(self._talk()))
        latecomer = asyncio.create_task(self._latecomer())
        began, wait = time.monotonic(), weather.seconds
        while not (await asyncio.wait(chaos, timeout=wait, return_when=asyncio.FIRST_EXCEPTION))[0]:
            if self._enough() or time.monotonic() - began >= weather.longest:
                break
            wait = 1.0
        self.report.done["seconds of storm"] = round(time.monotonic() - began)
        self._over = True
        await asyncio.gather(*chaos)
        await self._whole()
        done, late = await asyncio.wait(people, timeout=CALM_SECONDS)
        for task in late:
            task.cancel()
        for task in done:
            task.result()
        found = Findings(self.several, self.report)
        await found.rest()
        latecomer.cancel()
        await found.find()
        return self.report

    def _enough(self) -> bool:
        return all(self.report.done[what] >= least for what, least in self.weather.least.items())

    async def _every(self, pause: tuple[float, float], act: Callable[[], Awaitable[None]]) -> None:
        """The pause is from beginning to beginning: what takes its time makes none of it rarer."""
        end = time.monotonic() + self.random.uniform(*pause)
        while not self._over:
            if time.monotonic() >= end:
                end = time.monotonic() + self.random.uniform(*pause)
                await act()
            await asyncio.sleep(0.05)

    # --- what happens to them -----------------------------------------------------------------------------------------

    async def _restart(self) -> None:
        """One replica dies or is told to stop, as soon as another one works; a new one begins while it leaves."""
        while len(ready := await self._ready()) < 2:
            if self._over:
                return
            await asyncio.sleep(0.1)
        replica = self.random.choice(ready)
        if self.random.random() < 0.5:
            await replica.kill()
            await self.several.begin()
            self.report.done["kills"] += 1
        else:
            await asyncio.gather(replica.terminate(), self.several.begin())
            self.report.done["stops"] += 1
        self.report.done["restarts"] += 1

    async def _shake(self) -> None:
        """The database restarts, or one of its processes is killed, which costs every connection as well."""
        if self.random.random() < 0.75:
            await asyncio.to_thread(self.postgres.stop)
            await asyncio.sleep(self.random.uniform(0.0, 2.0))
            await asyncio.to_thread(self.postgres.start)
            self.report.done["database restarts"] += 1
            return
        with suppress(OSError, asyncpg.PostgresError, ProcessLookupError):
            os.kill(self.random.choice(await self._backends()), signal.SIGKILL)
            self.report.done["database crashes"] += 1

    async def _backends(self) -> list[int]:
        connection = await asyncpg.connect(self.several.stage.settings["DATABASE_URL"])
        try:
            mine = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            return [int(row["pid"]) for row in await connection.fetch(mine)]
        finally:
            await connection.close()

    async def _fault(self) -> None:
        await self.several.stage.workspace.fault(**self.random.choice(SLACK_FAULTS))
        self.report.done["Slack faults"] += 1

    async def _whole(self) -> None:
        """Three replicas are up again."""
        self._world.faults.waiting.clear()
        await self.several.stage.workspace.fault(do="release_held")
        async with asyncio.timeout(CALM_SECONDS):
            while len(await self._ready()) < REPLICAS:
                await asyncio.sleep(0.1)

    async def _ready(self) -> list[Replica]:
        """Those that work. One that has ended by itself, since there was no database when it began, is begun again."""
        while len(self.several.alive) < REPLICAS:
            await self.several.begin()
        return [replica for replica in self.several.alive if await replica.is_ready()]

    async def _talk(self) -> None:
        """Everything else that Slack delivers, most of which starts nothing, and some of it twice."""
        sent: list[dict[str, Any]] = []
        while not self._over:
            ts, draw = self._world.clock.next_ts(), self.random.random()
            if draw < 0.05:
                self._world.post(self._world.directory.channels[OPS], ALICE, Draft(text=f"<@{BOT}> how is it going?"))
            elif draw < 0.25 and sent:
                self._world.delivery.send_event(self.random.choice(sent))
            else:
                sent.append(callback(self._event(ts, draw), time.time()))
                self._world.delivery.send_event(sent[-1])
            await asyncio.sleep(self.random.expovariate(self.weather.noise))

    def _event(self, ts: str, draw: float) -> dict[str, Any]:
        event = {"type": "message", "user": ALICE, "channel": OPS, "channel_type": "channel", "ts": ts, "event_ts": ts}
        if draw < 0.6:
            return event | {"text": "in a thread without the bot", "thread_ts": f"1{ts[1:-3]}000", "team": TEAM_ID}
        if draw < 0.8:
            return event | {"subtype": "message_changed", "hidden": True}
        return {"type": f"something_new_{ts[-1]}", "event_ts": ts}

    # --- people -------------------------------------------------------------------------------------------------------

    async def _person(self) -> None:
        while not self._over:
            asked: dict[str, str] = {}
            try:
                async with asyncio.timeout(PERSON_SECONDS):
                    await self._ask(asked)
            except TimeoutError:
                names = ", ".join(asked.values())
                self.report.violations.append(f"{names}: nothing came of it in {PERSON_SECONDS:.0f} s")
            self._unheard |= {thread: name for thread, name in asked.items() if not self._arrived(thread)}
            await asyncio.sleep(self.random.uniform(0.0, 0.5))

    async def _ask(self, asked: dict[str, str]) -> None:
        """Ask, approve, answer what is asked in doubt, until the thread is told the end. ``asked``: what was asked for in which thread."""
        await self._mention(asked)
        while not all(self._told(thread, name) for thread, name in asked.items() if self._arrived(thread)):
            for thread, name in asked.items():
                for card in self._cards(thread):
                    await self._decide(card, name)
            await asyncio.sleep(0.1)
        self.report.done["ends"] += 1

    async def _mention(self, asked: dict[str, str]) -> None:
        """Until Slack has delivered one: what has not come people say again, of another service, since it may come yet."""
        while True:
            self._names += 1
            name = f"service-{self._names}"
            # Straight into the channel: a fault that is meant for the bot's posts must not meet this one.
            draft = Draft(text=f"<@{BOT}> restart {name}")
            thread = self._world.post(self._world.directory.channels[OPS], ALICE, draft).ts
            asked[thread] = name
            self.report.done["mentions"] += 1
            for _ in range(300):
                if any(map(self._arrived, asked)):
                    return
                await asyncio.sleep(0.1)

    async def _latecomer(self) -> None:
        """Answers what comes of a mention that Slack delivered when its person had gone on with another."""
        while True:
            for thread, name in list(self._unheard.items()):
                for card in self._cards(thread):
                    await self._decide(card, name)
            await asyncio.sleep(0.5)

    def _arrived(self, thread: str) -> bool:
        return any(each["payload"]["event"]["ts"] == thread for each in self._acked()) or bool(self._cards(thread))

    def _acked(self) -> list[dict[str, Any]]:
        found = self.several.stage.workspace.traffic.deliveries("app_mention")
        return [each for each in found[-100:] if each["outcome"] == "ack"]

    async def _decide(self, card: Message, name: str) -> None:
        offered = buttons(card)
        if "approve" in offered:
            if self.random.random() < 0.1:
                await self._click(card, "approve", ALICE)  # who asked may not approve
            if await self._click(card, "approve", DAN) == "ok":
                self.report.done["clicks"] += 1
                self.report.clicks.setdefault(name, time.time())
                self.report.done["approved"] = len(self.report.clicks)
        elif "did_run" in offered:
            began = f"began {name}" in self.several.lines
            await self._click(card, "did_run" if began else "unknown", DAN)
            self.report.done["doubts"] += 1

    async def _click(self, card: Message, action: str, who: str) -> str:
        try:
            ack = await self.several.stage.click(card, action, who=who, force=True)
        except aiohttp.ClientError:  # the person's own connection was closed while it was idle
            ack = "no_ack"
        await asyncio.sleep(0.5)
        return ack

    def _cards(self, thread: str) -> list[Message]:
        return [message for message in replies(self._world, thread) if buttons(message)]

    def _told(self, thread: str, name: str) -> bool:
        ends = (f"{name}: ", "did not answer for")
        return any(any(end in shown(message) for end in ends) for message in replies(self._world, thread))
