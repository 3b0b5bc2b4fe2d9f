"""The `signoff` command: quick to start, and every mistake is one plain sentence, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def signoff(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    basic = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, cwd=folder, env=basic | environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    probe = "import sys, bot.cli; print([m for m in ('sqlalchemy', 'slack_bolt', 'openai', 'pydantic', 'aiohttp') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["run"], {}, "SLACK_BOT_TOKEN is not set"),
        (["pending"], {"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        (["approve", "x", "--as", "U1"], {}, "SLACK_BOT_TOKEN is not set"),
        (["runs", "show", "nothing"], {}, "There is no run nothing"),
        (["runs", "cancel", "nothing", "--as", "U1"], {}, "There is no run nothing"),
        (["freeze", "because", "--scope", "nonsense"], {}, "is no scope"),
        (["unfreeze"], {}, "is not frozen"),
        (["actions", "list"], {"SIGNOFF_ACTIONS": "no.such.module"}, "no.such.module"),
        (["policy", "check"], {"SIGNOFF_POLICY": "missing.yml"}, "missing.yml"),
        (["manifest", "--http", "ftp://x"], {}, "https"),
    ],
)
def test_every_mistake_is_one_plain_sentence(
    arguments: list[str], environment: dict[str, str], words: str, tmp_path: Path
) -> None:
    if arguments[0] not in ("run", "approve", "actions", "policy", "manifest") and "DATABASE_URL" not in environment:
        signoff("migrate", folder=tmp_path)
    done = signoff(*arguments, folder=tmp_path, **environment)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr + done.stdout


def test_a_frozen_scope_is_listed_lifted_and_the_listings_begin_empty(tmp_path: Path) -> None:
    assert "at head" in signoff("migrate", folder=tmp_path).stdout
    assert "Frozen: system:okta" in signoff("freeze", "incident 7", "--scope", "system:okta", folder=tmp_path).stdout
    assert "Lifted" in signoff("unfreeze", "--scope", "system:okta", folder=tmp_path).stdout
    assert "Nothing waits" in signoff("pending", folder=tmp_path).stdout
    assert signoff("pending", "--json", folder=tmp_path).stdout.strip() == "[]"
    assert "chain holds: 0 events" in signoff("audit", "verify", folder=tmp_path).stdout


def test_a_database_that_was_never_migrated_is_said_in_words(tmp_path: Path) -> None:
    done = signoff("pending", folder=tmp_path)
    assert done.returncode == 1 and "signoff migrate" in done.stderr and "Traceback" not in done.stderr
