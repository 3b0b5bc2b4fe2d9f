"""The logger of every room: structlog where the process has set it up (`logs.py` does, for the bot), else Python's own "signoff".

Rule: a program that uses the library finds nothing on its standard output that it has not written; structlog unconfigured would.
"""

import logging
from typing import Any

import structlog

_PYTHONS: Any = structlog.wrap_logger(
    logging.getLogger("signoff"),
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(key_order=["event"])],
    wrapper_class=structlog.stdlib.BoundLogger,
)


class _Logger:
    """Asks at each line which of the two it is: a program may set up structlog later."""

    def __getattr__(self, method: str) -> Any:
        return getattr(structlog.get_logger() if structlog.is_configured() else _PYTHONS, method)


log = _Logger()
