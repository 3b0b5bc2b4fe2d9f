"""What this room needs of the engine."""

from collections.abc import Mapping
from typing import Protocol

from bot.core.call import Call
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Person
from bot.engine.listing import Listing
from bot.ports import Freeze, InboxRow


class Desk(Protocol):
    async def receive(self, row: InboxRow, *, awaited: bool = False) -> bool:
        """Commit what Slack sent; False for a duplicate. Raises where it could not be committed. ``awaited``: somebody asks
        `answer_to` for what comes of it."""

    async def answer_to(self, key: str) -> str:
        """What came of the row of a command, in words, once it is worked."""

    async def freezes(self) -> tuple[Freeze, ...]:
        """What is frozen now."""

    def unfollowed(self) -> str:
        """Why BIGHUB's kill switch does not follow what was frozen or lifted here, as sentences; "" where it does."""

    async def may_break_glass(self, person: Person, opaque: str) -> Refused | None:
        """Whether a person may decide this alone now; None where they may."""

    async def may_decide(self, person: Person, opaque: str) -> Refused | None:
        """Whether a person may vote on this (or settle it) now; None where they may."""

    async def may_edit(self, person: Person, opaque: str) -> Refused | None:
        """Whether a person may change what is asked about, or ask for something safer; None where they may."""

    def edits_in_vain(self, run: Run, call: Call, person: Person) -> bool:
        """Whether nobody could approve what this person makes of a call."""

    def has_glass(self) -> bool:
        """Whether the policy names anybody who may break the glass."""

    def schema(self, call: Call) -> Mapping[str, object] | None:
        """The JSON schema of a call's arguments; None where its action was changed or removed since."""

    def fitted(self, call: Call, arguments: str) -> str | Mapping[str, str]:
        """Other arguments for a call as they would be bound, or what is wrong with which ("": with all)."""

    async def may_read(self, person: Person, opaque: str) -> Refused | None:
        """Whether a person may see the details of this; None where they may."""

    async def card_of(self, opaque: str) -> tuple[Run, Call] | None:
        """The run and call that a button's value names."""

    async def repair(self, team: str, channel: str, opaque: str, message: str, *, retired: bool = False) -> bool:
        """After a refused click on ``message``: show the card anew where it is out of date; whether it is the card of something.
        ``retired``: no card has such a button any more."""

    async def open_approvals(self, person: Person, team: str, limit: int) -> Listing | Refused:
        """The first open approvals of a workspace that concern this person, and how many there are; or why this person is not to see
        any."""
