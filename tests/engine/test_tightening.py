"""A policy that changed while a card waits: what became stricter holds from the next click on, what became milder does not."""

from dataclasses import replace

import pytest

from bot.core.call import Call, CallState, Outcome
from bot.core.policy import Defaults, Denials, Match, Policy, Rule
from bot.core.refusal import Refused
from bot.core.run import Run, RunState
from bot.core.values import Verdict
from bot.engine.inbox import Inbox
from bot.engine.people import People
from bot.policy_file import load_policy
from tests.engine.test_faults import running
from tests.engine.test_terms import DEFAULTS, ONE_OF_EACH, SEC, SRE, asked, ended, told, world_of
from tests.engine.world import ALICE, BOB, CAROL, GUS, World, approval_of

OPEN_TO_ALL = replace(DEFAULTS, approvers=("user:U0ALICE", "user:U0CAROL", "user:U0BOB"), requester_may_approve=True)


def became(world: World, *rules: Rule, defaults: Defaults = DEFAULTS) -> None:
    """The bot is started anew with another policy.yml."""
    world.policy = Policy(defaults, rules)
    world.engine = world.new_engine()


async def call_of(world: World) -> Call:
    run = await world.run()
    assert run is not None
    return run.calls[0]


def tightened(run: Run) -> bool:
    return bool(run.calls[0].approval.earlier)


async def test_r20_a_click_counts_and_the_larger_quorum_of_today_holds_from_then_on() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    became(world, Rule("now", quorum=2))
    async with running(world):
        await world.click("approve", approval, CAROL)
        run = await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
        assert approval_of(run) == approval and run.calls[0].approval.terms.quorum == 2
        await world.click("approve", approval, BOB)
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


async def test_r20_a_vote_of_before_counts_on_where_it_counts_under_the_stricter_terms_too() -> None:
    world = world_of(Rule("then", quorum=2))
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, BOB)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
    three = replace(DEFAULTS, approvers=(*DEFAULTS.approvers, "user:U0GUS"))
    became(world, Rule("now", quorum=2, comment_required=False, execute_within=600), defaults=three)
    async with running(world):
        await world.click("approve", approval, CAROL)
        run = await ended(world)
    assert world.deeds.done == ["bob in admins"] and tightened(run)


async def test_s9_whom_the_policy_of_today_leaves_out_does_not_count_and_whom_it_leaves_does() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    became(world, Rule("now", approvers=("user:U0BOB",)))
    async with running(world):
        await world.click("approve", approval, CAROL)
        assert "Only user:U0BOB may decide this" in await told(world)
        assert world.deeds.done == [] and (await call_of(world)).approval.terms.approvers == ("user:U0BOB",)
        await world.click("approve", approval, BOB)
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


@pytest.mark.parametrize("first", [CAROL, GUS])
async def test_s9_where_the_policy_names_others_now_it_takes_those_of_then_and_those_of_now(first: object) -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    became(world, Rule("now", approvers=("user:U0GUS",)))
    async with running(world):
        await world.click("approve", approval, first)
        run = await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
        await world.click("approve", approval, GUS if first is CAROL else CAROL)
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


async def test_r20_who_counts_for_what_is_demanded_since_approves_once_more_and_then_serves_both() -> None:
    """As they would have at once, had the stricter terms been those of the beginning."""
    both_groups = Rule("sre", verdict=Verdict.ASK, approvers=(SRE,), quorum=2)
    world = world_of(both_groups)
    world.chat.groups["SSEC"] = frozenset({"U0CAROL"})
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
    became(world, both_groups, Rule("security", verdict=Verdict.ASK, approvers=(SEC,)))
    async with running(world):
        await world.click("approve", approval, BOB)
        run = await world.until(lambda run: len(run.calls[0].approval.votes) == 2, 10.0)
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
        await world.click("approve_reviewed", approval, CAROL)
        run = await ended(world)
    votes = run.calls[0].approval.votes
    assert world.deeds.done == ["bob in admins"]
    assert [(vote.person, vote.counts_as) for vote in votes] == [(BOB, (SRE,)), (CAROL, (SEC, SRE))]


