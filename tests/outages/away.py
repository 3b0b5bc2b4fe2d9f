"""The world of an outage: the engine over the real Slack client and the local workspace, the real BIGHUB client and a local BIGHUB,
a model that can be away, and one clock for all of them, which passes an hour in seconds. No test lives here.

The clock is the store's (`clock_shift`); it jumps to the next moment at which anything is due, and only while no run is held.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from bot import manifest
from bot.actions import Registry
from bot.bighub_guard import BighubGuard
from bot.core.call import CallState
from bot.core.events import AttemptFailed, Recorded
from bot.core.inputs import Clicked, Input, Wrote
from bot.core.policy import Defaults, Policy
from bot.core.run import ENDS, Run
from bot.core.values import Person, Place, RunId
from bot.dict_store import DictStore
from bot.engine import Engine, Limits
from bot.ports import InboxRow, Prompt, Reader, Reply, Unavailable
from bot.slack.calls import TIMEOUT_SECONDS, web_client, web_session
from bot.slack.chat import SlackChat
from bot.slack.pacing import Pacer
from bot.sql.store import SqlStore
from bot.workspace import RunningWorkspace, running_workspace
from bot.workspace.config import BOT_USER_ID
from bot.workspace.world import Draft
from tests.engine.world import Deeds, WakingDispatch, registered, saying, wishing
from tests.servers.bighub_decisions import Decision, decision, review
from tests.servers.bighub_server import API_KEY, ENDPOINTS, BighubServer, running_bighub
from tests.servers.faults import Fault
from tests.slack.reconciled import differences

TEAM, CHANNELS = "T0ACME", ("C0OPS", "C0GENERAL")
ALICE, CAROL, DAN = (Person(TEAM, f"U0{name}") for name in ("ALICE", "CAROL", "DAN"))
POLICY = Policy(Defaults(approvers=("user:U0CAROL", "user:U0DAN")), open_per_person=100_000)
LIMITS = Limits(sweep_every=0.004)
"""Every wait as in production, in virtual seconds; the sweep's is a real one."""
FOR_EVER = 1_000_000_000
STEP_SECONDS = 30.0
QUIET_SECONDS = 10.0
SLACK, BIGHUB, MODEL = "Slack", "BIGHUB", "the model"
SIDES = (SLACK, BIGHUB, MODEL)


class ModelNextDoor:
    """What a run is about tells it what to wish for; after the call's output it says one sentence."""

    away = False

    async def reply(self, prompt: Prompt) -> Reply:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("The model does not answer.")
        said = json.dumps(list(prompt.items))
        if "function_call_output" in said or "only talk" in said:
            return saying("That is all.")
        name = "look" if "have a look" in said else "grant_access"
        return wishing((name, {"what": "checkout"} if name == "look" else {"user_id": "bob", "group": "admins"}))


