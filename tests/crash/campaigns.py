"""Many stories: every point of a flow in turn (T1), or points at random (T2). Each result is counted, with what shows that it was work."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.crash.flows import FLOWS
from tests.crash.life import Fault, tellings
from tests.crash.zygote import DIED, OVER, Scene, Told, tell

MOST_POINTS, MOST_FAILURES = 400, 10
KILLED_AT_ANY_TIME, CUT = 0.25, 0.1
LONGEST_LIFE, FEWEST_LIVES, MOST_LIVES = 0.05, 10, 24
FURTHEST_POINTS, FURTHEST_POINT = (10, 16, 40), 40
Fates = Sequence[tuple[Fault, float | None]]


@dataclass
class Tally:
    """``kills``: lives that died; ``grouped``: those of them that died with several works in one open commit; ``timed``: those that
    died at no point but at any time; ``effects``, ``doubts``, ``probed_so``: what the outside saw; ``twice``: effects that happened again
    although at most one was approved, and ``doubled`` how many actions did so; ``cpu``: seconds of this process and its children (a
    database server's are not among them); ``failures``: a story each, with what tells it again."""

    stories: int = 0
    runs: int = 0
    points: int = 0
    kills: int = 0
    cpu: float = 0.0
    timed: int = 0
    grouped: int = 0
    cuts: int = 0
    heard_cuts: int = 0
    effects: int = 0
    doubts: int = 0
    twice: int = 0
    doubled: int = 0
    probed: list[str] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def count(self, told: Told, again: str) -> None:
        lines = told.outside.lines
        self.stories += 1
        self.runs += len({line["run"] for line in lines["prompt"]})
        self.kills += told.ended.count(DIED)
        self.timed += told.ended.count(DIED) - len(lines["death"])
        self.grouped += sum(line["works"] > 1 for line in lines["death"])
        self.cuts += len(lines["wire"])
        self.heard_cuts += sum(line["heard"] for line in lines["wire"])
        self.effects += len(lines["effect"])
        self.doubts += len({line["key"] for line in lines["card"] if line["phase"] == "in_doubt"})
        marks = [line["mark"] for line in lines["effect"] if not line["mark"].endswith(":sync")]
        self.twice += len(marks) - len(set(marks))
        self.doubled += len({mark for mark in marks if marks.count(mark) > 1})
        self.probed = sorted({*self.probed, *(str(line["happened"]) for line in lines["probed"])})
        if told.faults:
            deaths = [line["name"] for line in lines["death"]]
            self.failures.append({"again": again, "faults": list(told.faults), "deaths": deaths})

    def add(self, other: dict[str, Any]) -> None:
        """Add the tally of another process."""
        for name, value in other.items():
            mine = getattr(self, name)
            setattr(self, name, sorted({*mine, *value}) if name == "probed" else mine + value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


# --- T1 -------------------------------------------------------------------------------------------------------------


def every_point(
    scene: Scene, flow: str, seed: int, first: int = 1, step: int = 1, most: int = MOST_POINTS, twice: bool = True
) -> Tally:
    """Die at each point of a flow in turn, and recover; with ``twice`` do it again and die also at a random point of the recovery."""
    tally = Tally()
    for point in range(first, MOST_POINTS, step)[:most]:
        told = one_point(scene, flow, f"{point}", 0)
        tally.count(told, f"{flow} {point} 0")
        if told.ended[0] == OVER:
            break
        tally.points += 1
        if twice:
            second = seed * 1_000 + point
            tally.count(one_point(scene, flow, f"{point}", second), f"{flow} {point} {second}")
    return tally


def every_commit(scene: Scene, flow: str, first: int = 1, step: int = 1) -> Tally:
    """Cut the wire to Postgres at each commit of a flow in turn, heard by the server and not."""
    tally = Tally()
    for heard in ("heard", "unheard"):
        for commit in range(first, MOST_POINTS, step):
            told = one_point(scene, flow, f"{heard}-{commit}", 0)
            tally.count(told, f"{flow} {heard}-{commit} 0")
            if not told.outside.lines["wire"]:
                break
            tally.points += 1
    return tally


def one_point(scene: Scene, flow: str, point: str, seed: int) -> Told:
    """Tell one flow whose first life gets a fault at ``point``: a point to die at, or "heard-N" and "unheard-N", a commit whose answer
    is lost. With a ``seed`` the second life dies as well, at a point that it chooses."""
    kind, _, number = point.rpartition("-")
    first = Fault(cut=int(number), heard=kind == "heard") if kind else Fault(fatal=int(number))
    fates = [(first, None)]
    if seed:
        fates.append((Fault(fatal=random.Random(seed).randint(1, FURTHEST_POINT)), None))
    return tell(scene.begin(tellings([flow])), fates)


# --- T2 -------------------------------------------------------------------------------------------------------------


def at_random(scene: Scene, seed: int, kills: int) -> Tally:
    """Stories of several flows at once whose lives die at random, until so many have died."""
    tally = Tally()
    while tally.kills < kills and len(tally.failures) < MOST_FAILURES:
        tally.count(one_story(scene, seed), f"random {seed}")
        seed += 1
    return tally


def control(scene: Scene, seed: int, stories: int) -> Tally:
    """The same with a bot that acts before it writes down. Here failures are wanted, and are only counted."""
    tally = Tally()
    for story in range(stories):
        tally.count(one_story(scene, seed + story, naive=True), "")
        tally.failures.clear()
    return tally


def right_after_the_effect(scene: Scene, flow: str, naive: bool) -> Tally:
    """Die once, in the very moment in which the action has happened and nobody has written it down."""
    tally = Tally()
    fates = [(Fault(named=", there", naive=naive), None), (Fault(naive=naive), None)]
    tally.count(tell(scene.begin(tellings([flow])), fates), "")
    return tally


def one_story(scene: Scene, seed: int, naive: bool = False) -> Told:
    """The story that this seed tells. What dies at any time and not at a point dies elsewhere each time that it is told."""
    chance = random.Random(seed)
    names = chance.sample(sorted(FLOWS), chance.randint(1, 4))
    return tell(scene.begin(tellings(names)), list(_fates(chance, scene.template is None, naive)))


def _fates(chance: random.Random, on_postgres: bool, naive: bool) -> Iterator[tuple[Fault, float | None]]:
    furthest = chance.choice(FURTHEST_POINTS)
    for _ in range(chance.randint(FEWEST_LIVES, MOST_LIVES)):
        if chance.random() < KILLED_AT_ANY_TIME:
            yield Fault(naive=naive), chance.uniform(0.0, LONGEST_LIFE)
        elif on_postgres and chance.random() < CUT:
            yield Fault(chance.randint(12, 24), "", chance.randint(1, 4), chance.random() < 0.5, naive), None
        else:
            yield Fault(chance.randint(1, furthest), naive=naive), None
