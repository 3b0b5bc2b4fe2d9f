"""What happened to a run's calls, for those who look on: a guard's memory, and the programs of `bot.api`. Pure.

Rule: a moment happens once, and has the same id for ever, so that whoever is told of it twice can notice.
"""

from dataclasses import dataclass

from bot.core.call import Call, CallState
from bot.core.run import Run, RunState
from bot.core.values import CallId


@dataclass(frozen=True, slots=True)
class Moment:
    """A call was asked about, or ended. ``status`` is the founding README's word for it."""

    call: CallId
    status: str

    @property
    def id(self) -> str:
        """Unique in its run."""
        return f"{self.call}:{self.status}"


def moments(run: Run) -> tuple[Moment, ...]:
    """All that happened so far, call by call; ``asked`` comes before ``ended``."""
    return tuple(moment for call in run.calls for moment in _of(call))


def untold(run: Run) -> tuple[Moment, ...]:
    """Those that no memory was told of yet."""
    told = {name for receipt in run.receipts if receipt.key.startswith("memory:") for name in receipt.ref.split(",")}
    return tuple(moment for moment in moments(run) if moment.id not in told)


def rests(run: Run) -> bool:
    """Whether nothing of this run moves by itself: it has ended or waits for people."""
    if run.state is RunState.THINKING:
        return False
    return all(call.answered or call.state is CallState.ASKING for call in run.calls)


def _of(call: Call) -> tuple[Moment, ...]:
    name = call.proposal.call
    asked = (Moment(name, "approval_required"),) if call.approval is not None else ()
    return (*asked, Moment(name, call.status)) if call.answered else asked
