"""Logging: structlog to stderr, a line an event, with secrets removed. What is logged is each room's own affair.

Rule: no value of a local variable and no secret reaches a log; tracebacks are plain, and every text is redacted last.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.core.redact import redact_text
from bot.settings import Settings

Event = MutableMapping[str, Any]
QUIET = ("slack_bolt", "slack_sdk", "httpx", "httpx2", "openai", "pgqueuer", "uvicorn", "aiohttp")


def configure_logging(settings: Settings) -> None:
    """Set up the process's logging: readable on a terminal, JSON otherwise."""
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redaction(settings),
            renderer if terminal else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _redaction(settings: Settings) -> structlog.typing.Processor:
    known = settings.secrets()

    def redact(logger: Any, method: str, event: Event) -> Event:
        return {key: redact_text(value, known) if isinstance(value, str) else value for key, value in event.items()}

    return redact