async def test_a_comment_that_is_wanted_now_is_asked_for_and_the_question_stays_open() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    became(world, Rule("now", comment_required=True))
    async with running(world):
        await world.click("approve", approval, CAROL)
        assert "needs a comment" in await told(world)
        call = await call_of(world)
        assert call.approval.terms.comment_required and not call.approval.votes
        await world.click("approve_reviewed", approval, CAROL, comment="incident 7")
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


async def test_r20_an_approval_without_the_comment_that_is_wanted_now_is_void_and_may_be_given_again() -> None:
    world = world_of(Rule("then", quorum=2))
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, BOB)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
    became(world, Rule("then", quorum=2, comment_required=True))
    async with running(world):
        await world.click("approve_reviewed", approval, CAROL, comment="incident 7")
        run = await world.until(lambda run: tightened(run) and run.calls[0].approval.votes, 10.0)
        found = run.calls[0].approval
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
        assert [vote.person for vote in found.votes] == [CAROL] and [vote.person for vote in found.void] == [BOB]
        await world.until(lambda run: any("U0BOB" in words and "stricter" in words for words in world.chat.words), 10.0)
        await world.click("approve_reviewed", approval, BOB, comment="incident 7")
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


async def test_s9_what_the_requester_approved_is_void_where_the_policy_excludes_them_now() -> None:
    world = world_of(Rule("then", quorum=2), defaults=OPEN_TO_ALL)
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, ALICE)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
    became(world, Rule("then", quorum=2), defaults=replace(OPEN_TO_ALL, requester_may_approve=False))
    async with running(world):
        await world.click("approve", approval, CAROL)
        run = await world.until(tightened, 10.0)
        run = await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
        await world.click("approve_reviewed", approval, ALICE)
        assert "You asked for this yourself" in await told(world)
        await world.click("approve", approval, BOB)
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


async def test_r7_what_has_expired_by_the_policy_of_today_expires_at_the_click() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    became(world, Rule("now", expires_in=60))
    world.store.clock_shift = 120.0
    async with running(world):
        await world.click("approve", approval, CAROL)
        assert "expired" in await told(world)
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.EXPIRED and world.deeds.done == []
    assert any("U0ALICE" in words for words in world.chat.words)


async def test_r7_what_the_policy_forbids_now_is_refused_at_the_click() -> None:
    world = world_of(Rule("then", quorum=2))
    async with running(world):
        approval = await asked(world)
    became(world, Rule("never", Match(system=("okta",)), Verdict.DENY))
    async with running(world):
        await world.click("approve", approval, CAROL)
        assert "rule never" in await told(world)
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.BLOCKED and world.deeds.done == []


async def test_r7_a_denial_that_was_not_enough_and_is_now_ends_it_at_the_next_click() -> None:
    three = replace(DEFAULTS, approvers=(*DEFAULTS.approvers, "user:U0GUS"), quorum=2, denials=Denials.MAJORITY)
    world = world_of(defaults=three)
    async with running(world):
        approval = await asked(world)
        await world.click("deny", approval, BOB, comment="too broad")
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        await world.click("approve", approval, GUS)
        await world.until(lambda run: len(run.calls[0].approval.votes) == 2, 10.0)
    became(world, defaults=replace(three, denials=Denials.ONE))
    async with running(world):
        await world.click("approve", approval, CAROL)
        assert "U0BOB> denied this already" in await told(world)
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.DENIED and world.deeds.done == []


