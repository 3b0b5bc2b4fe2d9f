"""Who waits is not forgotten, and who asked always learns what became of it: reminders, escalation, quiet hours, ends (R7, R9, S14)."""

from dataclasses import replace

import pytest

from bot.core.call import Outcome
from bot.core.inputs import Profile
from bot.core.policy import Rule
from bot.core.timing import Dated, Quiet
from bot.core.vain import TOO_FEW
from bot.core.values import Judgement, Verdict
from bot.ports import Reader
from tests.engine.test_faults import GRANT, approved_but_not_started, running
from tests.engine.test_terms import ALWAYS, DEFAULTS, SEC, SRE, asked, ended, shown, world_of
from tests.engine.world import BOB, CAROL, GUS, TEAM, World, approval_of, saying, wishing

HOUR = 3_600
REMINDING = replace(DEFAULTS, remind_after=600, expires_in=4 * HOUR)
ANSWERED = Rule(
    "answered",
    verdict=Verdict.ASK,
    approvers=("user:U0CAROL",),
    expires_in=4 * HOUR,
    escalate_to=("group:SLEADS",),
    escalate_after=HOUR,
)


async def said(world: World, words: str, count: int = 1) -> str:
    """What the thread was told with ``words`` in it, the ``count``-th time."""
    await world.until(lambda run: len([each for each in world.chat.words if words in each]) >= count, 10.0)
    return [each for each in world.chat.words if words in each][count - 1]


async def told(world: World, *users: str) -> None:
    """Those people, and nobody else, were told directly."""
    await world.until(lambda run: len(world.chat.told) >= len(users), 10.0)
    assert sorted(user for user, _ in world.chat.told) == sorted(users)


async def after(world: World, seconds: float) -> None:
    world.store.clock_shift = seconds


async def test_those_who_can_decide_are_reminded_in_the_thread_and_directly() -> None:
    world = world_of(defaults=REMINDING)
    async with running(world):
        await asked(world)
        assert world.chat.told == []
        await after(world, 601)
        assert "waits for user:U0CAROL, user:U0BOB. It expires in 3 h 49 min" in await said(
            world, "Reminder: grant_access"
        )
        await told(world, "U0BOB", "U0CAROL")
    assert "<@U0ALICE> asked for grant_access in production" in world.chat.told[0][1]


async def test_within_a_window_who_is_reminded_hears_that_it_can_be_denied_now_and_approved_once_that_ends() -> None:
    world = world_of(defaults=REMINDING)
    async with running(world):
        await asked(world)
        world.engine.take_policy(replace(world.policy, rules=(Rule("calm", windows=(ALWAYS,)),)))
        await after(world, 601)
        held = f'Nothing changes {ALWAYS.written} (UTC): rule "calm" of policy.yml. That ends Tue 2999-01-01 00:00 (UTC), in '
        words = await said(world, "Reminder: grant_access")
        await told(world, "U0BOB", "U0CAROL")
    for each in (words, *(text for _, text in world.chat.told)):
        assert held in each and each.endswith("It can be denied now, and approved then.")


@pytest.mark.parametrize("why", ["window", "freeze"])
async def test_s14_whoever_asked_reads_what_kept_it_from_being_approved_at_its_end(why: str) -> None:
    """An approver may have clicked, and was refused: "nobody decided" alone would be untrue."""
    world = world_of(defaults=REMINDING)
    async with running(world):
        approval = await asked(world)
        if why == "window":
            world.engine.take_policy(replace(world.policy, rules=(Rule("calm", windows=(ALWAYS,)),)))
        else:
            await world.store.write(lambda tx: tx.set_freeze("all", "incident", "U0BOB"))
            await world.until(lambda run: run.calls[0].frozen)
        await world.click("approve", approval)
        await world.until(lambda run: world.chat.whispers)
        await after(world, 4 * 3600)
        run = await world.until(lambda run: run.calls[0].outcome)
    held = (
        f'Nothing changes {ALWAYS.written} (UTC): rule "calm" of policy.yml.' if why == "window" else "All is frozen."
    )
    assert (run.calls[0].outcome, run.calls[0].reason) == (
        Outcome.EXPIRED,
        f"Nobody decided in time. It could not be approved at the end. {held}",
    )


