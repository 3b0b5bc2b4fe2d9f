"""Change-freeze windows and limits, by the clocks of their own zone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clocks import clocks_at, window_end
from bot.core.holding import Limited, closed, limited
from bot.core.policy import Case, Match, Policy, Rule
from bot.core.timing import DAY, WEEK, Dated, Limit, LocalTime, PastStart, Recurring, time_said
from bot.core.values import Verdict

BERLIN = "Europe/Berlin"
WEEKEND = Recurring(4 * DAY + 16 * 60, 8 * 60, WEEK, BERLIN, "from Fri 16:00 to Mon 08:00")
NIGHT = Recurring(18 * 60, 8 * 60, DAY, BERLIN, "from 18:00 to 08:00 every day")
NOON = Recurring(12 * 60, 13 * 60, DAY, BERLIN, "from 12:00 to 13:00 every day")
YEAR_END = Dated("2026-12-20T00:00", "2027-01-04T08:00", BERLIN, "from 2026-12-20 to 2027-01-04 08:00")
CASE = Case("deploy", "ci", "production", "checkout", "high", False, "U1", "C1")


def at(stamp: str) -> LocalTime:
    """What Berlin's clocks show at a moment of UTC."""
    return clocks_at(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp())(BERLIN)


@pytest.mark.parametrize(
    ("window", "stamp", "holds"),
    [
        (WEEKEND, "2026-11-27T14:59", False),
        (WEEKEND, "2026-11-27T15:00", True),
        (WEEKEND, "2026-11-29T12:00", True),
        (WEEKEND, "2026-11-30T06:59", True),
        (WEEKEND, "2026-11-30T07:00", False),
        (NIGHT, "2026-11-25T16:59", False),
        (NIGHT, "2026-11-25T17:00", True),
        (NIGHT, "2026-11-26T06:59", True),
        (NIGHT, "2026-11-26T07:00", False),
        (NOON, "2026-11-26T11:00", True),
        (NOON, "2026-11-26T12:00", False),
        (YEAR_END, "2026-12-19T22:59", False),
        (YEAR_END, "2026-12-19T23:00", True),
        (YEAR_END, "2027-01-04T06:59", True),
        (YEAR_END, "2027-01-04T07:00", False),
    ],
)
def test_a_window_holds_from_its_beginning_up_to_its_end(window: Recurring | Dated, stamp: str, holds: bool) -> None:
    assert window.holds(at(stamp)) is holds


def test_a_window_moves_with_the_clocks_of_its_zone() -> None:
    assert NOON.holds(at("2026-07-01T10:30")) and not NOON.holds(at("2026-07-01T11:30"))
    assert NOON.holds(at("2026-12-01T11:30")) and not NOON.holds(at("2026-12-01T10:30"))
    assert NIGHT.holds(at("2026-03-29T05:59")) and not NIGHT.holds(at("2026-03-29T06:00"))


@pytest.mark.parametrize(
    ("window", "stamp", "ends"),
    [
        (WEEKEND, "2026-11-27T15:00", "2026-11-30T07:00"),
        (WEEKEND, "2026-11-30T06:59", "2026-11-30T07:00"),
        (WEEKEND, "2026-10-23T14:00", "2026-10-26T07:00"),
        (NIGHT, "2026-11-25T17:00", "2026-11-26T07:00"),
        (NIGHT, "2026-03-28T18:00", "2026-03-29T06:00"),
        (YEAR_END, "2026-12-24T12:00", "2027-01-04T07:00"),
    ],
)
def test_a_window_ends_by_the_clocks_of_its_zone(window: Recurring | Dated, stamp: str, ends: str) -> None:
    moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
    assert window_end(window, moment).astimezone(UTC) == datetime.fromisoformat(ends).replace(tzinfo=UTC)


def test_a_window_stops_what_its_rule_fits_and_no_reading() -> None:
    rule = Rule("weekend", Match(environment=("production",)), windows=(NOON, WEEKEND))
    saturday, monday = (lambda zone: at("2026-11-28T12:00")), (lambda zone: at("2026-11-30T12:00"))
    assert closed(Policy(rules=(rule,)), CASE, saturday) == ("weekend", WEEKEND)
    assert closed(Policy(rules=(rule,)), CASE, monday) is None
    reading = Case("look", "ci", "production", "checkout", "low", True, "U1", "C1")
    staging = Case("deploy", "ci", "staging", "checkout", "low", False, "U1", "C1")
    assert closed(Policy(rules=(rule,)), reading, saturday) is closed(Policy(rules=(rule,)), staging, saturday) is None