MILDER = {
    "one approval is enough": (Rule("then", quorum=2), ()),
    "no comment is wanted": (Rule("then", comment_required=True), ()),
    "others may too": (
        Rule("then", approvers=("user:U0GUS",)),
        (Rule("now", approvers=("user:U0GUS", "user:U0CAROL")),),
    ),
    "one group is enough": (ONE_OF_EACH, (Rule("now", approvers=(SRE, SEC)),)),
    "nobody is asked": (Rule("then", quorum=2), (Rule("free", verdict=Verdict.ALLOW),)),
}


@pytest.mark.parametrize("what", MILDER)
async def test_r20_a_policy_that_became_milder_leaves_what_waits_as_it_was(what: str) -> None:
    then, now = MILDER[what]
    world = world_of(then)
    async with running(world):
        approval = await asked(world)
        before = (await call_of(world)).approval.terms
    became(world, *now)
    async with running(world):
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes or world.chat.whispers, 10.0)
    call = await call_of(world)
    assert call.state is CallState.ASKING and call.approval.terms == before and world.deeds.done == []


async def test_s9_one_process_with_the_policy_of_before_cannot_take_back_what_another_made_stricter() -> None:
    """Replicas that are replaced one after the other."""
    world = world_of()
    async with running(world):
        approval = await asked(world)
    old = world.policy
    became(world, Rule("now", quorum=2))
    async with running(world):
        await world.click("approve", approval, CAROL)
        await world.until(tightened, 10.0)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
    became(world, *old.rules)
    async with running(world):
        await world.click("approve", approval, CAROL, message="card-t1c1")
        await world.click("approve_reviewed", approval, CAROL)
        assert world.deeds.done == [] and (await call_of(world)).state is CallState.ASKING
        await world.click("approve", approval, BOB)
        run = await ended(world)
    assert world.deeds.done == ["bob in admins"] and run.state is RunState.DONE


async def test_s31_terms_that_were_changed_in_the_database_are_not_sealed_anew() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    became(world, Rule("now", quorum=2, approvers=("user:U0EVE", "user:U0CAROL")))
    async with running(world):
        run = await world.run()
        assert run is not None
        terms = replace(run.calls[0].approval.terms, approvers=("user:U0EVE", "user:U0CAROL"))
        changed = replace(run.calls[0], approval=replace(run.calls[0].approval, terms=terms))
        world.engine._door._folded[run.id] = replace(run, calls=(changed,))
        await world.click("approve", approval, CAROL)
        assert "not what was judged" in await told(world)
        assert not tightened(await world.run() or run)
    assert world.deeds.done == []


@pytest.mark.parametrize("via", ["shell", "program"])
async def test_r20_a_vote_without_a_card_counts_under_the_stricter_terms_too(via: str) -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    became(world, Rule("now", quorum=2))
    world.policy = replace(world.policy, shell_may_decide=True)
    world.engine = world.new_engine()
    async with running(world):
        outcome = await world.engine._inbox.vote_by_name(approval, "U0CAROL", "approve", "", via=via)
        assert isinstance(outcome, Run) and tightened(outcome) and len(outcome.calls[0].approval.votes) == 1
        assert outcome.calls[0].state is CallState.ASKING and world.deeds.done == []
        await world.click("approve", approval, BOB)
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


async def test_r20_s9_a_shell_that_may_not_decide_leaves_the_question_as_it_is() -> None:
    """As in a directory without policy.yml, where nobody may approve anything."""
    world = world_of()
    async with running(world):
        approval = await asked(world)
        parts = (world.store, world.engine._door, People(world.chat, load_policy(None).policy), world.chat)
        shell = Inbox(*parts, world.dispatch, world.translate, world.seal_keys)
        refused = await shell.vote_by_name(approval, "U0CAROL", "approve", "", via="shell")
        assert isinstance(refused, Refused) and "shell_may_decide" in refused.reason
        assert not tightened(await world.run() or pytest.fail("the run is gone"))
        await world.click("approve", approval, CAROL)
        await ended(world)
    assert world.deeds.done == ["bob in admins"]