async def test_s14_what_was_frozen_only_after_its_end_did_not_keep_it_from_being_approved() -> None:
    world = world_of(defaults=REMINDING)
    async with running(world):
        await asked(world)
    world.store.clock_shift = 4 * 3600 + 100.0
    await world.store.write(lambda tx: tx.set_freeze("all", "later", "U0BOB"))
    world.engine = world.new_engine()
    async with running(world):
        run = await world.until(lambda run: run.calls[0].outcome, 20.0)
    assert (run.calls[0].outcome, run.calls[0].reason) == (Outcome.EXPIRED, "Nobody decided in time.")


async def test_reminders_come_further_and_further_apart_and_each_once() -> None:
    world = world_of(defaults=REMINDING)
    async with running(world):
        await asked(world)
        await after(world, 601)
        await said(world, "Reminder")
        await told(world, "U0BOB", "U0CAROL")
        await after(world, 1_700)
        await world.until(lambda run: run.calls[0].approval.told)
        assert len(world.chat.words) == 1
        await after(world, 1_900)
        await said(world, "Reminder", 2)
        await told(world, "U0BOB", "U0CAROL", "U0BOB", "U0CAROL")
        run = await shown(world)
    (first, second) = run.calls[0].approval.told
    assert (first.key[-2:], second.key[-2:]) == (":1", ":2") and second.at - first.at > 1_200


async def test_r9_a_bot_that_was_away_for_three_reminders_gives_one() -> None:
    world = world_of(defaults=REMINDING)
    async with running(world):
        await asked(world)
    await after(world, 3 * HOUR)
    world.engine = world.new_engine()
    async with running(world):
        await said(world, "Reminder")
        await told(world, "U0BOB", "U0CAROL")
        run = await shown(world)
    assert len(run.calls[0].approval.told) == 1


async def test_r9_a_reminder_that_slack_did_not_take_is_given_when_it_is_back() -> None:
    world = world_of(defaults=REMINDING)
    async with running(world):
        await asked(world)
        world.chat.absent = True
        await after(world, 601)
        await world.until(lambda run: any(trouble.key.startswith("remind:") for trouble in run.troubles), 10.0)
        world.chat.absent = False
        await told(world, "U0BOB", "U0CAROL")
        run = await shown(world)
    assert run.troubles == () and len(world.chat.words) == 1


async def test_nobody_is_reminded_of_what_is_decided_and_nobody_who_has_voted() -> None:
    world = world_of(Rule("two", verdict=Verdict.ASK, quorum=2), defaults=REMINDING)
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        await after(world, 601)
        await told(world, "U0BOB")
        await world.click("approve", approval, BOB)
        await ended(world)
        await after(world, 3 * HOUR)
    assert len(world.chat.told) == 1 and len(world.deeds.done) == 1


async def test_r20_of_those_who_have_voted_who_may_once_more_is_reminded_and_the_card_shows_that_they_did() -> None:
    three = Rule("sre", verdict=Verdict.ASK, approvers=(SRE,), quorum=3)
    world = world_of(three, defaults=REMINDING)
    world.chat.groups = {"SSRE": frozenset({"U0BOB", "U0CAROL", "U0GUS"}), "SSEC": frozenset({"U0CAROL"})}
    async with running(world):
        approval = await asked(world)
        for count, person in enumerate((CAROL, BOB), 1):
            await world.click("approve", approval, person)
            await world.until(lambda run, count=count: len(run.calls[0].approval.votes) == count, 10.0)
        security = Rule("security", verdict=Verdict.ASK, approvers=(SEC,))
        world.engine.take_policy(replace(world.policy, rules=(three, security)))
        await world.click("approve_reviewed", approval, BOB)
        before = await world.until(lambda run: run.calls[0].approval.earlier, 10.0)
        await after(world, 601)
        await told(world, "U0CAROL", "U0GUS")
        await world.click("approve_reviewed", approval, CAROL)
        run = await world.until(lambda run: run.calls[0].approval.again, 10.0)
        assert run.calls[0].phase != before.calls[0].phase and world.deeds.done == []


async def test_s14_the_thread_names_nobody_who_has_voted_and_not_the_requester_who_may_not() -> None:
    everybody = ("user:U0ALICE", "user:U0CAROL", "user:U0BOB")
    world = world_of(defaults=replace(REMINDING, approvers=everybody, quorum=2))
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        await after(world, 601)
        assert "still waits for user:U0BOB. " in await said(world, "Reminder: grant_access")
        await told(world, "U0BOB")


