"""A small world around the engine: the ports as plain Python, kept in memory. `World` is what a test tells its story with."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.actions import Action, Registry, action, define
from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.faults import BrokenJournal
from bot.core.glass import Broken
from bot.core.inputs import Clicked, Input, Profile, Wrote
from bot.core.moments import Moment
from bot.core.placing import channel_of
from bot.core.policy import Defaults, Policy
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Judgement, Person, Place, RunId, Verdict
from bot.dict_store import DictStore
from bot.engine import Engine, Limits
from bot.ports import (
    InboxRow,
    Oversight,
    Posted,
    Prompt,
    Question,
    Reader,
    Rejected,
    Reply,
    Store,
    Translate,
    Unavailable,
    Wish,
    Writer,
)

T = TypeVar("T")
TEAM = "T1"
ALICE, BOB, CAROL, GUS, XENA = (Person(TEAM, f"U0{name}") for name in ("ALICE", "BOB", "CAROL", "GUS", "XENA"))
PLACE = Place(TEAM, "C0OPS", "1.000100")
POLICY = Policy(Defaults(approvers=("user:U0CAROL", "user:U0BOB")))
LIMITS = Limits(
    first_backoff=0.02,
    longest_backoff=0.05,
    longest_delivery_backoff=0.05,
    give_up_after=0.4,
    sweep_every=0.02,
    lease=0.6,
    patience_with_refusals=0.3,
)
Turn = Reply | Exception | Callable[[], Reply]


def wishing(*wishes: tuple[str, dict[str, object]] | tuple[str, str], text: str = "") -> Reply:
    calls = [
        Wish(f"wire_{n}_{id(wishes)}", name, arguments if isinstance(arguments, str) else json.dumps(arguments))
        for n, (name, arguments) in enumerate(wishes)
    ]
    items = [{"type": "function_call", "call_id": w.wire, "name": w.action, "arguments": w.arguments} for w in calls]
    return Reply(json.dumps(items), text, tuple(calls))


def saying(text: str) -> Reply:
    return Reply(
        json.dumps([{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]),
        text,
        (),
    )


class MoodyStore(DictStore):
    """A store that is away for a while. ``tries`` counts what was asked of it meanwhile."""

    away = False
    tries = 0
    writes = 0
    breaks: tuple[str, Exception] | None = None
    """Of which work (the end of its name) what is raised."""

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        self._there()
        self._whole(work)
        self.writes += 1
        return await super().write(work)

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        self._there()
        self._whole(work)
        return await super().read(work)

    def _whole(self, work: Callable[..., object]) -> None:
        if self.breaks is not None and self.breaks[0] in work.__qualname__:
            raise self.breaks[1]

    def _there(self) -> None:
        if self.away:
            self.tries += 1
            raise Unavailable("the database is away")


@dataclass
class ModelInMemory:
    turns: list[Turn] = field(default_factory=list)
    asked: list[list[object]] = field(default_factory=list)
    delay: float = 0.0

    async def reply(self, prompt: Prompt) -> Reply:
        self.asked.append(list(prompt.items))
        await asyncio.sleep(self.delay)
        turn = self.turns.pop(0) if self.turns else saying("OK.")
        if isinstance(turn, Exception):
            raise turn
        return turn if isinstance(turn, Reply) else turn()


@dataclass
class GuardInMemory:
    """``takes`` (seconds): how long a report does."""

    name: str = "BIGHUB"
    answers: dict[str, Judgement | Exception] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    resolutions: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    remembered: list[str] = field(default_factory=list)
    absent: bool = False
    takes: float = 0.0

    async def judge(self, question: Question) -> Judgement:
        self.questions.append(question)
        answer = self.answers.get(question.action, Judgement(Verdict.ALLOW, "fine", self.name, request_id="req"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def report_resolution(self, run: Run, call: Call, approval: Approval | None, *, again: bool = True) -> None:
        self._there()
        self.resolutions.append(f"{call.proposal.action} {approval and approval.resolution}")

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        self._there()
        await asyncio.sleep(self.takes)
        self.outcomes.append(f"{call.proposal.action} {call.outcome}")

    async def remember(self, run: Run, moments: Sequence[Moment]) -> None:
        self._there()
        self.remembered.append(" ".join(moment.id for moment in moments))

    def _there(self) -> None:
        if self.absent:
            raise Unavailable("BIGHUB is away")


@dataclass
class ChatInMemory:
    """``cards``: call → phases shown, in order; ``words``: everything posted; ``whispers`` and ``told``
    (in direct messages): (user, text); ``whispered_in``: channel and thread of each whisper. ``breaks``: the actions
    whose cards it cannot render, of a fault of its own; ``rendered``: how often it tried, ``looked``: whether it was told to look for
    the card first; ``slow``: of whom it takes long to tell."""

    profiles: dict[Person, Profile] = field(default_factory=dict)
    cards: dict[str, list[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    retries: list[RunId] = field(default_factory=list)
    ends: list[ApprovalId] = field(default_factory=list)
    whispers: list[tuple[str, str]] = field(default_factory=list)
    whispered_in: list[tuple[str, str]] = field(default_factory=list)
    absent: bool = False
    refuses: bool = False
    thinks_for: float = 0.0
    breaks: set[str] = field(default_factory=set)
    stuck: dict[Person, asyncio.Event] = field(default_factory=dict)
    rendered: int = 0
    looked: list[bool] = field(default_factory=list)
    draws_for: float = 0.0
    slow: dict[Person, float] = field(default_factory=dict)
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    closed_channels: set[str] = field(default_factory=set)

    async def profile(self, person: Person) -> Profile | Refused:
        self._there()
        await asyncio.sleep(self.slow.get(person, 0.0))
        if person in self.stuck:
            await self.stuck[person].wait()
        return self.profiles.get(person, Profile(person, person.user, person.team))

    async def members(self, team: str, group: str) -> frozenset[str] | Refused:
        self._there()
        return self.groups.get(group, frozenset())

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        self._there()
        self._takes()
        self.rendered += 1
        self.looked.append(again)
        if call.proposal.action in self.breaks:
            raise KeyError("a card without a colour")
        await asyncio.sleep(self.draws_for)
        self.cards.setdefault(call.proposal.call, []).append(str(call.phase))
        return Posted(channel_of(run, call), f"card-{call.proposal.call}")

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        return self._post(text)

    async def post_notice(
        self,
        run: Run,
        key: str,
        text: str,
        retry: RunId | None = None,
        *,
        ends: ApprovalId | None = None,
        names: bool = False,
        again: bool = True,
    ) -> Posted:
        self.retries += [retry] if retry is not None else []
        self.ends += [ends] if ends is not None else []
        return self._post(text)

    async def tell(self, run: Run, call: Call, user: str, key: str, text: str, *, again: bool = True) -> Posted:
        self._there()
        self._takes()
        self.told.append((user, text))
        return Posted(f"D{user}", f"dm-{len(self.told)}")

    async def announce_glass(self, run: Run, key: str, broken: Broken, channel: str, *, again: bool = True) -> Posted:
        if channel in self.closed_channels:
            raise Rejected("not_in_channel")
        self.announced.append(f"{channel or 'thread'}: {broken.person.user}: {broken.reason}")
        return Posted(channel or PLACE.channel, f"glass-{len(self.announced)}")

    async def show_review(
        self, run: Run, key: str, broken: Broken, channel: str, stands: tuple[str, str] | None, *, again: bool = True
    ) -> Posted:
        by = broken.reviewed_by.user if broken.reviewed_by else "nobody yet"
        self.reviews.append(f"{channel or 'thread'}: {by}")
        return Posted(*stands) if stands else Posted(channel or PLACE.channel, f"review-{len(self.reviews)}")

    async def show_thinking(self, run: Run) -> None:
        await asyncio.sleep(self.thinks_for)

    async def whisper(self, person: Person, channel: str, thread: str, text: str) -> None:
        if person.user == "U0NOBODY":
            raise Rejected("not in the channel")
        self.whispered_in.append((channel, thread))
        self.whispers.append((person.user, text))

    def _post(self, text: str) -> Posted:
        self._there()
        self._takes()
        self.words.append(text)
        return Posted(PLACE.channel, f"1.{100 + len(self.words):06}")

    def _takes(self) -> None:
        if self.refuses:
            raise Rejected("The message that this thread began with is gone.")

    def _there(self) -> None:
        if self.absent:
            raise Unavailable("Slack is away")


@dataclass
class Deeds:
    """What the actions really did. ``keys``: the idempotency keys that they were given; ``happened``: what a probe says."""

    done: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    happened: bool | None = None
    returns: str = "fine"
    hold: asyncio.Event | None = None
    fail: bool = False


class WakingDispatch:
    """Wakes by calling: the next thing on the loop."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.lossy = False

    async def wake(self, run: RunId) -> None:
        if self.engine is not None and not self.lossy:
            task = asyncio.create_task(self.engine.advance(run))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)


