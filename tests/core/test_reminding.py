"""When a reminder is owed, and to whom: read off the terms, and off when the last one was really given (S14)."""

from dataclasses import replace

from bot.core.approval import Approval, Vote
from bot.core.effects import Effect, Remind, Summon
from bot.core.events import Reminded
from bot.core.reminding import owed, told
from bot.core.values import ApprovalId, Choice, Person, Summons, Terms

A = ApprovalId("ap")
OPEN = Approval(Terms(A, ("user:U1", "user:U2"), 2, False, 10_000.0, remind_after=100.0), "digest", 1_000.0)


def effects(approval: Approval, *done: str) -> list[Effect]:
    return list(owed(approval, lambda key: key in done))


def reminded(approval: Approval, number: int, at: float, *summons: Summons) -> Approval:
    after = told(approval, Reminded(A, f"remind:{A}:{number}", "ts", summons), at)
    assert isinstance(after, Approval)
    return after


def test_each_reminder_comes_after_twice_the_wait_before_it_counted_from_when_that_was_given() -> None:
    assert effects(OPEN) == [Remind(A, 1, 1_100.0)]
    once = reminded(OPEN, 1, 5_000.0)
    assert effects(once) == [Remind(A, 2, 5_200.0)]
    assert effects(reminded(once, 2, 5_300.0)) == [Remind(A, 3, 5_700.0)]


def test_no_reminder_is_owed_at_or_after_the_expiry() -> None:
    assert effects(reminded(OPEN, 1, 9_800.0)) == []


def test_who_votes_before_their_quiet_hours_end_is_left_alone() -> None:
    waiting = reminded(OPEN, 1, 1_100.0, Summons("U1", 1_200.0), Summons("U2", 1_250.0))
    assert [each.user for each in effects(waiting) if isinstance(each, Summon)] == ["U1", "U2"]
    voted = replace(waiting, votes=(Vote(Person("T1", "U1"), Choice.APPROVE, "", 1_150.0, "slack", ""),))
    assert [each.user for each in effects(voted) if isinstance(each, Summon)] == ["U2"]


def test_r20_who_voted_before_the_terms_were_tightened_is_told_only_by_a_reminder_that_came_after() -> None:
    mine = Vote(Person("T1", "U1"), Choice.APPROVE, "", 1_050.0, "slack", "")
    before = reminded(replace(OPEN, votes=(mine,)), 1, 1_100.0, Summons("U1", 1_200.0))
    since = replace(before, earlier=(OPEN.terms,), tightened_at=1_150.0)
    assert not any(isinstance(each, Summon) for each in (*effects(before), *effects(since)))
    again = reminded(since, 2, 1_300.0, Summons("U1", 1_300.0))
    assert [each.user for each in effects(again) if isinstance(each, Summon)] == ["U1"]
    given = replace(again, votes=(replace(mine, at=1_350.0, under=1),))
    assert not any(isinstance(each, Summon) for each in effects(given))


def test_a_person_hears_only_what_is_newest_and_each_thing_once() -> None:
    asleep = reminded(OPEN, 1, 1_100.0, Summons("U1", 4_000.0))
    assert effects(asleep) == [Remind(A, 2, 1_300.0)], "the next reminder comes before they may be told"
    again = reminded(asleep, 2, 1_300.0, Summons("U1", 1_500.0))
    summon = Summon(A, f"remind:{A}:2", "U1", 1_500.0)
    assert summon in effects(again) and summon not in effects(again, summon.key)
