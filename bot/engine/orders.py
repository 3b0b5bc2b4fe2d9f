"""Rows of the inbox that are not about one run's question: commands that freeze and lift, and reviews of what was decided alone. All
others are `inbox.py`'s.

Rule: whoever gave a command is answered once: in the acknowledgement where it waits for that, else privately in the channel. One that is
worked twice, since nobody could be answered or somebody died in between, is done once (`freezing.py`). What BIGHUB makes of it is not
waited for; where it does not follow, they hear that as well.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from bot.core import emergency
from bot.core.inputs import Clicked, Ordered
from bot.core.refusal import Refused
from bot.engine.freezing import Freezer
from bot.engine.glass import REVIEWED, Glass
from bot.engine.inbox import Inbox
from bot.engine.overseeing import Overseer
from bot.ports import Chat, InboxRow, Rejected, Store, Translate, Unavailable

MOST_AWAITED = 256
FREEZE, UNFREEZE = "freeze", "unfreeze"
GRAMMAR = (
    "Nothing was changed. Write all, system:NAME or environment:NAME, and then the reason; a name with spaces in quotes, as in"
    ' system:"Google Workspace".'
)
_KIND = re.compile(rf"(?P<kind>{'|'.join(emergency.KINDS)})(?::|\s+|$)", re.IGNORECASE)
_QUOTES = {
    '"': '"“”',
    "'": "'",
    "“": '“”"',
    "”": '“”"',
    "„": '“”"',
    "‘": "‘’",
    "’": "‘’",
}  # as Slack's clients curl them


class Orders:
    """Works rows, or leaves them to the inbox."""

    def __init__(
        self,
        inbox: Inbox,
        freezer: Freezer,
        overseer: Overseer,
        glass: Glass,
        store: Store,
        chat: Chat,
        translate: Translate,
    ) -> None:
        self._inbox, self._freezer, self._overseer, self._glass = inbox, freezer, overseer, glass
        self._store, self._chat, self._translate = store, chat, translate
        self._awaited: OrderedDict[str, asyncio.Future[str]] = OrderedDict()

    async def work(self, row: InboxRow) -> None:
        """Work one row to its end. Raises `Unavailable` when nobody can say who a person is: the row stays."""
        match self._translate(row):
            case Ordered() as ordered:
                scope, answer = await self._done(ordered, row.received_at)
                await self._answer(row, ordered, answer)
                if scope == emergency.ALL:
                    await self._mirror(ordered)
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

    async def _done(self, ordered: Ordered, given: float) -> tuple[str, str]:
        """The scope that was frozen or lifted, "" where nothing was, and the answer. ``given``: when the command came in."""
        read = scope_and_reason(ordered.text, await self._freezer.scopes())
        if isinstance(read, Refused):
            return "", read.reason
        scope, reason = read
        if ordered.verb == FREEZE:
            scope = scope or emergency.ALL  # without one it is everything, which errs on the side of a stop
            outcome = await self._freezer.freeze(ordered.person, ordered.team, scope, reason, given=given)
        else:
            outcome = await self._freezer.lift(ordered.person, ordered.team, scope, reason, given=given)
        return ("", outcome.reason) if isinstance(outcome, Refused) else (scope, outcome)

    async def _mirror(self, ordered: Ordered) -> None:
        try:
            unfollowed = await self._overseer.mirror()
            if unfollowed:
                await self._whisper(ordered.team, ordered, unfollowed)
        except Unavailable:
            return  # the list of freezes says it, too, and the watch goes on

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


def scope_and_reason(text: str, known: Iterable[str]) -> tuple[str, str] | Refused:
    """``all why``, ``system:okta why``, ``system:"Google Workspace" why``; "" and the whole text where it begins with no scope.

    Without quotes, a name is the longest of the ``known`` scopes' that the text goes on with, else one word; without a colon, it must
    be one of those, because "system is on fire" names none.
    """
    begins = _KIND.match(text.strip())
    if begins is None:
        first, _, reason = text.strip().partition(" ")
        return (emergency.ALL, reason) if first.casefold() == emergency.ALL else ("", text)
    kind, rest = begins["kind"].casefold(), text.strip()[begins.end() :]
    if rest[:1] in _QUOTES:
        name, closed, reason = _quoted(rest)
        return (f"{kind}:{name}", reason) if closed else Refused(GRAMMAR)
    longest = max((name for name in _names(kind, known) if _goes_on(rest, name)), key=len, default="")
    if not longest and ":" not in begins[0]:
        return Refused(GRAMMAR)
    size = len(longest) or len(rest.partition(" ")[0])
    return f"{kind}:{rest[:size]}", rest[size:].strip()


def _names(kind: str, known: Iterable[str]) -> Iterator[str]:
    found = (scope.partition(":") for scope in known)
    return (name for each, _, name in found if each.casefold() == kind and name)


def _goes_on(rest: str, name: str) -> bool:
    return rest[: len(name)].casefold() == name.casefold() and not rest[len(name) :][:1].strip()


def _quoted(rest: str) -> tuple[str, bool, str]:
    """The name within the quotes that ``rest`` begins with, whether they are closed, and what follows."""
    ends = next((at for at, each in enumerate(rest) if at and each in _QUOTES[rest[0]]), 0)
    return rest[1:ends].strip(), ends > 0, rest[ends + 1 :].strip()
