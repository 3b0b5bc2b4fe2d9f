"""What people do at BIGHUB, mirrored: its kill switch in both directions, and its denials. How BIGHUB says it is its adapter's.

Rule 1: BIGHUB's kill switch is kept as a freeze of its own (scope `BIGHUB`), so it is read in the transaction of `Started` like any
other, outlives this process and is on every open card. It ends when BIGHUB says so; nobody lifts it here.
Rule 2: nothing that changes something starts on an answer older than `FRESH_SECONDS`, or on none: it waits. Reading goes on.
Rule 3: a freeze of everything sets BIGHUB's switch, and its lifting takes that back; ours is known by the marker in its reason, so
that whoever died between setting it and noting it does not set it twice. It is ours only until it is taken back: what is on afterwards
was set by others, whatever its name and reason. Where BIGHUB does not follow, whoever froze or lifted hears it, and the list of freezes
says it until it does.
Rule 4: a denial at BIGHUB ends what waits here, also that of the question that was asked once more before a start. An approval at
BIGHUB is nobody's vote. It is looked at where the list of denials is cut or refused: then nothing that BIGHUB asked people about starts
unless it is listed as waiting or approved, and so was not denied.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence

from bot.core.call import Call, CallState
from bot.core.emergency import ALL, BIGHUB, LONGEST_REASON
from bot.core.events import CallRefused, Event
from bot.core.faults import BrokenJournal
from bot.core.policy import DOMAIN
from bot.core.resolving import open_beside
from bot.core.run import Run
from bot.core.values import Ground, Judgement, RunId
from bot.core.verdict import waits_for_people
from bot.engine.door import Door
from bot.logger import log
from bot.ports import (
    Denial,
    Denials,
    Dispatch,
    Freezing,
    Oversight,
    Reader,
    Rejected,
    Store,
    Switch,
    Unavailable,
    Writer,
)

FRESH_SECONDS = 5.0
WATCH_SECONDS = 15.0
LOOKED_AT = 1_000
"""Of the times that everything was frozen or lifted: those of a system or environment among them would hide our own switch."""
SAYS_NOTHING = "BIGHUB does not say whether its kill switch is on, so nothing starts that changes something: {}"
SAYS_NO_DENIAL = "BIGHUB does not say whether this was denied there: {}"
NOT_FOLLOWED = (
    "BIGHUB's kill switch does not follow what was frozen or lifted here as a whole. I go on trying; see to it on BIGHUB's dashboard"
    " where it is urgent. {}"
)
DENIED_THERE = "Denied on BIGHUB's dashboard."


class Overseer:
    """``oversight`` None: there is no BIGHUB, and nothing to mirror."""

    def __init__(self, store: Store, door: Door, dispatch: Dispatch, oversight: Oversight | None) -> None:
        self._store, self._door, self._dispatch, self._oversight = store, door, dispatch, oversight
        self._seen_at: float | None = None
        self._cut = ""
        self._heard: set[str] = set()
        self._looking = asyncio.Lock()
        self.unfollowed = ""
        """Why BIGHUB's kill switch does not follow what was done here, as sentences; "" where it does."""

    @property
    def present(self) -> bool:
        return self._oversight is not None

    async def look_before_start(self, call: Call) -> None:
        """Raises `Unavailable` where BIGHUB does not say that this may go on; what it stops or denies is recorded meanwhile."""
        binding = call.proposal.binding
        if self._oversight is not None and binding is not None and not binding.read_only:
            await self.look(FRESH_SECONDS)
            judged = call.judgement
            if self._cut and judged and waits_for_people(judged) and not await self._stands(self._oversight, judged):
                raise Unavailable(SAYS_NO_DENIAL.format(self._cut))

    async def watch(self) -> None:
        """One round: what is to change there, and what changed there."""
        await self.mirror()
        await self.look(0.0)

    async def mirror(self) -> str:
        """Let BIGHUB follow what was frozen or lifted here as a whole; `unfollowed`. Raises `Unavailable` for the store."""
        if self._oversight is None:
            return ""
        async with self._looking:
            why = await self._mirror(self._oversight)
        if why and not self.unfollowed:
            log.warning("BIGHUB's kill switch does not follow", why=why)
        self.unfollowed = NOT_FOLLOWED.format(why) if why else ""
        return self.unfollowed

    async def look(self, fresh: float) -> None:
        """Ask BIGHUB, unless it was asked within the last ``fresh`` seconds. Raises `Unavailable`."""
        if self._oversight is None:
            return
        async with self._looking:
            if self._seen_at is not None and time.monotonic() - self._seen_at < fresh:
                return
            began, before = time.monotonic(), await self._store.read(_everything)
            try:
                switches = await self._oversight.switches()
            except (Unavailable, Rejected) as silent:
                raise Unavailable(SAYS_NOTHING.format(silent)) from silent
            await self._keep(switches, before)
            denials = await self._denials(self._oversight)
            await self._hear(denials.found)
            self._seen_at, self._cut = began, denials.cut

    # --- from there -------------------------------------------------------------------------------------------------

    async def _keep(self, switches: Iterable[Switch], before: Sequence[Freezing]) -> None:
        """Freeze or lift here what others stopped or let go on there. ``before``: what was frozen here when BIGHUB was asked, since
        another replica may take ours back while its answer is on the way."""
        on = tuple(switches)

        async def work(tx: Writer) -> None:
            ours = (*_standing(before), *_standing(await _everything(tx)))
            theirs = [each for each in on if each.domain in ("", DOMAIN) and not _is_ours(each, ours)]
            if theirs:
                await tx.set_freeze(BIGHUB, theirs[0].reason[:LONGEST_REASON], "BIGHUB")
            else:
                await tx.lift_freeze(BIGHUB, "BIGHUB", "")

        stopped = any(each.scope == BIGHUB for each in await self._store.read(lambda tx: tx.freezes()))
        if on or stopped:
            await self._store.write(work)

    async def _denials(self, oversight: Oversight) -> Denials:
        try:
            return await oversight.denials()
        except Rejected as rejected:
            log.warning("BIGHUB does not list its denials", why=str(rejected))
            return Denials((), str(rejected))
        except Unavailable as silent:
            raise Unavailable(SAYS_NO_DENIAL.format(silent)) from silent

    async def _stands(self, oversight: Oversight, judgement: Judgement) -> bool:
        try:
            return await oversight.stands(judgement.request_id)
        except (Unavailable, Rejected) as silent:
            raise Unavailable(SAYS_NO_DENIAL.format(silent)) from silent

    async def _hear(self, denials: Sequence[Denial]) -> None:
        new = [each for each in denials if each.request_id not in self._heard]

        async def owners(tx: Reader) -> list[RunId | None]:
            return [await tx.run_of(each.opaque) for each in new]

        for denial, run_id in zip(new, await self._store.read(owners) if new else (), strict=True):
            if run_id is not None:
                await self._honour(run_id, denial)
                self._heard.add(denial.request_id)

    async def _honour(self, run_id: RunId, denial: Denial) -> None:
        async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
            calls = [call for call in run.calls if _denied(run, call, denial)] if run else []
            reason = f"{DENIED_THERE} {denial.said}".rstrip()
            return [CallRefused(call.proposal.call, Ground.DENIED, reason) for call in calls]

        try:
            await self._door.decide(run_id, decide)
        except BrokenJournal as broken:
            log.warning("a denial at BIGHUB concerns a run that cannot be read", run=run_id, why=str(broken))
        await self._dispatch.wake(run_id)

    # --- to there ---------------------------------------------------------------------------------------------------

    async def _mirror(self, oversight: Oversight) -> str:
        """Whatever was frozen or lifted here as a whole and BIGHUB was not told of yet; why it does not take some of that, or ""."""
        everything = await self._store.read(_everything)
        new = [each for each in reversed(everything) if each.switch is None]
        why = ""
        try:
            on = await oversight.switches() if new else ()
        except (Unavailable, Rejected) as silent:
            return str(silent)
        for each in new:
            try:
                name = await (self._release if each.lifted else self._set)(oversight, each, everything, on)
            except (Unavailable, Rejected) as silent:
                why = str(silent)
                continue
            await self._store.write(lambda tx, number=each.number, name=name: tx.mark_freezing(number, switch=name))  # type: ignore[misc]
        return why

    @staticmethod
    async def _set(oversight: Oversight, row: Freezing, rows: Sequence[Freezing], on: Sequence[Switch]) -> str:
        if row is not rows[0]:
            return ""  # it was lifted meanwhile
        standing = next((each for each in on if _marker(row) in each.reason), None)
        return standing.id if standing else await oversight.activate(f"{row.reason} {_marker(row)}")

    @staticmethod
    async def _release(oversight: Oversight, row: Freezing, rows: Sequence[Freezing], on: Sequence[Switch]) -> str:
        """All of ours: two processes may have set one each."""
        ours = _standing([other for other in rows if other.number < row.number])
        for each in on:
            if each.id and _is_ours(each, ours):
                await oversight.deactivate(each.id, f"{row.reason or 'Lifted'}, by {row.by}")
        return ""


def _marker(row: Freezing) -> str:
    return f"[Signoff freeze {row.number}.{int(row.at)}, by {row.by}]"


async def _everything(tx: Reader) -> tuple[Freezing, ...]:
    """The times that everything was frozen or lifted, newest first."""
    return await tx.freezings(LOOKED_AT, ALL)


def _standing(rows: Iterable[Freezing]) -> list[Freezing]:
    """Of ``rows`` (newest first) the freezes whose switch is not taken back yet."""
    found, stands = [], True
    for row in rows:
        if row.lifted:
            stands = row.switch is None
        elif stands:
            found.append(row)
    return found


def _is_ours(switch: Switch, standing: Iterable[Freezing]) -> bool:
    return any((row.switch and row.switch == switch.id) or _marker(row) in switch.reason for row in standing)


def _denied(run: Run, call: Call, denial: Denial) -> bool:
    """Not by an answer that another took the place of: we deny that there ourselves."""
    asked = (call.judgement.request_id if call.judgement else "", *open_beside(run, call))
    return denial.request_id in asked and call.state in (CallState.ASKING, CallState.ALLOWED)