STARTS = (PastStart("deploy", "U1", 0.0), PastStart("deploy", "U2", 10.0), PastStart("scale", "U1", 20.0))


@pytest.mark.parametrize(
    ("limit", "now", "over"),
    [
        (Limit(2, 60, True, False), 30.0, True),
        (Limit(3, 60, True, False), 30.0, False),
        (Limit(2, 60, False, True), 30.0, True),
        (Limit(2, 60, True, True), 30.0, False),
        (Limit(1, 60, True, True), 30.0, True),
        (Limit(2, 60, True, False), 60.0, False),
        (Limit(2, 60, True, False), 59.9, True),
        (Limit(2, 60, True, False), 5.0, True),  # its moment is behind theirs, or its clock was put back
    ],
)
def test_a_limit_counts_what_started_of_the_action_by_the_person_within_its_time(
    limit: Limit, now: float, over: bool
) -> None:
    rule = Rule("calm", limits=(limit,))
    assert limited(Policy(rules=(rule,)), CASE, STARTS, now) == (Limited("calm", limit) if over else None)


def test_of_several_limits_that_are_reached_the_strictest_counts() -> None:
    ask, deny = Limit(1, 60, True, False, Verdict.ASK), Limit(1, 60, True, False)
    rules = (Rule("a", limits=(ask,)), Rule("b", limits=(deny,)))
    assert limited(Policy(rules=rules), CASE, STARTS, 30.0) == Limited("b", deny)
    assert limited(Policy(rules=rules[:1]), CASE, STARTS, 30.0) == Limited("a", ask)


WINDOWS = st.lists(st.sampled_from((WEEKEND, NIGHT, NOON, YEAR_END)), max_size=2).map(tuple)
LIMITS = st.lists(
    st.builds(
        Limit, st.integers(1, 4), st.sampled_from((60, 3_600)), st.booleans(), st.booleans(), st.sampled_from(Verdict)
    ),
    max_size=2,
).map(tuple)
RULES = st.lists(
    st.builds(Rule, st.just("rule"), windows=WINDOWS, limits=LIMITS, shadow=st.booleans()), max_size=5
).map(tuple)
PAST = st.lists(
    st.builds(PastStart, st.sampled_from(("deploy", "other")), st.sampled_from(("U1", "U2")), st.floats(0, 7_200)),
    max_size=8,
)
MOMENTS = ("2026-11-27T15:00", "2026-11-25T11:30", "2026-11-25T20:00", "2026-12-24T10:00", "2026-11-26T09:00")


@given(RULES, st.sampled_from(MOMENTS), PAST)
def test_what_one_rule_holds_back_every_combination_with_it_holds_back(
    rules: tuple[Rule, ...], stamp: str, starts: list[PastStart]
) -> None:
    """No combination of rules is weaker than its strictest, for what holds back a start too; what is on trial holds back nothing."""
    together, alone = Policy(rules=rules), [Policy(rules=(rule,)) for rule in rules]
    held = [closed(policy, CASE, lambda zone: at(stamp)) for policy in alone]
    assert (closed(together, CASE, lambda zone: at(stamp)) is not None) is any(held)
    found = [each for policy in alone if (each := limited(policy, CASE, starts, 7_200.0)) is not None]
    most = limited(together, CASE, starts, 7_200.0)
    order = list(Verdict)
    strictest = max((order.index(each.limit.verdict) for each in found), default=None)
    assert (None if most is None else order.index(most.limit.verdict)) == strictest
    assert not any(
        rule.shadow and (held[n] or limited(alone[n], CASE, starts, 7_200.0)) for n, rule in enumerate(rules)
    )


def test_times_are_said_by_their_two_largest_units() -> None:
    assert [time_said(each) for each in (0, 59, 60, 14_400, 100_000)] == [
        "less than a minute",
        "less than a minute",
        "1 min",
        "4 h",
        "1 d 3 h",
    ]
