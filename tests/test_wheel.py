"""The wheel is the whole product: installed outside the checkout, it runs, migrates a database and knows its manifest.

The build needs hatchling from the package registry, as `make install` does; the dependencies are those of this environment.
"""

import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a command that must succeed, run with nothing of ours in its environment but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNOFF_", "SLACK_", "PYTHON"))}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--installer", "uv", "--outdir", built, cwd=ROOT)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def signoff(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command, in an environment that sees this one's dependencies but not the checkout."""
    venv = tmp_path_factory.mktemp("elsewhere") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv.parent)
    site = next((venv / "lib").glob("python3*")) / "site-packages"
    run(sys.executable, "-m", "pip", "--python", venv, "install", "--no-deps", "--no-index", wheel, cwd=venv.parent)
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    return venv / "bin" / "signoff"


def test_the_wheel_carries_what_the_code_reads_and_nothing_of_the_checkout(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "bot/manifest.yml",
        "bot/migrations/env.py",
        "bot/migrations/script.py.mako",
        "bot/demo/policy.yml",
        "bot/workspace/page/index.html",
        "bot/workspace/page/app.js",
        "bot/workspace/page/style.css",
    } <= names
    kept = {
        f"bot/{file.relative_to(ROOT / 'bot')}" for file in (ROOT / "bot").rglob("*.*") if file.suffix in (".py", ".js")
    }
    steps = {f"bot/migrations/versions/{step.name}" for step in (ROOT / "migrations" / "versions").glob("*.py")}
    assert steps and kept | steps <= names
    assert {name.split("/")[0].rpartition(".")[2] for name in names} == {"bot", "dist-info"}


def test_the_installed_command_runs_from_the_wheel_and_not_from_the_checkout(signoff: Path, tmp_path: Path) -> None:
    assert "asks before it acts" in run(signoff, "--help", cwd=tmp_path)
    where = run(signoff.with_name("python"), "-c", "import bot; print(bot.__file__)", cwd=tmp_path)
    assert str(signoff.parent.parent) in where


def test_the_installed_command_brings_a_new_database_to_head(signoff: Path, tmp_path: Path) -> None:
    run(signoff, "migrate", cwd=tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'signoff.db'}")
    with sqlite3.connect(tmp_path / "signoff.db") as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"runs", "events", "inbox", "approvals"} <= tables


def test_the_installed_command_prints_the_manifest_that_the_checkout_ships(signoff: Path, tmp_path: Path) -> None:
    shipped = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    assert yaml.safe_load(run(signoff, "manifest", cwd=tmp_path)) == shipped
