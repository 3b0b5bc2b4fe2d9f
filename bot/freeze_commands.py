"""`signoff freeze|unfreeze|freezes`: the same as `/signoff` in Slack, authorised by the same rules. The others are `commands.py`'s.

Where the policy lets shells decide, a shell is trusted with who sits at it, as for votes; else it freezes all the same, in nobody's
name. While Slack says nothing about anybody, only whom the policy names by id may.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from bot.commands import NO_POLICY_HERE, dispatching, opened, print_json
from bot.core.canonical import visible
from bot.core.emergency import ALL
from bot.core.refusal import Refused
from bot.core.timing import time_said
from bot.core.values import Person
from bot.errors import ConfigurationError, SignoffError
from bot.ports import Freeze, Freezing, Reader, Unavailable
from bot.settings import TO_DECIDE, read_settings

if TYPE_CHECKING:
    from bot.engine.freezing import Freezer

SHELL = "shell"


async def set_freeze(scope: str, reason: str, user: str) -> None:
    async with _freezer() as (freezer, team, hint):
        outcome = await freezer.freeze(Person(team, user), team, scope, reason, via=SHELL)
    _say(outcome, hint)


async def lift_freeze(scope: str, reason: str, user: str) -> None:
    async with _freezer() as (freezer, team, hint):
        outcome = await freezer.lift(Person(team, user), team, scope, reason, via=SHELL)
    _say(outcome, hint)


async def list_freezes(as_json: bool) -> None:
    settings = read_settings()

    async def both(tx: Reader) -> tuple[tuple[Freeze, ...], tuple[Freezing, ...]]:
        return await tx.freezes(), await tx.freezings(1, ALL)

    async with opened(settings) as store:
        freezes, whole = await store.read(both)
    if as_json:
        return print_json([asdict(each) for each in freezes])
    for each in freezes:
        age = time_said(time.time() - each.since)
        typer.echo(f"{visible(each.scope)}  by {visible(each.by)}, {age} ago: {visible(each.reason)}")
    if not freezes:
        typer.echo("Nothing is frozen.")
    if settings.bighub_api_key is not None and any(each.switch is None for each in whole):
        typer.echo(
            "BIGHUB's kill switch does not follow yet: `/signoff freezes` in Slack says why, and so does the bot's log."
        )
    return None


@asynccontextmanager
async def _freezer() -> AsyncIterator[tuple["Freezer", str, str]]:
    """Whoever freezes, the workspace that the bot is of ("" while Slack is away), and what a refusal adds where no policy is."""
    from bot.app import chat_of
    from bot.engine.door import Door
    from bot.engine.freezing import Freezer
    from bot.engine.people import People
    from bot.policy_file import load_policy

    settings = read_settings(*TO_DECIDE)
    policy = load_policy(settings.policy_file).policy
    async with opened(settings) as store, dispatching(settings) as queue, chat_of(settings) as chat:
        try:
            team = await chat.home()
        except Unavailable:
            team = ""
        freezer = Freezer(store, Door(store), People(chat, policy), queue, lambda: _known(settings.actions))
        yield freezer, team, NO_POLICY_HERE if settings.policy_file is None else ""


def _known(actions: str) -> frozenset[str]:
    """The scopes of the actions that this shell knows; none where it knows no actions, which is no reason not to freeze."""
    from bot.actions import Registry

    try:
        return Registry.load(actions).scopes() if actions else frozenset()
    except ConfigurationError as wrong:
        typer.echo(f"The actions of this shell cannot be read: {wrong}", err=True)
        return frozenset()


def _say(outcome: str | Refused, hint: str) -> None:
    if isinstance(outcome, Refused):
        raise SignoffError(outcome.reason + hint)
    typer.echo(outcome)
