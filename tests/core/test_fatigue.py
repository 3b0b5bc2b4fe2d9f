"""S14: how people decide, as figures: of a workspace and of each person, and which approvals came faster than anybody reads."""

import pytest

from bot.core.fatigue import Habit, PastVote, habits, is_fast, waited
from bot.core.values import Choice, Person

CAROL, DAN = Person("T1", "U0CAROL"), Person("T1", "U0DAN")
YES, NO = Choice.APPROVE, Choice.DENY


def vote(
    person: Person = CAROL, choice: Choice = YES, after: float | None = 60.0, team: str = "T1", via: str = "slack"
) -> PastVote:
    return PastVote(team, person, choice, via, after)


def test_s14_votes_approve_rate_median_wait_and_fast_approvals_are_told_of_everybody_and_of_each() -> None:
    votes = [vote(after=1.0), vote(after=2.9), vote(after=90.0), vote(DAN, NO, 30.0), vote(DAN, YES, 40.0)]
    found = list(habits(votes))
    assert found == [
        Habit("T1", None, 5, 4, 30.0, 2),
        Habit("T1", CAROL, 3, 3, 2.9, 2),
        Habit("T1", DAN, 2, 1, 35.0, 0),
    ]
    assert [habit.approve_rate for habit in found] == [0.8, 1.0, 0.5]


def test_s14_s30_each_workspace_is_counted_by_itself() -> None:
    found = list(habits([vote(team="T2"), vote(), vote(DAN, NO, team="T2")]))
    assert [(habit.team, habit.person, habit.votes) for habit in found] == [
        ("T1", None, 1), ("T1", CAROL, 1), ("T2", None, 2), ("T2", CAROL, 1), ("T2", DAN, 1),
    ]  # fmt: skip


def test_s14_a_vote_that_nobody_measured_is_counted_and_shifts_no_median() -> None:
    team, _ = habits([vote(after=None), vote(after=8.0)])
    assert (team.votes, team.median_wait, team.fast) == (2, 8.0, 0)
    assert next(habits([vote(after=None)])).median_wait is None


def test_s14_a_program_that_answers_for_itself_is_nobody_who_could_tire() -> None:
    assert list(habits([vote(via="program")])) == [] == list(habits([]))


@pytest.mark.parametrize(("after", "fast"), [(0.0, True), (2.9, True), (3.0, False), (None, False)])
def test_s14_fast_is_an_approval_in_less_than_three_seconds_and_never_a_denial(after: float | None, fast: bool) -> None:
    assert is_fast(YES, after) is fast and is_fast(NO, after) is False


@pytest.mark.parametrize(
    ("card", "seconds"),
    [
        ("1005.000100", 5.0),  # Slack was slow to post it
        ("900.000100", 10.0),  # the message stood there for the question before
        ("", 10.0),  # from a shell
        ("no time", 10.0),
        ("1020.000100", 0.0),  # Slack's clock goes ahead of ours
    ],
)
def test_s14_time_is_counted_from_when_the_question_could_be_read(card: str, seconds: float) -> None:
    assert waited(1_000.0, card, 1_010.0) == pytest.approx(seconds, abs=0.11)