@dataclass
class Away:
    """``deeds``: what the actions really did. ``answers``: how the cards are answered, by run."""

    store: DictStore | SqlStore
    workspace: RunningWorkspace
    bighub: BighubServer
    guard: BighubGuard
    session: aiohttp.ClientSession
    chance: random.Random
    model: ModelNextDoor = field(default_factory=ModelNextDoor)
    deeds: Deeds = field(default_factory=Deeds)
    inputs: dict[str, Input] = field(default_factory=dict)
    clicked: set[str] = field(default_factory=set)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    # --- the bot ----------------------------------------------------------------------------------------------------

    def now(self) -> float:
        return time.monotonic() + self.store.clock_shift

    async def start(self) -> None:
        """A process that has just been started: nothing in its memory."""
        client = web_client(self.workspace.bot_token, self.workspace.api_url, self.session)
        self.dispatch = WakingDispatch()
        self.engine = self.dispatch.engine = Engine(
            store=self.store,
            model=self.model,
            guard=self.guard,
            chat=SlackChat(lambda team: client, clock=self.now, pacer=Pacer(self.now)),
            actions=Registry(registered(self.deeds)),
            dispatch=self.dispatch,
            translate=lambda row: self.inputs[row.key],
            policy=POLICY,
            seal_keys=(b"k" * 32,),
            limits=LIMITS,
        )
        await self._stack.enter_async_context(self.engine.running(drain_seconds=0.0))

    async def kill(self) -> None:
        """The process is gone: its tasks stop wherever they are."""
        tasks = [*self.dispatch.tasks, *self._held_tasks()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()

    def _held_tasks(self) -> list[asyncio.Task[None]]:
        return [task for holding in self.engine._worker._held.values() for task in holding.tasks.values()]

    # --- people -----------------------------------------------------------------------------------------------------

    async def ask(self, text: str, channel: str = CHANNELS[0]) -> None:
        """Alice mentions the bot; Slack's delivery arrives."""
        root = self.workspace.world.post(self.workspace.world.directory.channels[channel], ALICE.user, Draft(text=text))
        await self._arrives(root.ts, Wrote(ALICE, Place(TEAM, channel, root.ts), root.ts, text, True))

    async def answer_cards(self, *, only: str | None = None) -> None:
        """Somebody answers each open card that stands in Slack: two of three are approved."""
        for run in await self.runs():
            for call in run.calls:
                if call.state is CallState.ASKING and call.card is not None and call.approval is not None:
                    choice = only or self.chance.choice(("approve", "approve", "deny"))
                    opaque, place = call.approval.terms.approval, run.asked.place
                    if opaque not in self.clicked:
                        self.clicked.add(opaque)
                        click = Clicked(
                            self.chance.choice((CAROL, DAN)), choice, opaque, place.channel, call.card.message
                        )
                        await self._arrives(f"click {opaque}", click)

    async def _arrives(self, key: str, what: Input) -> None:
        self.inputs[key] = what
        await self.engine.receive(InboxRow(key, TEAM, "event", "{}"))

    # --- outages ----------------------------------------------------------------------------------------------------

    async def go_away(self, *sides: str) -> None:
        if SLACK in sides:
            how = self.chance.choice(
                ({"do": "status", "status": 503}, {"do": "lost"}, {"do": "error", "error": "internal_error"})
            )
            await self.workspace.fault(kind="api", method="*", times=FOR_EVER, **how)
        for endpoint in ENDPOINTS if BIGHUB in sides else ():
            self.bighub.fail(endpoint, Fault(503))
        self.model.away = MODEL in sides

    def come_back(self) -> None:
        self.workspace.world.faults.waiting.clear()
        for endpoint in ENDPOINTS:
            self.bighub.mend(endpoint)
        self.model.away = False

    async def lose_answers(self, times: int) -> None:
        """So many posts, updates and reports are taken, and their answers lost."""
        for method in ("chat.postMessage", "chat.update"):
            await self.workspace.fault(kind="api", method=method, when="after", do="lost", times=times)
        for endpoint in ("resolve", "report", "memory"):
            self.bighub.fail(endpoint, Fault(502), times=times, after=True)

    async def ask_for_patience(self, times: int, seconds: int) -> None:
        """A storm of 429."""
        for method in ("chat.postMessage", "chat.update", "conversations.replies", "users.info"):
            await self.workspace.fault(kind="api", method=method, do="ratelimited", times=times, retry_after=seconds)
        for endpoint in ("approvals", "resolve", "report", "outcome"):
            self.bighub.fail(endpoint, Fault(429, headers={"Retry-After": str(seconds)}), times=times)

    # --- time -------------------------------------------------------------------------------------------------------

    async def pass_time(self, seconds: float, step: float = STEP_SECONDS) -> None:
        """Let so many virtual seconds pass, from one due moment to the next, at most four steps at once."""
        end = self.store.clock_shift + seconds
        while self.store.clock_shift < end:
            await self.quiet()
            wait = await self._until_due()
            self._shift(min(end - self.store.clock_shift, max(step, min(wait, 4 * step))))

    async def quiet(self) -> None:
        """Until no run is held, none is due, and what came has been worked as far as it can be now."""
        end = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < end and await self.store.read(self._moves):
            await asyncio.sleep(LIMITS.sweep_every)

    async def _moves(self, tx: Reader) -> bool:
        waiting = self.engine._mailbox.waiting(tx.now)
        held = self.engine._worker._held or self.dispatch.tasks
        return bool(held or await tx.due_runs(1) or await tx.open_inbox(1, waiting))

    async def rest(self, seconds: float = 7_200.0) -> float:
        """Until nothing is owed any more and every card is answered; how many virtual seconds that took."""
        began = self.store.clock_shift
        while not await self.rests():
            assert self.store.clock_shift - began < seconds, "\n".join(await self.wrong())
            await self.answer_cards()
            await self.pass_time(4.0, step=4.0)
        return self.store.clock_shift - began

    async def rests(self) -> bool:
        await self.quiet()
        runs = await self.runs()
        open_rows = await self.store.read(lambda tx: tx.open_inbox(1))
        lines = await self.store.read(lambda tx: tx.runs(1_000))
        ended = all(run.state in ENDS for run in runs) and all(line.due_at is None for line in lines)
        return ended and not open_rows

    async def _until_due(self) -> float:
        due, now = await self.store.read(_next_due)
        return FOR_EVER if due is None else max(0.0, due - now)

    def _shift(self, seconds: float) -> None:
        self.store.clock_shift += seconds
        self.workspace.world.clock.skew = self.store.clock_shift

    # --- what came of it --------------------------------------------------------------------------------------------

    async def runs(self) -> list[Run]:
        lines = await self.store.read(lambda tx: tx.runs(1_000))
        found = [await self.engine.run(line.run) for line in lines]
        return [run for run in found if run is not None]

    async def wrong(self) -> list[str]:
        """Whatever was lost or came twice, in Slack, in BIGHUB and in the world."""
        runs = await self.runs()
        found = differences(self.workspace, runs)
        found += [f"a message of Alice's began no run: {key}" for key in self.inputs if not self._heard(key, runs)]
        done = sum(call.state is CallState.EXECUTED for run in runs for call in run.calls)
        if done != len(self.deeds.done):
            found.append(f"{done} actions are executed, {len(self.deeds.done)} happened")
        return found + self._reports(runs)

    def _heard(self, key: str, runs: Sequence[Run]) -> bool:
        return not isinstance(self.inputs[key], Wrote) or any(run.asked.message == key for run in runs)

    def _reports(self, runs: Sequence[Run]) -> list[str]:
        outcomes = Counter(report["request_id"] for report in self.bighub.outcomes)
        closed = Counter(resolution["request_id"] for resolution in self.bighub.resolutions)
        found: list[str] = []
        for call in (call for run in runs for call in run.calls if call.judgement and call.judgement.request_id):
            request_id = call.judgement.request_id if call.judgement else ""
            if outcomes[request_id] != 1:
                found.append(f"the outcome of {request_id} was reported {outcomes[request_id]} times")
            if call.approval and call.approval.resolution and closed[request_id] != 1:
                found.append(f"the approval {request_id} was resolved {closed[request_id]} times")
        return found

    async def most_attempts(self) -> int:
        """How often one delivery failed within an hour, at the most; waiting for one's turn is no attempt."""
        most = 0
        for run in await self.runs():
            events = await self.store.read(partial(_journal, run.id))
            failed: dict[str, list[float]] = {}
            for recorded in events:
                event = recorded.event
                if isinstance(event, AttemptFailed) and not event.key.startswith(("model:", "judge:", "act:")):
                    failed.setdefault(event.key, []).append(recorded.at)
            for times in failed.values():
                most = max(most, *(sum(at <= each < at + 3_600.0 for each in times) for at in times))
        return most


async def _next_due(tx: Reader) -> tuple[float | None, float]:
    return await tx.next_due(), tx.now


async def _journal(run: RunId, tx: Reader) -> tuple[Recorded, ...]:
    return await tx.journal(run)


@asynccontextmanager
async def away(store: DictStore | SqlStore, seed: int, *, timeout: float = TIMEOUT_SECONDS) -> AsyncIterator[Away]:
    """A world in which everything is there, and the bot is up. ``timeout``: real seconds that the bot waits for Slack."""
    async with AsyncExitStack() as stack:
        workspace = await stack.enter_async_context(running_workspace(manifest.load(), rate_limits=True))
        workspace.world.directory.channels[CHANNELS[1]].members.add(BOT_USER_ID)
        bighub = await stack.enter_async_context(running_bighub(rules=_judged))
        guard = BighubGuard(API_KEY, bighub.url)
        stack.push_async_callback(guard.close)
        session = await stack.enter_async_context(web_session(timeout))
        world = Away(store, workspace, bighub, guard, session, random.Random(seed))
        await world.start()
        try:
            yield world
        finally:
            await world.kill()


def _judged(body: dict[str, Any]) -> Decision:
    return decision() if body["action"] == "look" else review()
