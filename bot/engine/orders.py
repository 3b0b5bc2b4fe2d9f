"""Rows of the inbox that are not about one run's question: commands that freeze and lift, and reviews of what was decided alone. All
others are `inbox.py`'s.

Rule: whoever gave a command is answered once: in the acknowledgement where it waits for that, else privately in the channel. A
command that was worked twice (a crash in between) has done its work once: a freeze stands, whoever is told so.
"""

import asyncio
from collections import OrderedDict

from bot.core import emergency
from bot.core.inputs import Clicked, Ordered
from bot.core.refusal import Refused
from bot.engine.freezing import Freezer
from bot.engine.glass import REVIEWED, Glass
from bot.engine.inbox import Inbox
from bot.ports import Chat, InboxRow, Rejected, Store, Translate

MOST_AWAITED = 256
FREEZE, UNFREEZE = "freeze", "unfreeze"


class Orders:
    """Works rows, or leaves them to the inbox."""

    def __init__(
        self, inbox: Inbox, freezer: Freezer, glass: Glass, store: Store, chat: Chat, translate: Translate
    ) -> None:
        self._inbox, self._freezer, self._glass = inbox, freezer, glass
        self._store, self._chat, self._translate = store, chat, translate
        self._awaited: OrderedDict[str, asyncio.Future[str]] = OrderedDict()

    async def work(self, row: InboxRow) -> None:
        """Work one row to its end. Raises `Unavailable` when nobody can say who a person is: the row stays."""
        match self._translate(row):
            case Ordered() as ordered:
                await self._answer(row, ordered, await self._done(ordered))
            case Clicked(action=action) as clicked if action == REVIEWED:
                refused = await self._glass.review(row, clicked)
                if refused is not None:
                    await self._whisper(clicked.person.team, clicked, refused.reason)
                    await self._close(row)
            case _:
                await self._inbox.work(row)

    def expect(self, key: str) -> None:
        """Somebody will wait for what comes of this row."""
        self._awaited[key] = asyncio.get_running_loop().create_future()
        while len(self._awaited) > MOST_AWAITED:
            self._awaited.popitem(last=False)[1].cancel()

    async def answer_to(self, key: str) -> str:
        """What came of a row that was expected. Raises `LookupError` where nobody expected it."""
        try:
            return await asyncio.shield(self._awaited[key])
        finally:
            self._awaited.pop(key, None)

    async def _done(self, ordered: Ordered) -> str:
        scope, reason = scope_and_reason(ordered.text)
        if ordered.verb == FREEZE:
            # Without a scope it is everything, which errs on the side of a stop.
            outcome = await self._freezer.freeze(ordered.person, ordered.team, scope or emergency.ALL, reason)
        else:
            outcome = await self._freezer.lift(ordered.person, ordered.team, scope, reason)
        return outcome.reason if isinstance(outcome, Refused) else outcome

    async def _answer(self, row: InboxRow, ordered: Ordered, text: str) -> None:
        awaited = self._awaited.get(row.key)
        if awaited is not None and not awaited.done():
            awaited.set_result(text)
        else:
            await self._whisper(ordered.team, ordered, text)
        await self._close(row)

    async def _close(self, row: InboxRow) -> None:
        await self._store.write(lambda tx: tx.close_inbox(row.key))

    async def _whisper(self, team: str, to: Ordered | Clicked, text: str) -> None:
        try:
            await self._chat.whisper(to.person, to.channel, "", text)
        except Rejected:
            return  # an ephemeral message is never the only record of anything


def scope_and_reason(text: str) -> tuple[str, str]:
    """``system:okta why``, ``system okta why``, ``all why``; "" and the whole text where it begins with no scope."""
    first, _, rest = text.strip().partition(" ")
    word = first.casefold()
    if word in emergency.KINDS:
        name, _, reason = rest.strip().partition(" ")
        return f"{word}:{name}", reason
    if word == emergency.ALL or word.partition(":")[0] in emergency.KINDS:
        return word, rest
    return "", text