class World:
    """An engine with everything that it needs."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        policy: Policy = POLICY,
        limits: Limits = LIMITS,
        translate: Translate | None = None,
        oversight: Oversight | None = None,
    ) -> None:
        """``translate``: how rows are read; without it, what `receive` was given with their key."""
        self.store = store or DictStore()
        self.translate = translate or (lambda row: self.inputs[row.key])
        self.model, self.guard, self.chat = ModelInMemory(), GuardInMemory(), ChatInMemory()
        self.deeds, self.policy, self.limits, self.oversight = Deeds(), policy, limits, oversight
        self.seal_keys: tuple[bytes, ...] = (b"k" * 32,)
        self.inputs: dict[str, Input] = {}
        self.registry = Registry(registered(self.deeds))
        self.engine = self.new_engine()

    def new_engine(self) -> Engine:
        """A worker that has just been started on this store."""
        self.dispatch = WakingDispatch()
        self.dispatch.engine = self._engine(self.dispatch, self.limits)
        return self.dispatch.engine

    def program(self) -> Engine:
        """The engine of a program on the same store."""
        return self._engine(WakingDispatch(), replace(self.limits, programs=True))

    def _engine(self, dispatch: WakingDispatch, limits: Limits) -> Engine:
        return Engine(
            store=self.store,
            model=self.model,
            guard=self.guard,
            chat=self.chat,
            actions=self.registry,
            dispatch=dispatch,
            translate=self.translate,
            policy=self.policy,
            seal_keys=self.seal_keys,
            limits=limits,
            oversight=self.oversight,
        )

    async def receive(self, key: str, what: Input) -> bool:
        self.inputs[key] = what
        return await self.engine.receive(InboxRow(key, TEAM, "event", "{}"))

    async def write(
        self,
        text: str,
        who: Person = ALICE,
        *,
        message: str = PLACE.thread,
        mentioned: bool = True,
        place: Place = PLACE,
    ) -> None:
        await self.receive(f"m{place.thread}{message}", Wrote(who, place, message, text, mentioned))

    async def click(
        self, action: str, value: str, who: Person = CAROL, message: str = "card-t1c1", comment: str = ""
    ) -> None:
        await self.receive(
            f"c{action}{value}{who.user}{message}", Clicked(who, action, value, PLACE.channel, message, comment)
        )

    async def runs(self) -> list[Run]:
        """The runs whose journals can be read."""
        found = []
        for line in await self.store.read(lambda tx: tx.runs(100)):
            with contextlib.suppress(BrokenJournal):
                found.append(await self.engine.run(line.run))
        return [run for run in found if run is not None]

    async def run(self) -> Run | None:
        """The newest run."""
        return next(iter(await self.runs()), None)

    async def until(self, holds: Callable[[Run], object], seconds: float = 5.0) -> Run:
        """Wait until the newest run is as ``holds`` says."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            run = await self.run()
            if run is not None and holds(run):
                return run
            assert asyncio.get_running_loop().time() < end, f"it did not come to that: {run}"
            await asyncio.sleep(0.01)


