"""What Slack may do to what it delivers: send it twice, late, in any order, at once with its twin, to a bot that has just died.

`sequence` plays one seeded history of such steps on the real gate's rows, the real translation and the real engine over dicts;
nothing of it knows a network. What people wrote and clicked must have come to effect once, whatever Slack did.
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from bot.core.call import CallState
from bot.core.inputs import Profile
from bot.core.run import Run
from bot.core.values import Judgement, Person, Verdict
from bot.ports import Prompt, Reply
from bot.slack.payloads import inbox_row, kind_of, translate
from tests.engine.world import GUS, LIMITS, POLICY, TEAM, ModelInMemory, World, saying, wishing

BOT, CHANNEL = "U0SIGNOFF", "C0OPS"
DAY_SECONDS = 86_400.0
Payload = dict[str, Any]


@dataclass
class Tally:
    """``wrong``: what should not be."""

    sequences: int = 0
    steps: int = 0
    deliveries: int = 0
    duplicates: int = 0
    runs: int = 0
    deeds: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for name in ("sequences", "steps", "deliveries", "duplicates", "runs", "deeds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong


class _Model(ModelInMemory):
    """Puts whoever is named in the request into a group, then says so."""

    async def reply(self, prompt: Prompt) -> Reply:
        told = json.dumps(list(prompt.items))
        if "function_call_output" in told:
            return saying("Done.")
        name = told.partition("grant ")[2].split()[0].strip('"\\.,') if "grant " in told else ""
        return wishing(("grant_access", {"user_id": name, "group": "admins"})) if name else saying("I heard you.")


@dataclass
class _Play:
    """``sent``: everything that Slack has ever delivered."""

    world: World
    random: Random
    tally: Tally = field(default_factory=Tally)
    sent: list[Payload] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    clock: int = 0

    # --- what people do -----------------------------------------------------------------------------------------------

    def ts(self) -> str:
        self.clock += 1
        return f"17000{self.clock:05d}.000100"

    async def mention(self) -> None:
        """Slack delivers a mention twice by itself: as `app_mention` and as `message`."""
        ts, user = self.ts(), self.random.choice(("U0ALICE", "U0ALICE", "U0GUS"))
        self._note(ts, user, ts)
        twins = [
            message(ts, user, f"<@{BOT}> grant n{self.clock} access", kind=kind) for kind in ("app_mention", "message")
        ]
        self.random.shuffle(twins)
        for twin in twins[: self.random.choice((1, 2, 2))]:
            await self.deliver(twin)

    async def reply(self) -> None:
        threads = [ts for ts, thread in self.written.items() if ts == thread]
        if threads:
            thread, ts = self.random.choice(threads), self.ts()
            self._note(ts, "U0ALICE", thread)
            await self.deliver(message(ts, "U0ALICE", f"<@{BOT}> and also this", thread=thread, kind="message"))

    def _note(self, ts: str, user: str, thread: str) -> None:
        if user == GUS.user:
            self.refused.add(ts)
        else:
            self.written[ts] = thread

    async def click(self) -> None:
        """On any card, open or long decided, by who may and who may not."""
        cards = [
            call for run in await self.world.runs() for call in run.calls if call.approval is not None and call.card
        ]
        if cards:
            call, who = self.random.choice(cards), self.random.choice(("U0CAROL", "U0BOB", "U0ALICE"))
            assert call.approval is not None and call.card is not None
            await self.deliver(click(self.ts(), who, call.approval.terms.approval, call.card.message))

    async def noise(self) -> None:
        """What starts nothing: edits, other people's talk, kinds of events that nobody knows, payloads of another shape."""
        ts = self.ts()
        odd = message(ts, "U0ALICE", "hello")
        await self.deliver(
            self.random.choice(
                (
                    message(ts, "U0ALICE", "just talking"),
                    odd | {"event": odd["event"] | {"subtype": "message_changed", "hidden": True}},
                    odd | {"event": {"type": "emoji_changed", "event_ts": ts}},
                    odd | {"event": {"type": "message", "channel": 7}},
                    {"type": "something_new", "payload": {"deep": [1, 2]}},
                )
            )
        )

    # --- what Slack and the machine do --------------------------------------------------------------------------------

    async def deliver(self, payload: Payload) -> None:
        """As the gate does: a row, committed; a known one changes nothing."""
        self.sent.append(payload)
        await self._deliver(payload)

    async def _deliver(self, payload: Payload) -> None:
        self.tally.deliveries += 1
        kind = kind_of(payload)
        row = inbox_row(payload, kind=kind) if kind is not None else None
        if row is not None and not await self.world.engine.receive(row):
            self.tally.duplicates += 1

    async def again(self) -> None:
        for payload in self.random.sample(self.sent, min(len(self.sent), self.random.randint(1, 4))):
            await self._deliver(payload)

    async def work(self) -> None:
        """The bot works what lies there, in any order, some of it at once."""
        rows = list(await self.world.store.read(lambda tx: tx.open_inbox(100)))
        self.random.shuffle(rows)
        await asyncio.gather(*(self.world.engine._inbox.work(row) for row in rows[: self.random.randint(1, 5)]))

    async def advance(self) -> None:
        """A worker does what a run owes until it rests, or only the first of it."""
        due = await self.world.store.read(lambda tx: tx.due_runs(100))
        if due:
            await self.world.engine.advance(self.random.choice(due))

    async def die(self) -> None:
        """The bot is gone and another one begins: nothing is left but the store."""
        self.world.new_process()

    async def wait(self) -> None:
        self.world.store.clock_shift += self.random.choice((1.0, 60.0, 300.0, 5 * 3600.0))


