"""The bounds of a run and of a worker: every loop, wait and retry of the engine has its number here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All times in seconds. ``max_tool_rounds``: model responses with actions in one run; ``give_up_after``: how long an absent
    model or guard is tried; ``lease``: how long a worker that died keeps its runs; ``runs_at_once``: per process;
    ``doubt_asks``: how long people are asked about an action in doubt; ``patience_with_refusals``: how long a delivery is tried
    that Slack refuses for good; ``one_call_at_a_time``: the calls of a turn are judged and run one after the other, in order;
    ``silent_after``: whoever lets a delivery wait for so long gets one at a time until there is an answer;
    ``programs``: only the runs of programs are worked here, else only those of people; a store may hold both."""

    max_tool_rounds: int = 8
    max_calls_per_turn: int = 8
    give_up_after: float = 900.0
    first_backoff: float = 1.0
    longest_backoff: float = 60.0
    longest_delivery_backoff: float = 300.0
    lease: float = 10.0
    sweep_every: float = 1.0
    runs_at_once: int = 16
    earlier_runs: int = 10
    doubt_asks: float = 86_400.0
    patience_with_refusals: float = 900.0
    silent_after: float = 2.0
    one_call_at_a_time: bool = False
    programs: bool = False

    def backoff(self, failures: int, longest: float) -> float:
        """Exponential, capped; no jitter is needed, since one worker holds a run."""
        return min(self.first_backoff * 2.0 ** min(failures, 30), longest)
