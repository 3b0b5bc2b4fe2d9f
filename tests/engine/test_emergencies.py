"""An emergency meets what else becomes of a question: an edit, a reminder, a second look, a limit, a card elsewhere (R7, R20, S22, S25)."""

from dataclasses import replace

import pytest

from bot.core.call import CallState, Outcome
from bot.core.glass import BreakGlass
from bot.core.inputs import Clicked
from bot.core.policy import Defaults, Rule
from bot.core.run import Run
from bot.core.timing import Limit
from bot.core.values import Choice, Place, Verdict
from tests.engine.test_editing import LESS, SAFER, changed, edit
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_rechecking import OLD, says
from tests.engine.test_reminding import HOUR, after, said
from tests.engine.test_terms import DEFAULTS, asked, ended, told, world_of
from tests.engine.world import ALICE, BOB, CAROL, TEAM, XENA, World, approval_of, saying, wishing

GLASS = BreakGlass(("user:U0XENA", "user:U0CAROL"), "C0AUDIT")
REMINDING = replace(DEFAULTS, remind_after=600, expires_in=4 * HOUR)


def emergency_in(*rules: Rule, defaults: Defaults = DEFAULTS) -> World:
    """A world in which Xena and Carol may decide alone."""
    world = world_of(*rules, defaults=defaults)
    world.policy = replace(world.policy, break_glass=GLASS)
    world.engine = world.new_engine()
    return world


async def frozen(world: World) -> None:
    await world.store.write(lambda tx: tx.set_freeze("system:okta", "incident 7", "U0BOB"))


async def broken(world: World, approval: str, message: str = "card-t1c1") -> None:
    await world.click("break_glass", approval, XENA, message, comment="site is down")


async def announced(world: World) -> Run:
    return await world.until(lambda run: run.broken and run.delivered(f"glass:{run.broken[0].approval}"), 10.0)


# --- a freeze -------------------------------------------------------------------------------------------------------


async def test_r7_what_was_edited_while_frozen_says_so_on_its_own_card_and_is_approved_once_that_is_lifted() -> None:
    world = emergency_in()
    async with running(world):
        first = await asked(world)
        await frozen(world)
        await edit(world, first, ALICE)
        second = await changed(world)
        await world.until(lambda run: ":system:okta:" in run.call("t1c1e").card.shows, 10.0)
        await world.click("approve", second, CAROL, "card-t1c1e")
        assert "<@U0BOB> froze system:okta" in await told(world)
        assert world.deeds.done == []
        await world.store.write(lambda tx: tx.lift_freeze("system:okta", "U0CAROL"))
        await world.until(lambda run: ":system:okta:" not in run.call("t1c1e").card.shows, 10.0)
        await world.click("approve", second, BOB, "card-t1c1e")
        await ended(world)
    assert world.deeds.done == ["eve in admins"]


async def test_r7_who_is_reminded_of_what_is_frozen_hears_that_it_can_only_be_denied_now() -> None:
    world = emergency_in(defaults=REMINDING)
    async with running(world):
        await asked(world)
        await frozen(world)
        await world.until(lambda run: run.calls[0].frozen, 10.0)
        await after(world, 601)
        words = "System:okta is frozen: it can be denied now, and approved once that is lifted."
        assert words in await said(world, "Reminder: grant_access")
        await world.until(lambda run: len(world.chat.told) == 2, 10.0)
    assert all(words in text for _, text in world.chat.told)


@pytest.mark.parametrize("opens", [False, True])
async def test_s22_what_is_frozen_after_the_glass_was_broken_starts_only_where_the_policy_says_so(opens: bool) -> None:
    world = emergency_in()
    world.policy = replace(world.policy, break_glass=replace(GLASS, while_frozen=opens))
    world.engine = world.new_engine()
    async with running(world):
        approval = await asked(world)
        world.dispatch.lossy = True
        await broken(world, approval)
        await world.until(lambda run: run.call("t1c1").state is CallState.ALLOWED)
        await frozen(world)
        world.dispatch.lossy = False
        run = await ended(world)
    assert run.calls[0].outcome is (Outcome.EXECUTED if opens else Outcome.FROZEN)
    assert world.deeds.done == (["bob in admins"] if opens else [])


# --- deciding alone -------------------------------------------------------------------------------------------------


