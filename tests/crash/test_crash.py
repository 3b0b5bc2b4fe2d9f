"""Process death at every point and at random, the short forms of the soak's T1 and T2 (contract R1, R2, R3, R7, R15, R16, R18)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash.flows import FLOWS

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_251_128


Tally = dict[str, Any]


def campaigns(database: str, *jobs: tuple[str, dict[str, Any]]) -> list[Tally]:
    """The tallies of these jobs, done by a process that nothing else lives in."""
    order = json.dumps({"database": database, "jobs": jobs})
    command = [sys.executable, "-m", "tests.crash", "--campaign", order]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    tallies: list[Tally] = json.loads(done.stdout)
    for tally in tallies:
        for failure in tally["failures"]:
            print(f"python -m tests.crash {failure['again'].replace(' ', ' DATABASE ', 1)}: {failure}")
    return tallies


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """ "sqlite", or the URL of a database on Postgres."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else "sqlite"


@pytest.mark.parametrize(("database", "most"), [("sqlite", 2), ("postgres", 1)], indirect=["database"])
def test_r1_r2_r3_r16_r18_death_at_any_point_is_recovered_from(database: str, most: int) -> None:
    one_flow = [
        (
            "every_point",
            {"flow": flow, "seed": SEED, "first": 6 + 7 * n % 50, "step": 29, "most": most, "twice": n % 5 == 0},
        )
        for n, flow in enumerate(FLOWS)
    ]
    *points, random = campaigns(database, *one_flow, ("at_random", {"seed": SEED, "kills": 24}))
    assert [tally["failures"] for tally in (*points, random)] == [[]] * (len(FLOWS) + 1)
    assert all(tally["kills"] >= 1 for tally in points) and sum(tally["effects"] for tally in points) >= len(FLOWS) // 2
    assert random["kills"] >= 24 and random["timed"] > 0


def test_r15_a_commit_whose_answer_is_lost_is_no_effect_and_no_loss(postgres_url: str) -> None:
    [tally] = campaigns(postgres_url, ("every_commit", {"flow": "approved", "first": 2, "step": 2}))
    assert tally["failures"] == []
    assert tally["cuts"] >= 8 and tally["heard_cuts"] >= 4


def test_r1_r2_an_effect_that_nobody_wrote_down_is_asked_about_and_a_naive_bot_is_found_out() -> None:
    """The second is the control: it acts before it writes down. Without it nobody would know that the harness is able to fail."""
    bot, control = campaigns(
        "sqlite", *(("right_after_the_effect", {"flow": "approved", "naive": n}) for n in (False, True))
    )
    assert (bot["kills"], bot["effects"], bot["doubts"], bot["failures"]) == (1, 1, 1, [])
    assert (control["kills"], control["effects"], control["twice"]) == (1, 2, 1) and control["failures"]
