"""The engine as one thing: what the rooms above use. It wires its parts and runs their loops; it decides nothing itself."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from bot.core.approval import NOT_YET
from bot.core.call import Call
from bot.core.faults import BrokenJournal
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Person, RunId
from bot.engine.doing import Doer
from bot.engine.door import Door
from bot.engine.editing import Editing
from bot.engine.freezing import Freezer
from bot.engine.glass import Glass
from bot.engine.inbox import Inbox
from bot.engine.limits import Limits
from bot.engine.listing import Listing, listed
from bot.engine.mailbox import Mailbox
from bot.engine.orders import Orders
from bot.engine.overseeing import WATCH_SECONDS, Overseer
from bot.engine.parking import Parking
from bot.engine.people import People
from bot.engine.programs import Programs
from bot.engine.restoring import Restoring
from bot.engine.voting import clock
from bot.engine.words import NOBODY_KNOWS, UNKNOWN_BUTTON
from bot.engine.worker import Worker
from bot.logger import log
from bot.ports import Actions, Chat, Dispatch, Freeze, Guard, InboxRow, Model, Oversight, Store, Translate, Unavailable

SWEEP_BATCH = 100
REWAKE_SWEEPS = 5
READY_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 1.0
STUMBLE_SECONDS = 1.0


class Engine:
    """Everything that Signoff does, over its ports."""

    _seen_version: int | None = None
    _stopped_at: float | None = None
    _looked: tuple[float, str | None] | None = None

    def __init__(
        self,
        *,
        store: Store,
        model: Model,
        guard: Guard,
        chat: Chat,
        actions: Actions,
        dispatch: Dispatch,
        translate: Translate,
        policy: Policy,
        seal_keys: tuple[bytes, ...],
        limits: Limits | None = None,
        watch: Callable[[Run], None] | None = None,
        oversight: Oversight | None = None,
    ) -> None:
        self.limits = limits = limits or Limits()
        self._store, self._dispatch = store, dispatch
        self._door, self._people = Door(store, watch), People(chat, policy)
        self._actions, editing = actions, Editing(self._people, actions, seal_keys, limits.click_waits)
        parts = (store, self._door, self._people, chat, dispatch, translate, seal_keys)
        self._inbox = Inbox(*parts, most_messages=limits.max_messages, key_waits=limits.click_waits, editing=editing)
        self._freezer = Freezer(store, self._door, self._people, dispatch, actions.scopes)
        self._overseer = Overseer(store, self._door, dispatch, oversight)
        self._glass = Glass(self._door, self._people, chat, dispatch)
        self._orders = Orders(self._inbox, self._freezer, self._overseer, self._glass, store, chat, translate)
        self._mailbox = Mailbox(store, self._orders, limits, seal_keys)
        self._restoring = Restoring(store, self._door, limits)
        self.programs = Programs(store, self._door, self._inbox, self._people, editing, seal_keys)
        self._worker = self._worker_over(store, model, guard, chat, actions, seal_keys)
        self._woken: dict[RunId, float] = {}

    def _worker_over(
        self, store: Store, model: Model, guard: Guard, chat: Chat, actions: Actions, seal_keys: tuple[bytes, ...]
    ) -> Worker:
        name = secrets.token_hex(8)
        parking = Parking(store, chat, name, lease=self.limits.lease, programs=self.limits.programs)
        doer = Doer(
            door=self._door,
            model=model,
            guard=guard,
            chat=chat,
            actions=actions,
            people=self._people,
            restoring=self._restoring,
            limits=self.limits,
            seal_keys=seal_keys,
            worker=name,
            parking=parking,
            freezer=self._freezer,
            overseer=self._overseer,
            glass=self._glass,
        )
        return Worker(name=name, store=store, door=self._door, doer=doer, parking=parking, limits=self.limits)

    # --- in ---------------------------------------------------------------------------------------------------------

    async def receive(self, row: InboxRow, *, awaited: bool = False) -> bool:
        """Commit what Slack sent; False for a duplicate. Returns before anything is done about it. ``awaited``: whoever sent it
        waits for `answer_to`."""
        if awaited:
            self._orders.expect(row.key)
        return await self._mailbox.receive(row)

    async def answer_to(self, key: str) -> str:
        """What came of a command that was received as awaited."""
        return await self._orders.answer_to(key)

    async def advance(self, run_id: RunId) -> None:
        """Do what a run owes; the dispatch calls this."""
        await self._worker.advance(run_id)

    def holds(self, run_id: RunId) -> bool:
        """Whether this engine, and nobody else, works the run at present."""
        return self._worker.holds(run_id)

    async def run(self, run_id: RunId) -> Run | None:
        """The run as its journal tells it."""
        return (await self._door.load(run_id))[0]

    async def settle_restore(self) -> int | None:
        """If the database was restored from a backup, end what it held; how many runs that were here, None where it was not.
        Before anything is advanced."""
        return await self._restoring.settle()

    def take_policy(self, policy: Policy) -> None:
        """From now on this one holds, for what waits as for what comes; what is judged was judged by the guard's."""
        self._people.policy = policy

    # --- questions of the rooms above -------------------------------------------------------------------------------

    async def card_of(self, opaque: str) -> tuple[Run, Call] | None:
        """The run and call that a button's value names; None also where its journal cannot be read."""
        try:
            run = await self._inbox.run_of(opaque)
        except BrokenJournal:
            return None
        call = run.call_of(opaque) if run else None
        return (run, call) if run is not None and call is not None else None

    async def may_decide(self, person: Person, opaque: str) -> Refused | None:
        """Whether a person may vote on this now, before a modal is opened for it; asked again when the vote comes."""
        return await self._may(person, opaque, self._people.may_decide, self._people.decides_from)

    async def may_edit(self, person: Person, opaque: str) -> Refused | None:
        """Whether a person may change what is asked about, before a form is opened for it; asked again when the edit comes."""
        return await self._may(person, opaque, self._people.may_edit, self._people.acts_from)

    async def _may(
        self,
        person: Person,
        opaque: str,
        may: Callable[[Run, Call, Person], Awaitable[Refused | None]],
        since: Callable[[Run, Call, Person], Awaitable[float]],
    ) -> Refused | None:
        found = await self.card_of(opaque)
        if found is None:
            return Refused(UNKNOWN_BUTTON)
        try:
            refused = await may(*found, person)
            early = await since(*found, person) if refused is None else 0.0
        except Unavailable:
            return Refused(NOBODY_KNOWS)
        return Refused(NOT_YET) if early and await self._store.read(clock) < early else refused

    def edits_in_vain(self, run: Run, call: Call, person: Person) -> bool:
        """Whether nobody could approve what this person makes of a call."""
        return self._people.edits_in_vain(run, call, person)

    def has_glass(self) -> bool:
        """Whether the policy names anybody who may break the glass."""
        return bool(self._people.policy.break_glass.people)

    def schema(self, call: Call) -> Mapping[str, object] | None:
        """The JSON schema of a call's arguments; None where its action was changed or removed since it was proposed."""
        binding, action = call.proposal.binding, call.proposal.action
        same = binding is not None and self._actions.is_defined_as(action, binding.definition)
        return self._actions.schema(action) if same else None

    def fitted(self, call: Call, arguments: str) -> str | Mapping[str, str]:
        """Other arguments for a call as they would be bound, or what is wrong with which ("": with all)."""
        return self._actions.fitted(call.proposal.action, arguments)

    async def may_break_glass(self, person: Person, opaque: str) -> Refused | None:
        """Whether a person may decide this alone now, before a form is opened for it; asked again when the vote comes."""
        found = await self.card_of(opaque)
        if found is None:
            return Refused(UNKNOWN_BUTTON)
        try:
            return await self._people.may_break_glass(found[0], person)
        except Unavailable:
            return Refused(NOBODY_KNOWS)

    async def freezes(self) -> tuple[Freeze, ...]:
        return await self._freezer.listed()

    def unfollowed(self) -> str:
        return self._overseer.unfollowed

    async def may_read(self, person: Person, opaque: str) -> Refused | None:
        found = await self.card_of(opaque)
        return Refused(UNKNOWN_BUTTON) if found is None else await self._people.may_read(found[0], person)

    async def repair(self, team: str, channel: str, opaque: str, message: str, *, retired: bool = False) -> bool:
        """After a refused click: show the card anew where it is out of date; whether it is the card of something here."""
        return await self._inbox.repairing.repair(team, channel, opaque, message, retired=retired)

    async def open_approvals(self, person: Person, team: str, limit: int) -> Listing | Refused:
        """The first open approvals of a workspace for somebody who belongs there, and how many there are."""
        return await listed(self._store, self._door, self._people, person, team, limit)

    async def fault(self) -> str | None:
        """Why the bot is not ready (the database takes nothing), or None, as of a second ago at most: anybody may ask. A database can
        be read while its disk is full or somebody holds its lock, so something is written."""
        if self._looked is None or time.monotonic() - self._looked[0] > LOOK_AGAIN_SECONDS:
            self._looked = time.monotonic(), await self._fault_now()
        return self._looked[1]

    async def _fault_now(self) -> str | None:
        try:
            await asyncio.wait_for(self._store.write(lambda tx: tx.touch()), READY_SECONDS)
        except (Unavailable, TimeoutError) as absent:
            return str(absent) or "The database does not answer"
        return None

    # --- running ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Begin nothing any more; the drain's time runs from here. What Slack still sends is received, and worked if there is time."""
        self._stopped_at = time.monotonic()
        self._worker.stop()

    @asynccontextmanager
    async def running(self, drain_seconds: float = 10.0) -> AsyncIterator[None]:
        """Work the inbox and sweep for what is due, until the end of the block; then drain, and wake others for what is left."""
        loops = [
            asyncio.create_task(_forever("inbox", 0.0, self._mailbox.watch)),
            asyncio.create_task(_forever("sweep", self.limits.sweep_every, self._sweep)),
            asyncio.create_task(_forever("freezes", self.limits.sweep_every, self._freezer.tell_cards)),
        ]
        if self._overseer.present:
            loops.append(asyncio.create_task(_forever("oversight", WATCH_SECONDS, self._overseer.watch)))
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            if self._stopped_at is None:
                self.stop()
            until = (self._stopped_at or 0.0) + drain_seconds
            await self._mailbox.finish(until - time.monotonic())
            await self._wake(await self._worker.drain(until - time.monotonic()))

    async def _sweep(self) -> None:
        """Notice a restore; wake every run that is due and that nobody holds: expiries, backoffs, and whatever a crash left."""
        await self._restoring.settle()
        version = await self._store.data_version()
        if version != self._seen_version:
            self._seen_version = version
            self._worker.nudge_all()
        now, again = time.monotonic(), REWAKE_SWEEPS * self.limits.sweep_every
        self._woken = {run_id: at for run_id, at in self._woken.items() if now - at < again}
        newer, woken = self._worker.newer, self._woken
        runs = await self._store.read(lambda tx: tx.due_runs(SWEEP_BATCH, newer, woken))
        self._woken.update(dict.fromkeys(runs, now))
        await self._wake(runs)

    async def _wake(self, runs: Iterable[RunId]) -> None:
        """All at once, so that a queue that does not answer is waited for once; there are at most `SWEEP_BATCH` of them."""
        await asyncio.gather(*(self._dispatch.wake(run_id) for run_id in runs))


async def _forever(what: str, every: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do ``work`` again and again, whatever happens to it; between two, ``every`` seconds, and longer after a fault."""
    while True:
        try:
            await work()
        except Unavailable as absent:
            log.warning("the store does not answer", loop=what, why=str(absent))
            await asyncio.sleep(STUMBLE_SECONDS)
        except Exception:  # the outermost edge of a loop that must not die
            log.exception("a loop stumbled", loop=what)
            await asyncio.sleep(STUMBLE_SECONDS)
        await asyncio.sleep(every)
