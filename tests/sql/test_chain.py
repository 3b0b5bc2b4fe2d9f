"""The chain: whatever is done to a stored journal, the first bad row is found (contract R18), and nobody acts on it."""

from collections.abc import AsyncIterator

import pytest

from bot.core.faults import BrokenJournal
from bot.core.values import RunId
from bot.ports import Conflict
from bot.sql.rebuild import Verified, verify_chain
from bot.sql.store import SqlStore, open_store
from bot.sql.writer import SqlWriter
from tests.sql.samples import approved, asked, journal, record, said, story

HONEST = Verified(runs=2, events=10)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    await record(opened, "run", *story(), approved())
    await record(opened, "other", asked(), said(1))
    yield opened
    await opened.close()


async def do(store: SqlStore, *statements: str) -> None:
    async def work(writer: SqlWriter) -> None:
        for statement in statements:
            await writer.connection.exec_driver_sql(statement)

    await store.write(work)


async def verified(store: SqlStore) -> Verified:
    return await store.read(verify_chain)


async def test_an_honest_journal_verifies(store: SqlStore) -> None:
    assert await verified(store) == HONEST


SWAP = (
    "UPDATE events SET seq = 100 WHERE run = 'run' AND seq = 3",
    "UPDATE events SET seq = 3 WHERE run = 'run' AND seq = 4",
    "UPDATE events SET seq = 4 WHERE run = 'run' AND seq = 100",
)
TAMPERINGS = {
    "a changed body": (3, ["UPDATE events SET body = replace(body, '\"quorum\":1', '\"quorum\":0') WHERE run = 'run'"]),
    "a changed time": (5, ["UPDATE events SET at = at + 1 WHERE run = 'run' AND seq = 5"]),
    "a changed kind": (2, ["UPDATE events SET kind = 'Said' WHERE run = 'run' AND seq = 2"]),
    "a changed hash": (4, ["UPDATE events SET hash = 'x' WHERE run = 'run' AND seq = 4"]),
    "a changed order": (3, list(SWAP)),
    "a hole": (6, ["DELETE FROM events WHERE run = 'run' AND seq = 6"]),
    "no beginning": (1, ["DELETE FROM events WHERE run = 'run' AND seq = 1"]),
    "a row of another run": (
        8,
        [
            "DELETE FROM events WHERE run = 'run' AND seq = 8",
            "UPDATE events SET run = 'run', seq = 8 WHERE run = 'other' AND seq = 2",
            "DELETE FROM events WHERE run = 'other'",
            "DELETE FROM runs WHERE run = 'other'",
        ],
    ),
    "a renamed run": (
        1,
        ["UPDATE events SET run = 'new' WHERE run = 'run'", "UPDATE runs SET run = 'new' WHERE run = 'run'"],
    ),
    "a changed content": (1, ["UPDATE contents SET bytes = (SELECT max(bytes) FROM contents)"]),
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_the_first_bad_row_is_found(store: SqlStore, name: str) -> None:
    seq, statements = TAMPERINGS[name]
    await do(store, *statements)
    found = await verified(store)
    assert found.fault is not None
    assert found.fault.seq == seq
    assert ("missing" in found.fault.reason) == (name in ("a hole", "no beginning"))
    with pytest.raises(BrokenJournal):
        for run in ("run", "other", "new"):
            await journal(store, run)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events WHERE run = 'run' AND seq = 8",
        "DELETE FROM events WHERE run = 'run'",
        "DELETE FROM runs WHERE run = 'run'",
        "UPDATE runs SET head_hash = 'x' WHERE run = 'run'",
        "UPDATE runs SET length = 7 WHERE run = 'run'",
    ],
)
async def test_a_cut_end_shows_against_the_runs_own_row(store: SqlStore, statement: str) -> None:
    await do(store, statement)
    found = await verified(store)
    assert found.fault is not None
    assert found.fault.run == "run"


async def test_nobody_appends_to_a_journal_that_was_cut(store: SqlStore) -> None:
    await do(store, "DELETE FROM events WHERE run = 'other' AND seq = 2")
    with pytest.raises(Conflict):
        await record(store, "other", said(3))


async def test_what_is_read_after_a_known_event_is_checked_too(store: SqlStore) -> None:
    await do(store, "UPDATE events SET at = at + 1 WHERE run = 'run' AND seq = 7")
    with pytest.raises(BrokenJournal, match="event 7 is not the one that was written"):
        await journal(store, "run", after=6)
    await do(store, "DELETE FROM events WHERE run = 'run' AND seq = 5")
    with pytest.raises(BrokenJournal, match="event 5 is missing"):
        await journal(store, "run", after=5)


async def test_a_purged_content_keeps_the_chain_valid(store: SqlStore) -> None:
    """Retention and uninstall empty `contents`; the journal stays verifiable and readable."""
    before = await journal(store, RunId("run"))
    await do(store, "DELETE FROM contents")
    assert await verified(store) == HONEST
    after = await journal(store, RunId("run"))
    assert [recorded.seq for recorded in after] == [recorded.seq for recorded in before]
    assert after[0].event == asked("[removed]")
    await record(store, "run", said(2, "still going"))
    assert (await journal(store, "run"))[-1].event == said(2, "still going")
    assert await verified(store) == Verified(2, 11)
