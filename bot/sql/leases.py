"""The statements by which a run's lease is taken, kept, left and given back; who may is `engine/worker.py`'s.

Each is one row of `runs`, and changes none where it does not apply. ``its_run``, ``owner``, ``until`` (epoch seconds by the store's clock).
"""

from sqlalchemy import bindparam, case, or_, update

from bot.sql import tables

_run = tables.runs.c
_HANDED_OVER = ""
"""Who holds a run that its worker left as it was, because it had to stop, or that was parked: something may be half done."""
_FREE = _run.lease_owner.is_(None)
_OURS = or_(_FREE, _run.lease_owner == bindparam("owner"))
_LEFT = _run.lease_until < bindparam("now")
_DIED = case((_run.lease_owner == _HANDED_OVER, _run.takeovers), else_=_run.takeovers + 1)
TAKE_FREE, TAKE, TAKE_OVER = (
    update(tables.runs)
    .where(_run.run == bindparam("its_run"), free, _run.parked.is_(None))
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"), takeovers=takeovers)
    .returning(_run.length, _run.takeovers)
    for free, takeovers in ((_FREE, _run.takeovers), (_OURS, _run.takeovers), (_LEFT, _DIED))
)
SHORTEN = update(tables.runs).where(_run.run == bindparam("its_run"), _run.lease_until > bindparam("longest"))
SHORTEN = SHORTEN.values(lease_until=bindparam("longest"))
HAND_OVER = update(tables.runs).where(_run.run == bindparam("its_run"), _run.lease_owner == bindparam("owner"))
HAND_OVER = HAND_OVER.values(lease_owner=_HANDED_OVER, lease_until=bindparam("until"))
GIVE = update(tables.runs).where(
    _run.run == bindparam("its_run"), _run.lease_owner == bindparam("owner"), _run.length == bindparam("its_length")
)
GIVE = GIVE.values(lease_owner=None, lease_until=None, takeovers=0)
PARK = update(tables.runs).where(
    _run.run == bindparam("its_run"), _run.lease_owner == bindparam("owner"), _run.parked.is_(None)
)
PARK = PARK.values(parked=bindparam("reason"), lease_owner=None, lease_until=None)
RESUME = update(tables.runs).where(_run.run == bindparam("its_run"), _run.parked.is_not(None))
RESUME = RESUME.values(parked=None, takeovers=0, lease_owner=_HANDED_OVER, lease_until=0.0)
