"""The keys `freeze` and `break_glass` of `policy.yml`: who may act in an emergency. All others are `grammar.py`'s.

Rule: who may break the glass is never named without the place where everybody hears of it.
"""

from typing import Annotated

from pydantic import BeforeValidator, StrictBool

from bot.core.glass import BreakGlass
from bot.policy_file.lines import Where
from bot.policy_file.parts import Contradictions, Part
from bot.policy_file.written import ChannelId, Group, TimeOfDay, User, Zone, listed


class PeoplePart(Part):
    """Users and groups, by id or by a name of the file."""

    users: Annotated[tuple[User, ...], BeforeValidator(listed)] = ()
    groups: Annotated[tuple[Group, ...], BeforeValidator(listed)] = ()

    def approvers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.users, *self.groups)))


class GlassPart(PeoplePart):
    audit_channel: ChannelId = ""
    while_frozen: StrictBool = False
    zone: Zone = "UTC"
    review_at: TimeOfDay = 540

    def glass(self) -> BreakGlass:
        return BreakGlass(self.approvers(), self.audit_channel, self.while_frozen, self.zone, self.review_at)

    def contradictions(self, where: Where) -> Contradictions:
        if self != GlassPart() and not self.approvers():
            yield where, "nobody is named who may break the glass; write users or groups"
        if self.approvers() and not self.audit_channel:
            yield where, "say where it is announced; write audit_channel"