def registered(deeds: Deeds) -> list[Action]:
    @action(system="okta", risk="high", environment="production")
    async def grant_access(user_id: str, group: str) -> dict[str, str]:
        """Put a user into a group."""
        if deeds.hold is not None:
            await deeds.hold.wait()
        if deeds.fail:
            raise ValueError("There is no such group.")
        deeds.done.append(f"{user_id} in {group}")
        return {"user_id": user_id}

    @action(read_only=True)
    def look(what: str) -> str:
        """Look at something."""
        deeds.done.append(f"looked at {what}")
        return deeds.returns

    @action(on_crash="rerun", risk="low")
    async def sync(*, idempotency_key: str) -> str:
        """Bring something up to date; twice does no harm."""
        deeds.keys.append(idempotency_key)
        deeds.done.append("began to sync")
        if deeds.hold is not None:
            await deeds.hold.wait()
        return "synced"

    @action(timeout=0.1, risk="high")
    async def pay(whom: str) -> str:
        """Pay somebody, slowly."""
        deeds.done.append(f"paid {whom}")
        await asyncio.sleep(30)
        return "paid"

    return [define(each) for each in (grant_access, look, sync, pay, publishing(deeds))]


def publishing(deeds: Deeds) -> Callable[..., object]:
    """An action that has a probe."""

    def was_published(zone: str, idempotency_key: str) -> bool | None:
        deeds.keys.append(idempotency_key)
        return deeds.happened

    @action(system="dns", risk="high", on_crash="probe", probe=was_published, timeout=0.3)
    async def publish(zone: str, *, idempotency_key: str) -> str:
        """Publish a zone."""
        deeds.keys.append(idempotency_key)
        deeds.done.append(f"published {zone}")
        if deeds.hold is not None:
            await deeds.hold.wait()
        return "published"

    return publish


def approval_of(run: Run, call: str = "t1c1") -> str:
    found = run.call(call)
    assert found is not None and found.approval is not None
    return found.approval.terms.approval
