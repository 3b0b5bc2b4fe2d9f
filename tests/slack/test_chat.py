"""The Chat port against the local workspace: posted once as far as anybody can see, and rendered from the present."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.call import Card
from bot.core.emergency import by_shell, froze
from bot.core.events import CallRefused, Cancelled, CardShown, SaferAsked, Started
from bot.core.inputs import Profile
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Ground, Person, Place, RunId
from bot.ports import Rejected, Unavailable
from bot.slack.calls import Declined, called, web_client, web_session
from bot.slack.chat import SlackChat
from bot.slack.replies import OLDER_CARD
from bot.workspace import RunningWorkspace
from bot.workspace.world import Draft
from tests.slack.hands import Hands
from tests.slack.made import ALICE, CALL, CAROL, XENA, asked_run, call_of, every_phase, voted
from tests.slack.reading import buttons, objects, words

Json = dict[str, Any]


def fresh(place: Place, *more: Any) -> Run:
    return asked_run(None, None, None, *more, place=place, shown="")


def with_card(run: Run, ts: str, *more: Any) -> Run:
    shown = asked_run(None, None, None, *more, place=run.asked.place, shown="1700000009.000100")
    call = call_of(shown)
    return replace(shown, calls=(replace(call, card=Card(run.asked.place.channel, ts, "asking:0")),))


async def in_thread(workspace: RunningWorkspace, place: Place) -> list[Json]:
    return (await workspace.person("U0CAROL").thread(place.channel, place.thread))[1:]


# --- cards ----------------------------------------------------------------------------------------------------------


async def test_a_card_is_posted_in_the_thread_and_then_updated_in_place(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place)
    posted = await chat.show_card(run, call_of(run))
    (shown,) = await in_thread(workspace, place)
    assert (shown["ts"], posted.channel) == (posted.message, "C0OPS")
    assert "approve" in buttons(shown["blocks"]) and "No BIGHUB key." in words(shown["blocks"])
    later = with_card(run, posted.message, voted())
    assert await chat.show_card(later, call_of(later)) == posted
    (shown,) = await in_thread(workspace, place)
    assert not buttons(shown["blocks"]) and "Approved by" in words(shown["blocks"])


async def test_every_phase_of_a_card_is_taken_by_slack(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place)
    posted = await chat.show_card(run, call_of(run))
    for _, phase in every_phase():
        call = replace(call_of(phase), card=Card("C0OPS", posted.message, "asking:0"))
        here = replace(phase, asked=run.asked, calls=(call,))
        assert await chat.show_card(here, call) == posted


async def test_nothing_unfurls_and_nothing_is_linked(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    """S6, S7: on every outgoing payload."""
    run = fresh(place)
    posted = await chat.show_card(run, call_of(run))
    later = with_card(run, posted.message)
    await chat.show_card(later, call_of(later))
    await chat.post_reply(run, "reply:1", "see https://evil.example/?secret=1")
    sent = [*workspace.traffic.calls("chat.postMessage"), *workspace.traffic.calls("chat.update")]
    ours = [each["args"] for each in sent if "blocks" in each["args"]]
    assert len(ours) == 3
    for args in ours:
        assert args["parse"] == "none" and args["link_names"] in (False, 0, "0", "false")
        assert "unfurl_links" not in args or args["unfurl_links"] in (False, 0, "0", "false")
    posts = [each["args"] for each in workspace.traffic.calls("chat.postMessage") if "blocks" in each["args"]]
    assert all("unfurl_links" in args and "unfurl_media" in args for args in posts)


@pytest.mark.parametrize(
    "fault", [{"do": "lost"}, {"do": "status", "status": 502}, {"do": "error", "error": "fatal_error"}]
)
async def test_a_post_whose_answer_was_lost_is_adopted(
    chat: SlackChat, workspace: RunningWorkspace, place: Place, fault: Json
) -> None:
    """R9: posted, then the answer lost: the next attempt finds the card by its key."""
    run = fresh(place)
    await workspace.fault(kind="api", method="chat.postMessage", when="after", **fault)
    with pytest.raises(Unavailable):
        await chat.show_card(run, call_of(run))
    (standing,) = await in_thread(workspace, place)
    voted_meanwhile = asked_run(None, None, None, place=place, shown="")
    adopted = await chat.show_card(voted_meanwhile, call_of(voted_meanwhile))
    assert [each["ts"] for each in await in_thread(workspace, place)] == [standing["ts"]] == [adopted.message]


async def test_a_post_that_never_arrived_is_posted(chat: SlackChat, workspace: RunningWorkspace, place: Place) -> None:
    run = fresh(place)
    await workspace.fault(kind="api", method="chat.postMessage", when="before", do="lost")
    with pytest.raises(Unavailable):
        await chat.show_card(run, call_of(run))
    assert await in_thread(workspace, place) == []
    await chat.show_card(run, call_of(run))
    assert len(await in_thread(workspace, place)) == 1


async def test_a_card_that_was_deleted_is_posted_anew(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    """R10."""
    run = fresh(place)
    posted = await chat.show_card(run, call_of(run))
    await workspace.person("U0ERIN").delete("C0OPS", posted.message)
    later = with_card(run, posted.message, voted())
    again = await chat.show_card(later, call_of(later))
    assert again.message != posted.message
    (shown,) = await in_thread(workspace, place)
    assert "Approved by" in words(shown["blocks"])


async def test_s13_an_older_message_that_was_clicked_in_the_cards_place_is_retired_with_a_link_to_it(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place)
    older, card = await chat.show_card(run, call_of(run)), await chat.show_card(run, call_of(run), again=False)
    later = with_card(run, card.message)
    call = replace(call_of(later), card=Card("C0OPS", card.message, "", older=older.message))
    assert await chat.show_card(replace(later, calls=(call,)), call) == card
    retired, shown = await in_thread(workspace, place)
    assert not buttons(retired["blocks"]) and OLDER_CARD in words(retired["blocks"])
    assert card.message.replace(".", "") in str(retired["blocks"]) and "approve" in buttons(shown["blocks"])


async def test_s13_what_became_the_card_meanwhile_is_not_retired(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    """The recorded one was deleted, and another was posted in its place, of which nobody heard: that one was clicked."""
    run = fresh(place)
    card = await chat.show_card(run, call_of(run))
    later = with_card(run, "1700000009.000100")
    call = replace(call_of(later), card=Card("C0OPS", "1700000009.000100", "", older=card.message))
    assert await chat.show_card(replace(later, calls=(call,)), call) == card
    (shown,) = await in_thread(workspace, place)
    assert "approve" in buttons(shown["blocks"])


async def test_a_card_that_can_no_longer_be_changed_is_posted_anew_once(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place)
    posted = await chat.show_card(run, call_of(run))
    later = with_card(run, posted.message, voted())
    await workspace.fault(kind="api", method="chat.update", do="error", error="edit_window_closed")
    again = await chat.show_card(later, call_of(later))
    await workspace.fault(kind="api", method="chat.update", do="error", error="edit_window_closed")
    assert await chat.show_card(later, call_of(later)) == again
    assert len(await in_thread(workspace, place)) == 2


async def test_another_apps_message_does_not_pass_for_ours(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    """Metadata is open to every app of the workspace: one that copies a key must not silence a reply."""
    run = fresh(place)
    copied = {"event_type": "signoff", "event_payload": {"key": f"{run.id}:reply:1:1"}}
    draft = Draft(text="I am Signoff", thread_ts=place.thread, metadata=copied)
    workspace.world.post(workspace.world.directory.channels["C0OPS"], "U0ROBOT", draft)
    await chat.post_reply(run, "reply:1", "the truth")
    assert "the truth" in words((await in_thread(workspace, place))[-1]["blocks"])


# --- words ----------------------------------------------------------------------------------------------------------


async def test_a_long_reply_is_posted_whole_and_only_once(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run, text = fresh(place), "".join(f"line {n}\n" for n in range(1_500))
    await workspace.fault(kind="api", method="chat.postMessage", when="after", do="lost", skip=1)
    with pytest.raises(Unavailable):
        await chat.post_reply(run, "reply:1", text)
    await chat.post_reply(run, "reply:1", text)
    await chat.post_reply(run, "reply:1", text)
    shown = "".join(words(each["blocks"]) for each in await in_thread(workspace, place))
    assert [shown.count(f"line {n}\n") for n in range(1_500)] == [1] * 1_500


async def test_two_effects_of_a_run_are_two_messages(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place)
    await chat.post_reply(run, "reply:1", "same words")
    await chat.post_reply(run, "reply:2", "same words")
    assert len(await in_thread(workspace, place)) == 2


async def test_a_thread_of_many_pages_is_read_to_its_end(
    chat: SlackChat, workspace: RunningWorkspace, client: AsyncWebClient, place: Place
) -> None:
    run = fresh(place)
    noise = (client.chat_postMessage(channel="C0OPS", thread_ts=place.thread, text=f"noise {n}") for n in range(210))
    await asyncio.gather(*noise)
    first = await chat.post_reply(run, "reply:1", "once")
    assert await chat.post_reply(run, "reply:1", "once") == first


async def test_a_notice_mentions_those_who_take_part_and_offers_retry(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place)
    await chat.post_notice(run, "end:1", "Stopped by <@U0ALICE>, not <@U0EVE>.", RunId("r" * 32))
    (shown,) = await in_thread(workspace, place)
    assert [each["user_id"] for each in objects(shown["blocks"]) if each.get("type") == "user"] == ["U0ALICE"]
    assert buttons(shown["blocks"])["retry"]["value"] == "r" * 32


async def test_a_notice_mentions_whom_a_shell_said_to_be(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place, Cancelled(Person("T0LOCAL", by_shell("U0CAROL"))))
    await chat.post_notice(run, "end:1", "Stopped by a shell (as <@U0CAROL>).")
    (shown,) = await in_thread(workspace, place)
    assert [each["user_id"] for each in objects(shown["blocks"]) if each.get("type") == "user"] == ["U0CAROL"]


async def test_a_notice_of_a_card_elsewhere_has_withdraw_and_stop_for_its_approval(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place, CardShown(CALL, "C0DEV", "1700000009.000100", "asking:0"))
    await chat.post_notice(run, "placed", "People are asked in <#C0DEV>.", ends=ApprovalId("a" * 32))
    (shown,) = await in_thread(workspace, place)
    found = buttons(shown["blocks"])
    assert list(found) == ["withdraw", "stop"] and {each["value"] for each in found.values()} == {"a" * 32}
    assert "confirm" in found["stop"]


async def test_a_notice_mentions_the_channel_of_a_card_and_no_other(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place, CardShown(CALL, "C0DEV", "1700000009.000100", "asking:0"))
    await chat.post_notice(run, "placed", "People are asked in <#C0DEV>, not in <#C0EVIL>.")
    (shown,) = await in_thread(workspace, place)
    assert [each["channel_id"] for each in objects(shown["blocks"]) if each.get("type") == "channel"] == ["C0DEV"]
    assert "in <#C0DEV>, not in &lt;#C0EVIL&gt;." in shown["text"]


async def test_a_notice_mentions_whoever_froze_what_was_to_run(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place, CallRefused(CALL, Ground.FROZEN, froze("U0BOB", "all", "incident 7"), "U0BOB"))
    await chat.post_notice(run, "ended", call_of(run).reason)
    (shown,) = await in_thread(workspace, place)
    assert [each["user_id"] for each in objects(shown["blocks"]) if each.get("type") == "user"] == ["U0BOB"]


async def test_a_notice_mentions_whoever_wanted_something_safer(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place, SaferAsked(CALL, CAROL))
    await chat.post_notice(run, "ended", call_of(run).reason)
    (shown,) = await in_thread(workspace, place)
    assert [each["user_id"] for each in objects(shown["blocks"]) if each.get("type") == "user"] == ["U0CAROL"]


async def test_a_card_in_another_channel_is_posted_there_once_and_updated_there(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    run = fresh(place)
    call = call_of(run)
    terms = replace(call.approval.terms, post_to=("G0SECRET",))
    call = replace(call, card=None, approval=replace(call.approval, terms=terms))
    run = replace(run, calls=(call,))
    posted = await chat.show_card(run, call, again=False)
    assert posted.channel == "G0SECRET" and await chat.show_card(run, call, again=True) == posted
    there = replace(call, card=Card("G0SECRET", posted.message, "asking:0"))
    assert await chat.show_card(replace(run, calls=(there,)), there) == posted
    assert await in_thread(workspace, place) == []
    history = await workspace.person("U0CAROL").call("conversations.history", channel="G0SECRET")
    assert [each["ts"] for each in history["messages"] if buttons(each.get("blocks", []))] == [posted.message]


async def test_a_reminder_in_the_thread_mentions_the_groups_and_people_that_it_names(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    text = "Reminder: deploy waits for group:S0SRE, user:U0CAROL."
    await chat.post_notice(fresh(place), "remind:1", text, names=True)
    (shown,) = await in_thread(workspace, place)
    assert [each["usergroup_id"] for each in objects(shown["blocks"]) if each.get("type") == "usergroup"] == ["S0SRE"]
    assert [each["user_id"] for each in objects(shown["blocks"]) if each.get("type") == "user"] == ["U0CAROL"]


async def test_r9_a_direct_message_links_to_the_card_and_is_posted_once_even_where_its_answer_was_lost(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    posted = await chat.show_card(fresh(place), call_of(fresh(place)))
    run = with_card(fresh(place), posted.message)
    first = await chat.tell(run, call_of(run), "U0CAROL", "remind:1:U0CAROL", "It waits.", again=False)
    assert await chat.tell(run, call_of(run), "U0CAROL", "remind:1:U0CAROL", "It waits.", again=True) == first
    carol = workspace.person("U0CAROL")
    (told,) = (await carol.call("conversations.history", channel=await carol.direct_channel()))["messages"]
    assert words(told["blocks"]).startswith("It waits.")
    assert posted.message.replace(".", "") in next(
        each["url"] for each in objects(told["blocks"]) if each.get("type") == "link"
    )


async def test_a_whisper_is_seen_by_one_person_only(chat: SlackChat, workspace: RunningWorkspace, place: Place) -> None:
    run = fresh(place)
    await chat.show_card(run, call_of(run))
    await chat.whisper(ALICE, "C0OPS", place.thread, "<@U0CAROL> approved this already.")
    mine = (await workspace.person("U0ALICE").thread("C0OPS", place.thread))[-1]
    assert words(mine["blocks"]) == "<@U0CAROL>  approved this already."
    assert len(await in_thread(workspace, place)) == 1


async def test_a_whisper_to_a_thread_without_replies_stands_in_the_channel(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    """Slack shows an ephemeral message in a thread only where the thread is active."""
    await chat.whisper(ALICE, "C0OPS", place.thread, "Guests cannot ask me.")
    shown = (await workspace.person("U0ALICE").messages("C0OPS"))[-1]
    assert words(shown["blocks"]) == "Guests cannot ask me." and "thread_ts" not in shown


async def test_a_whisper_names_people_and_groups_as_mentions_and_nothing_else(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    """The words of a refusal: ids are no names to people."""
    text = "Only user:U0DAN, <@U0CAROL> or group:S0SECURITY may decide <!channel> <#C0OPS> user:U… *this* & <!subteam^S0SRE>."
    await chat.whisper(ALICE, "C0OPS", place.thread, text)
    shown = (await workspace.person("U0ALICE").messages("C0OPS"))[-1]
    runs = shown["blocks"][0]["elements"][0]["elements"]
    assert [each.get("user_id") or each.get("usergroup_id") for each in runs if each["type"] != "text"] == [
        "U0DAN",
        "U0CAROL",
        "S0SECURITY",
    ]
    assert "".join(each.get("text", "") for each in runs) == (
        "Only ,  or  may decide <!channel> <#C0OPS> user:U… *this* & <!subteam^S0SRE>."
    )
    (sent,) = [each["args"] for each in workspace.traffic.calls("chat.postEphemeral")]
    assert sent["text"] == (
        "Only <@U0DAN>, <@U0CAROL> or <!subteam^S0SECURITY> may decide "
        "&lt;!channel&gt; &lt;#C0OPS&gt; user:U… *this* &amp; &lt;!subteam^S0SRE&gt;."
    )


async def test_a_mention_in_a_long_whisper_is_never_cut_in_two(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    await chat.whisper(ALICE, "C0OPS", place.thread, "x" * 1_995 + " <@U0CAROL> " + "y" * 5_000)
    shown = (await workspace.person("U0ALICE").messages("C0OPS"))[-1]
    assert [each["user_id"] for each in objects(shown["blocks"]) if each.get("type") == "user"] == ["U0CAROL"]
    assert max(len(each["text"]) for each in objects(shown["blocks"]) if each.get("type") == "text") <= 2_000


@pytest.mark.parametrize("fault", [RuntimeError("no client"), LookupError("T0ACME")])
async def test_showing_that_the_model_thinks_never_fails(place: Place, fault: Exception) -> None:
    """It is decoration."""

    def client_for(team: str) -> AsyncWebClient:
        raise fault

    await SlackChat(client_for).show_thinking(fresh(place))


async def test_showing_that_the_model_thinks_survives_slack(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    await chat.show_thinking(fresh(place))
    await workspace.fault(kind="api", method="assistant.threads.setStatus", do="error", error="fatal_error")
    await chat.show_thinking(fresh(place))
    assert len(workspace.traffic.calls("assistant.threads.setStatus")) == 2


async def test_in_a_direct_message_a_whisper_is_an_ordinary_message(
    chat: SlackChat, workspace: RunningWorkspace
) -> None:
    channel, ts = await workspace.person("U0ALICE").say_to_bot("hello")
    await chat.whisper(ALICE, channel, ts, "I am at it.")
    assert (await workspace.person("U0ALICE").thread(channel, ts))[-1]["text"] == "I am at it."


# --- who ------------------------------------------------------------------------------------------------------------


async def test_profiles_say_what_slack_says(chat: SlackChat) -> None:
    async def flags(user: str) -> tuple[bool, ...]:
        found = await chat.profile(Person("T0ACME", user))
        assert isinstance(found, Profile)
        return found.deactivated, found.bot, found.guest, found.home == "T0ACME"

    assert await flags("U0CAROL") == (False, False, False, True)
    assert await flags("U0GONE") == (True, False, False, True)
    assert await flags("U0ROBOT") == (False, True, False, True)
    assert await flags("U0GUEST") == await flags("U0ULTRA") == (False, False, True, True)
    assert await flags("U0XENA") == (False, False, False, False)


async def test_who_is_not_known_is_refused(chat: SlackChat, workspace: RunningWorkspace) -> None:
    """S10: fail closed."""
    assert isinstance(await chat.profile(Person("T0ACME", "U0NOBODY")), Refused)
    assert isinstance(await chat.profile(XENA), Refused)
    await workspace.fault(do="set_user", user="U0DAN", set={"visible": False})
    assert isinstance(await chat.profile(Person("T0ACME", "U0DAN")), Refused)


async def test_what_slack_said_holds_for_a_minute(chat: SlackChat, workspace: RunningWorkspace, clock: Hands) -> None:
    carol = Person("T0ACME", "U0CAROL")
    await chat.profile(carol)
    await workspace.fault(do="set_user", user="U0CAROL", set={"deleted": True})
    await workspace.fault(do="set_usergroup", usergroup="S0SECURITY", users=["U0DAN"])
    clock.time = 59.9
    before = await chat.profile(carol)
    clock.time = 60.0
    after = await chat.profile(carol)
    assert isinstance(before, Profile) and not before.deactivated
    assert isinstance(after, Profile) and after.deactivated
    assert len(workspace.traffic.calls("users.info")) == 2


async def test_the_members_of_a_group_hold_for_a_minute_too(
    chat: SlackChat, workspace: RunningWorkspace, clock: Hands
) -> None:
    assert await chat.members("T0ACME", "S0SECURITY") == frozenset({"U0CAROL", "U0DAN"})
    await workspace.fault(do="set_usergroup", usergroup="S0SECURITY", users=["U0DAN"])
    assert await chat.members("T0ACME", "S0SECURITY") == frozenset({"U0CAROL", "U0DAN"})
    clock.time = 61.0
    assert await chat.members("T0ACME", "S0SECURITY") == frozenset({"U0DAN"})
    assert isinstance(await chat.members("T0ACME", "S0NONE"), Refused)


async def test_a_lookup_that_fails_is_not_remembered(chat: SlackChat, workspace: RunningWorkspace) -> None:
    await workspace.fault(kind="api", method="users.info", do="status", status=503)
    with pytest.raises(Unavailable):
        await chat.profile(ALICE)
    assert isinstance(await chat.profile(ALICE), Profile)


# --- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "waits"), [(7, 7.0), (1_000_000_000_000, 3_600.0)])
async def test_slacks_patience_is_respected(
    asked: int, waits: float, chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    """For an hour at most at a time."""
    await workspace.fault(kind="api", method="chat.postMessage", do="ratelimited", retry_after=asked)
    run = fresh(place)
    with pytest.raises(Unavailable) as failed:
        await chat.show_card(run, call_of(run))
    assert failed.value.retry_after == waits


def test_r9_a_patience_that_is_no_time_is_none() -> None:
    assert [Unavailable("busy", each).retry_after for each in (float("nan"), float("inf"), -1.0)] == [0.0, 3_600.0, 0.0]


@pytest.mark.parametrize("code", ["internal_error", "service_unavailable", "ratelimited", "request_timeout"])
async def test_passing_faults_are_worth_another_attempt(
    chat: SlackChat, workspace: RunningWorkspace, place: Place, code: str
) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="error", error=code)
    with pytest.raises(Unavailable):
        await chat.post_reply(fresh(place), "reply:1", "x")


@pytest.mark.parametrize(
    "code", ["invalid_auth", "channel_not_found", "not_in_channel", "is_archived", "never_heard_of"]
)
async def test_a_refusal_for_good_is_a_sentence(
    chat: SlackChat, workspace: RunningWorkspace, place: Place, code: str
) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="error", error=code)
    with pytest.raises(Declined) as failed:
        await chat.post_reply(fresh(place), "reply:1", "x")
    assert failed.value.code == code and str(failed.value).endswith(".") and isinstance(failed.value, Rejected)


async def test_without_the_right_to_read_a_thread_posts_go_out_all_the_same(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    await workspace.fault(kind="api", method="conversations.replies", do="error", error="missing_scope")
    await chat.post_reply(fresh(place), "reply:1", "x")
    assert len(await in_thread(workspace, place)) == 1


async def test_nobody_at_the_other_end_is_unavailable(clock: Hands) -> None:
    lonely = web_client("xoxb-1", "http://127.0.0.1:9/api/")
    with pytest.raises(Unavailable):
        await SlackChat(lambda team: lonely, clock=clock).profile(ALICE)


async def test_a_slack_that_never_answers_is_unavailable_after_the_time_limit(workspace: RunningWorkspace) -> None:
    """The SDK's own limit does not hold over connections that calls share."""
    await workspace.fault(kind="api", method="auth.test", do="hang")
    async with web_session(0.2) as session, asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await called(web_client(workspace.bot_token, workspace.api_url, session).auth_test())


async def test_the_run_may_be_anywhere_in_its_life(chat: SlackChat, workspace: RunningWorkspace, place: Place) -> None:
    run = fresh(place)
    posted = await chat.show_card(run, call_of(run))
    later = with_card(run, posted.message, voted(), Started(CALL, "t1", "w"))
    await chat.show_card(later, call_of(later))
    (shown,) = await in_thread(workspace, place)
    assert "Running…" in json.dumps(shown["blocks"], ensure_ascii=False)
