"""Promises of the local server: it says where it listens, leaves nothing behind, and fails loudly."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.serving import serving


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def never(_request: Request) -> Response:
    await asyncio.Event().wait()
    return PlainTextResponse("never")


APP = Starlette(routes=[Route("/", hello), Route("/never", never)])


async def test_it_listens_where_it_says_and_no_longer_afterwards() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serving(APP) as address:
            assert (await client.get(address.url)).text == "hello"
        with pytest.raises(httpx.ConnectError):
            await client.get(address.url)


async def test_a_taken_port_is_an_error_at_once() -> None:
    async with serving(APP) as address:
        with pytest.raises(OSError, match="in use"):
            async with serving(APP, port=address.port):
                pass


async def test_a_request_that_never_ends_does_not_keep_it_from_stopping() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serving(APP) as address:
            pending = asyncio.create_task(client.get(f"{address.url}/never"))
            await asyncio.sleep(0.05)
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 3.0
        assert (await asyncio.gather(pending, return_exceptions=True))[0] is not None
    assert pending.done()
