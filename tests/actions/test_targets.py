"""What an action acts upon, where a function of its own says it (R17)."""

import asyncio
import threading

from bot.actions import Registry, define
from bot.core.values import Person
from bot.ports import Wish


async def test_r17_a_target_that_is_not_said_in_time_refuses_the_wish() -> None:
    over = threading.Event()

    def scale(service: str) -> None: ...

    registry = Registry([define(scale, target=lambda arguments: str(over.wait()), timeout=0.05)])
    asked = registry.propose("c1", Wish("fc_1", "scale", '{"service":"web"}'), Person("T1", "U1"))
    try:
        proposal = await asyncio.wait_for(asked, 20)
    finally:
        over.set()
    assert proposal.binding is None
    assert proposal.refusal == "scale could not say within 0.05 s what these arguments act upon."
