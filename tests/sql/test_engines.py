"""A database URL: what is understood, and the sentence for what is not."""

import traceback
from contextlib import chdir
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.errors import ConfigurationError
from bot.ports import Unavailable
from bot.sql.engines import (
    WrongStatementError,
    is_sqlite,
    normalise,
    own_errors,
    postgres_engine,
    sqlite_file,
    sqlite_readers,
    sqlite_writer,
)
from bot.sql.store import open_store
from tests.databases import Postgres


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"])
def test_sqlite_urls_name_a_file(scheme: str, tmp_path: Path) -> None:
    url = normalise(f"{scheme}:///{tmp_path}/signoff.db")
    assert (url.drivername, url.database) == ("sqlite", f"{tmp_path}/signoff.db")


def test_r11_however_a_sqlite_file_is_spelled_it_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "alias.db").symlink_to("signoff.db")  # which is not there yet
    (tmp_path / "elsewhere").symlink_to(tmp_path)
    names = ("signoff.db", "./signoff.db", "folder/../signoff.db", "alias.db", "elsewhere/signoff.db")
    with chdir(tmp_path):
        for each in (f"/{tmp_path}/signoff.db", *names):
            assert sqlite_file(f"sqlite:///{each}") == tmp_path.resolve() / "signoff.db", each
            assert normalise(f"sqlite+aiosqlite:///{each}").database == str(tmp_path.resolve() / "signoff.db")


@pytest.mark.parametrize("more", ["?timeout=5", "?mode=ro&cache=shared"])
def test_r11_a_sqlite_url_with_options_is_refused_in_a_sentence(more: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="takes a path and nothing else"):
        sqlite_file(f"sqlite:///{tmp_path}/signoff.db{more}")


def test_a_path_that_leads_nowhere_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "loop.db").symlink_to(tmp_path / "loop.db")
    for path in (f"{tmp_path}/loop.db", f"{tmp_path}/a\0b.db"):
        with pytest.raises(ConfigurationError, match="DATABASE_URL"):
            sqlite_file(f"sqlite:///{path}")


def test_postgres_is_no_file() -> None:
    assert sqlite_file("postgresql://db.example/signoff") is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_postgres_urls_get_the_driver_that_is_used(scheme: str) -> None:
    url = normalise(f"{scheme}://signoff:secret@db.example/signoff?sslmode=require")
    assert url.drivername == "postgresql+asyncpg"
    assert (url.username, url.password, url.host, url.database) == ("signoff", "secret", "db.example", "signoff")
    assert dict(url.query) == {"ssl": "require"}


@pytest.mark.parametrize("url", ["", "signoff.db", "mysql://localhost/signoff", "postgresql+psycopg2://h/d", "://"])
def test_another_kind_of_database_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL is no database that Signoff knows\. Use sqlite:///"):
        normalise(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_that_would_be_forgotten_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="names no file"):
        normalise(url)


def test_a_path_that_cannot_be_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, sentence in (
        (tmp_path, "names a directory"),
        (tmp_path / "none" / "x.db", "does not exist"),
        (tmp_path / "file" / "x.db", "does not exist"),
    ):
        with pytest.raises(ConfigurationError, match=sentence) as refused:
            normalise(f"sqlite:///{path}")
        assert "DATABASE_URL" in refused.value.tell


def test_a_refusal_never_shows_the_password() -> None:
    with pytest.raises(ConfigurationError) as refused:
        normalise("mysql://signoff:secret@db.example/signoff")
    assert "secret" not in refused.value.tell


SECRET = "the-sentence-that-alice-wrote"
INSERT = """INSERT INTO freezes (scope, reason, "by", since) VALUES (:scope, :reason, :by, 0)"""


async def test_the_error_of_a_failing_statement_holds_no_parameter(database_url: str) -> None:
    url = normalise(database_url)
    engine = sqlite_writer(url) if is_sqlite(url) else postgres_engine(url)
    with pytest.raises(WrongStatementError, match="INSERT INTO freezes") as wrong, own_errors():
        async with engine.connect() as connection:
            await connection.execute(text(INSERT), {"scope": SECRET, "reason": SECRET, "by": None})
    assert SECRET not in "".join(traceback.format_exception(wrong.value))
    await engine.dispose()


async def test_a_reader_that_is_made_to_write_says_no_parameter_either(sqlite_url: str) -> None:
    engine = sqlite_readers(normalise(sqlite_url))
    with pytest.raises(Unavailable, match="readonly") as absent, own_errors():
        async with engine.connect() as connection:
            await connection.execute(text(INSERT), {"scope": SECRET, "reason": SECRET, "by": SECRET})
    assert SECRET not in "".join(traceback.format_exception(absent.value))
    await engine.dispose()


async def test_the_text_of_a_database_that_does_not_answer_holds_no_parameter(sqlite_url: str) -> None:
    engine = sqlite_writer(normalise(sqlite_url))
    with pytest.raises(Unavailable) as absent, own_errors():
        async with engine.connect() as connection:
            await connection.execute(text("INSERT INTO nothing VALUES (:value)"), {"value": SECRET})
    assert SECRET not in "".join(traceback.format_exception(absent.value))
    await engine.dispose()


async def test_a_postgres_without_tables_or_without_the_database_is_unavailable_not_a_fault_of_ours(
    postgres: Postgres,
) -> None:
    for url, words in ((postgres.create("template0"), "no tables"), (postgres.url("none_such"), "does not exist")):
        store = open_store(url)
        with pytest.raises(Unavailable, match=words):
            await store.read(lambda tx: tx.open_approvals(None))
        await store.close()


async def test_r2_a_process_that_is_stopped_in_a_transaction_does_not_keep_a_run_from_the_others(
    postgres_url: str,
) -> None:
    engine = postgres_engine(normalise(postgres_url))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"
    await engine.dispose()
