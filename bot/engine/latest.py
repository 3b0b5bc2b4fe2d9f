"""The newest run of a thread, and whether it still takes what is written there; and a button's. Working either is `inbox.py`'s."""

import hashlib
from dataclasses import dataclass

from bot.core.faults import BrokenJournal, NewerJournal
from bot.core.run import ENDS, Run
from bot.core.values import Place, RunId
from bot.engine.door import Door
from bot.ports import Reader, RunLine, Store


@dataclass(frozen=True, slots=True)
class Latest:
    """``run``: None where its journal cannot be read."""

    line: RunLine
    run: Run | None

    @property
    def live(self) -> Run | None:
        """The run, where it still takes messages: it has not ended and is not parked."""
        return self.run if self.run is not None and self.run.state not in ENDS and self.line.parked is None else None


async def latest_of(store: Store, door: Door, place: Place) -> Latest | None:
    """The newest run of a thread. Raises `NewerJournal`: what is written there waits for a worker that can read it."""

    async def work(tx: Reader) -> RunLine | None:
        run_id = await tx.latest_run(place)
        return await tx.line(run_id) if run_id is not None else None

    line = await store.read(work)
    if line is None:
        return None
    try:
        return Latest(line, (await door.load(line.run))[0])
    except NewerJournal:
        raise
    except BrokenJournal:
        return Latest(line, None)


async def line_of(store: Store, opaque: str) -> RunLine | None:
    """The line of the run that a button names, also where its journal cannot be read."""

    async def work(tx: Reader) -> RunLine | None:
        return await tx.line(await tx.run_of(opaque) or RunId(opaque))

    return await store.read(work)


def run_id_of(place: Place, message: str) -> RunId:
    """The same message always begins the same run, however often Slack delivers it."""
    named = "\n".join((place.team, place.channel, message))
    return RunId(hashlib.sha256(named.encode()).hexdigest()[:32])
