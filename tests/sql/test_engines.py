"""A database URL: what is understood, and the sentence for what is not."""

from pathlib import Path

import pytest

from bot.errors import ConfigurationError
from bot.sql.engines import normalise


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_sqlite_urls_name_a_file(scheme: str, tmp_path: Path) -> None:
    url = normalise(f"{scheme}:///{tmp_path}/signoff.db")
    assert (url.drivername, url.database) == ("sqlite+aiosqlite", f"{tmp_path}/signoff.db")


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
