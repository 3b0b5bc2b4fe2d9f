"""What `signoff runs …` does: runs listed, shown, stopped and resumed, from a shell beside the bot or without one.

Rule: a run whose journal cannot be read is shown as well, row by row as it is stored: that is what a person needs to judge it.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict

import typer

from bot.commands import dispatching, opened, print_json
from bot.core.call import Call, CallState
from bot.core.emergency import by_shell
from bot.core.events import Cancelled, Event, Recorded
from bot.core.faults import BrokenJournal
from bot.core.journal import fold
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Person, RunId
from bot.engine.door import Door
from bot.errors import SignoffError
from bot.ports import RunLine, Writer
from bot.settings import read_settings
from bot.sql.chain import EventRow
from bot.sql.reader import SqlReader

PARKED = "parked"


async def list_runs(limit: int, as_json: bool) -> None:
    async with opened(read_settings()) as store:
        lines = await store.read(lambda tx: tx.runs(limit))
    if as_json:
        return print_json([asdict(line) | {"state": _state(line)} for line in lines])
    for line in lines:
        typer.echo(_run_line(line))
        if line.parked is not None:
            typer.echo(f"  {line.parked}")
    return None


def _state(line: RunLine) -> str:
    """A run that nobody works says so, whatever its journal says."""
    return line.state if line.parked is None else PARKED


def _run_line(line: RunLine) -> str:
    asked = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(line.asked_at))
    return f"{line.run}  {_state(line):<22} {asked} UTC  {line.requester} in {line.channel}  {line.length} events"


async def show_run(run_id: str, as_json: bool) -> None:
    async def read(tx: SqlReader) -> tuple[RunLine | None, tuple[Recorded, ...] | list[EventRow], str]:
        line = await tx.line(RunId(run_id))
        try:
            journal = await tx.journal(RunId(run_id))
            fold(RunId(run_id), journal)
        except BrokenJournal as broken:
            return line, await tx.event_rows(run_id), str(broken)
        return line, journal, ""

    async with opened(read_settings()) as store:
        line, journal, fault = await store.read(read)
    if not journal:
        raise SignoffError(f"There is no run {run_id}.")
    if as_json:
        return print_json([_as_json(recorded) for recorded in journal])
    for recorded in journal:
        typer.echo(_as_text(recorded))
    for note in _notes(run_id, line, journal, fault):
        typer.echo(note)
    return None


def _as_json(recorded: Recorded | EventRow) -> dict[str, object]:
    if isinstance(recorded, EventRow):
        return {"seq": recorded.seq, "at": recorded.at, "kind": recorded.kind, "body": recorded.body}
    event = recorded.event
    return {"seq": recorded.seq, "at": recorded.at, "kind": type(event).__name__, **asdict(event)}


def _as_text(recorded: Recorded | EventRow) -> str:
    what = f"{recorded.kind} {recorded.body}" if isinstance(recorded, EventRow) else recorded.event
    return f"{recorded.seq:>4}  {time.strftime('%H:%M:%S', time.gmtime(recorded.at))}  {what}"


def _notes(
    run_id: str, line: RunLine | None, journal: tuple[Recorded, ...] | list[EventRow], fault: str
) -> Iterator[str]:
    """What the events alone do not say: why the run is parked, and what an action reported after somebody had answered for it."""
    if fault:
        yield f"This journal cannot be read: {fault}. Above is what is stored, unchecked."
    if line is not None and line.parked is not None:
        yield f"Parked: {line.parked} Nobody works it until `signoff runs resume {run_id}`; then it is tried again."
    if not fault:
        run = fold(RunId(run_id), [each for each in journal if isinstance(each, Recorded)])
        yield from (_late(call) for call in run.calls if call.late is not None) if run is not None else ()


def _late(call: Call) -> str:
    late, settled = call.late, call.settled
    assert late is not None
    who = settled.person.user if settled is not None and settled.person is not None else "its probe"
    found = "ran" if call.state is CallState.EXECUTED else "did not run"
    what = f"it succeeded: {late.output}" if late.ok else f"it failed: {late.error}"
    return f"{call.proposal.call}: {who} found that {call.proposal.action} {found}. Later the action itself reported: {what}"


async def cancel_run(run_id: str, user: str, reason: str) -> None:
    """Nobody verifies who sits at a shell, so it stops in nobody's name, as it freezes; nothing runs because of that. Whoever works
    the run then closes its cards and tells its thread, also where it was parked."""

    async def stop(run: Run | None, tx: Writer) -> tuple[Event, ...] | Refused:
        if run is None:
            return Refused(f"There is no run {run_id}.")
        return (Cancelled(Person(run.asked.place.team, by_shell(user)), reason),)

    async def free(tx: Writer) -> None:
        await tx.resume(RunId(run_id))

    settings = read_settings()
    async with opened(settings) as store, dispatching(settings) as queue:
        outcome = await Door(store).decide(RunId(run_id), stop, also=free)
        if isinstance(outcome, Run):
            await queue.wake(RunId(run_id))
    if isinstance(outcome, Refused):
        raise SignoffError(outcome.reason)
    typer.echo(f"Stopped: {run_id}.")


async def resume_run(run_id: str) -> None:
    settings = read_settings()
    async with opened(settings) as store, dispatching(settings) as queue:
        if await store.read(lambda tx: tx.line(RunId(run_id))) is None:
            raise SignoffError(f"There is no run {run_id}.")
        if not await store.write(lambda tx: tx.resume(RunId(run_id))):
            raise SignoffError(f"{run_id} is not parked; `signoff runs list` shows which are.")
        await queue.wake(RunId(run_id))
    typer.echo(f"Resumed: {run_id}. It is tried again; should it break again, it is parked again.")
