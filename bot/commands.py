"""What the `signoff` commands do, one function each: settings in, lines out. The bot itself is `app.py`'s, the commands about runs
are `run_commands.py`'s, those about the policy `policy_commands.py`'s.

These are clients: they read the same database and write through the same door, while the bot runs or Slack is down.
A room that loads a vendor is imported by the command that needs it: whoever only looks does not wait for the others.
"""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from bot.core.call import Call
from bot.core.canonical import argument_lines, canonical_bytes, parse_arguments, secret_length, short, visible
from bot.core.fatigue import FAST_SECONDS, Habit, habits
from bot.core.faults import BrokenJournal
from bot.core.refusal import Refused
from bot.core.terms import demands_of
from bot.core.timing import time_said
from bot.core.values import Binding
from bot.engine.door import Door
from bot.errors import SignoffError
from bot.ports import OpenApproval, Unavailable
from bot.settings import TO_DECIDE, Settings, read_settings, seal_keys
from bot.sql.engines import sqlite_file
from bot.sql.lock import only_bot
from bot.sql.store import SqlStore, open_store

if TYPE_CHECKING:
    from bot.dispatch import Queue

NO_POLICY_HERE = " There is no policy file here: do this where policy.yml is, or name it in SIGNOFF_POLICY."


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[SqlStore]:
    """The database of the settings. Raises `SignoffError` when it does not answer."""
    store = open_store(settings.database_url)
    try:
        yield store
    except Unavailable as absent:
        raise SignoffError(f"{absent}. If it is a new one, run `signoff migrate` first.") from absent
    finally:
        await store.close()


@asynccontextmanager
async def dispatching(settings: Settings) -> AsyncIterator["Queue"]:
    from bot.app import open_queue
    from bot.logs import configure_logging

    configure_logging(settings)
    queue = await open_queue(settings)
    try:
        yield queue
    finally:
        await queue.close()


async def migrate_database(down_to: str = "") -> None:
    from bot.app import migrate_all
    from bot.sql.schema import step_down

    settings = read_settings()
    if not down_to:
        await migrate_all(settings)
        typer.echo("The database is at head.")
        return
    path = sqlite_file(settings.database_url)
    with only_bot(path) if path is not None else nullcontext():
        revision = await step_down(settings.database_url, down_to)
    typer.echo(f"The database is at {revision or 'base'}. This release brings it back to head wherever it starts.")


# --- approvals --------------------------------------------------------------------------------------------------------


async def list_pending(as_json: bool) -> None:
    async with opened(read_settings()) as store:
        door = Door(store)
        lines = await store.read(lambda tx: tx.open_approvals(None))
        found = [(line, await _call_of(door, line)) for line in lines]
    if as_json:
        return print_json([asdict(line) | _bound(call) | {"link": _link(line)} for line, call in found])
    told = ["\n".join(_told(line, call)) for line, call in found]
    typer.echo("\n\n".join(told) or "Nothing waits for an approval.")
    return None


async def _call_of(door: Door, line: OpenApproval) -> Call | None:
    try:
        run, _ = await door.load(line.run)
    except BrokenJournal:
        return None  # the listing is for the others too
    return run.call_of(line.approval) if run else None


def _told(line: OpenApproval, call: Call | None) -> Iterator[str]:
    """An approval as a person needs it to decide: what exactly would run, who asked, who decides, how long there is."""
    where = " · ".join(visible(part) for part in (line.action, line.target, line.environment) if part)
    yield f"{line.approval}  {where}"
    risk = f"risk {line.risk:.2f}" if line.risk is not None else "risk unknown"
    yield f"  {risk} · asked by {line.requester} · {time_left(line.expires_at - time.time())}"
    yield f"  decided by {_deciders(line, call)}"
    if call is not None and call.proposal.binding is not None:
        yield from _arguments(call.proposal.binding)
    yield f"  {_link(line) or 'The card is not in Slack yet.'}"


def _deciders(line: OpenApproval, call: Call | None) -> str:
    terms = call.approval.terms if call is not None and call.approval is not None else None
    who = f"{', '.join(line.approvers) or 'nobody'}{f', {terms.quorum} of them' if terms and terms.quorum > 1 else ''}"
    if terms is not None and terms.quorums:
        who = " and ".join(f"{count} of {', '.join(approvers)}" for count, approvers in demands_of(terms))
    return who if line.requester_may_approve else f"{who}, not by {line.requester}"


def _arguments(binding: Binding) -> Iterator[str]:
    yield f"  digest {short(binding.digest)}"
    for shown in argument_lines(binding.arguments.encode(), order=binding.order, secret=binding.secret):
        yield f"    {shown}"


def _bound(call: Call | None) -> dict[str, str | None]:
    """The canonical arguments as JSON text, secret values by their length, and the digest that an approval binds."""
    binding = call.proposal.binding if call is not None else None
    if binding is None:
        return {"arguments": None, "digest": None}
    parsed = parse_arguments(binding.arguments.encode())
    if not binding.secret or isinstance(parsed, Refused):
        return {"arguments": binding.arguments, "digest": binding.digest}
    for name in parsed.keys() & set(binding.secret):
        parsed[name] = f"[secret, {secret_length(parsed[name]):,} characters]"
    return {"arguments": canonical_bytes(parsed).decode(), "digest": binding.digest}


