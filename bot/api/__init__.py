"""Signoff as a Python library: an OpenAI agent whose tool calls BIGHUB judges before they run, over the bot's own engine.

The names are the founding README's (bighub-openai). `agent.py` and `blocking.py` are the two classes, `machine.py` wires the
engine, `approvals.py` lets a program decide; `tools.py`, `model.py` and `guard.py` are the engine's ports for a program.
"""

from bot.api.agent import AsyncBighubOpenAI
from bot.api.blocking import BighubOpenAI
from bot.api.shapes import ToolExecutionEvent, ToolResult
from bot.errors import AdapterConfigurationError, ProviderResponseError

GuardedOpenAI = BighubOpenAI
AsyncGuardedOpenAI = AsyncBighubOpenAI
GuardedToolResult = ToolResult

__all__ = [
    "AdapterConfigurationError",
    "AsyncBighubOpenAI",
    "AsyncGuardedOpenAI",
    "BighubOpenAI",
    "GuardedOpenAI",
    "GuardedToolResult",
    "ProviderResponseError",
    "ToolExecutionEvent",
    "ToolResult",
]
