"""The bot's composition root: builds the adapters, wires them to the engine, serves, and shuts down. It decides nothing.

Rule 1: a wrong token ends the start; a Slack that is away does not: the bot goes on, and its socket opens when Slack is back.
Rule 2: a stop signal ends the process, whatever hangs (`leaving.py`), and the file of the database stays ours until it has ended.
Rule 3: what actions started ends with the bot: after the drain, or by its guardian.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import typer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.actions import Registry
from bot.children import children_end_with_us
from bot.core.policy import Policy
from bot.dispatch import Queue, in_memory_queue, install_queue, postgres_queue
from bot.engine import Engine, Limits
from bot.errors import ConfigurationError
from bot.guarding import guard_of, oversight_of
from bot.leaving import leave, told_to_stop, working_seconds
from bot.local_guard import LocalGuard, TightenedGuard
from bot.logger import log
from bot.logs import configure_logging
from bot.openai_model import OpenAIModel
from bot.policy_file import Loaded, load_policy
from bot.policy_watch import PolicyWatch
from bot.ports import Guard, Store, Unavailable
from bot.serving import serving
from bot.settings import REMEDIES, TO_RUN, Settings, read_settings, seal_keys
from bot.slack.bolt import bolt_app
from bot.slack.calls import Declined, called, web_client, web_session
from bot.slack.chat import SlackChat
from bot.slack.ingress import slack_routes
from bot.slack.pacing import Pacer
from bot.slack.payloads import translate
from bot.slack.socket import socket_open
from bot.sql.engines import sqlite_file
from bot.sql.lock import end_leases, only_bot
from bot.sql.schema import migrate
from bot.sql.store import SqlStore, open_store

QUEUE_CONNECTIONS = 4
LEASE_SHARE, SWEEP_SHARE = 0.75, 0.25
"""Of the heartbeat: a dead replica's lease ends, and then a sweep of another one finds its run, both within one."""


@dataclass(frozen=True, slots=True)
class RunningBot:
    """A bot that is up. ``port`` is None where the probes could not be served."""

    engine: Engine
    store: Store
    port: int | None


@asynccontextmanager
async def running_bot(
    settings: Settings, unspoken: tuple[str, ...] = (), *, whole_process: bool = False
) -> AsyncIterator[RunningBot]:
    """Everything, from the database to Slack, until the end of the block; then drain and close. ``unspoken``: no output of an
    action carries it further; ``whole_process``: this process ends with the bot. Raises `ConfigurationError`, `Unavailable`."""
    loaded = load_policy(settings.policy_file)
    registry = Registry.load(settings.actions, unspoken=unspoken)
    async with contextlib.AsyncExitStack() as stack:
        keys = seal_keys(settings, sqlite_file(settings.database_url))
        store = await stack.enter_async_context(store_of(settings, whole_process))
        await accepted(settings)
        queue = await open_queue(settings)
        stack.push_async_callback(queue.close)
        model = model_of(settings)
        stack.push_async_callback(model.close)
        guard = await stack.enter_async_context(guard_of(settings, loaded.policy))
        engine = Engine(
            store=store,
            model=model,
            guard=guard,
            chat=await stack.enter_async_context(chat_of(settings, glass=bool(loaded.policy.break_glass.people))),
            actions=registry,
            dispatch=queue,
            translate=translate,
            policy=loaded.policy,
            seal_keys=keys,
            limits=limits_of(settings),
            oversight=await stack.enter_async_context(oversight_of(settings)),
        )
        restored = await engine.settle_restore()
        await stack.enter_async_context(
            queue.running(engine.advance, runs_at_once=engine.limits.runs_at_once, heartbeat=settings.heartbeat_seconds)
        )
        await stack.enter_async_context(engine.running(working_seconds(settings.drain_seconds)))
        port = await stack.enter_async_context(connected(settings, engine, queue))
        await stack.enter_async_context(policy_watched(settings, loaded.policy, guard, engine))
        stack.callback(queue.stop_taking)
        stack.callback(engine.stop)
        banner(settings, loaded, guard, registry, port, restored)
        yield RunningBot(engine, store, port)


