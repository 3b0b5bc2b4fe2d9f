"""Promises of how a program's client is called: any kind of method, any kind of stream, and never at the event loop's cost."""

import asyncio
import contextlib
import functools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from bot.api.clients import BrokenOff, called, streamed

Method = Callable[..., Any]


def blocking(**given: Any) -> dict[str, Any]:
    return given


async def asynchronous(**given: Any) -> dict[str, Any]:
    return given


class Callables:
    """The same method in the shapes that SDKs and fakes give it."""

    def blocking(self, **given: Any) -> dict[str, Any]:
        return given

    async def asynchronous(self, **given: Any) -> dict[str, Any]:
        return given

    def handing_on(self, **given: Any) -> Awaitable[dict[str, Any]]:
        return self.asynchronous(**given)

    async def __call__(self, **given: Any) -> dict[str, Any]:
        return given


def wrapped(method: Method) -> Method:
    @functools.wraps(method)
    def inner(*args: Any, **given: Any) -> Any:
        return method(*args, **given)

    return inner


@pytest.mark.parametrize(
    "method",
    [
        blocking,
        asynchronous,
        Callables().blocking,
        Callables().asynchronous,
        Callables().handing_on,
        Callables(),
        functools.partial(asynchronous),
        wrapped(asynchronous),
        wrapped(blocking),
    ],
)
async def test_any_kind_of_method_is_called_and_awaited(method: Method) -> None:
    assert await called(method, {"a": 1}) == {"a": 1}


async def test_an_asynchronous_method_works_on_the_loop_and_a_synchronous_one_beside_it() -> None:
    async def here() -> int:
        asyncio.get_running_loop()
        return threading.get_ident()

    @functools.wraps(here)
    def here_too() -> Any:
        return asyncio.ensure_future(here())  # needs the running loop

    assert await called(here, {}) == await called(here_too, {}) == threading.get_ident()
    assert await called(threading.get_ident, {}) != threading.get_ident()


async def test_a_synchronous_method_never_blocks_the_loop_and_can_be_left() -> None:
    ended = threading.Event()

    def slow() -> None:
        ended.wait(5)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await called(slow, {})
    assert time.monotonic() - began < 2
    ended.set()


async def test_an_argument_that_is_new_is_passed_only_where_the_signature_names_it() -> None:
    def naming(model: str, *, include: object = None, **given: Any) -> dict[str, Any]:
        return {"model": model, "include": include, **given}

    def positional(include: object = None, /, **given: Any) -> dict[str, Any]:
        return given

    extras = {"include": ["x"], "idempotency_key": "k", "given": "not a name"}
    assert await called(naming, {"model": "m"}, extras) == {"model": "m", "include": ["x"]}
    assert await called(naming, {"model": "m", "include": ["mine"]}, extras) == {"model": "m", "include": ["x"]}
    assert await called(blocking, {"model": "m"}, extras) == {"model": "m"}
    assert await called(positional, {"model": "m"}, extras) == {"model": "m"}
    assert await called(dict, {"model": "m"}, extras) == {"model": "m"}  # it has no signature to read


@pytest.mark.parametrize("error", [ValueError("wrong"), RuntimeError("transient provider failure")])
async def test_what_a_client_raises_arrives_as_it_is(error: Exception) -> None:
    def failing() -> None:
        raise error

    async def failing_later() -> None:
        raise error

    for method in (failing, failing_later):
        with pytest.raises(type(error)) as caught:
            await called(method, {})
        assert caught.value is error


# --- streams ----------------------------------------------------------------------------------------------------------


class Recorded:
    """A stream in every shape that clients have: what happened to it is in ``happened``."""

    def __init__(self, events: list[Any], *, fail: Exception | None = None, pause: float = 0.0) -> None:
        self.events, self.fail, self.pause = events, fail, pause
        self.happened: list[str] = []

    def steps(self) -> Iterator[Any]:
        yield from self.events
        if self.fail is not None:
            raise self.fail


class Blocking(Recorded):
    def __enter__(self) -> "Blocking":
        self.happened.append(f"enter {threading.current_thread().name}")
        return self

    def __exit__(self, *raised: object) -> None:
        self.happened.append(f"exit {threading.current_thread().name}")

    def __iter__(self) -> Iterator[Any]:
        for event in self.steps():
            time.sleep(self.pause)
            yield event

    def get_final_response(self) -> str:
        return "final"


class Asynchronous(Recorded):
    async def __aenter__(self) -> "Asynchronous":
        self.happened.append("enter")
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.happened.append("exit")

    async def __aiter__(self) -> AsyncIterator[Any]:
        for event in self.steps():
            await asyncio.sleep(self.pause)
            yield event

    async def get_final_response(self) -> str:
        return "final"


class FinalAtOnce(Asynchronous):
    def get_final_response(self) -> str:  # type: ignore[override]
        return "final"


def opening(stream: Any) -> Method:
    def stream_of(**given: Any) -> Any:
        return stream

    return stream_of


def opening_later(stream: Any) -> Method:
    async def stream_of(**given: Any) -> Any:
        return stream

    return stream_of


KINDS = [(kind, way) for kind in (Blocking, Asynchronous, FinalAtOnce) for way in (opening, opening_later)]


