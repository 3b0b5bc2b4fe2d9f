"""R12: an older and a newer release take turns on one database and die in between; the stories and their judgement are `tests/crash`'s.

The older release is this code. The newer one is made from it: an event has a field more, and a table a column more. Each is a process
that has imported its own `bot` and forks its lives. The last life of a story is always a newer one's: what it has written only it reads.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path

from tests.crash.flows import FLOWS
from tests.crash.outside import Outside
from tests.databases import Postgres

ROOT = Path(__file__).resolve().parents[2]
OLD_FIELD = "    took: float = 0.0\n    read: tuple[str, ...] = ()\n"
NEW_FIELD = f'{OLD_FIELD}    mood: str = "new"\n'
NEW_STEP = '''"""A column more."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "{revision}", "{before}"


def upgrade() -> None:
    op.add_column("runs", sa.Column("mood", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "mood")
'''
ORDERS = ("old, then new", "new, and back to old", "any")
FURTHEST_POINT, AFTER_ITS_REPLY, LONGEST_LIFE, MOST_LIVES = 60, 20, 0.6, 6
_threads = count(100)


def next_release(folder: Path) -> Path:
    """The folder of the newer release."""
    for each in ("bot", "migrations"):
        shutil.copytree(ROOT / each, folder / each, ignore=shutil.ignore_patterns("__pycache__"))
    written = folder / "bot" / "core" / "events.py"
    text = written.read_text()
    assert text.count(OLD_FIELD) == 1
    written.write_text(text.replace(OLD_FIELD, NEW_FIELD))
    steps = sorted((folder / "migrations" / "versions").glob("*.py"))
    before = steps[-1].stem.partition("_")[0]
    named = next(line for line in steps[-1].read_text().splitlines() if line.startswith("revision"))
    revision = f"{int(before) + 1:04}"
    assert f'"{before}"' in named
    (steps[-1].parent / f"{revision}_one_column.py").write_text(NEW_STEP.format(revision=revision, before=before))
    return folder


class Release:
    """A process of one release that forks its lives."""

    def __init__(self, folder: Path, database: str) -> None:
        environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash", "--lives", database],
            cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._answer() == "ready"

    def live(self, **order: object) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate()


@dataclass
class Rolled:
    """``handovers``: lives that went on where one of the other release had died; ``left``: how often an older one met what it could
    not read."""

    stories: int = 0
    lives: int = 0
    kills: int = 0
    handovers: int = 0
    left: int = 0
    runs: int = 0
    effects: int = 0
    doubts: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stage:
    """``releases``: by "old" and "new". ``template``: the migrated SQLite file, None where ``url`` is Postgres's."""

    releases: dict[str, Release]
    url: str
    outside: Path
    template: Path | None

    def tell(self, seed: int, order: str, into: Rolled) -> None:
        """One story on an empty database."""
        chance = random.Random(f"{seed} {order}")
        self.outside.unlink(missing_ok=True)
        if self.template is not None:
            live = Path(self.url.removeprefix("sqlite:///"))
            for old in live.parent.glob(f"{live.name}*"):
                old.unlink()
            shutil.copy(self.template, live)
        told = [
            (name, next(_threads))
            for name in chance.sample(sorted(FLOWS), 1 if order == ORDERS[1] else chance.randint(1, 3))
        ]
        ended, turns = [], list(turns_of(order, chance))
        for number, release in enumerate(turns):
            last = number == len(turns) - 1
            # A newer life that is rolled back leaves its work undone, and the older one has time to do what it should not.
            back, undone = order == ORDERS[1] and release == "old", order == ORDERS[1] and release == "new"
            any_time = back or (chance.random() < 0.4 and not undone)
            fatal = 0 if last or any_time else chance.randint(AFTER_ITS_REPLY if undone else 1, FURTHEST_POINT)
            ended.append(
                self.releases[release].live(
                    url=self.url, outside=str(self.outside), tellings=told, number=number, fatal=fatal,
                    kill_after=None if last else chance.uniform(0.4 if back else 0.05, LONGEST_LIFE),
                )
            )  # fmt: skip
        self._count(into, turns, ended, f"{order}, seed {seed}")

    def _count(self, into: Rolled, turns: Sequence[str], ended: Sequence[str], story: str) -> None:
        outside = Outside(self.outside)
        outside.close()
        into.stories += 1
        into.lives += len(turns)
        into.kills += ended.count("died")
        into.handovers += sum(one != other for one, other in pairwise(turns))
        into.left += len(outside.lines["newer"])
        into.runs += len({line["run"] for line in outside.lines["prompt"]})
        into.effects += len(outside.lines["effect"])
        into.doubts += len({line["key"] for line in outside.lines["card"] if line["phase"] == "in_doubt"})
        into.faults += [f"{story}: {line['what']}" for line in outside.lines["fault"]]
        if "broken" in ended or ended[-1] != "over":
            into.faults.append(f"{story}: its lives ended {list(zip(turns, ended, strict=True))}")


def turns_of(order: str, chance: random.Random) -> Iterator[str]:
    """Which release lives next; the last is a newer one."""
    lives = chance.randint(2, MOST_LIVES)
    for number in range(lives):
        if order == ORDERS[0]:
            yield "old" if number < lives // 2 else "new"
        elif order == ORDERS[1]:
            yield "new" if number % 2 == 0 else "old"
        else:
            yield chance.choice(("old", "new"))
    yield "new"


@contextmanager
def stage(server: Postgres | None) -> Iterator[Stage]:
    """Both releases, on a database that the newer one has migrated."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="signoff-rolling-")))
        newer = next_release(folder / "next")
        template = folder / "template.db" if server is None else None
        url = f"sqlite:///{template}" if server is None else server.create("migrated")
        _migrate(newer, url)
        live = f"sqlite:///{folder / 'signoff.db'}" if server is None else url
        releases = {}
        for name, where in (("old", ROOT), ("new", newer)):
            releases[name] = Release(where, "sqlite" if server is None else server.create("migrated"))
            stack.callback(releases[name].end)
        yield Stage(releases, live, folder / "outside.jsonl", template)


def _migrate(release: Path, url: str) -> None:
    code = "import asyncio, sys; from bot.sql.schema import migrate; asyncio.run(migrate(sys.argv[1]))"
    environment = os.environ | {"PYTHONPATH": f"{release}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code, url], cwd=release, env=environment, check=True)
