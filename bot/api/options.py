"""Every parameter of an agent, checked once. What they do is told here; doing it is the other files'.

The names are those of bighub-openai 0.1.0b5, so that its programs keep working; what is ours comes last.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict
from urllib.parse import urlsplit

from bot.errors import AdapterConfigurationError
from bot.execution_events import SOURCE_VERSION
from bot.ports import Store

_CHOICES = {
    "decision_mode": ("submit", "submit_payload"),
    "fail_mode": ("closed", "open"),
}
_TEXTS = ("actor", "domain", "decision_objective", "model_selection", "memory_source", "memory_source_version")
_FLAGS = ("memory_enabled", "outcome_reporting", "outcome_reporting_required")
# name → (a whole number?, the least value, whether that value itself is allowed)
_NUMBERS = {
    "memory_ingest_timeout_ms": (False, 0.0, False),
    "max_tool_rounds": (True, 1.0, True),
    "provider_timeout_seconds": (False, 0.0, False),
    "provider_max_retries": (True, 0.0, True),
    "provider_retry_backoff_seconds": (False, 0.0, True),
    "provider_retry_max_backoff_seconds": (False, 0.0, True),
    "provider_retry_jitter_seconds": (False, 0.0, True),
    "provider_circuit_breaker_failures": (True, 0.0, True),
    "provider_circuit_breaker_reset_seconds": (False, 0.0, False),
    "evaluate_retries": (True, 0.0, True),
    "tool_timeout_seconds": (False, 0.0, False),
    "bighub_timeout_seconds": (False, 0.0, False),
}
_ADDRESSES = ("openai_base_url", "bighub_base_url")
_MAY_BE_NONE = ("bighub_timeout_seconds",)


class Parameters(TypedDict, total=False):
    """The parameters as type checkers know them; what each is and its default: `Options`."""

    bighub_api_key: str | None
    actor: str
    domain: str
    decision_mode: str
    decision_objective: str
    model_selection: str
    on_decision: Callable[[dict[str, Any]], Any] | None
    memory_enabled: bool
    memory_source: str
    memory_source_version: str
    memory_ingest_timeout_ms: float
    outcome_reporting: bool
    outcome_reporting_required: bool
    openai_api_key: str | None
    openai_client: Any
    bighub: Any
    bighub_client: Any
    fail_mode: str
    max_tool_rounds: int
    session_id: str | None
    provider_timeout_seconds: float
    provider_max_retries: int
    provider_retry_backoff_seconds: float
    provider_retry_max_backoff_seconds: float
    provider_retry_jitter_seconds: float
    provider_circuit_breaker_failures: int
    provider_circuit_breaker_reset_seconds: float
    evaluate_retries: int
    bighub_timeout_seconds: float | None
    tool_timeout_seconds: float
    store: Store | str | None
    openai_base_url: str | None
    bighub_base_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Make an agent. All parameters are given by name; a time is in seconds, unless its name says otherwise.

    bighub_api_key, openai_api_key: the keys, each needed unless its client is given.
    bighub or bighub_client, openai_client: any client with the methods that are used (see `docs/library.md`); synchronous or
      asynchronous to match the class (both kinds work in both).
    actor ("AI_AGENT"), domain ("it_actions"): who acts, in which field, as BIGHUB knows them; a tool may say otherwise.
    decision_mode: "submit" (the default) or "submit_payload". decision_objective ("better_decision"), model_selection ("auto"):
      hints in BIGHUB's context.
    on_decision: called with each execution event, a dict (None: nobody); what it raises is logged and ignored.
    memory_enabled (True), memory_source ("openai_adapter"), memory_source_version (Signoff's): whether and as what execution
      events go to BIGHUB's memory.
    memory_ingest_timeout_ms: how long all reports and memories together may hold up the end of a call, and what one of them may
      take, in milliseconds (300).
    outcome_reporting (True): report what became of each call. outcome_reporting_required (False): a report that fails raises
      RuntimeError, after everything else of the run is recorded.
    fail_mode: "closed" (the default) blocks what BIGHUB could not evaluate; "open" lets it through where BIGHUB was unreachable.
    max_tool_rounds: model responses with calls in one run (8); the model may still answer after the last.
    session_id: BIGHUB's session; without one each run is a session of its own.
    provider_timeout_seconds: one attempt at the model (30). provider_max_retries (2), with provider_retry_backoff_seconds (0.25)
      doubling up to provider_retry_max_backoff_seconds (2.0) and up to provider_retry_jitter_seconds (0.1) of chance.
    provider_circuit_breaker_failures: after so many failed calls in a row (0, the default: never) no call is tried for
      provider_circuit_breaker_reset_seconds (30.0).
    evaluate_retries: further attempts at an unreachable BIGHUB (2). bighub_timeout_seconds: one attempt at BIGHUB, a decision or
      a resolution (10; with a client of your own None: that one's own limit).
    tool_timeout_seconds: how long a tool may take unless it says otherwise (300).
    store: where runs are kept: a Store, or the address of a database ("sqlite:///runs.db", "postgresql://…"); without one, in
      this process. With a database of its own, another process can resume a run that waits for approval.
    openai_base_url, bighub_base_url: other addresses (OPENAI_BASE_URL, BIGHUB_BASE_URL); BIGHUB's is https, or on this machine.

    Raises AdapterConfigurationError for a wrong parameter, naming it and what it may be; TypeError for an unknown one.
    Source: the founding README, Configuration; bighub-openai 0.1.0b5; from store on, this project.
    """

    bighub_api_key: str | None = field(default=None, repr=False)
    actor: str = "AI_AGENT"
    domain: str = "it_actions"
    decision_mode: str = "submit"
    decision_objective: str = "better_decision"
    model_selection: str = "auto"
    on_decision: Callable[[dict[str, Any]], Any] | None = None
    memory_enabled: bool = True
    memory_source: str = "openai_adapter"
    memory_source_version: str = SOURCE_VERSION
    memory_ingest_timeout_ms: float = 300
    outcome_reporting: bool = True
    outcome_reporting_required: bool = False
    openai_api_key: str | None = field(default=None, repr=False)
    openai_client: Any = None
    bighub: Any = None
    bighub_client: Any = None
    fail_mode: str = "closed"
    max_tool_rounds: int = 8
    session_id: str | None = None
    provider_timeout_seconds: float = 30.0
    provider_max_retries: int = 2
    provider_retry_backoff_seconds: float = 0.25
    provider_retry_max_backoff_seconds: float = 2.0
    provider_retry_jitter_seconds: float = 0.1
    provider_circuit_breaker_failures: int = 0
    provider_circuit_breaker_reset_seconds: float = 30.0
    evaluate_retries: int = 2
    bighub_timeout_seconds: float | None = None
    tool_timeout_seconds: float = 300.0
    store: Store | str | None = None
    openai_base_url: str | None = None
    bighub_base_url: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise _wrong(name, " or ".join(map(repr, allowed)), getattr(self, name))
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise _wrong(name, "a text", getattr(self, name))
        for name in _FLAGS:
            if not isinstance(getattr(self, name), bool):
                raise _wrong(name, "True or False", getattr(self, name))
        for name, bounds in _NUMBERS.items():
            _check_number(name, getattr(self, name), *bounds)
        if self.session_id is not None and (not isinstance(self.session_id, str) or not self.session_id.strip()):
            raise _wrong("session_id", "a text, or None", self.session_id)
        if self.on_decision is not None and not callable(self.on_decision):
            raise _wrong("on_decision", "a function of one argument, or None", self.on_decision)
        self._check_clients()

    def _check_clients(self) -> None:
        for name in _ADDRESSES:
            if getattr(self, name) is not None:
                check_address(name, getattr(self, name))
        if self.bighub is not None and self.bighub_client is not None:
            raise AdapterConfigurationError("Pass only one of bighub_client or bighub: they are the same parameter.")
        if self.bighub is None and self.bighub_client is None:
            _check_key("bighub_api_key", self.bighub_api_key, "bighub")
        if self.openai_client is None:
            _check_key("openai_api_key", self.openai_api_key, "openai_client")

    @property
    def any_bighub(self) -> Any:
        """The BIGHUB client that was given, under either name; None for our own."""
        return self.bighub if self.bighub is not None else self.bighub_client

    @property
    def report_seconds(self) -> float:
        return self.memory_ingest_timeout_ms / 1000


