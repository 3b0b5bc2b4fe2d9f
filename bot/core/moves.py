"""The events of a call, and which of them leads from which state where. What each does there is `call.py`'s.

Rule: `CALL_TRANSITIONS` lists every legal move; a missing key is the illegal move and changes nothing.
"""

from typing import get_args

from bot.core.events import (
    CallRefused,
    Cancelled,
    Doubted,
    Edited,
    Expired,
    Finished,
    FreezeNoted,
    Inquired,
    Judged,
    Reminded,
    Restored,
    RunFailed,
    SaferAsked,
    Settled,
    Started,
    Tightened,
    Voted,
    Withdrawn,
)
from bot.core.states import CallState

OfApproval = Voted | Expired | Inquired | Withdrawn | Reminded | Tightened
CallEvent = (
    OfApproval | Judged | Edited | SaferAsked | CallRefused | Started | Finished | Doubted | Settled | FreezeNoted
)
CALL_EVENTS: tuple[type, ...] = get_args(CallEvent)

_S = CallState
OPEN = frozenset({_S.PROPOSED, _S.ASKING, _S.ALLOWED})
CALL_TRANSITIONS: dict[tuple[CallState, type], frozenset[CallState]] = {
    (_S.PROPOSED, Judged): frozenset({_S.ALLOWED, _S.ASKING, _S.REFUSED}),
    (_S.PROPOSED, CallRefused): frozenset({_S.REFUSED}),
    (_S.ASKING, Voted): frozenset({_S.ASKING, _S.ALLOWED, _S.REFUSED}),
    (_S.ASKING, Tightened): frozenset({_S.ASKING, _S.REFUSED}),
    (_S.ASKING, Edited): frozenset({_S.REFUSED}),
    (_S.ASKING, SaferAsked): frozenset({_S.REFUSED}),
    (_S.ASKING, Reminded): frozenset({_S.ASKING}),
    (_S.ASKING, Expired): frozenset({_S.REFUSED}),
    (_S.ASKING, Inquired): frozenset({_S.ASKING}),
    (_S.ASKING, Withdrawn): frozenset({_S.REFUSED}),
    (_S.ASKING, CallRefused): frozenset({_S.REFUSED}),
    (_S.ASKING, FreezeNoted): frozenset({_S.ASKING}),
    (_S.ALLOWED, Judged): frozenset({_S.ALLOWED, _S.ASKING, _S.REFUSED}),
    (_S.ALLOWED, Started): frozenset({_S.STARTED}),
    (_S.ALLOWED, CallRefused): frozenset({_S.REFUSED}),
    (_S.ALLOWED, Doubted): frozenset({_S.IN_DOUBT}),
    (_S.STARTED, Started): frozenset({_S.STARTED}),
    (_S.STARTED, Finished): frozenset({_S.EXECUTED, _S.FAILED}),
    (_S.STARTED, Doubted): frozenset({_S.IN_DOUBT}),
    (_S.IN_DOUBT, Finished): frozenset({_S.EXECUTED, _S.FAILED}),
    (_S.IN_DOUBT, Settled): frozenset({_S.EXECUTED, _S.FAILED, _S.IN_DOUBT}),
    (_S.EXECUTED, Finished): frozenset({_S.EXECUTED}),
    (_S.FAILED, Finished): frozenset({_S.FAILED}),
    **{(state, end): frozenset({_S.REFUSED}) for state in OPEN for end in (Cancelled, RunFailed)},
    **{(state, Restored): frozenset({_S.REFUSED}) for state in (_S.PROPOSED, _S.ASKING)},
}
