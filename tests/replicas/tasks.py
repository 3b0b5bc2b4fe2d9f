"""A model that does what it is told, from the request alone, so that any number of runs can ask it in any order: "restart NAME"
is one action with that name and a word about its end, anything else is answered. `slow-5-…` takes five seconds, `stubborn-…` never ends."""

import json
import re
from typing import Any

from tests.servers.model_server import Calls, Text, Turn

WISH = re.compile(r"restart ([\w-]+)")
SLOW = re.compile(r"slow-(\d+)-")


def answer(request: dict[str, Any]) -> Turn:
    """The turn that follows from what the run has brought so far."""
    items = request["input"]
    wish = WISH.search(json.dumps([item for item in items if item.get("role") == "user"]))
    if wish is None:
        return Text("I heard you.")
    name = wish[1]
    outputs = [item for item in items if item.get("type") == "function_call_output"]
    if outputs:
        return Text(f"{name}: {json.loads(outputs[-1]['output'])['status']}")
    if name.startswith("stubborn-"):
        return Calls([("restart_stubbornly", {"service": name})])
    slow = SLOW.match(name)
    return Calls([("restart_slowly", {"service": name, "seconds": float(slow[1]) if slow else 0.0})])
