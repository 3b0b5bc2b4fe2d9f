"""A freeze stops everything at once, is on every open card, and is lifted by somebody else (R7, R10, S23)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.call import CallState, Outcome
from bot.core.inputs import Ordered, Profile
from bot.core.policy import Defaults, Policy
from bot.core.run import RunState
from bot.core.values import Judgement, Person, Verdict
from bot.engine.orders import scope_and_reason
from bot.engine.voting import clock
from bot.ports import InboxRow, Unavailable
from tests.engine.world import ALICE, BOB, CAROL, GUS, TEAM, World, approval_of, saying, wishing

GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
NAMED = Policy(Defaults(approvers=("user:U0CAROL",)), freezers=("user:U0BOB", "group:S0SRE"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = World()
    found.guard.answers["grant_access"] = ASK
    async with found.engine.running(0.0):
        yield found


async def asked(world: World) -> str:
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    return approval_of(await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card))


async def order(world: World, who: Person, verb: str, text: str) -> str:
    """A command, and its answer."""
    key = f"{verb}{text}{who.user}{len(world.inputs)}"
    world.inputs[key] = Ordered(who, verb, text, TEAM, "C0OPS")
    answered = len(world.chat.whispers)
    await world.receive(key, world.inputs[key])
    for _ in range(500):
        if len(world.chat.whispers) > answered:
            return world.chat.whispers[-1][1]
        await asyncio.sleep(0.01)
    raise AssertionError("nobody answered the command")


async def test_r7_between_approval_and_start_a_freeze_stops_what_was_approved(world: World) -> None:
    approval = await asked(world)
    await asyncio.sleep(0.1)
    world.dispatch.lossy = True
    await world.click("approve", approval)
    await world.until(lambda run: run.call("t1c1").state is CallState.ALLOWED)
    assert "Frozen: all" in await order(world, BOB, "freeze", "all incident 7")
    world.dispatch.lossy = False
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.call("t1c1").outcome is Outcome.FROZEN and world.deeds.done == []


async def test_r10_an_open_card_tells_of_a_freeze_and_of_its_end_and_so_does_one_that_is_opened_meanwhile(
    world: World,
) -> None:
    await asked(world)
    await order(world, BOB, "freeze", "system:okta incident 7")
    run = await world.until(lambda run: "system:okta" in run.call("t1c1").card.shows)
    assert run.call("t1c1").frozen.by == "U0BOB" and run.call("t1c1").frozen.reason == "incident 7"
    await order(world, CAROL, "unfreeze", "system:okta over")
    run = await world.until(lambda run: "system:okta" not in run.call("t1c1").card.shows)
    assert run.call("t1c1").frozen is None
    await order(world, BOB, "freeze", "environment production incident 8")
    world.model.turns = [wishing(GRANT)]
    await world.write("again", message="2.1", place=world_place("2.1"))
    run = await world.until(lambda run: run.asked.place.thread == "2.1" and run.calls and run.call("t1c1").card)
    await world.until(lambda run: "environment:production" in run.call("t1c1").card.shows)


def world_place(thread: str):  # type: ignore[no-untyped-def]
    from bot.core.values import Place

    return Place(TEAM, "C0OPS", thread)


async def test_r10_what_was_frozen_and_lifted_while_no_bot_ran_is_on_the_cards_once_one_runs() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    async with world.engine.running(0.0):
        await asked(world)
    await world.store.write(lambda tx: tx.set_freeze("all", "incident 7", "U0ERIN"))
    async with world.new_engine().running(0.0):
        await world.until(lambda run: ":all:" in run.call("t1c1").card.shows)
    await world.store.write(lambda tx: tx.lift_freeze("all", "U0BOB"))
    async with world.new_engine().running(0.0):
        await world.until(lambda run: ":all:" not in run.call("t1c1").card.shows)
    assert all(each.told for each in await world.store.read(lambda tx: tx.freezings(10)))


async def test_while_a_freeze_holds_an_approval_does_not_count_and_a_denial_does(world: World) -> None:
    approval = await asked(world)
    await order(world, BOB, "freeze", "all incident 7")
    await world.click("approve", approval)
    await world.until(lambda run: any("incident 7" in text for _, text in world.chat.whispers))
    run = await world.run()
    assert run.call("t1c1").state is CallState.ASKING and not run.call("t1c1").approval.votes
    await world.click("deny", approval)
    await world.until(lambda run: run.call("t1c1").outcome is Outcome.DENIED)


async def test_a_second_freeze_of_the_same_scope_does_not_replace_the_first(world: World) -> None:
    await order(world, BOB, "freeze", "System:Okta incident 7")
    assert "frozen already, by <@U0BOB>: incident 7" in await order(world, CAROL, "freeze", "system okta worse")
    (freeze,) = await world.engine.freezes()
    assert (freeze.scope, freeze.by, freeze.reason) == ("system:okta", "U0BOB", "incident 7")


async def test_whoever_froze_does_not_lift_it_and_a_second_person_does(world: World) -> None:
    await order(world, BOB, "freeze", "all incident 7")
    assert "somebody else must lift it" in await order(world, BOB, "unfreeze", "all over")
    assert len(await world.engine.freezes()) == 1
    assert "Lifted: all" in await order(world, CAROL, "unfreeze", "all over")
    assert await world.engine.freezes() == ()
    assert "is not frozen" in await order(world, BOB, "unfreeze", "all")


async def test_only_whom_the_policy_names_freezes_and_lifts_and_without_a_list_the_approvers_in_defaults(
    world: World,
) -> None:
    assert "Only user:U0CAROL, user:U0BOB may" in await order(world, ALICE, "freeze", "all incident 7")
    world.engine._people.policy = NAMED
    world.chat.groups["S0SRE"] = frozenset({"U0ALICE"})
    assert "You are not among them" in await order(world, CAROL, "freeze", "all incident 7")
    assert "Frozen" in await order(world, ALICE, "freeze", "all incident 7")
    assert "You are not among them" in await order(world, CAROL, "unfreeze", "all")
    assert "Lifted" in await order(world, BOB, "unfreeze", "all")


async def test_s10_guests_outsiders_bots_and_deactivated_accounts_never_freeze() -> None:
    world = World(policy=Policy(freezers=("user:U0GUS",)))
    kinds = {"guest": True}, {"bot": True}, {"deactivated": True}, {"stranger": True}
    async with world.engine.running(0.0):
        for kind in kinds:
            world.chat.profiles[GUS] = Profile(GUS, "gus", TEAM, **kind)
            assert "cannot freeze" in await order(world, GUS, "freeze", "all incident 7")
        assert await world.engine.freezes() == ()


async def test_a_freeze_needs_a_reason_and_without_a_scope_it_is_of_everything(world: World) -> None:
    assert "say why" in await order(world, BOB, "freeze", "all")
    assert "say why" in await order(world, BOB, "freeze", "all \u2800\u200b")
    assert "is no scope" in await order(world, BOB, "freeze", "system: x")
    assert "Frozen: all" in await order(world, BOB, "freeze", "incident 7")


async def test_what_bighub_stopped_nobody_lifts_here(world: World) -> None:
    await world.store.write(lambda tx: tx.set_freeze("bighub", "incident 9", "BIGHUB"))
    assert "is no scope" in await order(world, BOB, "unfreeze", "bighub over") or (await world.engine.freezes())
    assert [each.scope for each in await world.engine.freezes()] == ["bighub"]


async def test_r3_a_command_that_was_committed_is_done_by_the_next_process_and_answered_privately() -> None:
    world = World()
    world.inputs["key"] = Ordered(BOB, "freeze", "all incident 7", TEAM, "C0OPS")
    await world.engine.receive(_row("key"))
    async with world.new_engine().running(0.0):
        for _ in range(1_500):
            if world.chat.whispers:
                break
            await asyncio.sleep(0.01)
    assert [each.scope for each in await world.engine.freezes()] == ["all"]
    assert "Frozen: all" in world.chat.whispers[0][1]


def _row(key: str) -> InboxRow:
    return InboxRow(key, TEAM, "order", "{}")


async def again(world: World, who: Person, verb: str, text: str, at: float) -> str:
    """The answer to a command that came in at ``at`` and is worked once more, as after a crash before its row was closed."""
    key = f"{verb}{text}{who.user}"
    world.inputs[key] = Ordered(who, verb, text, TEAM, "C0OPS")
    await world.engine._orders.work(replace(_row(key), received_at=at))
    return world.chat.whispers[-1][1]


async def test_r4_a_command_to_lift_that_is_worked_again_lifts_nothing_that_was_frozen_since(world: World) -> None:
    await order(world, BOB, "freeze", "all incident 7")
    at = await world.store.read(clock)
    assert await again(world, CAROL, "unfreeze", "all over", at) == "Lifted: all."
    await order(world, BOB, "freeze", "all incident 8")
    assert "Lifted: all. It was frozen anew since, by <@U0BOB>" in await again(world, CAROL, "unfreeze", "all over", at)
    assert [each.reason for each in await world.engine.freezes()] == ["incident 8"]


async def test_r4_a_command_to_lift_that_is_worked_late_lifts_nothing_that_was_frozen_since(world: World) -> None:
    at = await world.store.read(clock)
    await order(world, BOB, "freeze", "all incident 8")
    assert "frozen after you wrote that, by <@U0BOB>" in await again(world, CAROL, "unfreeze", "all over", at)
    assert [each.reason for each in await world.engine.freezes()] == ["incident 8"]


async def test_r4_a_command_to_freeze_that_is_worked_again_freezes_nothing_that_was_lifted_since(world: World) -> None:
    at = await world.store.read(clock)
    assert "Frozen: all" in await again(world, BOB, "freeze", "all incident 7", at)
    assert "Frozen: all" in await again(world, BOB, "freeze", "all incident 7", at)
    await order(world, CAROL, "unfreeze", "all over")
    assert "is lifted again by now" in await again(world, BOB, "freeze", "all incident 7", at)
    assert await world.engine.freezes() == ()


async def test_s9_two_commands_that_waited_lift_what_a_shell_froze_before_and_either_is_done_once(world: World) -> None:
    await frozen_by_shell(world)
    at = await world.store.read(clock)
    for _ in range(2):
        assert "Nobody verified who froze all: it was a shell" in await again(world, CAROL, "unfreeze", "all over", at)
    assert await again(world, BOB, "unfreeze", "all over", at) == "Lifted: all."


async def test_s23_while_slack_says_nothing_of_anybody_whom_the_policy_names_by_id_freezes_and_nobody_lifts() -> None:
    world = World(policy=NAMED)
    world.chat.absent = True
    freezer = world.engine._freezer
    assert "Frozen: all" in str(await freezer.freeze(BOB, TEAM, "all", "incident 7"))
    with pytest.raises(Unavailable):
        await freezer.lift(BOB, TEAM, "all", "over")
    with pytest.raises(Unavailable):  # a member of the group, perhaps
        await freezer.freeze(CAROL, TEAM, "system:okta", "incident 7")


async def test_s9_a_shell_lifts_only_where_the_policy_lets_shells_decide(world: World) -> None:
    await order(world, BOB, "freeze", "all incident 7")
    freezer = world.engine._freezer
    assert "shell_may_decide" in str(await freezer.lift(CAROL, TEAM, "all", "over", via="shell"))
    world.engine._people.policy = Policy(world.policy.defaults, shell_may_decide=True)
    assert await freezer.lift(CAROL, TEAM, "all", "over", via="shell") == "Lifted: all."


async def frozen_by_shell(world: World, who: Person = BOB) -> None:
    assert "until two people lift it" in await world.engine._freezer.freeze(who, TEAM, "all", "incident 7", via="shell")


async def test_s9_a_freeze_of_a_shell_that_nobody_verified_takes_two_people_to_lift(world: World) -> None:
    """Carol freezes in Bob's name: her own word must not be a second person's."""
    await frozen_by_shell(world)
    told = await order(world, CAROL, "unfreeze", "all over")
    assert "it was a shell (as <@U0BOB>)" in told and "somebody else must lift it" in told
    assert [(each.by, each.reason) for each in await world.engine.freezes()] == [("U0CAROL", "incident 7")]
    assert "You froze all yourself" in await order(world, CAROL, "unfreeze", "all really")
    assert await order(world, BOB, "unfreeze", "all over") == "Lifted: all."


async def test_s9_whoever_freezes_in_slack_what_a_shell_froze_puts_their_name_to_it(world: World) -> None:
    await frozen_by_shell(world)
    assert "frozen already, by a shell (as <@U0BOB>)" in str(
        await world.engine._freezer.freeze(CAROL, TEAM, "all", "mine", via="shell")
    )
    assert "until somebody else lifts it" in await order(world, CAROL, "freeze", "all incident 8")
    assert "frozen already, by <@U0CAROL>: incident 8" in await order(world, BOB, "freeze", "all incident 9")
    assert "You froze all yourself" in await order(world, CAROL, "unfreeze", "all over")
    assert await order(world, BOB, "unfreeze", "all over") == "Lifted: all."


async def test_s9_a_shell_that_the_policy_trusts_freezes_in_the_name_of_whom_it_names(world: World) -> None:
    world.engine._people.policy = Policy(world.policy.defaults, shell_may_decide=True)
    done = await world.engine._freezer.freeze(BOB, TEAM, "all", "incident 7", via="shell")
    assert "until somebody else lifts it" in str(done)
    assert await order(world, CAROL, "unfreeze", "all over") == "Lifted: all."


async def test_r10_cards_say_that_a_shell_froze_and_then_whose_freeze_it_became(world: World) -> None:
    await asked(world)
    await frozen_by_shell(world)
    await world.until(lambda run: run.call("t1c1").frozen and run.call("t1c1").frozen.by == "shell:U0BOB")
    await order(world, CAROL, "unfreeze", "all over")
    await world.until(lambda run: run.call("t1c1").frozen.by == "U0CAROL")


async def test_s9_what_a_freeze_refused_says_whose_it_was_also_where_its_sentence_does_not_begin_with_them(
    world: World,
) -> None:
    await frozen_by_shell(world)
    world.guard.answers["grant_access"] = Judgement(Verdict.ALLOW, "fine", "BIGHUB")
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.calls[0].outcome is Outcome.FROZEN and run.calls[0].frozen_by == "U0BOB"
    assert run.calls[0].reason == "A shell (as <@U0BOB>) froze all: incident 7."


KNOWN = ("system:Google Workspace", "system:Google", "system:okta", "environment:production", "environment:{env}")


@pytest.mark.parametrize(
    ("text", "scope", "reason"),
    [
        ("all incident 7", "all", "incident 7"),
        ("All", "all", ""),
        ("incident 7", "", "incident 7"),
        ("systems are down", "", "systems are down"),
        ("system:okta incident 7", "system:okta", "incident 7"),
        ("System:Okta", "system:Okta", ""),
        ("system:google workspace incident", "system:google workspace", "incident"),
        ("system:Google Workspaces incident", "system:Google", "Workspaces incident"),
        ("system:Oracle incident", "system:Oracle", "incident"),
        ('system:"Google Workspace" incident', "system:Google Workspace", "incident"),
        ("system:“Oracle Cloud” incident", "system:Oracle Cloud", "incident"),
        ("system:”Oracle Cloud” incident", "system:Oracle Cloud", "incident"),
        ("environment:‘blue green’ it's red", "environment:blue green", "it's red"),
        ("environment:'blue green'", "environment:blue green", ""),
        ("system okta worse", "system:okta", "worse"),
        ('system "Google Workspace" worse', "system:Google Workspace", "worse"),
        ("system: okta", "system:", "okta"),
    ],
)
def test_r7_a_freeze_is_of_the_name_that_is_quoted_or_known_else_of_one_word(
    text: str, scope: str, reason: str
) -> None:
    assert scope_and_reason(text, KNOWN) == (scope, reason)


@pytest.mark.parametrize(
    "text", ["system is on fire", "Environment burns", "system", 'system:"Oracle Cloud incident', "system oktafoo"]
)
@pytest.mark.parametrize("verb", ["freeze", "unfreeze"])
async def test_r7_what_names_no_scope_freezes_nothing_and_hears_how_to_write_it(
    world: World, verb: str, text: str
) -> None:
    told = await order(world, BOB, verb, text)
    assert told.startswith("Nothing was changed.") and 'system:"Google Workspace"' in told
    assert await world.engine.freezes() == ()


async def test_r7_a_system_with_a_space_in_its_name_is_frozen_and_lifted_from_slack(world: World) -> None:
    await order(world, BOB, "freeze", 'system:"Google Workspace" incident 7')
    assert [(each.scope, each.reason) for each in await world.engine.freezes()] == [
        ("system:google workspace", "incident 7")
    ]
    assert "Lifted: system:google workspace" in await order(world, CAROL, "unfreeze", "system:Google Workspace over")


async def test_r7_lifting_demands_a_named_scope_that_is_frozen_and_else_says_what_is_frozen(world: World) -> None:
    assert await order(world, CAROL, "unfreeze", "") == "Nothing is frozen."
    await order(world, BOB, "freeze", "all incident 7")
    await order(world, BOB, "freeze", "system:okta incident 8")
    for text in ("prod leak is fixed", "", "bighub over", "allover"):
        assert await order(world, CAROL, "unfreeze", text) == "Say which to lift. Frozen now: all, system:okta."
    told = await order(world, CAROL, "unfreeze", "environment:prod over")
    assert told == "environment:prod is not frozen. Frozen now: all, system:okta."
    assert {each.scope for each in await world.engine.freezes()} == {"all", "system:okta"}
    assert "Lifted: system:okta" in await order(world, CAROL, "unfreeze", "system okta")


async def test_r7_a_freeze_that_no_known_action_is_in_holds_and_says_so(world: World) -> None:
    told = await order(world, BOB, "freeze", "environment:prod incident 7")
    assert "Frozen: environment:prod." in told
    assert "No action known here that changes something is in it. Known are: environment:production, " in told
    assert [each.scope for each in await world.engine.freezes()] == ["environment:prod"]
    for scope in ("environment:Production", "system:okta", "all"):
        assert "No action" not in await order(world, BOB, "freeze", f"{scope} incident 8")
