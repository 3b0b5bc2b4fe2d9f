"""What the errors of a BIGHUB client mean, the SDK's or anybody's: whether BIGHUB did not answer, refuses, or was never asked.

Rule: `Unreachable` only where BIGHUB did not answer: the network, the time limit, 408, 5xx. No refusal, no fault of ours, and no
certificate that cannot be trusted is that.
"""

import re
import ssl
import sys
from collections.abc import Iterator

import aiohttp
import httpx
from bighub.exceptions import BighubAPIError, BighubAuthError, BighubNetworkError, BighubTimeoutError

from bot.core.redact import redact_text
from bot.ports import Rejected, Unavailable

_BUSY = (425, 429)
_MOST_CAUSES = 10
_LONGEST_TEXT = 300
# A file that is missing, a key that no header can carry and an address that is none are faults of the caller's, whatever class
# they have, and whatever the client wraps them in.
_OURS = (
    *(ValueError, FileNotFoundError, PermissionError),
    *(httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects),
)
_OWN_FAULT = re.compile(
    r"\bloop\b|api.?key|credential|configur|not set\b|environment|unauthori|forbidden", re.IGNORECASE
)
_NOT_THE_CLIENTS = sys.stdlib_module_names | {"aiohttp", "anyio", "httpcore", "httpx", "requests", "urllib3"}
_AWAY = (httpx.TransportError, aiohttp.ClientConnectionError, OSError)


class Unreachable(Unavailable):
    """BIGHUB did not answer."""


class DecidedAlready(Unavailable):
    """409: somebody was first, or is at it."""


class NotThere(Rejected):
    """404: BIGHUB does not know the thing."""


def told(error: BaseException) -> str:
    """An error of a client as a person may read it: its kind, and its words without credentials."""
    text = redact_text(str(error).strip())[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
    if isinstance(error, Unavailable | Rejected):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def meaning_of(error: Exception, late: str, *, is_sdk: bool) -> Unavailable | Rejected | None:
    """What a client's error says about BIGHUB; None where it says nothing about it."""
    status = _status(error)
    if isinstance(error, BighubAuthError) or status in (401, 403):
        return Rejected("BIGHUB refused the key: check BIGHUB_API_KEY and what that key may do.")
    if status is not None:
        return _of_status(error, status)
    if isinstance(error, _OURS):
        return None
    if (behind := _no_absence(error)) is not None:
        return behind
    if isinstance(error, BighubTimeoutError):
        return Unreachable(late)
    if isinstance(error, BighubNetworkError):
        return Unreachable("BIGHUB cannot be reached.")
    if isinstance(error, _AWAY) or (not is_sdk and _plainly_down(error)):
        return Unreachable(f"BIGHUB cannot be reached: {told(error)}")
    return None


def _plainly_down(error: BaseException) -> bool:
    """Whoever writes a client of three lines says "it is down" with the plainest of errors, in any words; the SDK never does.
    What Python itself or an HTTP library says so, and what speaks of a key, a setting or an event loop, is about this side."""
    if type(error) not in (RuntimeError, Exception) or _OWN_FAULT.search(str(error)):
        return False
    raised_in, trace = "", error.__traceback__
    while trace is not None:
        raised_in, trace = str(trace.tb_frame.f_globals.get("__name__", "")), trace.tb_next
    return raised_in.partition(".")[0] not in _NOT_THE_CLIENTS


def _no_absence(error: BaseException) -> Unavailable | Rejected | None:
    """What is behind an error that a client raises as if nobody had answered, where it is something else."""
    behind = tuple(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in behind):
        return Rejected(
            "BIGHUB's certificate cannot be trusted: check BIGHUB_BASE_URL and the certificates of this machine."
        )
    if any(isinstance(each, httpx.DecodingError) for each in behind):
        return Unavailable("BIGHUB's answer cannot be read.")
    if any(isinstance(each, _OURS) for each in behind):
        return Rejected("The request to BIGHUB cannot be sent: check BIGHUB_API_KEY and BIGHUB_BASE_URL.")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of. Every client wraps what it meets in errors of its own."""
    found: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


def _of_status(error: Exception, status: int) -> Unavailable | Rejected:
    if status == 409:
        return DecidedAlready("BIGHUB is already at it (409).")
    if status >= 500 or status == 408:
        return Unreachable(f"BIGHUB answered {status}.")
    if status in _BUSY:
        return Unavailable("BIGHUB asks to wait." if status == 429 else f"BIGHUB answered {status}.", _wait(error))
    if status == 404:
        return NotThere("BIGHUB does not know this (404): check BIGHUB_BASE_URL.")
    if status < 400:
        return Rejected(f"BIGHUB's address sends elsewhere ({status}): check BIGHUB_BASE_URL.")
    said = error.detail or error.message if isinstance(error, BighubAPIError) else error
    return Rejected(f"BIGHUB refused the request ({status}): {redact_text(str(said))[:_LONGEST_TEXT]}")


def _status(error: Exception) -> int | None:
    """The HTTP status that an error carries: as the SDK's, aiohttp's or urllib's do, or as those of httpx and requests."""
    response = getattr(error, "response", None)
    given = (
        getattr(error, "status_code", None),
        getattr(error, "status", None),
        getattr(response, "status_code", None),
    )
    return next((each for each in given if isinstance(each, int) and not isinstance(each, bool)), None)


def _wait(error: Exception) -> float:
    seconds = getattr(error, "retry_after_seconds", None)
    return float(seconds) if isinstance(seconds, int | float) else 0.0
