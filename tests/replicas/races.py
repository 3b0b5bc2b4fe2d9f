"""Many processes at one approval: people approve and deny, the requester stops the run, somebody edits it, its time runs out, and
a worker starts what is allowed, all released at once and through the real door.

`race` runs the rounds; `faults` is the checker of a round's history: exactly one move decided, everybody else was told who or what
was first, every vote that counts is one whose caller was told so, and the action ran if and as often as it was allowed.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from random import Random

from bot.core.approval import Resolution
from bot.core.call import Call, CallState
from bot.core.events import Asked, Cancelled, CardShown, Edited, Expired, Finished, Recorded, Started, Voted
from bot.core.journal import fold
from bot.core.policy import Defaults, Policy
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import CallId, Judgement, Person, RunId, Verdict
from bot.ports import Wish
from bot.sql.store import open_store
from tests.engine.world import ALICE, PLACE, TEAM, World

CALL = CallId("t1c1")
CARD = "1700000000.000100"
VOTERS = tuple(Person(TEAM, f"U0V{number}") for number in range(32))
POLICY = Policy(Defaults(approvers=tuple(f"user:{voter.user}" for voter in VOTERS), expires_in=3_600))
MOVES = (("approve", "approve", "deny", "stop", "edit", "expire", "work"), ("approve", "approve", "work", "deny"))
"""What the processes of a round choose from: everything, or what leaves the approved a chance to run."""
AROUND_EXPIRY_SECONDS = 0.004
START = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Told:
    """What one process did in one round, and what it was told: "" where its move was taken."""

    round: int
    move: str
    who: str
    refused: str
    seconds: float


Heard = tuple[list[Told], list[str]]
"""Of one process: what it was told, and what its actions really did."""


@dataclass
class Result:
    """``seconds``: how long each move took, over all rounds."""

    approvals: int = 0
    decided: int = 0
    executed: int = 0
    violations: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def p99(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] if self.seconds else 0.0


def race(url: str, *, rounds: int, racers: int, seed: int) -> Result:
    """``rounds`` approvals, each fought for by as many processes."""
    START.set_forkserver_preload([__name__])
    asyncio.run(_ask(url, rounds))
    barrier, told = START.Barrier(racers), START.Queue()
    processes = [
        START.Process(target=_racer, args=(url, number, rounds, seed, barrier, told), daemon=True)
        for number in range(racers)
    ]
    for process in processes:
        process.start()
    heard = [told.get(timeout=60.0 + rounds) for _ in range(racers)]
    for process in processes:
        process.join()
    deeds = [deed for _, done in heard for deed in done]
    return asyncio.run(_judged(url, rounds, [each for tellings, _ in heard for each in tellings], deeds))


def run_of(number: int) -> RunId:
    return RunId(f"race-{number}")


# --- one process ------------------------------------------------------------------------------------------------------


async def _ask(url: str, rounds: int) -> None:
    """An approval for each round, its card shown."""
    store = open_store(url)
    world = World(store, policy=POLICY)
    for number in range(rounds):
        asked = Asked(ALICE, PLACE, f"{number}", f"put somebody into group {number}", None)
        wish = Wish("wire", "grant_access", f'{{"user_id":"{number}","group":"admins"}}')
        proposal = await world.registry.propose(CALL, wish, ALICE)
        judgement = Judgement(Verdict.ASK, "broad", "local rules")
        opened = await world.engine.programs.ask(run_of(number), asked, proposal, judgement)
        assert isinstance(opened, Run), opened
        shown = CardShown(CALL, PLACE.channel, CARD, opened.calls[0].phase or "")
        assert isinstance(await world.engine._door.record(opened.id, shown), Run)
    await store.close()


def _racer(
    url: str, number: int, rounds: int, seed: int, barrier: Barrier, told: "multiprocessing.Queue[Heard]"
) -> None:
    told.put(asyncio.run(_race(url, number, rounds, Random(seed * 1_000 + number), barrier)))


async def _race(url: str, number: int, rounds: int, random: Random, barrier: Barrier) -> Heard:
    store = open_store(url)
    world, heard = World(store, policy=POLICY), []
    for each in range(rounds):
        run, _ = await world.engine._door.load(run_of(each))
        assert run is not None and run.calls[0].approval is not None
        move = random.choice(MOVES[each % 2])
        expires = run.calls[0].approval.terms.expires_at
        await asyncio.to_thread(barrier.wait, 120)
        if each % 3 == 0:  # everybody at the very moment when the time runs out
            store.clock_shift = expires - time.time() + random.uniform(-AROUND_EXPIRY_SECONDS, AROUND_EXPIRY_SECONDS)
        else:
            store.clock_shift = 7_200.0 if move == "expire" else 0.0
        began = time.monotonic()
        outcome = await _move(world, run, move, VOTERS[number])
        took, refused = time.monotonic() - began, outcome.reason if isinstance(outcome, Refused) else ""
        heard.append(Told(each, move, VOTERS[number].user, refused, took))
    while world.dispatch.tasks:  # whoever voted also wakes a worker
        await asyncio.sleep(0.01)
    await store.close()
    return heard, world.deeds.done


async def _move(world: World, run: Run, move: str, who: Person) -> Run | Refused | None:
    approval = run.calls[0].approval
    assert approval is not None
    opaque, engine = approval.terms.approval, world.engine
    match move:
        case "approve" | "deny":
            return await engine.programs.vote(opaque, who.user, move, "")
        case "stop":
            return await engine._door.record(run.id, Cancelled(who, "not any more"))
        case "edit":
            wish = Wish("wire", "grant_access", f'{{"user_id":"{run.asked.message}","group":"users"}}')
            return await engine.programs.edit(opaque, who, await world.registry.propose(CallId("t1c1e"), wish, who))
        case "expire":
            return await engine._door.record(run.id, Expired(opaque))
        case _:
            await engine.advance(run.id)
            return None


# --- the checker ------------------------------------------------------------------------------------------------------


async def _judged(url: str, rounds: int, heard: Sequence[Told], deeds: Sequence[str]) -> Result:
    result, store = Result(seconds=[told.seconds for told in heard if told.move != "work"]), open_store(url)
    for number in range(rounds):
        journal = await store.read(lambda tx, number=number: tx.journal(run_of(number)))
        of_round = [told for told in heard if told.round == number]
        result.approvals += 1
        result.decided += deciding(journal) is not None
        times = deeds.count(f"{number} in admins")
        result.executed += times
        result.violations += [f"round {number}: {fault}" for fault in faults(journal, of_round, times)]
    await store.close()
    return result


def deciding(journal: Sequence[Recorded]) -> Recorded | None:
    """The event with which the approval stopped being open."""
    run = None
    for recorded in journal:
        asking = _call(run).state is CallState.ASKING if run is not None and run.calls else False
        run = fold(run_of(0), [recorded], run)
        if asking and _call(run).state is not CallState.ASKING:
            return recorded
    return None


def _call(run: Run | None) -> Call:
    call = run.call(CALL) if run is not None else None
    assert call is not None
    return call


def faults(journal: Sequence[Recorded], heard: Sequence[Told], deeds: int) -> list[str]:
    """What of this history should not be. ``deeds``: how often the action happened."""
    found, decided, run = [], deciding(journal), fold(run_of(0), journal)
    call, approval = _call(run), _call(run).approval
    assert approval is not None
    votes = {recorded.event.person.user: recorded for recorded in journal if isinstance(recorded.event, Voted)}
    taken = {told.who for told in heard if told.move in ("approve", "deny") and not told.refused}
    if taken != set(votes) or len(votes) > 1:
        found.append(f"{sorted(taken)} were told that their votes count, and {sorted(votes)} do")
    ends = [recorded for recorded in journal if isinstance(recorded.event, Voted | Expired | Edited)]
    if len(ends) > 1:
        found.append(f"decided {len(ends)} times: {ends}")
    for told in heard:
        if told.refused and decided is not None and (fault := _wrongly_told(told, decided, call)):
            found.append(fault)
    if any(vote.at >= approval.terms.expires_at for vote in votes.values()):
        found.append("a vote after the time was over")
    if any(isinstance(r.event, Expired) and r.at < approval.terms.expires_at for r in journal):
        found.append("expired before its time")
    return found + _deeds_wrong(journal, deeds, approval.resolution)


def _wrongly_told(told: Told, decided: Recorded, call: Call) -> str:
    """Whoever is refused hears who or what was first; who wanted to stop the run hears what has become of it."""
    if told.move == "stop":
        return "" if "The run is" in told.refused else f"stopping was answered “{told.refused}”"
    if told.move == "expire":
        return ""  # time is told nothing
    match decided.event:
        case Voted() as vote:
            first = (f"<@{vote.person.user}>", "cancelled", "already", "newest card")
        case Expired():
            first = ("expired",)
        case Edited() as edit:
            first = (edit.person.user, "superseded")
        case _:
            first = ("cancelled", "stopped")
    if "expired" in told.refused or any(word in told.refused for word in first):
        return ""
    return f"{told.who} wanted to {told.move} and was told “{told.refused}”, but it was {decided.event}"


def _deeds_wrong(journal: Sequence[Recorded], deeds: int, resolution: Resolution | None) -> list[str]:
    starts = sum(isinstance(recorded.event, Started) for recorded in journal)
    ends = sum(isinstance(recorded.event, Finished) for recorded in journal)
    if not deeds == starts == ends or starts > 1:
        return [f"{deeds} deeds, {starts} starts, {ends} ends"]
    return ["it ran without an approval"] if deeds and resolution is not Resolution.APPROVED else []
