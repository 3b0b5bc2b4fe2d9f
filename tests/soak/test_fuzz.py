"""The short form of T6, with its own seed: the same code that `make soak` runs whole."""

from bot.sql.store import open_store
from tests.soak.fuzz import answers_over_http, argument_sets
from tests.soak.report import Line
from tests.soak.tampering import found_by_the_chain, tampered_approvals

SEED = 5


def holds(line: Line) -> None:
    assert line.violations == 0, line
    assert line.floor_met, line


async def test_r8_what_bighub_answers_over_http_runs_only_where_it_is_a_whole_allowance() -> None:
    holds(await answers_over_http(SEED, 120))


async def test_r6_generated_arguments_are_the_same_on_the_card_in_the_database_and_at_the_action() -> None:
    holds(await argument_sets(SEED, 300))


async def test_r6_s31_of_a_changed_database_nothing_runs_but_what_was_approved(database_url: str) -> None:
    store = open_store(database_url)
    holds(await tampered_approvals("the test", store, SEED, 0.02))
    await store.close()


async def test_r18_a_tampering_of_the_journal_is_found(database_url: str) -> None:
    store = open_store(database_url)
    holds(await found_by_the_chain("the test", store, SEED, 0.04))
    await store.close()
