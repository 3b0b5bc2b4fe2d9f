"""What is found after a storm: the journal against what the actions really did, what Slack shows and what it was told is kept.

It looks from outside, at the database, the actions' own lines and the workspace; no bot is asked.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from bot.core.call import Call, CallState
from bot.core.events import Recorded, Started, Voted
from bot.core.owed import pending
from bot.core.run import ENDS, Run, RunState
from bot.ports import Reader
from bot.slack.payloads import inbox_row, kind_of
from bot.sql.store import open_store
from bot.workspace.world import World
from tests.journey.stage import ALICE, BOT, DAN, OPS, Message, buttons, shown
from tests.replicas.fleet import Fleet

CALM_SECONDS = 180.0


@dataclass
class Report:
    """``clicks``: by name of what was approved, when (epoch seconds) a click was acknowledged first."""

    done: Counter[str] = field(default_factory=Counter)
    clicks: dict[str, float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    stories: list[str] = field(default_factory=list)

    def p99(self) -> float:
        """Of the seconds from the click to the start of its action."""
        return sorted(self.waited)[int(len(self.waited) * 0.99)] if self.waited else 0.0


@dataclass
class Findings:
    """Adds what it finds to ``report``."""

    several: Fleet
    report: Report

    async def rest(self) -> None:
        """Wait until nothing is owed at once any more; what then still is, is stuck."""
        end = time.monotonic() + CALM_SECONDS
        while stuck := await self._stuck():
            if time.monotonic() > end:
                self.report.violations += stuck
                return
            await asyncio.sleep(0.5)

    async def _stuck(self) -> list[str]:
        """What is due or held, and the rows that nobody has worked: everything that helps to see why."""

        async def look(tx: Reader) -> list[str]:
            rows = [f"inbox row {row.key} is open since {row.received_at}" for row in await tx.open_inbox(100)]
            return rows + [f"run {run} is due and nobody's" for run in await tx.due_runs(100)]

        store = open_store(self.several.stage.settings["DATABASE_URL"])
        try:
            found = await store.read(look)
        finally:
            await store.close()
        for run, _ in await self.several.runs():
            soon = [effect.key for effect in pending(run) if effect.not_before <= time.time()]
            if soon or run.state not in ENDS:
                found.append(f"run {run.id} is {run.state}, owes {soon}, troubles {run.troubles}")
        return found

    async def find(self) -> None:
        self.report.done["lost leases"] = self.several.said("the lease was lost")
        lines, runs = Counter(self.several.lines), await self.several.runs()
        for line, times in lines.items():
            if times > 1:
                self.report.violations.append(f"{line}: {times} times")
        self.report.violations += await self._lost()
        known = set()
        for run, journal in runs:
            known |= {call.proposal.raw_arguments for call in run.calls}
            faults = self._faults(run, journal, lines)
            self.report.violations += [f"run {run.id}: {fault}" for fault in faults]
            self.report.stories += [self._story(run, journal)] if faults else []
            self.report.done["runs"] += 1
            self.report.done["failed"] += run.state is not RunState.DONE
        for line in lines:
            if not any(f'"{line.split()[1]}"' in arguments for arguments in known):
                self.report.violations.append(f"{line}: no run has asked for it")

    async def _lost(self) -> list[str]:
        """What was acknowledged to Slack and is not there, worked: it can never come again."""
        connection = await asyncpg.connect(self.several.stage.settings["DATABASE_URL"])
        try:
            done = {row["key"] for row in await connection.fetch("SELECT key FROM inbox WHERE done_at IS NOT NULL")}
        finally:
            await connection.close()
        attempts = self.several.stage.workspace.traffic.deliveries()
        acked = {each["key"]: each["payload"] for each in attempts if each["outcome"] == "ack"}
        self.report.done["deliveries"] += len(attempts)
        self.report.done["acked"] += len(acked)
        self.report.done["redelivered"] += sum(each["attempt"] > 0 for each in attempts)
        rows = [(payload, kind) for payload in acked.values() if (kind := kind_of(payload)) is not None]
        keys = {row.key for payload, kind in rows if (row := inbox_row(payload, kind=kind)) is not None}
        self.report.done["kept"] += len(keys)
        return [f"{key} was acknowledged and is lost" for key in keys - done]

    def _faults(self, run: Run, journal: tuple[Recorded, ...], lines: Counter[str]) -> list[str]:
        """What of this run should not be."""
        faults, names = (
            [],
            {name for name in self.report.clicks if any(f'"{name}"' in c.proposal.raw_arguments for c in run.calls)},
        )
        starts = [recorded for recorded in journal if isinstance(recorded.event, Started)]
        votes = [recorded.event for recorded in journal if isinstance(recorded.event, Voted)]
        began = sum(lines[f"began {name}"] for name in names)
        if len(starts) > len(run.calls) or began > len(starts):
            faults.append(f"{len(starts)} starts and {began} effects of {len(run.calls)} calls")
        if began and not any(vote.person.user == DAN for vote in votes):
            faults.append("an effect that nobody approved who may")
        if any(vote.person.user == ALICE for vote in votes):
            faults.append("a vote of the person who asked")
        for call in run.calls:
            faults += self._card_faults(run, call)
            self.report.done["executed"] += call.state is CallState.EXECUTED
            if (
                call.state is CallState.EXECUTED
                and call.settled is None
                and not all(lines[f"ended {n}"] for n in names)
            ):
                faults.append("executed, but it did not happen")
        if starts and names:
            self.report.waited += [max(0.0, starts[0].at - self.report.clicks[name]) for name in names]
        self.report.done["approvals"] += len(votes)
        return faults

    def _story(self, run: Run, journal: tuple[Recorded, ...]) -> str:
        """What happened to a run of which something is wrong, as the journal and Slack saw it, in the order of time."""
        thread, told = run.asked.place.thread, [(each.at, f"journal {each.seq} {each.event}"[:300]) for each in journal]
        for entry in self.several.stage.workspace.traffic.entries:
            if entry["kind"] == "api" and (
                about := _about(entry, thread, [c.card.message for c in run.calls if c.card])
            ):
                told.append((entry["at"], about))
        return "\n".join(f"{at % 10_000:10.3f} {line}" for at, line in sorted(told))

    def _card_faults(self, run: Run, call: Call) -> list[str]:
        """The card that stands in Slack says what the journal says, and stands there once; so does the reply."""
        faults, stand = [], replies(self.several.stage.workspace.world, run.asked.place.thread)
        if call.card is not None and call.card.shows != call.phase:
            faults.append(f"its card shows {call.card.shows}, not {call.phase}")
        cards = [message for message in stand if "restart_slowly" in shown(message) and message.get("blocks")]
        if call.card is not None and [message["ts"] for message in cards] != [call.card.message]:
            faults.append(f"{len(cards)} cards")
        asks = any({"approve", "did_run"} & set(buttons(message)) for message in cards)
        nobody_knows = (
            call.state is CallState.IN_DOUBT and call.settled is not None
        )  # yet; whoever finds out says so there
        if asks and run.state in ENDS and not nobody_knows:
            faults.append("a card that still asks")
        told = Counter(reply for reply in run.replies for message in stand if shown(message).startswith(reply))
        return faults + [f"said {times} times: {reply}" for reply, times in told.items() if times > 1]


def _about(entry: dict[str, Any], thread: str, cards: list[str]) -> str:
    """A call of the bot's that posted to this thread or changed its card."""
    args, blocks = entry["args"], str(entry["args"].get("blocks", ""))
    if args.get("thread_ts") != thread and args.get("ts") not in (thread, *cards):
        return ""
    shows = [word for word in ("approve", "did_run", "Running", "Executed", "doubt") if word in blocks]
    about = (entry["method"], entry["status"], entry.get("fault"), shows, str(args.get("text"))[:60])
    return f"Slack {entry['seq']} {about}"


def replies(world: World, thread: str) -> list[Message]:
    """What the bot has said in a thread, as it stands there now."""
    return [world.timeline.shown(each) for each in world.timeline.replies(OPS, thread) if each.author == BOT]
