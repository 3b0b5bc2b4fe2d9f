"""The short forms of the soak's T5 (contract R12, R17, R19): releases that take turns, poisonous runs, a backup of any moment."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from bot.sql.store import SqlStore, open_store
from tests.databases import Postgres
from tests.upgrades.matrix import poisoned, restored
from tests.upgrades.rolling import ORDERS, Rolled, stage

SEED, MOST_STORIES = 20_251_128, 12


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(sqlite_url)
    yield opened
    await opened.close()


def test_r12_releases_that_take_turns_and_die_lose_nothing_and_do_nothing_twice(postgres: Postgres) -> None:
    """Until the older one has met what only the newer one can read."""
    rolled = Rolled()
    with stage(postgres) as on:
        for order in ORDERS:
            on.tell(SEED, order, rolled)
        while rolled.left == 0 and rolled.stories < MOST_STORIES:
            on.tell(SEED + rolled.stories, ORDERS[1], rolled)
    assert rolled.faults == []
    assert rolled.left > 0 and rolled.handovers >= 3 and rolled.kills > 0 and rolled.effects > 0


async def test_r17_poisonous_runs_are_parked_or_ended_and_the_healthy_ones_go_on(store: SqlStore) -> None:
    slowest, parked, faults = await poisoned(store, Random(SEED), healthy=20, poison=6)
    assert faults == [] and parked == 2
    assert slowest < 60.0


async def test_r19_a_backup_of_any_moment_of_several_runs_executes_nothing_again(database_url: str) -> None:
    done, _, faults = await restored(database_url, Random(SEED), runs=4)
    assert faults == [] and done == 4
