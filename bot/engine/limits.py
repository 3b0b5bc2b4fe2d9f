"""The bounds of a run and of a worker: every loop, wait and retry of the engine has its number here."""

from dataclasses import dataclass

from bot.core.run import Run
from bot.engine.words import TOO_LONG, TOO_MANY_TOKENS, seconds_text


@dataclass(frozen=True, slots=True)
class Limits:
    """All times in seconds. ``max_tool_rounds``: model responses with actions in one run; ``max_tokens``: what its model calls may
    use; ``max_run_seconds``: how long its model calls and actions may take, added up, waiting for people apart;
    ``max_messages``: how many messages of its thread it takes in; ``longest_answer``: characters of one model response (None:
    no bound); ``breaks_before_parking``: how often in a row an effect may fail of a fault of Signoff's own before people must
    look at its run; ``takeovers_before_parking``: how many workers in a row may die over a run without anything having come of
    it; ``give_up_after``: how long an absent model or guard is tried;
    ``lease``: how long a worker that died keeps its runs; ``runs_at_once``: per process;
    ``doubt_asks``: how long people are asked about an action in doubt; ``patience_with_refusals``: how long a delivery is tried
    that Slack refuses for good; ``one_call_at_a_time``: the calls of a turn are judged and run one after the other, in order;
    ``silent_after``: whoever lets a delivery wait for so long gets one at a time until there is an answer;
    ``alone``: no other process works this store, so that what lies there was left by one that is gone;
    ``programs``: only the runs of programs are worked here, else only those of people; a store may hold both."""

    max_tool_rounds: int = 8
    max_calls_per_turn: int = 8
    max_tokens: int | None = 1_000_000
    max_run_seconds: float | None = 14_400.0
    max_messages: int = 200
    longest_answer: int | None = 1_000_000
    breaks_before_parking: int = 5
    takeovers_before_parking: int = 5
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
    alone: bool = False

    @property
    def click_waits(self) -> float:
        """How long a click on what is sealed with a key that is not held here is left to others, who take it up after a lease."""
        return 0.0 if self.alone or self.programs else 3 * self.lease

    @property
    def start_waits(self) -> float:
        """How long a start is left to others who may hold the key of its seals: refused in the end, and not given up before."""
        return 0.0 if self.alone or self.programs else self.give_up_after / 2

    def backoff(self, failures: int, longest: float) -> float:
        """Exponential, capped; no jitter is needed, since one worker holds a run."""
        return min(self.first_backoff * 2.0 ** min(failures, 30), longest)


def bound_passed(run: Run, limits: Limits) -> str:
    """Why the model is not asked again, in words for the person; "" while it may be."""
    if limits.max_tokens is not None and run.tokens >= limits.max_tokens:
        return TOO_MANY_TOKENS.format(run.tokens, limits.max_tokens)
    if limits.max_run_seconds is not None and run.worked >= limits.max_run_seconds:
        return TOO_LONG.format(seconds_text(run.worked), seconds_text(limits.max_run_seconds))
    return ""
