"""A run that cannot go on by itself: parked for people, with the reason, while the others go on.

Rule 1: only whoever holds a run's lease, or may take it, parks it; that gives the lease back, and no sweep finds the run until a
person resumes it.
Rule 2: it is written beside the journal, never into it: a journal that cannot be read cannot be appended to.
Rule 3: what a newer release wrote is no fault (R12): this process leaves the run to those that can read it.
"""

import asyncio

from bot.core.events import Asked
from bot.core.run import Run, begin
from bot.core.values import Person, Place, RunId
from bot.engine.words import parked_text
from bot.logger import log
from bot.ports import Chat, Rejected, RunLine, Store, Unavailable, Writer

TELLS = 3
TELL_AGAIN_SECONDS = 1.0
NOTICE = "parked"


class Parking:
    """Parks runs for a worker. ``programs``: its runs are those of programs, which have no thread to be told in."""

    def __init__(self, store: Store, chat: Chat, worker: str, *, lease: float, programs: bool) -> None:
        self._store, self._chat, self._worker, self._lease, self._programs = store, chat, worker, lease, programs

    async def park(self, run_id: RunId, reason: str) -> bool:
        """Leave the run to people, and say so in its thread; False where it is somebody else's, or parked already."""

        async def work(tx: Writer) -> RunLine | None:
            held = await tx.take_lease(run_id, self._worker, self._lease) is not None
            return await tx.line(run_id) if held and await tx.park(run_id, self._worker, reason) else None

        line = await self._store.write(work)
        if line is None:
            return False
        log.error("a run is parked until somebody resumes it", run=run_id, why=reason)
        if not self._programs:
            await self._tell(line)
        return True

    async def leave(self, run_id: RunId) -> None:
        """End the lease of a run that this release cannot read. What was told of it and could not be recorded may be half done."""
        await self._store.write(lambda tx: tx.hand_over(run_id, self._worker, 0.0))
        log.warning("a run was written by a newer release; it is left to it", run=run_id)

    async def _tell(self, line: RunLine) -> None:
        """Once, where that is possible: nobody holds the run any more who could do it later."""
        for attempt in range(1, TELLS + 1):
            try:
                await self._chat.post_notice(_as_run(line), NOTICE, parked_text(line))
            except (Unavailable, Rejected) as away:
                log.warning("a thread does not hear that its run is parked", run=line.run, why=str(away))
                await asyncio.sleep(TELL_AGAIN_SECONDS * attempt)
            except Exception:  # the outermost edge: the chat may be the very thing that is broken
                log.exception("a thread does not hear that its run is parked", run=line.run)
                return
            else:
                return


def _as_run(line: RunLine) -> Run:
    """What a chat needs of a run in order to post into its thread, without its journal."""
    place = Place(line.team, line.channel, line.thread)
    return begin(line.run, Asked(Person(line.team, line.requester), place, line.thread, ""), line.asked_at)
