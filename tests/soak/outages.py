"""T4: an hour without Slack, BIGHUB and the model, in all seven combinations, on a virtual clock. The story is `tests/outages`'s."""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.dict_store import DictStore
from bot.sql.schema import migrate
from bot.sql.store import SqlStore, open_store
from tests.outages.story import ALL_SIDES, MOST_ATTEMPTS, Came, outage
from tests.soak.report import Line

RUNS = 12
"""Before the outage, and as many during it."""


def soak(seed: int, share: float) -> Iterator[Line]:
    chosen = ALL_SIDES[: max(1, round(len(ALL_SIDES) * share))]
    runs = max(2, round(RUNS * min(1.0, share)))
    fewer = max(1, runs // 3)
    yield _line("in memory", seed, runs, asyncio.run(_in_memory(seed, chosen, runs)))
    yield _line("SQLite", seed, fewer, asyncio.run(_on_sqlite(seed, chosen, fewer)))


async def _in_memory(seed: int, chosen: Sequence[tuple[str, ...]], runs: int) -> list[tuple[Came, float]]:
    return [await _timed(DictStore(), seed + number, sides, runs) for number, sides in enumerate(chosen)]


async def _on_sqlite(seed: int, chosen: Sequence[tuple[str, ...]], runs: int) -> list[tuple[Came, float]]:
    came = []
    for number, sides in enumerate(chosen):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'signoff.db'}"
            await migrate(url)
            store = open_store(url)
            try:
                came.append(await _timed(store, seed + number, sides, runs))
            finally:
                await store.close()
    return came


async def _timed(store: DictStore | SqlStore, seed: int, sides: tuple[str, ...], runs: int) -> tuple[Came, float]:
    began = time.monotonic()
    return await outage(store, seed, sides, runs), time.monotonic() - began


def _line(kind: str, seed: int, runs: int, came: Sequence[tuple[Came, float]]) -> Line:
    outages = [each for each, _ in came]
    for wrong in (wrong for each in outages for wrong in each.wrong):
        print(f"T4 {kind}: {wrong}")
    most = max(each.most_attempts for each in outages)
    total, messages = sum(each.runs for each in outages), sum(each.messages for each in outages)
    return Line(
        tier="T4",
        rows="R9 R10",
        what=f"60 minutes × {len(outages)} of 7 combinations of Slack, BIGHUB and the model away ({kind}); then lost answers, "
        "429 storms and a crash in the drain",
        work=f"{total} runs, {messages} messages, {sum(each.failed for each in outages)} runs ended in words with Retry",
        violations=sum(len(each.wrong) for each in outages) + (most > MOST_ATTEMPTS),
        floor_met=all(each.runs == 2 * runs and each.messages >= each.runs for each in outages),
        seed=seed,
        seconds=sum(seconds for _, seconds in came),
        figure=f"drained within {max(each.drained for each in outages):.0f} s, at most {most} attempts an hour and effect",
    )
