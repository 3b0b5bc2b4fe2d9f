"""The soak itself: its floors, and its order where a tier ran beside the others."""

import subprocess
import sys
from pathlib import Path

from tests.soak.replicas import FLOOR, floor, met
from tests.soak.report import Line
from tests.soak.results import keep
from tests.soak.tiers import TIERS, lines_of


def test_every_tier_is_a_module_of_the_soak() -> None:
    assert all((Path(__file__).with_name(f"{module}.py")).is_file() for module in TIERS.values())


def test_r11_at_the_smallest_share_nothing_done_is_still_too_little() -> None:
    least = floor(0.0001)
    assert min(least.values()) >= 1 and not met(dict.fromkeys(FLOOR, 0), least)
    assert met(least, least) and not met(least | {"restarts": 0}, least)


def test_r11_the_whole_size_is_the_contracts() -> None:
    assert {what: 2 * least for what, least in floor(1.0).items()} == FLOOR
    assert FLOOR["restarts"] >= 500 and FLOOR["approvals"] >= 1_000


def test_a_tier_beside_the_others_is_done_too_and_stands_in_its_place() -> None:
    """As the command does it: a process beside finds only what is in a module."""
    command = [
        sys.executable,
        "-m",
        "tests.soak",
        "--only",
        "T0,T4",
        "--beside",
        "T0",
        "--share",
        "0.001",
        "--seed",
        "7",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("seed 7\n")[2]
    tiers = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| T")]
    assert tiers[0] == "T0" and set(tiers[1:]) == {"T4"}


def test_a_tier_that_was_run_whole_takes_the_place_of_what_it_found_before_and_says_of_which_commit_it_is(
    tmp_path: Path,
) -> None:
    keep(
        [Line("T1", "R1", "kills", "9 kills", 0, True, 7, 1.0), Line("T0", "R7", "clicks", "5", 0, True, 7, 1.0)],
        TIERS,
        tmp_path,
    )
    keep([Line("T1", "R1", "kills", "8 kills", 2, True, 8, 1.0)], TIERS, tmp_path)
    said = (tmp_path / "soak.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in said.splitlines() if line.startswith("| T")
    ]
    assert [(row[0], row[3], row[4], row[5]) for row in rows] == [("T0", "5", "0", "7"), ("T1", "8 kills", "2", "8")]
    assert all(len(row[7]) >= 7 for row in rows) and "not run yet: T2, T3" in said


def test_a_tier_that_breaks_off_is_a_violation_and_keeps_no_other_from_being_done() -> None:
    (line,) = lines_of("no such tier", 7, 1.0)
    assert line.violations == 1 and not line.floor_met and "BROKE OFF: KeyError" in line.what
