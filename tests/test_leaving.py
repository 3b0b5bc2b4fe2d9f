"""The end of the process, as `bot/leaving.py` keeps it: a real process is told to stop. With a whole bot in it: `test_app.py`."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE

BOT = """
import asyncio
from bot.leaving import told_to_stop

async def main():
    with told_to_stop(60.0) as stop:
        print("up", flush=True)
        await stop.wait()
        print("told", flush=True)
        await asyncio.sleep(1.0)

asyncio.run(main())
"""


async def test_r11_further_stop_signals_during_the_drain_change_nothing_and_print_nothing() -> None:
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", BOT, stdout=PIPE, stderr=PIPE)
    assert bot.stdout is not None
    assert await bot.stdout.readline() == b"up\n"
    bot.send_signal(signal.SIGTERM)
    assert await bot.stdout.readline() == b"told\n"
    for again in (signal.SIGTERM, signal.SIGINT):
        await asyncio.sleep(0.2)
        bot.send_signal(again)
    _, printed = await bot.communicate()
    assert (bot.returncode, printed) == (0, b"")
