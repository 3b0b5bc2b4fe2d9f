"""A desk in memory: it keeps rows as the store would, and answers as it is told to. No test lives here."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.actions import Registry
from bot.core.call import Call
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Person
from bot.engine.listing import Listing
from bot.ports import Freeze, InboxRow


class StoreIsDown(Exception):
    """The row could not be committed."""


@dataclass
class RecordingDesk:
    """``fails`` deliveries are not committed; ``waits`` seconds pass before a question is answered."""

    rows: list[InboxRow] = field(default_factory=list)
    duplicates: int = 0
    fails: int = 0
    waits: float = 0.0
    broken: bool = False
    registry: Registry | None = None
    refusal: Refused | None = None
    cards: dict[str, tuple[Run, Call]] = field(default_factory=dict)
    listing: Listing = field(default_factory=Listing)
    answers: dict[str, str] = field(default_factory=dict)
    frozen: tuple[Freeze, ...] = ()
    behind: str = ""
    asked: list[tuple[str, Person, str]] = field(default_factory=list)
    anew: bool = False
    sole: frozenset[str] = frozenset()
    glass: bool = False
    repaired: list[tuple[str, str, str, str]] = field(default_factory=list)

    async def receive(self, row: InboxRow, *, awaited: bool = False) -> bool:
        if self.fails:
            self.fails -= 1
            raise StoreIsDown("a secret of the payload")
        if any(known.key == row.key for known in self.rows):
            self.duplicates += 1
            return False
        self.rows.append(row)
        return True

    async def may_decide(self, person: Person, opaque: str) -> Refused | None:
        return await self._answer("decide", person, opaque)

    async def may_edit(self, person: Person, opaque: str) -> Refused | None:
        return await self._answer("edit", person, opaque)

    def edits_in_vain(self, run: Run, call: Call, person: Person) -> bool:
        return person.user in self.sole

    def has_glass(self) -> bool:
        return self.glass

    def schema(self, call: Call) -> Mapping[str, object] | None:
        return self.registry.schema(call.proposal.action) if self.registry else None

    def fitted(self, call: Call, arguments: str) -> str | Mapping[str, str]:
        assert self.registry is not None
        return self.registry.fitted(call.proposal.action, arguments)

    async def may_break_glass(self, person: Person, opaque: str) -> Refused | None:
        return await self._answer("break glass", person, opaque)

    async def answer_to(self, key: str) -> str:
        await asyncio.sleep(self.waits)
        return self.answers[key]

    async def freezes(self) -> tuple[Freeze, ...]:
        return self.frozen

    def unfollowed(self) -> str:
        return self.behind

    async def may_read(self, person: Person, opaque: str) -> Refused | None:
        return await self._answer("read", person, opaque)

    async def card_of(self, opaque: str) -> tuple[Run, Call] | None:
        return self.cards.get(opaque)

    async def repair(self, team: str, channel: str, opaque: str, message: str, *, retired: bool = False) -> bool:
        self.repaired.append((team, channel, opaque, message))
        return self.anew

    async def open_approvals(self, person: Person, team: str, limit: int) -> Listing | Refused:
        refused = await self._answer("list", person, team)
        return self.listing if refused is None else refused

    async def _answer(self, question: str, person: Person, about: str) -> Refused | None:
        self.asked.append((question, person, about))
        await asyncio.sleep(self.waits)
        if self.broken:
            raise StoreIsDown("a secret of the payload")
        return self.refusal