def time_left(seconds: float) -> str:
    """The two largest units: `1 d 4 h left`."""
    return f"{time_said(seconds)} left"


def _link(line: OpenApproval) -> str | None:
    """Where the card stands; None until it does."""
    return f"https://slack.com/archives/{line.channel}/p{line.card.replace('.', '')}" if line.card else None


async def vote(approval: str, user: str, action: str, comment: str) -> None:
    from bot.app import chat_of
    from bot.engine.inbox import Inbox
    from bot.engine.people import People
    from bot.policy_file import load_policy
    from bot.slack.payloads import translate

    settings = read_settings(*TO_DECIDE)
    policy = load_policy(settings.policy_file).policy
    async with opened(settings) as store, dispatching(settings) as queue, chat_of(settings) as chat:
        people, keys = People(chat, policy), seal_keys(settings, sqlite_file(settings.database_url))
        inbox = Inbox(store, Door(store), people, chat, queue, translate, keys)
        outcome = await inbox.vote_by_name(approval, user, action, comment, via="shell")
    if isinstance(outcome, Refused):
        raise SignoffError(outcome.reason + (NO_POLICY_HERE if settings.policy_file is None else ""))
    typer.echo(f"Recorded: {user} {'approved' if action == 'approve' else 'denied'} {approval} by shell.")
    call = outcome.call_of(approval)
    binding = call.proposal.binding if call is not None else None
    if call is not None and binding is not None:
        where = " · ".join(
            visible(part) for part in (call.proposal.action, binding.target, binding.environment) if part
        )
        typer.echo("\n".join((f"  {where}", *_arguments(binding))))


async def declare_restored(reason: str, as_json: bool) -> None:
    from bot.engine.limits import Limits
    from bot.engine.restoring import Restoring
    from bot.logs import configure_logging

    settings = read_settings()
    configure_logging(settings)
    async with opened(settings) as store:
        epoch = await store.write(lambda tx: tx.begin_epoch(reason))
        ended = await Restoring(store, Door(store), Limits()).settle() or 0
    if as_json:
        return print_json({"epoch": epoch.number, "since": epoch.since, "ended": ended})
    typer.echo(f"Noted: restored from a backup. {ended} unfinished runs were ended; whoever asked can retry them.")
    return None


# --- the journal ------------------------------------------------------------------------------------------------------


async def verify_audit(against: str, export: str, as_json: bool) -> None:
    """``export``: what the file ``against`` holds; "" for none."""
    from bot.sql.export import heads_in, held_against
    from bot.sql.rebuild import verify_chain

    heads = heads_in(export.splitlines(), against) if against else {}
    async with opened(read_settings()) as store:
        verified = await store.read(verify_chain)
        fault = verified.fault or await store.read(lambda reader: held_against(reader, heads))
    if as_json:
        print_json(asdict(verified) | {"fault": asdict(fault) if fault else None})
    if fault is not None:
        raise SignoffError(f"The journal was changed: {fault}")
    if not as_json:
        since = f" It holds all that {against} says." if against else ""
        typer.echo(f"The journal's chain holds: {verified.events} events of {verified.runs} runs.{since}")


async def export_audit() -> None:
    """A JSON object a line, whoever reads it: `verify --against` does."""
    from bot.sql.export import exported
    from bot.sql.reader import SqlReader

    async def work(reader: SqlReader) -> None:
        async for line in exported(reader):
            typer.echo(json.dumps(line))

    async with opened(read_settings()) as store:
        await store.read(work)


async def list_approvers(days: float, as_json: bool) -> None:
    async with opened(read_settings()) as store:
        found = list(habits(await store.read(lambda tx: tx.votes(tx.now - days * 86_400))))
    if as_json:
        return print_json([asdict(habit) | {"approve_rate": round(habit.approve_rate, 3)} for habit in found])
    typer.echo("\n".join(map(_habit_told, found)) or f"Nobody has voted within {time_said(days * 86_400)}.")
    return None


def _habit_told(habit: Habit) -> str:
    """A workspace's line stands above those of its people."""
    who = f"  {visible(habit.person.user)}" if habit.person else visible(habit.team)
    wait = "not measured" if habit.median_wait is None else f"median {habit.median_wait:,.1f} s"
    fast = f"{habit.fast} approved within {FAST_SECONDS:.0f} s"
    return f"{who:<16} {habit.votes:>6} votes  {habit.approve_rate:>4.0%} approved  {wait:<18} {fast}"


# --- files ------------------------------------------------------------------------------------------------------------


def list_actions(as_json: bool) -> None:
    from bot.actions import Registry

    registry = Registry.load(read_settings("SIGNOFF_ACTIONS").actions)
    if as_json:
        return print_json(list(registry.offered()))
    for action in registry.actions:
        kind = "reads" if action.read_only else f"{action.risk} risk"
        typer.echo(f"{action.name:<24} {action.system or '-':<12} {kind:<12} {action.description.splitlines()[0]}")
    return None


def print_manifest(http: str, mention_only: bool) -> None:
    from bot import manifest

    wanted = manifest.load()
    wanted = manifest.over_http(wanted, http) if http else wanted
    typer.echo(manifest.as_yaml(manifest.mention_only(wanted) if mention_only else wanted), nl=False)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