@asynccontextmanager
async def policy_watched(
    settings: Settings, policy: Policy, guard: LocalGuard | TightenedGuard, engine: Engine
) -> AsyncIterator[None]:
    """Meanwhile a policy file that is changed is taken up."""

    def take(policy: Policy) -> None:
        guard.take_policy(policy)
        engine.take_policy(policy)

    watching = asyncio.create_task(PolicyWatch(settings.policy_file, policy, take).watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@asynccontextmanager
async def store_of(settings: Settings, whole_process: bool) -> AsyncIterator[SqlStore]:
    """The database, migrated; where it is a file, ours alone, and nobody else holds a run of it."""
    with contextlib.ExitStack() as alone:
        if (file := sqlite_file(settings.database_url)) is not None:
            alone.enter_context(only_bot(file, for_good=whole_process))
        await migrate_all(settings)
        store = open_store(settings.database_url)
        try:
            if sqlite_file(settings.database_url) is not None:
                await store.write(end_leases)
            yield store
        finally:
            await store.close()


def limits_of(settings: Settings, *, programs: bool = False) -> Limits:
    return Limits(
        programs=programs,
        max_tool_rounds=settings.max_tool_rounds,
        max_tokens=settings.max_tokens,
        max_run_seconds=settings.max_run_seconds,
        takeovers_before_parking=settings.max_takeovers,
        give_up_after=settings.give_up_seconds,
        lease=LEASE_SHARE * settings.heartbeat_seconds,
        alone=sqlite_file(settings.database_url) is not None,
        sweep_every=min(1.0, SWEEP_SHARE * settings.heartbeat_seconds),
    )


def model_of(settings: Settings) -> OpenAIModel:
    key, url = settings.openai_api_key.get_secret_value(), settings.openai_base_url
    return OpenAIModel(key, url, settings.model, stream=settings.model_stream, timeout=settings.model_timeout)


async def migrate_all(settings: Settings) -> None:
    """Bring the schema to head, and the queue's beside it."""
    await migrate(settings.database_url)
    if sqlite_file(settings.database_url) is None:
        await install_queue(settings.postgres_dsn)


async def open_queue(settings: Settings) -> Queue:
    if sqlite_file(settings.database_url) is not None:
        return in_memory_queue()
    return await postgres_queue(settings.postgres_dsn, QUEUE_CONNECTIONS)


@asynccontextmanager
async def chat_of(settings: Settings, *, glass: bool = False) -> AsyncIterator[SlackChat]:
    """The Chat port over the one workspace whose bot token is set; its calls share their connections."""
    note = "" if settings.bighub_api_key else "No BIGHUB key: the local rules decided alone."
    async with web_session() as session:
        client = web_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, session)
        yield SlackChat(lambda team: client, source_note=note, glass=glass, pacer=Pacer(spaces=settings.slack_pacing))


async def accepted(settings: Settings) -> None:
    """Ask Slack whether it knows our tokens, before anything is served. A Slack that is away is a warning."""
    async with web_session() as session:
        client = web_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, session)
        asked = [("SLACK_BOT_TOKEN", client.auth_test())]
        if settings.slack_app_token is not None:
            token = settings.slack_app_token.get_secret_value()
            asked.append(("SLACK_APP_TOKEN", client.apps_connections_open(app_token=token)))
        answers = await asyncio.gather(*(called(work) for _, work in asked), return_exceptions=True)
    for (name, _), answer in zip(asked, answers, strict=True):
        match answer:
            case Declined(code=code):
                raise ConfigurationError(f"Slack refuses {name} ({code}): set it to {REMEDIES[name]}.")
            case Unavailable():
                log.warning("Slack does not answer yet; the bot goes on without it", asked_for=name, why=str(answer))
            case BaseException():
                raise answer


