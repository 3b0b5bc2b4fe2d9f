"""The open approvals as one person is shown them: the first of them, and how many there are. What it looks like is Slack's room's.

Rule 1: the store counts, by the terms that the approvals were opened with, and gives the first lines; nobody reads ten thousand
journals to show twenty.
Rule 2: of what is shown as theirs to decide each is asked for, by the policy of today; whoever clicks is asked about again.
Rule 3: what waits in a direct message is shown to whom it concerns: who asked, and who decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.call import Call
from bot.core.faults import BrokenJournal
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Person
from bot.engine.door import Door
from bot.engine.people import People
from bot.engine.words import NOBODY_KNOWS
from bot.ports import ApprovalGroup, OpenApproval, Store, Unavailable


@dataclass(frozen=True, slots=True)
class Listing:
    """The first lines, those that the reader may decide apart, riskiest first and then oldest; ``mine`` and ``all``: how many there
    are of them, shown or not."""

    first_of_mine: tuple[OpenApproval, ...] = ()
    first_of_others: tuple[OpenApproval, ...] = ()
    mine: int = 0
    all: int = 0


async def listed(store: Store, door: Door, people: People, person: Person, team: str, limit: int) -> Listing | Refused:
    """At most ``limit`` lines for somebody who belongs to the workspace; or why this person is not to see any."""
    try:
        refused = await people.may_ask(person, team)
        if refused is not None:
            return refused
        groups = await store.read(lambda tx: tx.approval_groups(team, person.user))
        deciding = [group for group in groups if await people.may_decide_group(group, person, team)]
    except Unavailable:
        return Refused(NOBODY_KNOWS)
    others = [group for group in groups if group not in deciding and (group.own or not group.direct)]
    mine = await _first(store, person, team, deciding, limit)
    more = await _first(store, person, team, others, limit - len(mine))
    checked = [(line, await _decides(door, people, line, person)) for line in mine]
    kept = tuple(line for line, decides in checked if decides)
    shown = (*(line for line, decides in checked if not decides), *more)
    counted = _count(deciding) - (len(mine) - len(kept))
    return Listing(kept, shown[: limit - len(kept)], counted, _count(deciding) + _count(others))


async def _first(
    store: Store, person: Person, team: str, groups: Sequence[ApprovalGroup], limit: int
) -> tuple[OpenApproval, ...]:
    if not groups or not limit:
        return ()
    return await store.read(lambda tx: tx.first_approvals(team, person.user, groups, limit))


async def _decides(door: Door, people: People, line: OpenApproval, person: Person) -> bool:
    try:
        found = await _call_of(door, line)
        return found is not None and await people.may_decide(*found, person) is None
    except (BrokenJournal, Unavailable):
        return False


async def _call_of(door: Door, line: OpenApproval) -> tuple[Run, Call] | None:
    """What an approval binds never changes, so a run that is merely remembered tells it as well."""
    run = door.known(line.run)
    if run is None or run.call_of(line.approval) is None:
        run, _ = await door.load(line.run)
    call = run.call_of(line.approval) if run is not None else None
    return (run, call) if run is not None and call is not None else None


def _count(groups: Sequence[ApprovalGroup]) -> int:
    return sum(group.count for group in groups)
