"""S1, S6: a card says what its turn had read that nobody has checked, in words of our own."""

import json

import pytest

from bot.slack.cards import card
from bot.slack.unchecked import HAS_READ, MOST_IN_DETAILS, MOST_NAMED
from bot.slack.views import details_view, review_view
from bot.workspace.blockkit import check_view
from tests.slack.made import asked_run, call_of, terms, voted
from tests.slack.reading import words
from tests.slack.test_cards import SUBJECT, drawn

READ = ("output:read_log", "user:U0DAN")


def test_s1_the_card_says_what_was_read_after_who_decides_and_before_what_the_guard_says() -> None:
    text = words(drawn(asked_run(agreed=terms(tainted=READ))).blocks)
    order = ["Why you: ", f"⚠ {HAS_READ}", "the output of read_log", "words of  <@U0DAN>", "BIGHUB: "]
    places = [text.index(each, text.index("Why you")) for each in order]
    assert places == sorted(places)


def test_s1_whoever_only_hears_the_card_is_told_too_and_nobody_of_a_turn_that_read_nothing() -> None:
    assert f"{HAS_READ}the output of read_log, words of <@U0DAN>." in drawn(asked_run(agreed=terms(tainted=READ))).text
    plain = drawn(asked_run())
    assert HAS_READ not in plain.text and HAS_READ not in words(plain.blocks)


def test_s1_it_stays_on_the_card_after_the_decision_and_stands_in_review_and_details() -> None:
    decided = asked_run(None, None, terms(tainted=READ), voted())
    waiting = asked_run(agreed=terms(tainted=READ))
    shown = [card(decided, call_of(decided)).blocks]
    shown += [[review_view(waiting, call_of(waiting), SUBJECT)], [details_view(decided, call_of(decided))]]
    assert all("the output of read_log" in words(blocks) for blocks in shown)


@pytest.mark.parametrize("more", [0, 1, 40])
def test_s1_of_many_the_card_names_some_and_counts_the_others_and_details_name_all(more: int) -> None:
    names = tuple(f"output:read_{n:03}" for n in range(MOST_NAMED + more))
    run = asked_run(agreed=terms(tainted=names))
    message, details = drawn(run), words(details_view(run, call_of(run)))
    assert sum(name.removeprefix("output:") in words(message.blocks) for name in names) == MOST_NAMED
    assert (f" and {more} more" in words(message.blocks)) is (f" and {more} more." in message.text) is (more > 0)
    assert all(name.removeprefix("output:") in details for name in names)


def test_details_of_a_turn_that_has_read_everything_are_within_slacks_limits() -> None:
    names = (*(f"output:{n:03}{'o' * 61}" for n in range(128)), *(f"user:U0{n:03}" for n in range(200)))
    run = asked_run(agreed=terms(tainted=names))
    check_view(json.loads(json.dumps(details_view(run, call_of(run)))), "modal")
    assert f" and {len(names) - MOST_IN_DETAILS} more" in words(details_view(run, call_of(run)))


def test_s1_s9_the_card_says_whose_approval_alone_is_not_enough_because_the_turn_had_read_their_words() -> None:
    shown = drawn(asked_run(agreed=terms(tainted=READ, not_alone=("U0DAN",))))
    assert "words of <@U0DAN> , whose approval alone is not enough" in " ".join(words(shown.blocks).split())
    assert "words of <@U0DAN>, whose approval alone is not enough." in shown.text
    before = drawn(asked_run(agreed=terms(tainted=READ)))  # asked by a release that let them
    assert "alone is not enough" not in words(before.blocks) + before.text
