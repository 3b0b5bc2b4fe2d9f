"""A thread whose first message was deleted: the run goes on in the channel, each thing posted once."""

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.call import Card
from bot.core.run import Run
from bot.core.values import Person, Place
from bot.ports import Unavailable
from bot.slack.calls import Declined
from bot.slack.chat import SlackChat
from bot.workspace import RunningWorkspace
from bot.workspace.blockkit import check_message_blocks
from bot.workspace.world import Draft
from tests.slack.made import asked_run, binding, call_of, judgement, terms, voted
from tests.slack.reading import buttons, objects, words

Json = dict[str, Any]


def asking(place: Place, *more: Any) -> Run:
    return unposted(asked_run(None, None, None, *more, place=place))


def unposted(run: Run) -> Run:
    """The same run before anybody knows where its card stands."""
    return replace(run, calls=(replace(call_of(run), card=None),))


@pytest.fixture
async def lost(workspace: RunningWorkspace, place: Place) -> Place:
    """A place whose thread is gone."""
    await workspace.person("U0ALICE").delete("C0OPS", place.thread)
    return place


async def ours(workspace: RunningWorkspace) -> list[Json]:
    return [each for each in await workspace.person("U0CAROL").messages("C0OPS") if each.get("bot_id")]


async def test_a_card_is_posted_in_the_channel_and_updated_there(
    chat: SlackChat, workspace: RunningWorkspace, lost: Place
) -> None:
    run = asking(lost)
    posted = await chat.show_card(run, call_of(run))
    (shown,) = await ours(workspace)
    assert shown["ts"] == posted.message and "thread_ts" not in shown
    assert "approve" in buttons(shown["blocks"]) and shown["text"].startswith("<@U0ALICE> ")
    later = asking(lost, voted())
    call = replace(call_of(later), card=Card("C0OPS", posted.message, "asking:0"))
    assert await chat.show_card(replace(later, calls=(call,)), call) == posted
    (shown,) = await ours(workspace)
    assert "Approved by" in words(shown["blocks"])


async def test_replies_and_notices_are_posted_in_the_channel_for_the_requester(
    chat: SlackChat, workspace: RunningWorkspace, lost: Place
) -> None:
    run = asking(lost)
    await chat.post_reply(run, "reply:1", "All done.")
    await chat.post_notice(run, "end:1", "Stopped.")
    for shown, said in zip(await ours(workspace), ("All done.", "Stopped."), strict=True):
        assert "thread_ts" not in shown and said in words(shown["blocks"])
        assert shown["text"] == f"<@U0ALICE> {said}"
        assert [each["user_id"] for each in objects(shown["blocks"]) if each.get("type") == "user"] == ["U0ALICE"]


@pytest.mark.parametrize("code", ["thread_not_found", "cannot_reply_to_message"])
async def test_both_of_slacks_words_for_it_are_understood(
    chat: SlackChat, workspace: RunningWorkspace, place: Place, code: str
) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="error", error=code)
    await chat.post_reply(asking(place), "reply:1", "x")
    (shown,) = await ours(workspace)
    assert "thread_ts" not in shown


async def test_any_other_refusal_of_a_post_stays_one(
    chat: SlackChat, workspace: RunningWorkspace, place: Place
) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="error", error="restricted_action")
    with pytest.raises(Declined):
        await chat.post_reply(asking(place), "reply:1", "x")
    assert await ours(workspace) == []


async def test_a_card_whose_answer_was_lost_is_found_in_the_channel(
    chat: SlackChat, workspace: RunningWorkspace, lost: Place
) -> None:
    """R9, without a thread: the card that stands is brought up to date."""
    await workspace.fault(kind="api", method="chat.postMessage", when="after", do="lost", skip=1)
    run = asking(lost)
    with pytest.raises(Unavailable):
        await chat.show_card(run, call_of(run))
    (standing,) = await ours(workspace)
    later = asking(lost, voted())
    adopted = await chat.show_card(later, call_of(later))
    (shown,) = await ours(workspace)
    assert adopted.message == standing["ts"] == shown["ts"] and "Approved by" in words(shown["blocks"])


async def test_replies_are_posted_once_even_in_a_channel_of_many_pages(
    chat: SlackChat, workspace: RunningWorkspace, client: AsyncWebClient, lost: Place
) -> None:
    run, text = asking(lost), "line\n" * 1_500
    first = await chat.post_reply(run, "reply:1", text)
    parts = len(await ours(workspace))
    for n in range(210):
        draft = Draft(text=f"noise {n}")
        workspace.world.post(workspace.world.directory.channels["C0OPS"], "U0BOB", draft)
    assert await chat.post_reply(run, "reply:1", text) == first
    assert len(await ours(workspace)) == parts > 1


async def test_another_apps_copy_in_the_channel_does_not_pass_for_ours(
    chat: SlackChat, workspace: RunningWorkspace, lost: Place
) -> None:
    run = asking(lost)
    copied = {"event_type": "signoff", "event_payload": {"key": f"{run.id}:reply:1:1"}}
    draft = Draft(text="I am Signoff", metadata=copied)
    workspace.world.post(workspace.world.directory.channels["C0OPS"], "U0ROBOT", draft)
    await chat.post_reply(run, "reply:1", "the truth")
    assert "the truth" in words((await ours(workspace))[-1]["blocks"])


async def test_the_largest_card_fits_the_channel_too(chat: SlackChat, workspace: RunningWorkspace, lost: Place) -> None:
    largest = asked_run(
        binding({"a": "z" * 2_480}, target="t" * 5_000),
        judgement(reason="r" * 9_000, better_action="b" * 9_000),
        terms(approvers=tuple(f"user:U0{n:03}" for n in range(60)), quorum=9),
        *(voted(Person("T0ACME", f"U0{n:03}"), comment="c" * 1_000) for n in range(8)),
        words="w" * 9_000,
        place=lost,
    )
    run = unposted(largest)
    await chat.show_card(run, call_of(run))
    (shown,) = await ours(workspace)
    check_message_blocks(shown["blocks"])
