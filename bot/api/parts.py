"""The parts of an agent, built from its options: tools, store, seal keys, model and guard. The only file here that reads the
environment."""

import hashlib
import os
import secrets
from urllib.parse import urlsplit

from bot.api.guard import GuardOptions, LibraryGuard
from bot.api.model import Breaker, LibraryModel, Retries
from bot.api.options import Options, check_address
from bot.api.tools import Tools
from bot.bighub_client import sdk_client
from bot.dict_store import DictStore
from bot.errors import AdapterConfigurationError, ConfigurationError
from bot.openai_model import OpenAIModel
from bot.ports import Store

MOST_ENDED_RUNS = 1_000
SHORTEST_KEY = 16
BIGHUB_SECONDS = 10.0
_THIS_MACHINE = ("localhost", "127.0.0.1")


def shared_store_of(options: Options) -> Store | None:
    """The store that every loop of the agent uses; None where each opens the database by itself."""
    if options.store is None:
        return DictStore(most_ended=MOST_ENDED_RUNS)
    if isinstance(options.store, str):
        database_of(options.store)  # a wrong address is told at once
        return None
    if not all(callable(getattr(options.store, name, None)) for name in ("read", "write", "close")):
        raise AdapterConfigurationError("store must be a Store, the address of a database, or None.")
    return options.store


def database_of(url: str) -> Store:
    """A store on a database, not connected yet. Most programs need none, and importing it takes a fifth of the whole."""
    from bot.sql.store import open_store

    try:
        return open_store(url)
    except ConfigurationError as wrong:
        told = wrong.tell.replace("DATABASE_URL", "this address")  # the bot's setting
        raise AdapterConfigurationError(f"store: {told}") from wrong


async def migrate_database(url: str) -> None:
    """Make the tables, or bring them up to date."""
    from bot.sql.schema import migrate

    await migrate(url)


def keys_of(options: Options) -> tuple[bytes, ...]:
    """The keys of the seal, the present one first: SIGNOFF_SEAL_KEY; else made from the agent's own key, so that another
    process with the same one can go on; nothing leaves this process where the runs do not."""
    given = [key.strip().encode() for key in os.environ.get("SIGNOFF_SEAL_KEY", "").split(",") if key.strip()]
    if any(len(key) < SHORTEST_KEY for key in given):
        raise AdapterConfigurationError(f"SIGNOFF_SEAL_KEY is too short: it has at least {SHORTEST_KEY} characters.")
    if given:
        return tuple(given)
    if options.store is None:
        return (secrets.token_bytes(32),)
    secret = options.bighub_api_key or options.openai_api_key
    if not secret:
        raise AdapterConfigurationError(
            f"store needs a secret to seal approvals with: set SIGNOFF_SEAL_KEY (at least {SHORTEST_KEY} characters), the same "
            "for all who share the store, or pass bighub_api_key too."
        )
    return (hashlib.sha256(b"signoff library seal" + secret.encode()).digest(),)


def tools_of(options: Options) -> Tools:
    return Tools(default_timeout=options.tool_timeout_seconds)


def breaker_of(options: Options) -> Breaker:
    """One for the whole agent, whatever loops it is used on."""
    return Breaker(options.provider_circuit_breaker_failures, options.provider_circuit_breaker_reset_seconds)


def check_addresses(options: Options) -> None:
    """Whether the agent's own clients can use the addresses that they will have, from the environment too.

    Raises AdapterConfigurationError, which names the parameter or the variable.
    """
    for name, url in (_openai_address(options), _bighub_address(options)):
        if url is not None:
            check_address(name, url)
    name, url = _bighub_address(options)
    if url is None or urlsplit(url).scheme == "https" or urlsplit(url).hostname in _THIS_MACHINE:
        return
    try:
        sdk_client("anything", url)  # which hosts may be asked without TLS is the SDK's to say
    except ConfigurationError as wrong:
        raise AdapterConfigurationError(f"{name} must be an https address, not {url[:80]!r}.") from wrong


def _openai_address(options: Options) -> tuple[str, str | None]:
    """The address that our own client uses, and what it was given by; None for OpenAI's."""
    own = options.openai_client is None
    return _address("openai_base_url", options.openai_base_url, "OPENAI_BASE_URL" if own else "")


def _bighub_address(options: Options) -> tuple[str, str | None]:
    own = options.any_bighub is None
    return _address("bighub_base_url", options.bighub_base_url, "BIGHUB_BASE_URL" if own else "")


def _address(name: str, given: str | None, variable: str) -> tuple[str, str | None]:
    return (variable, os.environ.get(variable) or None) if given is None else (name, given)


def model_of(options: Options, breaker: Breaker) -> LibraryModel:
    retries = Retries(
        timeout_seconds=options.provider_timeout_seconds,
        max_retries=options.provider_max_retries,
        backoff_seconds=options.provider_retry_backoff_seconds,
        max_backoff_seconds=options.provider_retry_max_backoff_seconds,
        jitter_seconds=options.provider_retry_jitter_seconds,
        breaker_failures=options.provider_circuit_breaker_failures,
        breaker_reset_seconds=options.provider_circuit_breaker_reset_seconds,
    )
    if options.openai_client is not None:
        return LibraryModel(options.openai_client, None, retries, breaker)
    key, seconds = options.openai_api_key or "", options.provider_timeout_seconds
    name, address = _openai_address(options)
    try:
        own = OpenAIModel(key, address, "", timeout=seconds)
    except ConfigurationError as wrong:
        raise AdapterConfigurationError(wrong.tell.replace("OPENAI_BASE_URL", name)) from wrong
    return LibraryModel(None, own, retries, breaker)


def guard_of(options: Options, tools: Tools) -> LibraryGuard:
    client, seconds = options.any_bighub, options.bighub_timeout_seconds
    if client is None:
        name, address = _bighub_address(options)
        seconds = BIGHUB_SECONDS if seconds is None else seconds
        try:
            client = sdk_client(options.bighub_api_key or "", address, seconds)
        except ConfigurationError as wrong:
            raise AdapterConfigurationError(wrong.tell.replace("BIGHUB_BASE_URL", name)) from wrong
    guard_options = GuardOptions(
        actor=options.actor,
        domain=options.domain,
        objective=options.decision_objective,
        model_selection=options.model_selection,
        session_id=options.session_id,
        fail_mode=options.fail_mode,
        evaluate_retries=options.evaluate_retries,
        report_timeout_seconds=options.report_seconds,
        outcome_reporting=options.outcome_reporting,
        outcome_required=options.outcome_reporting_required,
        memory_enabled=options.memory_enabled,
        memory_source=options.memory_source,
        memory_source_version=options.memory_source_version,
        decision_mode=options.decision_mode,
        timeout_seconds=seconds,
    )
    return LibraryGuard(client, lambda question: tools.facts(question.action, question.binding), guard_options)
