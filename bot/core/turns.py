"""How calls begin, with the turn that proposes them, and how those that are open end with their run. In between it is `call.py`'s.

Rule: a call whose run ended never starts; what may have run by then is no open call.
"""

from collections.abc import Sequence

from bot.core.approval import Resolution
from bot.core.call import RESTORED, Call, CallState, Outcome, refuse
from bot.core.events import Cancelled, Restored, RunFailed
from bot.core.values import Proposal


def proposed(turn: int, proposal: Proposal, at: float) -> Call:
    """A new call; a proposal that was never valid is refused at birth."""
    if proposal.binding is None:
        return Call(turn, proposal, CallState.REFUSED, Outcome.INVALID, proposal.refusal, ended_at=at)
    return Call(turn, proposal)


def close(call: Call, event: Cancelled | RunFailed | Restored, at: float) -> Call:
    """The run ended under an open call."""
    reason = {Cancelled: "The whole request was stopped.", Restored: RESTORED}.get(type(event), "The request failed.")
    resolution = Resolution.SUPERSEDED if isinstance(event, Cancelled) else Resolution.WITHDRAWN
    return refuse(call, Outcome.CANCELLED, reason, at, resolution)


def with_next(calls: Sequence[Call], old: str, new: Call) -> tuple[Call, ...]:
    """``new`` stands right behind ``old``."""
    behind = 1 + next(n for n, call in enumerate(calls) if call.proposal.call == old)
    return (*calls[:behind], new, *calls[behind:])
