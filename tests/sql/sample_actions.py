"""The actions that the stored databases (`make_databases.py`) were made with. They are bound by digest in those files, so nothing
in here may change: a new sample gets actions of its own."""

import asyncio

from bot.actions import Action, action, define

DONE: list[str] = []
HANGING: set[str] = set()


async def _deed(what: str) -> str:
    while what in HANGING:
        await asyncio.sleep(0.01)
    DONE.append(what)
    return what


@action(system="okta", risk="high", environment="production")
async def grant(who: str) -> str:
    """Put somebody into a group."""
    return await _deed(f"grant {who}")


@action(system="bank", risk="critical", environment="production")
async def pay(who: str) -> str:
    """Pay somebody."""
    return await _deed(f"pay {who}")


@action(system="okta", risk="low", on_crash="rerun")
async def refresh(who: str) -> str:
    """Bring something up to date; twice does no harm."""
    return await _deed(f"refresh {who}")


def it_happened(who: str) -> bool:
    return True


@action(system="okta", risk="low", probe=it_happened)
async def invite(who: str) -> str:
    """Invite somebody; whether that happened can be seen."""
    return await _deed(f"invite {who}")


def actions() -> list[Action]:
    return [define(each) for each in (grant, pay, refresh, invite)]
