"""Each state of a card on the real page, as docs/approvals.md shows it. `make pictures` draws the pictures anew."""

import os
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from bot import manifest
from bot.slack.blocks import Message
from bot.slack.calls import web_client, web_session
from bot.workspace import running_workspace
from tests.browser.chromium import chromium
from tests.browser.demo import faults_of
from tests.browser.states import NOW, OTHERS, STATES, message_of
from tests.slack.reading import words

PICTURES = os.environ.get("SIGNOFF_PICTURES")


async def test_the_page_shows_every_state_of_a_card(tmp_path: Path) -> None:
    folder = Path(PICTURES) / "cards" if PICTURES else tmp_path
    folder.mkdir(exist_ok=True)
    async with (
        running_workspace(manifest.load(), rate_limits=False) as workspace,
        web_session() as session,
        chromium() as browser,
    ):
        bot = web_client(workspace.bot_token, workspace.api_url, session)
        page = await browser.new_page(viewport={"width": 900, "height": 900}, timezone_id="UTC")
        await page.clock.set_fixed_time(NOW)
        faults = faults_of(page)
        await page.goto(f"{workspace.url}/#as=U0CAROL&channel=C0OPS")
        for name in (*STATES, *OTHERS):
            message = message_of(name)
            posted = await bot.chat_postMessage(channel="C0OPS", text=message.text, blocks=message.blocks)
            shown = page.locator(f'[data-ts="{posted["ts"]}"] .content')
            await expect(shown).to_contain_text(first_words(message), timeout=20_000)
            if PICTURES:
                await picture(page, shown, folder / f"{name}.png")
        assert faults == []


def first_words(message: Message) -> str:
    return words(message.blocks[0])


async def picture(page: Page, shown: Locator, path: Path) -> None:
    """The card with a little space around it."""
    await page.mouse.move(0, 0)
    await shown.evaluate("node => { node.style.padding = '12px' }")
    await shown.screenshot(path=path)
