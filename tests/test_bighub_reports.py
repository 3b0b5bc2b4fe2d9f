"""Promises about the words that BIGHUB is told."""

import pytest

from bot.bighub_reports import choose_status, reported_statuses, words
from bot.core.call import Outcome


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_ran_is_ever_called_a_success_or_a_failure(outcome: Outcome) -> None:
    status = choose_status(outcome, frozenset({"SUCCESS", "FAILURE"}))
    assert (status in ("SUCCESS", "FAILURE")) == (outcome in (Outcome.EXECUTED, Outcome.FAILED))


def test_a_word_that_bighub_offers_is_preferred_to_one_that_it_does_not() -> None:
    assert choose_status(Outcome.DENIED, frozenset({"REJECTED", "SUCCESS"})) == "REJECTED"
    assert choose_status(Outcome.DENIED, frozenset()) == "DENIED"


@pytest.mark.parametrize(
    "taxonomy",
    [
        ["SUCCESS", "BLOCKED"],
        {"statuses": ["SUCCESS", "BLOCKED"]},
        {"SUCCESS": "it worked", "BLOCKED": {"label": "no"}},
    ],
)
def test_the_taxonomy_is_read_in_any_shape(taxonomy: object) -> None:
    assert words(taxonomy) == {"SUCCESS", "BLOCKED"}


@pytest.mark.parametrize(
    ("known", "statuses"),
    [
        ({"status": "success"}, {"SUCCESS"}),
        ({"outcome": {"status": "FAILURE"}}, {"FAILURE"}),
        ({"outcomes": [{"status": "A"}, {"status": "B"}]}, {"A", "B"}),
        ({}, set()),
        ("nonsense", set()),
    ],
)
def test_reported_outcomes_are_found_however_they_are_wrapped(known: object, statuses: set[str]) -> None:
    assert reported_statuses(known) == statuses
