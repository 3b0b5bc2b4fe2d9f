"""What is written of a run, its events and its open approvals, as rows. Writing them is `writer.py`'s. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from bot.core.events import Recorded
from bot.core.owed import due_at
from bot.core.run import Run
from bot.ports import OpenApproval
from bot.sql.chain import link
from bot.sql.codec import encode


def run_row(run: Run, head: str) -> dict[str, Any]:
    """A run's row without its lease."""
    place = run.asked.place
    return {
        "run": run.id,
        "team": place.team,
        "channel": place.channel,
        "thread": place.thread,
        "requester": run.asked.person.user,
        "state": run.state,
        "asked_at": run.asked_at,
        "due_at": due_at(run),
        "length": run.length,
        "head_hash": head,
    }


def chained_rows(run: str, head: str, events: Iterable[Recorded]) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """The rows of new events, chained to ``head``, and the contents that they refer to."""
    rows: list[dict[str, Any]] = []
    contents: dict[str, bytes] = {}
    for recorded in events:
        encoded = encode(recorded.event)
        head = link(head, recorded.seq, recorded.at, encoded.kind, encoded.body)
        row = {"run": run, "seq": recorded.seq, "at": recorded.at, "kind": encoded.kind, "body": encoded.body}
        rows.append({**row, "hash": head})
        contents.update(encoded.contents)
    return rows, contents


def approval_row(line: OpenApproval) -> dict[str, Any]:
    return {**asdict(line), "approvers": json.dumps(line.approvers)}