async def test_s14_where_nobody_is_left_who_could_vote_the_thread_names_nobody() -> None:
    world = world_of(defaults=replace(REMINDING, approvers=("user:U0ALICE", "user:U0CAROL"), quorum=2))
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        await after(world, 601)
        words = await said(world, "Reminder: grant_access")
        assert "still waits for somebody else, whom no rule names yet." in words
        assert f"Nobody can approve this. {TOO_FEW}" in words
    assert world.chat.told == []


async def test_s14_an_escalation_that_calls_in_only_whoever_asked_names_nobody() -> None:
    world = world_of(replace(ANSWERED, escalate_to=("user:U0ALICE",)))
    async with running(world):
        await asked(world)
        await after(world, HOUR + 1)
        assert "yet, and there is nobody more to call in." in await said(world, "Nobody has decided grant_access")
    assert world.chat.told == []


async def test_s9_the_requester_and_who_may_not_decide_are_not_reminded() -> None:
    world = world_of(defaults=replace(REMINDING, approvers=("group:SSRE",)))
    world.chat.groups["SSRE"] = frozenset({"U0ALICE", "U0BOB", "U0GUS"})
    world.chat.profiles[GUS] = Profile(GUS, "Gus", TEAM, guest=True)
    async with running(world):
        await asked(world)
        await after(world, 601)
        await told(world, "U0BOB")


