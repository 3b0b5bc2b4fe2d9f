"""A quorum of two groups with an edit in between, clicked through in a real browser on the demo's page and with the demo's policy."""

import os
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from bot.demo import company_books
from tests.browser.chromium import chromium
from tests.browser.demo import act_as, demo, faults_of

WAIT = 20_000
PICTURES = os.environ.get("SIGNOFF_PICTURES")


async def drawn(shown: Locator, name: str) -> None:
    """For docs/approvals.md, where `make pictures` says so."""
    if PICTURES:
        await shown.screenshot(path=Path(PICTURES) / "cards" / f"{name}.png")


async def ask(page: Page, url: str, wish: str) -> Locator:
    """Alice asks in #ops, and opens the thread."""
    await page.goto(f"{url}/#as=U0ALICE&channel=C0OPS")
    await page.get_by_test_id("composer").fill(f"@signoff {wish}")
    await page.get_by_test_id("composer").press("Enter")
    await page.get_by_test_id("thread-link").first.click()
    return page.get_by_test_id("thread")


async def approve(page: Page, user: str, card: Locator) -> None:
    """What is of high risk asks once more."""
    await act_as(page, user)
    await card.locator('[data-action-id="approve"]').click()
    await expect(page.get_by_test_id("confirm")).to_contain_text("Really approve?")
    await drawn(page.get_by_test_id("confirm"), "confirm")
    await page.get_by_test_id("confirm-ok").click()


async def test_r20_s9_one_of_each_of_two_groups_approves_what_somebody_edited_in_between_and_it_runs_once(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path) as (url, _), chromium() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        faults = faults_of(page)
        thread = await ask(page, url, "apply terraform network: +3 ~1 -0")
        messages = thread.get_by_test_id("message")
        first = messages.filter(has_text="terraform_apply").first
        await expect(first).to_contain_text("1 of @security and 1 of @sre, not @alice", timeout=WAIT)

        await approve(page, "U0BOB", first)
        await expect(first).to_contain_text("1 of 2 approvals so far · still wanted: 1 of @security", timeout=WAIT)
        second = await edited_by_carol(page, thread, first)

        await approve(page, "U0DAN", second)  # he is in both groups, and one person
        await expect(second).to_contain_text("1 of 2 approvals so far · still wanted: 1 of", timeout=WAIT)
        for _ in range(20):  # the second half of a double click is no news, so not at once
            await approve(page, "U0DAN", second)
            await page.wait_for_timeout(1_000)
            if told := await messages.filter(has_text="You have already voted on this.").count():
                break
        assert told
        await expect(second.locator('[data-action-id="approve"]')).to_be_visible()
        assert deeds(tmp_path) == []

        await approve(page, "U0BOB", second)
        await expect(second).to_contain_text("Executed in", timeout=WAIT)
        await expect(second.locator('[data-action-id="approve"]')).to_have_count(0)
        await expect(thread).to_contain_text("Done: network is applied (+3 ~0 -0)", timeout=WAIT)
        assert deeds(tmp_path) == [{"workspace": "network", "plan_summary": "+3 ~0 -0"}]
        assert faults == []


async def edited_by_carol(page: Page, thread: Locator, first: Locator) -> Locator:
    """Carol of security edits the plan in the form; the card of what it became, which has no votes."""
    await act_as(page, "U0CAROL")
    await first.locator('[data-action-id="edit"]').click()
    modal = page.get_by_test_id("modal")
    plan = modal.get_by_label("plan_summary")
    await expect(plan).to_have_value("+3 ~1 -0", timeout=WAIT)
    await expect(modal.get_by_label("workspace")).to_have_value("network")
    await plan.fill("+3 ~0 -0")
    await drawn(modal, "edit-form")
    await modal.get_by_test_id("modal-submit").click()
    await expect(modal).to_have_count(0)
    second = thread.get_by_test_id("message").filter(has_text="Before → now").first
    await expect(second).to_contain_text("Edited by @carol, whose approval alone is not enough", timeout=WAIT)
    await expect(second).to_contain_text('plan_summary  "+3 ~1 -0" → "+3 ~0 -0"')
    await expect(second).to_contain_text("0 of 2 approvals so far")
    await expect(second).not_to_contain_text("Approved by")
    await expect(first).to_contain_text("@carol edited this; a newer card asks about what it became", timeout=WAIT)
    await expect(first.locator('[data-action-id="approve"]')).to_have_count(0)
    return second


def deeds(folder: Path) -> list[dict[str, object]]:
    """What the company really did to its infrastructure."""
    os.environ[company_books.PATH_VARIABLE] = str(folder / "company.db")
    return [each.arguments for each in company_books.effects("terraform_apply")]
