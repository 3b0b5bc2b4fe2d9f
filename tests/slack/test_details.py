"""What a card had to shorten is behind Details: whole, or with the number of characters that are not shown."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.core.call import Call
from bot.core.events import CallRefused, Doubted, Finished, FreezeNoted, Settled, Started
from bot.core.run import Run
from bot.core.values import Answer as Said
from bot.core.values import Choice, Ground, Person
from bot.slack import limits
from bot.slack.blocks import Block, size_of
from bot.slack.cards import card
from bot.slack.facts import COMMENT_CHARACTERS
from bot.slack.views import Subject, deny_view, details_view, review_view
from bot.workspace.blockkit import check_message_blocks, check_view
from tests.slack.made import (
    ALICE,
    APPROVAL,
    CALL,
    CARD,
    DAN,
    QUESTION,
    T0,
    asked_run,
    binding,
    call_of,
    every_phase,
    judgement,
    terms,
    voted,
)
from tests.slack.reading import buttons, objects, preformatted, words

PHASES = dict(every_phase())
STARTED = (voted(), Started(CALL, "t1", "w"))
LONG = "".join(f"{n:04} because\n" for n in range(70))
"""840 characters in 70 lines, none like another."""


def details(run: Run) -> Block:
    view = details_view(run, call_of(run))
    check_view(json.loads(json.dumps(view)), "modal")
    assert size_of(view) <= limits.VIEW_BYTES, "as the SDK sends it, which is more than in UTF-8"
    return view


def texts(view: Block) -> list[str]:
    return [str(each["text"]) for each in objects(view) if each.get("type") == "text"]


def holds(view: Block, text: str) -> bool:
    """Whether ``text`` stands in a view, its pieces joined."""
    return text in "".join(texts(view))


def failed(reason: str, output: str = "") -> Run:
    return asked_run(None, None, None, *STARTED, Finished(CALL, "t1", False, output, 0.3, reason))


def buttons_of(run: Run) -> set[str]:
    message = card(run, call_of(run))
    check_message_blocks(json.loads(json.dumps(message.blocks)))
    return set(buttons(message.blocks))


SHORTENED = {
    "a denial's comment": asked_run(None, None, None, voted(DAN, Choice.DENY, LONG)),
    "an approval's comment": asked_run(None, None, None, voted(comment=LONG)),
    "a failure": failed(LONG),
    "a refusal": asked_run(None, None, None, CallRefused(CALL, Ground.BLOCKED, LONG)),
    "the guard's reason": asked_run(None, judgement(reason=LONG), None, voted(DAN, Choice.DENY, "no")),
    "the safer action": asked_run(None, judgement(better_action=LONG), None, voted(DAN, Choice.DENY, "no")),
    "the target": asked_run(binding(target=LONG), None, None, voted(DAN, Choice.DENY, "no")),
    "the model's words": asked_run(None, None, None, voted(DAN, Choice.DENY, "no"), words=LONG),
    "the rule": asked_run(None, None, terms(rule=LONG), voted(DAN, Choice.DENY, "no")),
}


@pytest.mark.parametrize("what", [each for each in SHORTENED if each != "the rule"])
def test_a_card_that_shortened_anything_has_details(what: str) -> None:
    assert "details" in buttons_of(SHORTENED[what])


def test_details_show_the_whole_reason_of_a_freeze() -> None:
    run = asked_run(None, None, None, FreezeNoted(CALL, "all", "U0DAN", T0, LONG))
    assert "(shortened)” No approval counts" in words(card(run, call_of(run)).blocks)
    assert holds(details(run), LONG.strip())


def test_a_decided_card_that_shows_everything_needs_no_details() -> None:
    assert buttons_of(PHASES["denied"]) == set()


@pytest.mark.parametrize("what", SHORTENED)
def test_details_show_whole_what_the_card_shortened(what: str) -> None:
    view = details(SHORTENED[what])
    assert holds(view, LONG.strip()) and "not shown" not in words(view)


@pytest.mark.parametrize("size", [7_000, 30_000, 120_000])
def test_a_long_reason_is_whole_over_several_blocks(size: int) -> None:
    reason = "".join(f"{n:06} " for n in range(size // 7))
    view = details(asked_run(None, judgement(reason=reason)))
    assert holds(view, reason) and "not shown" not in words(view)


def test_what_does_not_fit_says_how_many_characters_are_missing() -> None:
    reason = "x" * 400_000
    view = details(asked_run(None, judgement(reason=reason), None, *STARTED, Finished(CALL, "t1", True, "y" * 50, 1.0)))
    pieces = [text for text in texts(view) if set(text) == {"x"}]
    missing = len(reason) - sum(map(len, pieces))
    assert 0 < missing < 300_000 and f"{missing:,} of 400,000 characters are not shown here" in words(view)


def test_the_output_says_how_much_is_missing_when_the_arguments_fill_the_view() -> None:
    arguments: dict[str, Any] = {"text": "a" * 200_000}
    run = asked_run(binding(arguments), judgement(reason="r" * 9_000), None, *STARTED)
    run = replace(run, calls=(replace(call_of(run), output="o" * 90_000),))
    view = details(run)
    shown = sum(text.count("o") for text in texts(view) if set(text) == {"o"})
    assert f"{90_000 - shown:,} of 90,000 characters are not shown here" in words(view)
    assert '"' + "a" * 1_000 in preformatted(view)


@pytest.mark.parametrize("letter", ["x", "é", "\u4e2d", "\U00020000", "\u200b"])
def test_a_comment_as_long_as_the_form_takes_is_shown_whole(letter: str) -> None:
    """The worst case: three comments in letters that need twelve bytes, beside the largest arguments of a review."""
    (typed,) = [each for each in objects(deny_view(call_of(asked_run()), SUBJECT)) if "max_length" in each]
    assert typed["max_length"] == COMMENT_CHARACTERS
    (typed,) = [each for each in objects(review_view(*pair(asked_run()), SUBJECT)) if "max_length" in each]
    assert typed["max_length"] == COMMENT_CHARACTERS
    comment = letter * COMMENT_CHARACTERS
    votes = [voted(Person("T0ACME", f"U0V{n}"), comment=comment) for n in range(3)]
    run = asked_run(binding({"text": "a" * 200_000}), None, terms(quorum=4), *votes)
    view = details(run)
    whole = letter if letter != "\u200b" else "\\u{200b}"
    assert "".join(texts(view)).count(whole) >= 3 * COMMENT_CHARACTERS
    assert "details" in buttons_of(run)


def test_a_hundred_votes_fit_a_card_and_its_details() -> None:
    votes = [voted(Person("T0ACME", f"U0V{n:02}"), comment=f"vote {n:02} " + "c" * 990) for n in range(99)]
    run = asked_run(binding({"text": "a" * 2_000}), judgement(reason="r" * 9_000), terms(quorum=100), *votes)
    message = card(run, call_of(run))
    check_message_blocks(json.loads(json.dumps(message.blocks)))
    shown = words(message.blocks)
    assert "vote 98" in shown and "vote 00" not in shown and "91 earlier votes" in shown
    view = details(run)
    for n in range(99):
        assert f"<@U0V{n:02}>" in words(view) and f"vote {n:02}" in words(view)


def test_voters_whose_comments_do_not_fit_are_named_all_the_same() -> None:
    comment = "\U00020000" * COMMENT_CHARACTERS
    votes = [voted(Person("T0ACME", f"U0V{n:02}"), comment=comment) for n in range(99)]
    view = details(asked_run(None, None, terms(quorum=100), *votes))
    assert all(f"<@U0V{n:02}>" in words(view) for n in range(99))
    shown, cut = words(view).count("\U00020000"), words(view).count("960 of 1,000 characters are not shown here")
    assert cut > 0 and shown == (99 - cut) * COMMENT_CHARACTERS + cut * 40


def pair(run: Run) -> tuple[Run, Call]:
    return run, call_of(run)


SUBJECT = Subject(APPROVAL, "C0OPS", CARD)


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_has_details_that_say_what_became_of_it(phase: str) -> None:
    run = PHASES[phase]
    view = details(run)
    assert "submit" not in view and "grant_access · okta · production" in words(view)
    said = {
        "asking:0": "Why you:",
        "allowed": "Approved; it has not started yet.",
        "started": "Running…",
        "executed": "Executed in 2.1 s",
        "failed": "Failed after 0.3 s",
        "denied": "too broad",
        "blocked": "Forbidden by policy.",
        "in_doubt": "Nobody knows whether this ran.",
        "in_doubt:unknown": "Still unknown",
        "settled: ran": "It ran",
        "settled: did not run": "It did not run",
        "expired": "Nobody decided in time.",
    }
    assert said.get(phase, "digest") in words(view)


def test_an_action_in_doubt_that_nobody_was_asked_about_has_details_by_its_question() -> None:
    """Allowed by the guard alone, then lost: there is no approval, only the question what happened."""
    run = asked_run(None, judgement(reason=LONG), None, *STARTED, Doubted(CALL, "t1", QUESTION))
    run = replace(run, calls=(replace(call_of(run), approval=None),))
    assert buttons(card(run, call_of(run)).blocks)["details"]["value"] == QUESTION
    view = details(run)
    assert holds(view, LONG) and "Nobody knows whether this ran." in words(view)


def test_what_somebody_noted_about_an_action_in_doubt_is_shown() -> None:
    run = asked_run(None, None, None, *STARTED, Doubted(CALL, "t1", QUESTION), Settled(CALL, Said.DID_RUN, DAN, LONG))
    assert "0000 because" in words(card(run, call_of(run)).blocks) and "details" in buttons_of(run)
    assert holds(details(run), LONG)


def test_hostile_texts_stay_texts_in_details() -> None:
    hostile = "<!channel> <@U0EVE> \u202e*x*\n" * 60
    run = asked_run(None, judgement(reason=hostile), None, voted(DAN, Choice.DENY, hostile), words=hostile)
    view = details(run)
    assert {each["user_id"] for each in objects(view) if each.get("type") == "user"} <= {ALICE.user, DAN.user}
    assert "\u202e" not in words(view) and "mrkdwn" not in json.dumps(view)


def test_an_action_without_output_is_said_to_be_executed() -> None:
    run = asked_run(None, None, None, *STARTED, Finished(CALL, "t1", True, "", 1.0))
    assert buttons_of(run) == set() and "Executed in 1.0 s" in words(details(run))


def test_a_question_that_nobody_answered_says_so() -> None:
    run = asked_run(None, None, None, *STARTED, Doubted(CALL, "t1", QUESTION), Settled(CALL, Said.UNKNOWN, None))
    assert "nobody said what happened" in words(card(run, call_of(run)).blocks)