@pytest.mark.parametrize(("kind", "way"), KINDS)
async def test_the_events_of_any_stream_arrive_in_order_and_then_its_final_response(
    kind: type[Recorded], way: Callable[[Any], Method]
) -> None:
    stream, seen = kind(list(range(50))), list[int]()
    final = await streamed(way(stream), {"model": "m"}, each=seen.append, silence=5)
    assert (seen, final) == (list(range(50)), "final")
    async with asyncio.timeout(2):
        while len(stream.happened) < 2:
            await asyncio.sleep(0.01)
    assert [each.split()[0] for each in stream.happened] == ["enter", "exit"]


async def test_one_thread_opens_reads_and_closes_a_synchronous_stream() -> None:
    stream, threads = Blocking([1, 2, 3]), set[str]()
    await streamed(opening(stream), {}, each=lambda _: threads.add(threading.current_thread().name), silence=5)
    async with asyncio.timeout(2):
        while len(stream.happened) < 2:
            await asyncio.sleep(0.01)
    assert stream.happened == ["enter client stream", "exit client stream"]
    assert threads == {threading.current_thread().name}  # but who listens is called on the loop


@pytest.mark.parametrize("kind", [Blocking, Asynchronous])
async def test_events_arrive_while_the_stream_goes_on(kind: type[Recorded]) -> None:
    times = list[float]()
    await streamed(opening(kind([1, 2, 3], pause=0.1)), {}, each=lambda _: times.append(time.monotonic()), silence=5)
    assert times[2] - times[0] > 0.15


@pytest.mark.parametrize("kind", [Blocking, Asynchronous])
async def test_a_stream_may_last_but_not_fall_silent(kind: type[Recorded]) -> None:
    await streamed(opening(kind(list(range(6)), pause=0.06)), {}, each=lambda _: None, silence=0.2)
    silent, seen = kind([1, 2], pause=0.5), list[int]()
    with pytest.raises(TimeoutError):
        await streamed(opening(silent), {}, each=seen.append, silence=0.1)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await asyncio.sleep(0.6)
    assert seen == [] and [each.split()[0] for each in silent.happened] == ["enter", "exit"]


@pytest.mark.parametrize("kind", [Blocking, Asynchronous])
async def test_a_stream_that_nobody_reads_any_more_is_closed(kind: type[Recorded]) -> None:
    stream, seen = kind(list(range(100)), pause=0.02), list[int]()
    reading = asyncio.create_task(streamed(opening(stream), {}, each=seen.append, silence=5))
    async with asyncio.timeout(2):
        while not seen:
            await asyncio.sleep(0.005)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    async with asyncio.timeout(2):
        while len(stream.happened) < 2:
            await asyncio.sleep(0.005)
    assert len(seen) < 50


@pytest.mark.parametrize("kind", [Blocking, Asynchronous])
async def test_a_stream_that_breaks_off_raises_what_it_raised_and_is_closed(kind: type[Recorded]) -> None:
    broken, seen = kind([1], fail=ConnectionResetError("gone")), list[int]()
    with pytest.raises(ConnectionResetError, match="gone"):
        await streamed(opening(broken), {}, each=seen.append, silence=5)
    assert seen == [1]
    async with asyncio.timeout(2):
        while len(broken.happened) < 2:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", [Blocking, Asynchronous, FinalAtOnce])
async def test_a_stream_whose_client_has_no_final_response_of_it_broke_off(kind: type[Recorded]) -> None:
    class Halved(kind):  # type: ignore[misc,valid-type]
        def get_final_response(self) -> Any:
            raise RuntimeError("no completed event")

    class HalvedLater(kind):  # type: ignore[misc,valid-type]
        async def get_final_response(self) -> Any:
            raise RuntimeError("no completed event")

    for stream in (Halved([1]), HalvedLater([1])):
        with pytest.raises(BrokenOff, match="no completed") as broken:
            await streamed(opening(stream), {}, each=lambda _: None, silence=5)
        assert isinstance(broken.value.__cause__, RuntimeError)


@pytest.mark.parametrize("kind", [Blocking, Asynchronous])
async def test_what_a_listener_raises_ends_the_stream(kind: type[Recorded]) -> None:
    def refuse(event: object) -> None:
        raise ValueError("not this")

    with pytest.raises(ValueError, match="not this"):
        await streamed(opening(kind([1])), {}, each=refuse, silence=5)


async def test_a_bare_iterator_is_a_stream_without_a_final_response() -> None:
    async def later() -> AsyncIterator[int]:
        for event in (1, 2):
            yield event

    for stream in ([1, 2], iter([1, 2]), later()):
        seen: list[int] = []
        assert await streamed(opening(stream), {}, each=seen.append, silence=5) is None
        assert seen == [1, 2]


class Both(Blocking):
    """A stream that says it is of either kind, as a mock does."""

    async def __aenter__(self) -> "Both":
        self.happened.append("enter asynchronously")
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.happened.append("exit asynchronously")

    async def __aiter__(self) -> AsyncIterator[Any]:
        for event in self.steps():
            yield event


@pytest.mark.parametrize(
    ("way", "entered"), [(opening, "enter client stream"), (opening_later, "enter asynchronously")]
)
async def test_a_stream_of_either_kind_is_read_the_way_its_method_is_called(
    way: Callable[[Any], Method], entered: str
) -> None:
    stream, seen = Both([1, 2]), list[int]()
    assert await streamed(way(stream), {}, each=seen.append, silence=5) == "final"
    assert (seen, stream.happened[0]) == ([1, 2], entered)
