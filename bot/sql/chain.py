"""The journal's hash chain: how it is made, and how a journal is checked against it. Rows are loaded by `reader.py`.

Rule: ``hash = SHA-256(hash of the event before, seq, at, kind, body)``; the first event's predecessor is the hash of the run's id.
A chain shows a changed, moved, inserted or missing row. A journal that was cut at its end and whose head was rewritten with it
shows only against an exported head.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of `events` without its run. ``at`` in epoch seconds."""

    seq: int
    at: float
    kind: str
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The first bad row of a run; ``seq`` 0 is the run's own row."""

    run: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a run's journal: how many events there are, and the last one's hash."""

    length: int
    hash: str


def genesis(run: str) -> str:
    """What the first event of a run follows."""
    return _hash("signoff journal", run)


def link(before: str, seq: int, at: float, kind: str, body: str) -> str:
    """The hash of an event that follows the one with the hash ``before``."""
    return _hash(before, str(seq), repr(float(at)), kind, body)


def heads_digest(heads: Mapping[str, Head]) -> str:
    """One digest that stands for all journals: no event of any run can be taken away without changing it."""
    return _hash(
        "signoff heads", *(part for run in sorted(heads) for part in (run, str(heads[run].length), heads[run].hash))
    )


def first_fault(run: str, rows: Iterable[EventRow], before: str, seq: int) -> Fault | None:
    """Check consecutive rows that follow event ``seq`` with the hash ``before``."""
    for row in rows:
        seq += 1
        if row.seq != seq:
            return Fault(run, seq, f"event {seq} is missing")
        before = link(before, row.seq, row.at, row.kind, row.body)
        if row.hash != before:
            return Fault(run, seq, f"event {seq} is not the one that was written")
    return None


def _hash(*parts: str) -> str:
    text = "\n".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
