"""What a newcomer does after `make demo`, in a real browser: ask as Alice, be refused, approve as Carol, read the result."""

import os
import signal
from pathlib import Path

from playwright.async_api import expect

from tests.browser.chromium import chromium
from tests.browser.demo import act_as, demo, faults_of

PICTURES = os.environ.get("SIGNOFF_PICTURES")


async def test_a_newcomer_asks_is_refused_has_it_approved_and_reads_the_result(tmp_path: Path) -> None:
    async with demo(tmp_path) as (url, _), chromium() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 860}, device_scale_factor=2 if PICTURES else 1)
        faults = faults_of(page)
        await page.goto(url)
        await expect(page.get_by_test_id("banner")).to_contain_text("not Slack")
        await expect(page.get_by_test_id("banner")).to_contain_text("Scripted model")
        await page.get_by_test_id("composer").fill("@signoff grant bob okta-prod-admins for 48h")
        await page.get_by_test_id("composer").press("Enter")
        await page.get_by_test_id("thread-link").first.click()
        thread = page.get_by_test_id("thread")
        approve = thread.locator('[data-action-id="approve"]')
        await expect(approve).to_be_visible(timeout=15_000)
        await expect(thread).to_contain_text('"okta-prod-admins"')
        if PICTURES:
            await thread.screenshot(path=Path(PICTURES) / "card.png")
        await approve.click()
        await page.get_by_test_id("confirm-ok").click()  # what is of high risk asks once more
        await expect(thread).to_contain_text("You asked for this yourself", timeout=15_000)
        await act_as(page, "U0CAROL")
        await approve.click()
        await page.get_by_test_id("confirm-ok").click()
        await expect(thread).to_contain_text("Executed in", timeout=15_000)
        await expect(thread.locator('[data-action-id="approve"]')).to_have_count(0)
        await expect(thread).to_contain_text("Done", timeout=15_000)
        assert faults == []


async def test_the_bot_is_killed_while_a_card_is_pending_and_the_click_still_counts(tmp_path: Path) -> None:
    async with demo(tmp_path) as (url, pid), chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        await page.goto(f"{url}/#as=U0ALICE&channel=C0OPS")
        await page.get_by_test_id("composer").fill("@signoff deploy checkout 2.4.1 to production")
        await page.get_by_test_id("composer").press("Enter")
        await page.get_by_test_id("thread-link").first.click()
        thread = page.get_by_test_id("thread")
        await expect(thread.locator('[data-action-id="approve"]')).to_be_visible(timeout=15_000)
        await expect(page.get_by_test_id("banner")).not_to_contain_text("No bot is connected")
        os.kill(pid, signal.SIGKILL)
        await expect(page.get_by_test_id("banner")).to_contain_text("No bot is connected")
        await page.goto(page.url.replace("U0ALICE", "U0DAN"))
        await page.reload()
        done = thread.get_by_text("Executed in")
        for _ in range(40):
            approve = thread.locator('[data-action-id="approve"]')
            if await approve.count() and await approve.is_enabled():
                await approve.click()
                await page.get_by_test_id("confirm-ok").click()
            try:
                await expect(done).to_be_visible(timeout=1_000)
                break
            except AssertionError:
                continue
        await expect(done).to_be_visible()
        await expect(page.get_by_test_id("banner")).not_to_contain_text("No bot is connected")
