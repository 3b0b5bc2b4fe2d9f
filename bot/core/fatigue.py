"""How people decide: how often they approve, how quickly, and what was approved faster than it can be read (S14). Pure.

Rule 1: what is measured is how long a question had been there to be read when the click came: from its card, or from when people were
asked where that is later or there is no card. It is measured once, as the vote is recorded, and stands in the journal with it.
Rule 2: nothing is decided by it. A fast approval counts like any other; whoever reads the card or the journal sees that it was one.
Rule 3: a program that answers for itself is nobody who could tire.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from bot.core.approval import BY_PROGRAM
from bot.core.values import Choice, Person

FAST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class PastVote:
    """A vote in a workspace (``team``). ``via`` and ``waited`` as in `Voted`."""

    team: str
    person: Person
    choice: Choice
    via: str
    waited: float | None


@dataclass(frozen=True, slots=True)
class Habit:
    """How one person votes in a workspace, or (``person`` None) everybody there. ``median_wait`` in seconds, None where nothing was
    measured; ``fast``: how many approvals came faster than anybody reads."""

    team: str
    person: Person | None
    votes: int
    approvals: int
    median_wait: float | None
    fast: int

    @property
    def approve_rate(self) -> float:
        return self.approvals / self.votes


def waited(opened_at: float, card: str, clicked_at: float) -> float:
    """For how many seconds a question was there to be read. ``card``: its ``ts``, which is the time that Slack posted it at."""
    try:
        shown_at = max(opened_at, float(card))
    except ValueError:
        shown_at = opened_at
    return round(max(0.0, clicked_at - shown_at), 1)


def is_fast(choice: Choice, waited: float | None) -> bool:
    """Whether it approved faster than anybody reads; saying no may be quick."""
    return choice is Choice.APPROVE and waited is not None and waited < FAST_SECONDS


def habits(votes: Iterable[PastVote]) -> Iterator[Habit]:
    """Of each workspace everybody together, then each person, those who vote most first."""
    people = sorted((vote for vote in votes if vote.via != BY_PROGRAM), key=lambda vote: vote.team)
    for team, cast in groupby(people, key=lambda vote: vote.team):
        all_of_team = list(cast)
        yield _habit(team, None, all_of_team)
        each = [
            _habit(team, person, [vote for vote in all_of_team if vote.person == person])
            for person in {vote.person for vote in all_of_team}
        ]
        yield from sorted(each, key=lambda habit: (-habit.votes, str(habit.person)))


def _habit(team: str, person: Person | None, votes: list[PastVote]) -> Habit:
    approvals = sum(vote.choice is Choice.APPROVE for vote in votes)
    waits = [vote.waited for vote in votes if vote.waited is not None]
    fast = sum(is_fast(vote.choice, vote.waited) for vote in votes)
    return Habit(team, person, len(votes), approvals, median(waits) if waits else None, fast)