def _check_number(name: str, value: object, whole: bool, least: float, least_itself: bool) -> None:
    if value is None and name in _MAY_BE_NONE:
        return
    kind = int if whole else (int, float)
    wanted = f"a {'whole ' if whole else ''}number {'of at least' if least_itself else 'above'} {least:g}"
    if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
        raise _wrong(name, wanted, value)
    if value < least or (value == least and not least_itself):
        raise _wrong(name, wanted, value)


def check_address(name: str, url: object) -> None:
    """``name``: the parameter or the variable that holds it. Raises AdapterConfigurationError for what is no http address."""
    wanted = "an address, such as https://host/v1"
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        raise _wrong(name, wanted, url)
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of the port
        whole = False
    if not whole:
        raise _wrong(name, wanted, url)


def _check_key(name: str, key: object, client: str) -> None:
    if key is None or key == "":
        raise AdapterConfigurationError(f"{name} is required when {client} is not provided.")
    if not isinstance(key, str) or not key.strip() or not key.isascii() or not key.isprintable():
        raise AdapterConfigurationError(f"{name} is not a key: copy it again, without quotes or spaces.")


def _wrong(name: str, wanted: str, value: object) -> AdapterConfigurationError:
    shown = repr(value)
    return AdapterConfigurationError(f"{name} must be {wanted}, not {shown[:80]}.")