@asynccontextmanager
async def connected(settings: Settings, engine: Engine, queue: Queue) -> AsyncIterator[int | None]:
    """Slack's requests come in: over Socket Mode, or over HTTP with signatures. The probes are served in both."""
    app = bolt_app(web_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url), engine)
    async with contextlib.AsyncExitStack() as stack:
        routes: list[BaseRoute] = [Route("/livez", alive), Route("/readyz", readiness(engine, queue))]
        if not settings.socket_mode and settings.slack_signing_secret is not None:
            routes += slack_routes(app, settings.slack_signing_secret.get_secret_value())
        port = await stack.enter_async_context(listening(settings, Starlette(routes=routes)))
        if settings.slack_app_token is not None:
            await stack.enter_async_context(socket_open(app, settings.slack_app_token.get_secret_value()))
        yield port


@asynccontextmanager
async def listening(settings: Settings, app: Starlette) -> AsyncIterator[int | None]:
    """Serve on SIGNOFF_HOST:SIGNOFF_PORT. In Socket Mode a taken port only costs the probes."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(serving(app, host=settings.host, port=settings.port))
        except OSError as taken:
            if not settings.socket_mode:
                raise ConfigurationError(
                    f"{settings.host}:{settings.port} cannot be served ({taken.strerror}); set SIGNOFF_PORT."
                ) from None
            log.warning("the probes are not served", host=settings.host, port=settings.port, why=taken.strerror)
            yield None
        else:
            yield address.port


async def alive(request: Request) -> Response:
    return JSONResponse({"ok": True})


def readiness(engine: Engine, queue: Queue) -> Callable[[Request], Awaitable[Response]]:
    async def ready(request: Request) -> Response:
        """Ready means: the database takes what is written, and what is woken is worked."""
        fault = await engine.fault() or queue.fault()
        return JSONResponse({"ok": fault is None, "fault": fault}, status_code=200 if fault is None else 503)

    return ready


def banner(
    settings: Settings, loaded: Loaded, guard: Guard, registry: Registry, port: int | None, restored: int | None
) -> None:
    """What whoever started the bot must know, once, on stdout. ``restored``: how many runs a restore ended; None for no restore."""
    way = "Socket Mode" if settings.socket_mode else f"HTTP on {settings.host}:{port}"
    database = sqlite_file(settings.database_url) or "Postgres"
    typer.echo(
        f"Signoff is up: {way}, {database}, {len(registry.actions)} actions, model {settings.model}, guard: {guard.name}."
    )
    if settings.bighub_api_key is None:
        typer.echo("No BIGHUB_API_KEY: the local rules of policy.yml decide alone, and every card says so.")
    for warning in loaded.warnings:
        typer.echo(f"Warning: {warning}")
    if restored is not None:
        typer.echo(f"Warning: the database was restored from a backup; {restored} unfinished runs of it were ended.")


async def run_bot() -> None:
    """`signoff run`: until SIGTERM or Ctrl-C, then drain; the signal ends a start that hangs as well."""
    up = asyncio.Event()
    settings = read_settings(*TO_RUN)
    configure_logging(settings)
    with told_to_stop(settings.drain_seconds) as stop:
        bot, stopped = asyncio.create_task(_until(stop, up, settings)), asyncio.create_task(stop.wait())
        await asyncio.wait({bot, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            stopped.cancel()
            return bot.result()
        if not up.is_set():
            bot.cancel()
        await asyncio.wait({bot})
    if not bot.cancelled() and (failed := bot.exception()) is not None:
        log.error("the bot did not stop cleanly", why=str(failed))
    return await leave()


async def _until(stop: asyncio.Event, up: asyncio.Event, settings: Settings) -> None:
    async with children_end_with_us() as unspoken, running_bot(settings, unspoken, whole_process=True):
        up.set()
        await stop.wait()
        typer.echo("Stopping: finishing what is under way.")
