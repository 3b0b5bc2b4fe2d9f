"""One outage from its beginning to its end, and what it came to. No test lives here; the tests and the soak choose which."""

from dataclasses import dataclass
from itertools import combinations

from bot.core.run import RunState
from bot.dict_store import DictStore
from bot.sql.store import SqlStore
from tests.outages.away import CHANNELS, SIDES, Away, away
from tests.slack.reconciled import posted

ASKED = ("only talk", "have a look", "grant bob admins", "grant bob admins")
ALL_SIDES = tuple(sides for size in (1, 2, 3) for sides in combinations(SIDES, size))
"""The seven combinations."""
OUTAGE_SECONDS = 3_600.0
MOST_ATTEMPTS = 22
"""1 + 2 + 4 + … + 256 s, then every 300 s: 20 attempts in an hour; two more where an answer was lost."""


@dataclass(frozen=True, slots=True)
class Came:
    """``wrong``: what was lost or came twice. ``drained``: virtual seconds from the end of the outage to the last delivery."""

    wrong: tuple[str, ...]
    runs: int
    failed: int
    messages: int
    drained: float
    most_attempts: int


async def outage(
    store: DictStore | SqlStore, seed: int, sides: tuple[str, ...], runs: int, *, crash: bool = True
) -> Came:
    """``runs`` are asked before and as many during an hour without ``sides``; what is owed drains through lost answers and 429
    storms, with a crash in the middle."""
    async with away(store, seed) as world:
        await _asked(world, runs)
        await world.pass_time(world.chance.uniform(0.0, 6.0), step=2.0)
        await world.answer_cards()
        await world.go_away(*sides)
        for quarter in range(4):
            await _asked(world, runs * (quarter + 1) // 4 - runs * quarter // 4)
            await world.pass_time(OUTAGE_SECONDS / 4)
            await world.answer_cards()
        world.come_back()
        await world.lose_answers(times=3)
        await world.ask_for_patience(times=2, seconds=20)
        if crash:
            await world.pass_time(world.chance.uniform(1.0, 60.0), step=1.0)
            await world.kill()
            await world.start()
        drained = await world.rest()
        ended = await world.runs()
        return Came(
            wrong=tuple(await world.wrong()),
            runs=len(ended),
            failed=sum(run.state is RunState.FAILED for run in ended),
            messages=len(posted(world.workspace)),
            drained=drained,
            most_attempts=await world.most_attempts(),
        )


async def _asked(world: Away, runs: int) -> None:
    for _ in range(runs):
        await world.ask(world.chance.choice(ASKED), world.chance.choice(CHANNELS))