STEPS = (
    (_Play.mention, 10),
    (_Play.reply, 6),
    (_Play.click, 12),
    (_Play.noise, 8),
    (_Play.again, 26),
    (_Play.work, 22),
    (_Play.advance, 12),
    (_Play.die, 2),
    (_Play.wait, 2),
)


async def sequence(seed: int, steps: int = 50) -> Tally:
    """One history of so many steps, everything delivered once more a day later, and what came of it."""
    world = QuietWorld()
    play = _Play(world, Random(seed))
    acts, weights = zip(*STEPS, strict=True)
    for act in play.random.choices(acts, weights, k=steps):
        await act(play)
    await _all_done(world)
    world.store.clock_shift += DAY_SECONDS
    late = list(play.sent)
    play.random.shuffle(late)
    for payload in late:
        await play._deliver(payload)
    await _all_done(world)
    play.tally.sequences, play.tally.steps = 1, steps
    await _found(play, seed)
    return play.tally


class QuietWorld(World):
    """Nobody wakes anybody: the play decides who does what when."""

    def __init__(self) -> None:
        policy = replace(POLICY, open_per_person=100_000)
        super().__init__(translate=translate, policy=policy, limits=replace(LIMITS, lease=0.5))
        self.model = _Model()
        self.guard.answers["grant_access"] = Judgement(Verdict.ASK, "broad", "BIGHUB", request_id="req")
        self.chat.profiles[Person(TEAM, GUS.user)] = Profile(Person(TEAM, GUS.user), "gus", TEAM, guest=True)
        self.new_process()

    def new_process(self) -> None:
        self.engine = self.new_engine()
        self.dispatch.lossy = True


async def _all_done(world: World) -> None:
    """Work every row and do everything that is owed now."""
    while rows := await world.store.read(lambda tx: tx.open_inbox(100)):
        for row in rows:
            await world.engine._inbox.work(row)
    while due := await world.store.read(lambda tx: tx.due_runs(100)):
        for run in due:
            await world.engine.advance(run)


async def _found(play: _Play, seed: int) -> None:
    world, tally = play.world, play.tally
    runs = await world.runs()
    tally.runs, tally.deeds = len(runs), len(world.deeds.done)
    heard = Counter(said.message for run in runs for said in run.said)
    for ts in play.written:
        if heard[ts] != 1:
            tally.wrong.append(f"sequence {seed}: what was written at {ts} was heard {heard[ts]} times")
    if heard.keys() & play.refused:
        tally.wrong.append(f"sequence {seed}: a guest was heard")
    if len(world.chat.whispers) < len(play.refused):
        tally.wrong.append(f"sequence {seed}: a guest was told nothing")
    whispers = Counter(who for who, _ in world.chat.whispers)
    if whispers[GUS.user] != len(play.refused):
        tally.wrong.append(f"sequence {seed}: {len(play.refused)} guests were told {whispers[GUS.user]} times")
    tally.wrong += [f"sequence {seed}: {deed}, {n} times" for deed, n in Counter(world.deeds.done).items() if n > 1]
    for run in runs:
        tally.wrong += [f"sequence {seed}: {fault}" for fault in _faults(run)]


def _faults(run: Run) -> list[str]:
    faults = []
    for call in run.calls:
        votes = call.approval.votes if call.approval is not None else ()
        if len({vote.person for vote in votes}) != len(votes) or len(votes) > 1:
            faults.append(f"{len(votes)} votes on an approval that one decides")
        if call.state is CallState.STARTED or call.attempts > 1:
            faults.append(f"a call that is {call.state} after {call.attempts} attempts")
    return faults


# --- Slack's payloads -------------------------------------------------------------------------------------------------


def message(ts: str, user: str, text: str, *, thread: str | None = None, kind: str = "message") -> Payload:
    event = {
        "type": kind,
        "user": user,
        "channel": CHANNEL,
        "channel_type": "channel",
        "ts": ts,
        "text": text,
        "team": TEAM,
    }
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": f"Ev{ts}{kind}",
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
        "event": event | ({"thread_ts": thread} if thread else {}),
    }


def click(action_ts: str, user: str, value: str, card: str) -> Payload:
    return {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "container": {"type": "message", "message_ts": card, "channel_id": CHANNEL},
        "channel": {"id": CHANNEL},
        "actions": [{"type": "button", "action_id": "approve", "value": value, "action_ts": action_ts}],
    }
