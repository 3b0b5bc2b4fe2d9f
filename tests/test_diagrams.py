"""The diagrams that people read are the tables that decide."""

import pytest

from bot.core.call import CALL_TRANSITIONS, CallState
from bot.core.events import Started
from tests.print_transitions import PAGE, diagram, printed


def test_the_page_shows_the_tables_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == printed(page), "run `python -m tests.print_transitions --write`"


def test_a_move_that_is_taken_away_changes_the_diagram() -> None:
    fewer = {key: value for key, value in CALL_TRANSITIONS.items() if key != (CallState.ALLOWED, Started)}
    assert "allowed --> started: Started" in diagram(CALL_TRANSITIONS, CallState.PROPOSED)
    assert "allowed --> started" not in diagram(fewer, CallState.PROPOSED)


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="diagram of the run"):
        printed("no markers here")
