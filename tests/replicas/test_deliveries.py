"""Duplicates, delays and other orders (R4). The long form, and the bots that are killed between (R3), are `tests/soak/deliveries.py`."""

from random import Random

from tests.replicas.deliveries import Tally, sequence


async def test_r4_whatever_slack_delivers_twice_late_or_in_another_order_counts_once() -> None:
    tally, random = Tally(), Random(4)
    for _ in range(40):
        tally.add(await sequence(random.randrange(2**31)))
    assert tally.wrong == []
    assert tally.duplicates > 400 and tally.runs > 40 and tally.deeds > 10
