"""Running: bytes in, a sentence or JSON out, nothing blocked, nothing swallowed that must not be."""

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from bot.actions import define
from bot.actions.run import ask_probe, execute
from bot.ports import Ran

WHO = contextvars.ContextVar("who", default="nobody")


async def ran(fn: Any, arguments: bytes = b"{}", **options: Any) -> Ran:
    return await execute(define(fn, **options), arguments, idempotency_key="attempt-1")


async def test_a_synchronous_action_runs_in_a_thread_of_its_own_and_does_not_block_the_loop() -> None:
    def slow(n: int) -> str:
        time.sleep(0.2)
        return threading.current_thread().name + str(n)

    began = time.perf_counter()
    answers = await asyncio.gather(*(ran(slow, b'{"n":%d}' % n) for n in range(40)))
    assert time.perf_counter() - began < 3
    assert [each.output for each in answers] == [f'"action slow{n}"' for n in range(40)]


async def test_an_asynchronous_action_is_awaited_and_so_is_what_a_lambda_returns() -> None:
    async def fetch(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    assert (await ran(fetch, b'{"n":1}')).output == "2"
    late = define(lambda n: fetch(n), name="late", strict=False)
    assert (await execute(late, b'{"n":2}', idempotency_key="")).output == "3"


async def test_the_callers_context_reaches_the_thread() -> None:
    WHO.set("alice")
    assert (await ran(lambda: WHO.get(), name="who")).output == '"alice"'


async def test_the_attempts_key_is_given_to_those_who_ask_for_it() -> None:
    def pay(amount: int, *, idempotency_key: str) -> str:
        return f"{amount} {idempotency_key}"

    assert (await ran(pay, b'{"amount":5}')).output == '"5 attempt-1"'


async def test_h7_an_output_without_a_json_form_is_no_failure() -> None:
    answer = await ran(lambda: {1: {2, 3}, "at": object()}, name="odd")
    assert answer.ok and answer.output.startswith('{"1":[2,3],"at":"<object object at')


async def test_what_was_returned_is_kept_only_where_something_was_returned() -> None:
    kept: list[object] = []

    async def odd(n: int) -> object:
        return {1, 2} if n else 1 / n

    for arguments in (b'{"n":1}', b'{"n":0}', b'{"n":"x"}', b"[]"):
        await execute(define(odd), arguments, idempotency_key="", keep=kept.append)
    assert kept == [{1, 2}]


async def test_an_exception_becomes_a_sentence_without_a_traceback() -> None:
    def broken() -> None:
        raise ValueError("no such group\nokta-prod")

    def silent() -> None:
        raise LookupError

    def long() -> None:
        raise ValueError("x" * 100_000)

    def stop() -> None:
        raise StopIteration(5)

    assert await ran(broken) == Ran(
        ok=False, output="null", error="broken failed: ValueError: no such group\nokta-prod"
    )
    assert (await ran(silent)).error == "silent failed: LookupError"
    assert len((await ran(long)).error) < 2100 and "cut from 100," in (await ran(long)).error
    assert "StopIteration: 5" in (await ran(stop)).error


async def test_a_timeout_says_that_it_may_still_have_happened() -> None:
    release = threading.Event()

    def hang() -> None:
        release.wait(20)

    async def hang_too() -> None:
        await asyncio.sleep(20)

    for fn in (hang, hang_too):
        began = time.perf_counter()
        answer = await ran(fn, timeout=0.05)
        assert time.perf_counter() - began < 3
        assert answer.error.startswith(f"{fn.__name__} did not answer within 0.05 s. It may still have happened")
        assert not answer.ok
    release.set()


async def test_an_action_that_ends_while_it_is_being_stopped_keeps_its_result() -> None:
    async def careful() -> str:
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            return "rolled back"
        return "done"

    assert await ran(careful, timeout=0.05) == Ran(ok=True, output='"rolled back"')


async def test_an_action_that_will_not_be_stopped_is_left_behind() -> None:
    async def stubborn() -> None:
        end = time.perf_counter() + 3
        while time.perf_counter() < end:
            try:
                await asyncio.sleep(end - time.perf_counter())
            except asyncio.CancelledError:
                continue

    began = time.perf_counter()
    assert "did not answer" in (await ran(stubborn, timeout=0.05)).error
    assert time.perf_counter() - began < 2.5


async def test_the_actions_own_timeout_error_is_its_own() -> None:
    def connect() -> None:
        raise TimeoutError("database")

    assert (await ran(connect)).error == "connect failed: TimeoutError: database"


async def test_cancellation_passes_through_and_reaches_the_action() -> None:
    seen = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(20)
        finally:
            seen.set()

    task = asyncio.create_task(ran(wait))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(seen.wait(), 1)


def acting(kind: str, error: BaseException) -> Any:
    """A function of this kind that raises ``error``."""
    space: dict[str, Any] = {"error": error}
    exec(f"{kind} interrupted() -> None:\n    raise error", space)
    return space["interrupted"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_interrupt_is_not_swallowed(kind: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(ran(acting(kind, KeyboardInterrupt())))


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_action_that_would_end_the_process_has_failed(kind: str) -> None:
    """One action does not take the bot and everybody's runs with it."""
    result = asyncio.run(ran(acting(kind, SystemExit(3))))
    assert not result.ok and "SystemExit" in result.error


def test_an_action_that_never_ends_does_not_hold_up_the_exit() -> None:
    program = (
        "import asyncio, time\nfrom bot.actions import define\nfrom bot.actions.run import execute\n"
        "def hang() -> None:\n    time.sleep(60)\n"
        "print(asyncio.run(execute(define(hang, timeout=0.05), b'{}', idempotency_key='')).ok)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "False\n"


async def test_bytes_that_are_no_arguments_are_not_run() -> None:
    def never(a: int) -> None:
        raise AssertionError

    assert "never was not run" in (await ran(never, b"[]")).error
    assert "never was not run: ValidationError" in (await ran(never, b'{"a":"x"}')).error


async def test_s20_a_secret_argument_does_not_come_back_in_output_or_error() -> None:
    def echo(password: str) -> str:
        return f"it is {password}"

    def leak(password: str) -> str:
        raise ValueError(f"wrong password {password}")

    told = [await ran(fn, b'{"password":"hunter2"}', secret=("password",)) for fn in (echo, leak)]
    assert told[0].output == '"it is [secret]"'
    assert told[1].error == "leak failed: ValueError: wrong password [secret]"


async def test_the_probe_says_yes_no_or_nothing() -> None:
    def pay(amount: int, note: str = "") -> None: ...

    async def probed(probe: Any) -> bool | None:
        return await ask_probe(define(pay, probe=probe, timeout=0.2), b'{"amount":5,"note":""}', idempotency_key="k")

    async def slow() -> bool:
        await asyncio.sleep(20)
        return True

    assert await probed(lambda amount: amount == 5) is True
    assert await probed(lambda amount, idempotency_key: idempotency_key != "k") is False
    assert await probed(lambda **rest: rest == {"amount": 5, "note": "", "idempotency_key": "k"}) is True
    for unsure in (lambda: None, lambda: "yes", lambda: 1 / 0, slow):
        assert await probed(unsure) is None
    assert await ask_probe(define(pay), b'{"amount":5,"note":""}', idempotency_key="k") is None
