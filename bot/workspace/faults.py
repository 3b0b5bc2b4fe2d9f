"""The faults a test asks for, and the log of everything that went in and out. Changes nothing by itself.

A fault waits in a list until something matches it; `times` says how often it strikes, `skip` how many matches pass first.

API faults `{"kind": "api", "method": "chat.postMessage" | "*", "do": …}`:
  `ratelimited` (429 with `retry_after`), `status` (an HTTP `status`, default 500), `error` (an `error` code in a 200),
  `lost` (the connection breaks without an answer), `hang` (no answer for `seconds`), `slow` (answers after `seconds`);
  `when` is `before` (nothing happened) or `after` (it was committed).
Delivery faults `{"kind": "delivery", "match": "message" | "app_mention" | "block_actions" | "slash_commands" | "*", …}`:
  `drop` (this attempt never arrives and is retried), `lose` (never arrives, never retried), `duplicate`, `delay` (by
  `seconds`), `hold` (until another delivery has passed it), `refuse_ack` (arrives, but its ack is not counted).
"""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bot.workspace.refusals import Refused

Json = dict[str, Any]

API_FAULTS = frozenset({"ratelimited", "status", "error", "lost", "hang", "slow"})
DELIVERY_FAULTS = frozenset({"drop", "lose", "duplicate", "delay", "hold", "refuse_ack"})


@dataclass(slots=True)
class Fault:
    kind: str
    match: str
    do: str
    when: str = "before"
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 500
    retry_after: int = 1
    error: str = "fatal_error"


@dataclass(slots=True)
class Faults:
    waiting: list[Fault] = field(default_factory=list)

    def add(self, spec: Json) -> Fault:
        """Reads one fault as described above; `Refused("invalid_arguments")` for anything else."""
        fields = {**spec, "match": spec.get("match") or spec.get("method") or "*"}
        fields.pop("method", None)
        try:
            fault = Fault(**fields)
        except TypeError as problem:
            raise Refused("invalid_arguments", problem=str(problem)) from None
        allowed = {"api": API_FAULTS, "delivery": DELIVERY_FAULTS}.get(fault.kind, frozenset())
        if fault.do not in allowed or fault.when not in {"before", "after"}:
            raise Refused("invalid_arguments", problem=f"unknown fault {fault.kind}/{fault.do}/{fault.when}")
        self.waiting.append(fault)
        return fault

    def strike(self, kind: str, name: str) -> Fault | None:
        """The first waiting fault for this name, counted down; None when nothing is wrong."""
        for fault in self.waiting:
            if fault.kind != kind or fault.match not in {"*", name}:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            return fault
        return None


@dataclass(slots=True)
class Traffic:
    """Every API call and every delivery attempt, oldest first, without tokens."""

    entries: deque[Json] = field(default_factory=lambda: deque(maxlen=20_000))
    count: int = 0

    def record(self, kind: str, **details: Any) -> Json:
        self.count += 1
        entry: Json = {"seq": self.count, "at": time.time(), "kind": kind, **details}
        self.entries.append(entry)
        return entry

    def calls(self, method: str) -> list[Json]:
        return [each for each in self.entries if each["kind"] == "api" and each["method"] == method]

    def deliveries(self, name: str | None = None) -> list[Json]:
        return [each for each in self.entries if each["kind"] == "delivery" and name in {None, each["name"]}]
