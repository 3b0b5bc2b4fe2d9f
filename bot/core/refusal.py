"""A refusal: the value that says "no, because". Exceptions are for broken rules; this is for everything else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Something is not done. ``reason`` is one sentence that a person (and the model) understands."""

    reason: str
