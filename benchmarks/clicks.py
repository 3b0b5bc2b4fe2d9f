"""How long Slack waits for the ack of a click, and a person for the last word: `python -m benchmarks.clicks [clicks] [SQLite|Postgres]`.

A real `signoff run` over signed HTTP; each click approves a run that waits. They come 50 a second, whether or not the bot keeps up. The
ack is timed by whoever clicks; the final text is there when Slack gets the run's last post. `/livez` is asked meanwhile: it touches no
database, so it tells how long whatever comes in waits for its turn.
"""

import asyncio
import sys
import time

from benchmarks.databases import chosen, database
from benchmarks.report import columns, heading, percentile, row
from benchmarks.servers import Addresses, servers
from benchmarks.wire import Card, Door, running

A_SECOND = 50
PROBES_A_SECOND = 10
WARM_UP = 100
COLUMNS = (
    "database", "clicks/s", "click to ack p50 ms", "p99 ms", "slowest ms", "click to final text p50 ms", "p99 ms", "/livez p99 ms"
)  # fmt: skip
TARGET = "Target: click to ack p99 at most 50 ms."


async def clicked(door: Door, cards: list[Card]) -> tuple[list[float], dict[str, float]]:
    """Click on each at its time: the acks' seconds, and when each was clicked."""
    began = time.monotonic()
    clicks: dict[str, float] = {}

    async def one(number: int, card: Card) -> float:
        await asyncio.sleep(began + number / A_SECOND - time.monotonic())
        clicks[card.channel] = time.monotonic()
        return await door.click(card)

    acks = await asyncio.gather(*(one(number, card) for number, card in enumerate(cards)))
    return list(acks), clicks


async def probed(door: Door) -> list[float]:
    """Until it is cancelled."""
    taken: list[float] = []
    try:
        while True:
            taken.append(await door.probe())
            await asyncio.sleep(1 / PROBES_A_SECOND)
    except asyncio.CancelledError:
        return taken


async def measured(door: Door, clicks: int) -> tuple[str, ...]:
    await door.completed(WARM_UP)
    cards = await door.asked(clicks)
    await asyncio.sleep(1.0)
    probes = asyncio.create_task(probed(door))
    acks, clicked_at = await clicked(door, cards)
    await door.until(set(clicked_at), ended=True)
    probes.cancel()
    texts = [door.words[channel] - at for channel, at in clicked_at.items()]
    figures = [percentile(acks, 50), percentile(acks, 99), max(acks), percentile(texts, 50), percentile(texts, 99)]
    return tuple(f"{1000 * each:.1f}" for each in (*figures, percentile(await probes, 99)))


async def compare(addresses: Addresses, clicks: int, names: list[str]) -> None:
    for name in names:
        async with database(name) as base, running(base, addresses) as door:
            print(row((name, A_SECOND, *await measured(door, clicks))), flush=True)


def main(arguments: list[str]) -> None:
    clicks = int(next((each for each in arguments if each.isdigit()), "1000"))
    print(heading(f"Clicks ({clicks} of them, over HTTP)"))
    print(columns(COLUMNS))
    with servers() as addresses:
        asyncio.run(compare(addresses, clicks, chosen(arguments)))
    print(f"\n{TARGET}")


if __name__ == "__main__":
    main(sys.argv[1:])
