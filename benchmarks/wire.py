"""A bot as `signoff run` in a process of its own, and Slack at its door: signed requests over HTTP, timed by whoever sends them.

What Slack, the model and BIGHUB answer to the bot is `servers.py`'s.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from benchmarks.databases import Database
from benchmarks.servers import Addresses
from benchmarks.stage import ALICE, BOT, CAROL, TEAM
from tests.journey.stage import free_port

SECRET = "s" * 32
POLICY = f'open_per_person: 100000\ndefaults:\n  approvers: ["user:{CAROL}"]\n'
FORM = "application/x-www-form-urlencoded"
IN_FLIGHT = 48
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Card:
    channel: str
    message: str
    approval: str


@dataclass
class Door:
    """A running bot. ``cards`` and ``words``: what it posted in each channel, the latter with the moment; each run has a channel
    of its own."""

    process: asyncio.subprocess.Process
    url: str
    slack: Addresses
    session: aiohttp.ClientSession
    cards: dict[str, Card] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)

    # --- Slack sends ------------------------------------------------------------------------------------------------

    async def sent(self, body: str, kind: str = FORM) -> tuple[float, str]:
        """Send a signed request: the seconds until its answer, and the answer."""
        stamp = str(int(time.time()))
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body)
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature), "Content-Type": kind}
        began = time.monotonic()
        async with self.session.post(f"{self.url}/slack/events", data=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            return time.monotonic() - began, text

    async def mention(self, channel: str) -> None:
        ts = f"{time.time():.6f}"
        event = {"type": "app_mention", "user": ALICE, "team": TEAM, "text": f"<@{BOT}> restart checkout"}
        body = {
            "type": "event_callback",
            "team_id": TEAM,
            "event": {**event, "channel": channel, "ts": ts},
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
        }
        await self.sent(json.dumps(body), "application/json")

    async def click(self, card: Card) -> float:
        """Carol approves; the seconds until the ack."""
        action = {"type": "button", "action_id": "approve", "block_id": "b", "value": card.approval, "action_ts": "1.1"}
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "acme"},
            "user": {"id": CAROL, "team_id": TEAM, "username": "carol"},
            "api_app_id": "A0SIGNOFF",
            "container": {"type": "message", "message_ts": card.message, "channel_id": card.channel},
            "channel": {"id": card.channel, "name": "ops"},
            "message": {"ts": card.message, "type": "message", "text": ""},
            "trigger_id": "1.1",
            "actions": [action],
        }
        return (await self.sent(urlencode({"payload": json.dumps(payload)})))[0]

    async def pending(self) -> tuple[float, str]:
        """Carol types `/pending`: the seconds until the answer, and the answer."""
        who = {"team_id": TEAM, "team_domain": "acme", "user_id": CAROL, "user_name": "carol"}
        where = {"channel_id": "C1", "channel_name": "ops", "response_url": f"{self.slack.slack}later"}
        what = {"command": "/pending", "text": "", "token": "t", "trigger_id": f"{next(_numbers)}.1"}
        return await self.sent(urlencode({**what, **who, **where}))

    async def probe(self) -> float:
        began = time.monotonic()
        async with self.session.get(f"{self.url}/livez") as answer:
            assert answer.status == 200
        return time.monotonic() - began

    # --- what the bot does ------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Take in what was posted since the last look."""
        async with self.session.get(self.slack.posts) as answer:
            for channel, ts, approval, at in await answer.json():
                if approval:
                    self.cards[channel] = Card(channel, ts, approval)
                else:
                    self.words[channel] = at

    async def until(self, channels: set[str], *, ended: bool) -> None:
        """Wait until each of ``channels`` has its card, or (``ended``) its last words."""
        waited, left = time.monotonic(), len(channels)
        while channels - set(self.words if ended else self.cards):
            await asyncio.sleep(0.05)
            await self.look()
            now = len(channels - set(self.words if ended else self.cards))
            waited, left = (time.monotonic(), now) if now < left else (waited, left)
            assert time.monotonic() - waited < PATIENCE_SECONDS, f"{left} runs do not go on"

    async def asked(self, runs: int) -> list[Card]:
        """So many new runs, each of which waits for its approval: a few at a time, as quickly as the bot can."""
        channels = [f"C{next(_numbers)}" for _ in range(runs)]
        for first in range(0, runs, IN_FLIGHT):
            some = channels[first : first + IN_FLIGHT]
            await asyncio.gather(*map(self.mention, some))
            await self.until(set(some), ended=False)
        return [self.cards[channel] for channel in channels]

    async def completed(self, runs: int) -> None:
        """So many new runs, to their ends."""
        cards = await self.asked(runs)
        await asyncio.gather(*map(self.click, cards))
        await self.until({card.channel for card in cards}, ended=True)

    def resident(self) -> float:
        """The megabytes that are in memory."""
        told = subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.process.pid)], text=True)
        return int(told) / 1024


_numbers = itertools.count(1)


@contextlib.asynccontextmanager
async def running(base: Database, addresses: Addresses) -> AsyncIterator[Door]:
    """`signoff run` on a database, until the end of the block."""
    with TemporaryDirectory(prefix="signoff-bench-") as folder:
        port = free_port()
        (Path(folder) / "policy.yml").write_text(POLICY)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env={**environment(base, addresses), "SIGNOFF_PORT": str(port), "SIGNOFF_POLICY": f"{folder}/policy.yml"},
            stdout=subprocess.DEVNULL,
        )
        try:
            # Uvicorn closes a connection that was idle for five seconds.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2.0)
            async with aiohttp.ClientSession(connector=connector) as session:
                door = Door(process, f"http://127.0.0.1:{port}", addresses, session)
                await _ready(door)
                yield door
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


def environment(base: Database, addresses: Addresses) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": addresses.slack,
        "SIGNOFF_SLACK_PACING": "false",
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": addresses.openai,
        "BIGHUB_API_KEY": "bh_bench",
        "BIGHUB_BASE_URL": addresses.bighub,
        "SIGNOFF_BIGHUB_MEMORY": "0",
        "DATABASE_URL": base.url,
        "SIGNOFF_ACTIONS": "benchmarks.actions",
        "SIGNOFF_SEAL_KEY": "k" * 32,
    }


async def _ready(door: Door) -> None:
    for _ in range(600):
        assert door.process.returncode is None, "the bot ended"
        with contextlib.suppress(aiohttp.ClientError):
            async with door.session.get(f"{door.url}/readyz") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.05)
    raise TimeoutError("the bot did not become ready")