async def test_r20_whoever_edits_may_decide_it_alone_only_by_breaking_the_glass() -> None:
    world = emergency_in()
    async with running(world):
        await edit(world, await asked(world), CAROL)
        second = await changed(world)
        await world.click("approve", second, CAROL, "card-t1c1e")
        run = await world.until(lambda run: run.call("t1c1e").approval.votes, 10.0)
        assert run.call("t1c1e").state is CallState.ASKING
        await world.click("break_glass", second, CAROL, "card-t1c1e", comment="Bob does not answer")
        await ended(world)
        await announced(world)
    assert world.deeds.done == ["eve in admins"] and world.chat.announced == ["C0AUDIT: U0CAROL: Bob does not answer"]


@pytest.mark.parametrize("gesture", ["edit", "safer"])
async def test_s22_what_one_person_decided_alone_is_decided_and_nobody_changes_it(gesture: str) -> None:
    world = emergency_in()
    async with running(world):
        approval = await asked(world, SAFER)
        await broken(world, approval)
        await ended(world)
        await world.receive("late", Clicked(CAROL, gesture, approval, "C0OPS", "card-t1c1", "", LESS))
        assert await told(world) == "<@U0XENA> approved this already."
    run = await announced(world)
    assert world.deeds.done == ["bob in admins"] and run.calls[0].instead is None


async def test_s22_what_the_guard_denies_when_it_is_asked_once_more_does_not_run_and_is_told_and_reviewed_all_the_same() -> (
    None
):
    world = emergency_in(OLD)
    async with running(world):
        approval = await asked(world, ASK)
        world.guard.answers["grant_access"] = says(Verdict.DENY)
        await after(world, 601)
        await broken(world, approval)
        run = await ended(world)
        assert run.calls[0].outcome is Outcome.BLOCKED and world.deeds.done == []
        await announced(world)
        await after(world, 8 * 24 * HOUR)
        await world.until(lambda run: world.chat.reviews, 10.0)
    assert world.chat.reviews == ["C0AUDIT: nobody yet"]


async def test_s22_what_the_guard_finds_riskier_meanwhile_is_asked_about_anew_and_can_be_decided_alone_again() -> None:
    world = emergency_in(OLD)
    async with running(world):
        first = await asked(world, ASK)
        world.guard.answers["grant_access"] = says(Verdict.ASK, 0.95)
        await after(world, 601)
        await broken(world, first)
        run = await world.until(lambda run: run.calls[0].approval.terms.approval != first, 10.0)
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
        await world.until(lambda run: run.calls[0].card.shows == run.calls[0].phase, 10.0)
        await broken(world, run.calls[0].approval.terms.approval)
        run = await ended(world)
    assert world.deeds.done == ["bob in admins"] and [each.person for each in run.broken] == [XENA, XENA]


async def test_s25_a_limit_holds_against_the_glass() -> None:
    world = emergency_in(Rule("never", verdict=Verdict.ASK, limits=(Limit(1, HOUR, True, False, Verdict.DENY),)))
    async with running(world):
        await broken(world, await asked(world))
        await ended(world)
        place = Place(TEAM, "C0OPS", "2.000100")
        world.model.turns = [wishing(GRANT), saying("Told.")]
        await world.write("once more", message=place.thread, place=place)
        run = await world.until(lambda run: run.asked.place == place and run.calls and run.calls[0].card, 10.0)
        await broken(world, approval_of(run))
        run = await world.until(lambda run: run.asked.place == place and run.calls[0].outcome, 10.0)
    assert run.calls[0].outcome is Outcome.BLOCKED and world.deeds.done == ["bob in admins"]


async def test_s12_the_glass_is_broken_where_the_policy_puts_the_card() -> None:
    world = emergency_in(Rule("there", verdict=Verdict.ASK, post_to="C0APPROVALS"))
    async with running(world):
        approval = await asked(world)
        here, there = (
            Clicked(XENA, "break_glass", approval, channel, "card-t1c1", "site is down")
            for channel in ("C0OPS", "C0APPROVALS")
        )
        await world.receive("here", here)
        assert "belongs to nothing that I know" in await told(world)
        await world.receive("there", there)
        run = await ended(world)
    (vote,) = run.calls[0].approval.votes
    assert (vote.person, vote.choice) == (XENA, Choice.APPROVE) and world.deeds.done == ["bob in admins"]
