"""Seals by a key that is not held here. While SIGNOFF_SEAL_KEY is changed, replica by replica, another one may hold it.

Rule 1: what would be refused over such a seal is left to others for a while; after that it is refused, and the refusal names the key.
Rule 2: the id of a key proves nothing, since whoever writes the database can make one up. It puts off a refusal and nothing else:
nothing runs by it, and nothing else waits for it.
"""

from collections.abc import Iterable

from bot.core.approval import key_id, sealing_key
from bot.core.call import Call
from bot.ports import Unavailable

KEY_IS_GONE = (
    "It was sealed with a key ({}) that SIGNOFF_SEAL_KEY does not hold any more, so nobody can say whether it is what was judged and"
    " approved, and it does not run. Ask again; or let whoever runs Signoff add the old key behind the new one."
)
NOT_HERE = "It was sealed with a key ({}) that this replica does not hold; one that does may go on with it."
Keys = tuple[bytes, ...]


def unknown_key(seals: Iterable[str], keys: Keys) -> str:
    """The id of a key that one of the seals says it is by and that is not among ``keys``; "" for none."""
    held = {key_id(key) for key in keys}
    return next((name for name in map(sealing_key, seals) if name and name not in held), "")


def unknown_to(call: Call, keys: Keys) -> str:
    """The same for all that is sealed about a call."""
    votes, tightened = (call.approval.votes, call.approval.seals) if call.approval else ((), ())
    return unknown_key((call.judgement.seal if call.judgement else "", *tightened, *(v.seal for v in votes)), keys)


def leave_to_others(call: Call, keys: Keys, until: float, now: float) -> None:
    """Raises `Unavailable` before ``until`` (epoch seconds), where another replica may know what is not known here."""
    name = unknown_to(call, keys)
    if name and now < until:
        raise Unavailable(NOT_HERE.format(name))