async def test_in_quiet_hours_the_thread_is_told_at_once_and_a_person_when_theirs_are_over() -> None:
    world = world_of(defaults=replace(REMINDING, approvers=("user:U0CAROL", "user:U0BOB"), expires_in=48 * HOUR))
    now = await world.store.read(_now)
    noon = (now // 86_400 + 1) * 86_400 + 12 * HOUR
    world.policy = replace(world.policy, quiet=Quiet(20 * 60, 8 * 60))
    world.chat.profiles[BOB] = Profile(BOB, "Bob", TEAM, zone="Asia/Tokyo")  # there it is 21:00 then
    world.engine = world.new_engine()
    await after(world, noon - 600 - now)
    async with running(world):
        await asked(world)
        await after(world, noon + 60 - now)
        await told(world, "U0CAROL")
        run = await world.until(lambda run: run.calls[0].approval.told, 10.0)
        times = {each.user: each.not_before for each in run.calls[0].approval.told[0].summons}
        assert times["U0BOB"] == noon + 11 * HOUR  # 08:00 in Tokyo
        await after(world, noon + 11 * HOUR + 60 - now)
        await world.until(lambda run: "U0BOB" in [user for user, _ in world.chat.told], 10.0)
    assert [user for user, _ in world.chat.told].count("U0BOB") == 1


@pytest.mark.parametrize("away", ["bot", "Slack"])
async def test_s14_a_message_that_could_not_go_out_in_time_waits_for_the_end_of_the_next_quiet_hours(away: str) -> None:
    """Whoever was away: Bob's clocks show 20:30 when it could be sent."""
    world = world_of(
        defaults=replace(REMINDING, approvers=("user:U0BOB",), remind_after=12 * HOUR, expires_in=96 * HOUR)
    )
    now = await world.store.read(_now)
    midnight = (now // 86_400 + 1) * 86_400
    world.policy = replace(world.policy, quiet=Quiet(20 * 60, 8 * 60))
    world.chat.profiles[BOB] = Profile(BOB, "Bob", TEAM, zone="Asia/Tokyo")
    world.engine = world.new_engine()
    await after(world, midnight - now)
    async with running(world):
        await asked(world)
        await after(world, midnight + 12 * HOUR + 60 - now)  # 21:01 in Tokyo
        await world.until(lambda run: run.calls[0].approval.told, 10.0)
    assert world.chat.told == []
    if away == "Slack":
        world.chat.absent = True
        world.engine = world.new_engine()
        await after(world, midnight + 24 * HOUR - now)  # 09:00 in Tokyo
        async with running(world):
            await world.until(lambda run: run.troubles, 10.0)
    world.chat.absent = False
    world.engine = world.new_engine()
    await after(world, midnight + 35.5 * HOUR - now)
    async with running(world):
        waits = await world.until(lambda run: any(each.not_before > run.last_at + 60 for each in run.troubles), 10.0)
        assert world.chat.told == [] and "quiet hours" in waits.troubles[0].error
        await after(
            world, midnight + 38 * HOUR - now
        )  # the next reminder is due by then, and what it says is the newest
        await said(world, "Reminder", 2)
        assert world.chat.told == []
        await after(world, midnight + 47 * HOUR + 60 - now)  # 08:01 in Tokyo
        await told(world, "U0BOB")
    assert [user for user, _ in world.chat.told] == ["U0BOB"]


async def test_whom_it_escalates_to_hear_of_it_when_they_may_decide() -> None:
    world = world_of(ANSWERED)
    world.chat.groups["SLEADS"] = frozenset({"U0GUS"})
    async with running(world):
        approval = await asked(world)
        await after(world, HOUR + 1)
        assert "group:SLEADS may decide it now, too" in await said(world, "Nobody has decided grant_access yet")
        await told(world, "U0GUS")
        await world.click("approve", approval, GUS)
        await ended(world)
    assert len(world.deeds.done) == 1


ENDS = {
    "denied": (Outcome.DENIED, "<@U0ALICE> grant_access was denied by <@U0CAROL>: too broad"),
    "expired": (Outcome.EXPIRED, "<@U0ALICE> grant_access did not run (expired): Nobody decided in time."),
    "frozen": (Outcome.FROZEN, "<@U0ALICE> grant_access did not run (frozen): <@U0BOB> froze all: incident."),
}


@pytest.mark.parametrize("how", ENDS)
async def test_whoever_asked_learns_in_our_own_words_what_became_of_it(how: str) -> None:
    world = world_of()
    async with running(world):
        if how == "frozen":
            await approved_but_not_started(world)
            await world.store.write(lambda tx: tx.set_freeze("all", "incident", "U0BOB"))
            world.dispatch.lossy = False
        elif how == "denied":
            await world.click("deny", await asked(world), CAROL, comment="too broad")
        else:
            await asked(world)
            await after(world, 4 * HOUR + 1)
        await ended(world)
        run = await world.until(lambda run: run.delivered("ended:t1c1"), 10.0)
    outcome, words = ENDS[how]
    assert run.calls[0].outcome is outcome and world.deeds.done == []
    assert [each for each in world.chat.words if "grant_access" in each] == [words]


FORBIDDEN = {
    "guard": "<@U0ALICE> grant_access did not run (blocked): too broad by far",
    "window": (
        '<@U0ALICE> grant_access did not run (blocked): Nothing changes always (UTC): rule "closed" of policy.yml.'
    ),
    "freeze": "<@U0ALICE> grant_access did not run (frozen): <@U0BOB> froze all: incident.",
}


@pytest.mark.parametrize("how", FORBIDDEN)
async def test_whoever_asked_learns_in_our_own_words_what_nobody_was_asked_about_and_before_the_model_calls_it_done(
    how: str,
) -> None:
    always = Dated("1970-01-01T00:00", "2999-01-01T00:00", "UTC", "always")
    world = world_of(*([Rule("closed", windows=(always,))] if how == "window" else []))
    if how == "guard":
        world.guard.answers["grant_access"] = Judgement(Verdict.DENY, "too broad by far", "BIGHUB", request_id="req")
    elif how == "freeze":
        await world.store.write(lambda tx: tx.set_freeze("all", "incident", "U0BOB"))
    world.model.turns = [wishing(GRANT), saying("Done: bob is in admins.")]
    async with running(world):
        await world.write("grant bob admins")
        run = await ended(world)
    assert run.calls[0].approval is None and world.deeds.done == []
    assert world.chat.words == [FORBIDDEN[how], "Done: bob is in admins."]


async def test_whoever_asked_learns_that_an_approval_lapsed_and_people_are_asked_anew() -> None:
    world = world_of()
    async with running(world):
        run = await approved_but_not_started(world)
        await after(world, 5 * HOUR)
        world.dispatch.lossy = False
        await world.until(lambda now: approval_of(now) != approval_of(run), 10.0)
        words = await said(world, "asked anew")
    assert words.startswith(
        "<@U0ALICE> people are asked anew about grant_access: It was approved, but nothing could run"
    )


async def _now(tx: Reader) -> float:
    return tx.now
