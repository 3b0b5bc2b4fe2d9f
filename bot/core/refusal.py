"""A refusal: the value that says "no, because". Exceptions are for broken rules; this is for everything else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Something is not done. ``reason`` is one sentence that a person (and the model) understands."""

    reason: str


class BrokenJournal(Exception):
    """A stored journal holds an event that was never legal: somebody changed it, or a rule was changed wrongly."""


class NewerJournal(BrokenJournal):
    """A stored journal holds what this release does not know: a newer one wrote it, and goes on with it (R12)."""
