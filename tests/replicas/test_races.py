"""Races on one approval (R5, R7): whoever is first decides, and everybody hears the same. The long form is `tests/soak/races.py`."""

from tests.replicas import races


def test_r5_r7_of_eight_processes_at_one_approval_one_decides_and_the_others_are_told_who(database_url: str) -> None:
    result = races.race(database_url, rounds=10, racers=8, seed=5)
    assert result.violations == []
    assert result.decided >= 8 and result.executed >= 1
