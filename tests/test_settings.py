"""A missing or wrong setting is named in one line with its remedy; the seal's key is made once and guarded."""

import stat
from pathlib import Path

import pytest

from bot.errors import ConfigurationError
from bot.settings import TO_RUN, read_settings, seal_keys

ENOUGH = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "OPENAI_API_KEY": "sk-1",
    "SIGNOFF_ACTIONS": "bot.demo.company",
}


def test_every_missing_variable_is_named_in_a_line_with_its_remedy() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(*TO_RUN)
    lines = refused.value.tell.splitlines()
    assert [line.split()[0] for line in lines[:3]] == list(TO_RUN)
    assert "SLACK_APP_TOKEN" in lines[3] and "SLACK_SIGNING_SECRET" in lines[3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNOFF_PORT", "many"),
        ("SIGNOFF_PORT", "70000"),
        ("SIGNOFF_HEARTBEAT_SECONDS", "1"),
        ("SIGNOFF_HEARTBEAT_SECONDS", "121"),
        ("SIGNOFF_MAX_TOOL_ROUNDS", "0"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wrong(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is wrong"):
        read_settings(**ENOUGH, **{name: value})


def test_an_app_token_means_socket_mode_and_a_signing_secret_http() -> None:
    assert read_settings(*TO_RUN, **ENOUGH).socket_mode
    http = {name: value for name, value in ENOUGH.items() if name != "SLACK_APP_TOKEN"}
    assert not read_settings(*TO_RUN, **http, SLACK_SIGNING_SECRET="s").socket_mode


def test_no_secret_shows_when_settings_are_printed() -> None:
    settings = read_settings(*TO_RUN, **ENOUGH, SIGNOFF_SEAL_KEY="k" * 40, BIGHUB_API_KEY="bh-1")
    assert set(settings.secrets()) == {"xoxb-1", "xapp-1", "sk-1", "k" * 40, "bh-1"}
    assert not any(secret in repr(settings) for secret in settings.secrets())


def keys(folder: Path, **more: str) -> tuple[bytes, ...]:
    return seal_keys(read_settings(**more), folder / "signoff.db")


def test_the_seal_key_is_made_once_readable_by_its_owner_alone(tmp_path: Path) -> None:
    (key,) = keys(tmp_path)
    assert keys(tmp_path) == (key,) and len(key) >= 32
    assert stat.S_IMODE((tmp_path / "signoff.db.seal-key").stat().st_mode) == 0o600


def test_on_postgres_an_unset_seal_key_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="SIGNOFF_SEAL_KEY"):
        seal_keys(read_settings(DATABASE_URL="postgresql://localhost/signoff"), None)


def test_a_short_seal_key_is_refused_and_several_are_read_the_present_one_first(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too short"):
        keys(tmp_path, SIGNOFF_SEAL_KEY="short")
    assert keys(tmp_path, SIGNOFF_SEAL_KEY=f"{'n' * 32},{'o' * 32}") == (b"n" * 32, b"o" * 32)


def test_s31_a_key_of_several_that_is_too_short_is_named_by_its_place_and_never_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as told:
        keys(tmp_path, SIGNOFF_SEAL_KEY=f"{'n' * 32},hunter2")
    assert "its key 2 of 2, counted by commas, is too short" in str(told.value) and "hunter2" not in str(told.value)
    assert "at least 32 characters without a comma" in str(told.value) and "new,old" in str(told.value)
    for empty in ("", " , "):
        with pytest.raises(ConfigurationError, match="SIGNOFF_SEAL_KEY"):
            keys(tmp_path, SIGNOFF_SEAL_KEY=empty)


def test_an_emptied_seal_key_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "signoff.db.seal-key").write_text("")
    with pytest.raises(ConfigurationError, match="restore it"):
        keys(tmp_path)
