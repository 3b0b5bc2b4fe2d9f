"""What leaves the house: cards, words and reports. Each returns the event that says so; trying again is `doing.py`'s.

Rule: one that does not answer holds up nobody for long. While it is silent, one delivery at a time waits for it; the others
wait in the journal.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import assert_never

from bot.core import effects as owed
from bot.core.call import Call, CallState
from bot.core.effects import Effect
from bot.core.events import CardShown, Delivered, Event, Expired, Reminded, RunFailed
from bot.core.moments import untold
from bot.core.placing import channel_of, ended_in_thread
from bot.core.resolving import as_it_stood, ended
from bot.core.run import Run
from bot.core.values import RunId
from bot.engine.door import Door
from bot.engine.glass import Glass
from bot.engine.people import People
from bot.engine.reminding import Reminding
from bot.engine.words import delay_text, end_text, inquiry_text, notice_text, question_text
from bot.ports import Chat, Guard, Rejected, Unavailable

Words = (
    owed.AskRequester
    | owed.PostInquiry
    | owed.PostReply
    | owed.PostDelay
    | owed.PostEnd
    | owed.PostNotice
    | owed.Summon
)
Alone = owed.AnnounceGlass | owed.ShowReview
Report = owed.ReportResolution | owed.ReportOutcome | owed.Remember
REPORTS = (owed.ReportResolution, owed.ReportOutcome, owed.Remember)


class _Listener:
    """One that is told things. ``silent``: the last delivery had waited long when it failed."""

    def __init__(self, name: str, silent_after: float) -> None:
        self._name, self._silent_after = name, silent_after
        self._silent, self._waiting = False, 0

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around one delivery. Raises `Unavailable` where another is finding out already whether there is an answer again."""
        if self._silent and self._waiting:
            raise Unavailable(f"{self._name} does not answer; another delivery is trying it.")
        began, self._waiting = time.monotonic(), self._waiting + 1
        try:
            yield
        except Unavailable:
            self._silent = self._silent or time.monotonic() - began > self._silent_after
            raise
        except Rejected:
            self._silent = False
            raise
        else:
            self._silent = False
        finally:
            self._waiting -= 1


class Delivering:
    """Tells people and BIGHUB. Raises what the ports raise."""

    def __init__(self, guard: Guard, chat: Chat, people: People, door: Door, glass: Glass, silent_after: float) -> None:
        self._guard, self._chat, self._glass = guard, chat, glass
        self._people, self._judge = _Listener("Slack", silent_after), _Listener(guard.name, silent_after)
        self._reminding, self._asked = Reminding(chat, people, door), people
        self._under_way: dict[RunId, set[asyncio.Future[object]]] = {}

    async def deliver(
        self, run: Run, effect: owed.ShowCard | Words | Report | Alone, again: bool
    ) -> CardShown | Delivered:
        """``again``: it may have been delivered before, so whoever delivers looks first."""
        with self._noted(run.id), self._judge.told() if isinstance(effect, REPORTS) else self._people.told():
            return await self._deliver(run, effect, again)

    async def remind(self, run: Run, effect: owed.Remind | owed.Escalate, again: bool) -> Reminded:
        """When it was given decides when the next one is, so it is recorded at once and with its own time."""
        with self._people.told():
            return await self._reminding.remind(run, effect, again)

    def expired(self, run: Run, effect: owed.Expire) -> Expired:
        """With what people must know who tried to decide it."""
        return Expired(effect.approval, self._reminding.held_at_its_end(run, effect.approval, effect.not_before))

    @contextmanager
    def _noted(self, run_id: RunId) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        tasks = self._under_way.setdefault(run_id, set())
        tasks.add(task)
        try:
            yield
        finally:
            tasks.discard(task)
            if not tasks:
                self._under_way.pop(run_id, None)

    async def finish_telling(self, run_id: RunId, seconds: float) -> None:
        """Wait for what is being told of a run, so that its receipt shares the next commit; at most ``seconds``."""
        if tasks := self._under_way.get(run_id):
            await asyncio.wait(set(tasks), timeout=seconds)

    async def _deliver(
        self, run: Run, effect: owed.ShowCard | Words | Report | Alone, again: bool
    ) -> CardShown | Delivered:
        match effect:
            case owed.ShowCard():
                return await self._show_card(run, effect, again)
            case owed.ReportResolution() | owed.ReportOutcome() | owed.Remember():
                return await self._report(run, effect, again)
            case owed.AnnounceGlass() | owed.ShowReview():
                return await self._glass.tell(run, effect, again)
            case _:
                return await self._post(run, effect, again)

    async def _show_card(self, run: Run, effect: owed.ShowCard, again: bool) -> CardShown:
        posted = await self._chat.show_card(run, call_in(run, effect.call), again=again)
        return CardShown(effect.call, posted.channel, posted.message, effect.shows)

    async def _post(self, run: Run, effect: Words, again: bool) -> Delivered:
        key = effect.key
        match effect:
            case owed.PostReply():
                posted = await self._chat.post_reply(run, key, run.replies[effect.reply - 1], again=again)
            case owed.AskRequester():
                asked = question_text(run, call_in(run, effect.call))
                posted = await self._chat.post_notice(run, key, asked, again=again)
            case owed.PostInquiry():
                asked = inquiry_text(run, call_in(run, effect.call), effect.number)
                posted = await self._chat.post_notice(run, key, asked, again=again)
            case owed.PostDelay():
                posted = await self._chat.post_notice(run, key, delay_text(run, effect.waits_for), again=again)
            case owed.PostEnd():
                retry = run.id if not run.ended_by else None
                posted = await self._chat.post_notice(run, key, end_text(run), retry, again=again)
            case owed.PostNotice():
                told = notice_text(run, effect, self._asked.policy)
                ends = ended_in_thread(run, effect.about)
                posted = await self._chat.post_notice(run, key, told, ends=ends, again=again)
            case owed.Summon():
                posted = await self._reminding.summon(run, effect, again)
            case _:
                assert_never(effect)
        return Delivered(key, posted.message)

    async def _report(self, run: Run, effect: Report, again: bool) -> Delivered:
        match effect:
            case owed.ReportResolution():
                call = call_in(run, effect.call)
                end = ended(run, call).get(effect.of)
                if end is not None:
                    await self._guard.report_resolution(run, as_it_stood(call, end), end.approval, again=again)
            case owed.ReportOutcome():
                await self._guard.report_outcome(run, call_in(run, effect.call), again=again)
            case owed.Remember():
                told = untold(run)
                await self._guard.remember(run, told)
                return Delivered(effect.key, ",".join(moment.id for moment in told))
            case _:
                assert_never(effect)
        return Delivered(effect.key)


def undeliverable(run: Run, effect: Effect, error: str) -> Event:
    """What is recorded instead of a delivery that will never be: a question that nobody can see ends the run."""
    if isinstance(effect, owed.Remind | owed.Escalate):
        return Reminded(effect.approval, effect.key, f"refused: {error}")
    if not isinstance(effect, owed.ShowCard):
        return Delivered(effect.key, f"refused: {error}")
    call = call_in(run, effect.call)
    if call.state is CallState.ASKING:
        return RunFailed(f"I could not show the card of {call.proposal.action}: {error}")
    return CardShown(effect.call, channel_of(run, call), call.card.message if call.card else "", effect.shows)


def call_in(run: Run, name: str) -> Call:
    call = run.call(name)
    if call is None:
        raise LookupError(f"run {run.id} has no call {name}")
    return call
