"""How long Slack waits for the ack of a click, over signed HTTP: `python -m benchmarks.click_ack [clicks]`.

A click is acked after one committed transaction. The other figure of the same run is a probe that touches no database, so
that the ratio says what the transaction costs. The bot runs in a process of its own, on SQLite with synchronous=FULL.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.sql.schema import migrate
from tests.journey.stage import CAROL, OPS, staged


def click(number: int) -> str:
    """A click on a card's Approve, as Slack sends it; each one is another click."""
    action = {
        "type": "button",
        "action_id": "approve",
        "block_id": "b",
        "value": "0" * 32,
        "action_ts": f"17.{number:06}",
    }
    person = {"id": CAROL, "team_id": "T0ACME", "username": "carol"}
    payload = {
        "type": "block_actions",
        "team": {"id": "T0ACME", "domain": "acme"},
        "user": person,
        "api_app_id": "A0SIGNOFF",
        "container": {"type": "message", "message_ts": "17.000001", "channel_id": OPS},
        "channel": {"id": OPS, "name": "ops"},
        "message": {"ts": "17.000001", "type": "message", "text": ""},
        "trigger_id": f"{number}.1",
        "actions": [action],
    }
    return f"payload={quote(json.dumps(payload))}"


async def timed(session: aiohttp.ClientSession, url: str, body: str | None, secret: str) -> float:
    begun = time.perf_counter()
    if body is None:
        async with session.get(url) as answer:
            assert answer.status == 200
    else:
        stamp = str(int(time.time()))
        signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature)}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
    return (time.perf_counter() - begun) * 1000


def told(name: str, taken: list[float]) -> float:
    cuts = statistics.quantiles(taken, n=100)
    print(f"{name:22} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms")
    return cuts[49]


async def main(clicks: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'signoff.db'}"
        await migrate(url)
        async with staged(url, Path(folder), transport="http") as stage, aiohttp.ClientSession() as session:
            await stage.launch()
            address = str(stage.workspace.request_url)
            secret, probe = stage.workspace.signing_secret, address.replace("/slack/events", "/livez")
            for number in range(20):
                await timed(session, address, click(number), secret)
            probes, acks = [], []
            for number in range(100, 100 + clicks):
                probes.append(await timed(session, probe, None, secret))
                acks.append(await timed(session, address, click(number), secret))
            base, ack = told("probe without database", probes), told("click to ack", acks)
            print(f"{clicks} clicks, one at a time; ratio of the medians {ack / base:.1f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
