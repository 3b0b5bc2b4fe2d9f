"""What a card and its forms say of comments, of votes so far, and of what was asked before deciding (S3, S6, R20)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.core.events import CardShown, Judged
from bot.core.run import Run
from bot.core.vain import BUT_GLASS, NOBODY_ELSE, TOO_FEW
from bot.core.values import ApprovalId, Choice, Quorum, Share, Verdict
from bot.slack.blocks import Message
from bot.slack.cards import card
from bot.slack.views import Subject, ask_view, details_view, review_view
from bot.workspace.blockkit import check_message_blocks, check_view
from tests.slack.made import (
    ALICE,
    APPROVAL,
    CALL,
    CARD,
    CAROL,
    DAN,
    T0,
    answered,
    asked_run,
    binding,
    call_of,
    inquired,
    judgement,
    terms,
    voted,
)
from tests.slack.reading import buttons, objects, shown_arguments, words

SUBJECT = Subject(APPROVAL, "C0OPS", "1700000009.000100")
HOSTILE = "<!channel> *Approved by* <@U0EVE> <https://evil.example|ok> \u202e"
SEC, SRE = "group:S0SECURITY", "group:S0SRE"


def drawn(run: Run) -> Message:
    message = card(run, call_of(run))
    check_message_blocks(json.loads(json.dumps(message.blocks)))
    return message


def why_line(run: Run) -> str:
    return next(words(block) for block in drawn(run).blocks if words(block).startswith("Why you:"))


def comment_of(run: Run) -> dict[str, Any]:
    view = review_view(run, call_of(run), SUBJECT)
    check_view(json.loads(json.dumps(view)), "modal")
    return next(block for block in view["blocks"] if block["type"] == "input")


# --- comments ---------------------------------------------------------------------------------------------------------


def test_where_a_comment_is_wanted_approve_opens_the_form_that_takes_one_and_does_not_go_without() -> None:
    run = asked_run(None, None, terms(comment_required=True))
    found = buttons(drawn(run).blocks)
    assert (
        "approve" not in found
        and found["review"]["text"]["text"] == "Approve…"
        and "primary" in found["review"]["style"]
    )
    assert comment_of(run)["optional"] is False and "an approval needs a comment" in why_line(run)


def test_where_none_is_wanted_approve_is_a_click_and_a_comment_may_be_added() -> None:
    run = asked_run()
    found = buttons(drawn(run).blocks)
    assert "approve" in found and found["review"]["text"]["text"] == "With comment"
    assert comment_of(run)["optional"] is True and shown_arguments(review_view(run, call_of(run), SUBJECT)) != {}


# --- votes ------------------------------------------------------------------------------------------------------------


def test_r20_the_card_says_how_many_have_approved_and_who_is_missing() -> None:
    two = terms(quorum=2, approvers=("user:U0CAROL", "user:U0DAN", SEC))
    assert "0 of 2 approvals so far" in why_line(asked_run(None, None, two))
    told = why_line(asked_run(None, None, two, voted(CAROL)))
    assert "1 of 2 approvals so far  · still wanted:  1 of  <@U0DAN> ,  <!S0SECURITY>" in told


def test_r20_with_several_demands_the_card_says_which_group_is_missing() -> None:
    each = Quorum((SRE, SEC), 2, (Share(SRE, 1), Share(SEC, 1)))
    both = terms(quorum=2, approvers=(SRE, SEC), quorums=(each,))
    told = why_line(asked_run(None, None, both, _as(SEC)))
    assert "1 of  <!S0SRE>  and 1 of  <!S0SECURITY>" in told and told.endswith("still wanted:  1 of  <!S0SRE>")


def test_r20_where_two_rules_want_somebody_the_card_counts_all_that_are_wanted() -> None:
    both = terms(quorum=1, approvers=(SRE, SEC), quorums=(Quorum((SRE,), 1), Quorum((SEC,), 1)))
    assert "0 of 2 approvals so far" in why_line(asked_run(None, None, both))
    assert "1 of 2 approvals so far  · still wanted:  1 of  <!S0SECURITY>" in why_line(
        asked_run(None, None, both, _as(SRE))
    )


def test_r20_where_an_approval_alone_is_not_enough_the_card_says_who_is_wanted_beside_it() -> None:
    agreed = terms(approvers=("user:U0CAROL", "user:U0DAN"), not_alone=("U0CAROL",))
    told = why_line(asked_run(None, None, agreed, voted(CAROL)))
    assert "1 of 2 approvals so far  · still wanted:  1 of  <@U0DAN>" in told and "nobody" not in told.casefold()


@pytest.mark.parametrize("more", [(), ("user:U0ALICE",)])
def test_r20_where_nobody_is_left_who_could_approve_the_card_says_so(more: tuple[str, ...]) -> None:
    agreed = terms(approvers=("user:U0CAROL", *more), not_alone=("U0CAROL",))
    for run in (asked_run(None, None, agreed), asked_run(None, None, agreed, voted(CAROL))):
        for told in (why_line(run), drawn(run).text):
            assert f"Nobody can approve this. {NOBODY_ELSE}" in told
    later = (Quorum(("user:U0CAROL",), 1, (), ("user:U0DAN",), T0 + 60),)
    for able in (terms(approvers=("user:U0CAROL", SEC), not_alone=("U0CAROL",)), replace(agreed, quorums=later)):
        assert "Nobody can" not in why_line(asked_run(None, None, able))


def test_r20_where_too_few_are_left_without_the_requester_and_those_who_denied_the_card_says_so() -> None:
    two = terms(quorum=2, approvers=("user:U0ALICE", "user:U0CAROL"))
    three = terms(quorum=2, denials=2, approvers=(*two.approvers, "user:U0DAN"))
    for run in (asked_run(None, None, two), asked_run(None, None, three, voted(CAROL, choice=Choice.DENY))):
        for told in (why_line(run), drawn(run).text):
            assert f"Nobody can approve this. {TOO_FEW}" in told
    later = replace(two, quorums=(Quorum(two.approvers, 2, (), ("user:U0DAN",), T0 + 60),))
    may = replace(two, requester_may_approve=True)
    for able in (three, later, may, replace(two, approvers=("user:U0ALICE", "user:U0CAROL", SEC))):
        assert "Nobody can" not in why_line(asked_run(None, None, able))


@pytest.mark.parametrize("approvers", [("user:U0CAROL",), ()])
def test_where_only_breaking_the_glass_is_left_the_card_and_its_views_say_so_and_not_that_nobody_can(
    approvers: tuple[str, ...],
) -> None:
    run = asked_run(None, None, terms(approvers=approvers, not_alone=("U0CAROL",)))
    message = card(run, call_of(run), glass=True)
    check_message_blocks(json.loads(json.dumps(message.blocks)))
    for told in (
        words(list(message.blocks)),
        message.text,
        words(review_view(run, call_of(run), SUBJECT, glass=True)["blocks"]),
        words(details_view(run, call_of(run), glass=True)["blocks"]),
    ):
        assert "Nobody can approve this in the ordinary way." in told and BUT_GLASS in told
        assert "Nobody can approve this." not in told and (NOBODY_ELSE in told) is bool(approvers)


def test_where_others_can_approve_the_card_says_nothing_of_the_glass() -> None:
    run = asked_run()
    assert "Nobody can" not in words(list(card(run, call_of(run), glass=True).blocks))


def test_the_card_says_who_may_decide_later_and_from_when() -> None:
    later = Quorum((SEC,), 1, (), (SRE, "user:U0ERIN"), T0 + 3_600)
    told = why_line(asked_run(None, None, terms(quorums=(later,))))
    assert "also, from  2023-11-14 23:13 UTC  on:  <!S0SRE> ,  <@U0ERIN>" in told
    assert "also, from" not in why_line(asked_run(None, None, terms(quorums=(Quorum((SEC,), 1),))))


def test_where_people_are_asked_anew_the_card_says_that_earlier_votes_do_not_count() -> None:
    run = asked_run(None, None, None, voted(), Judged(CALL, judgement(), terms(approval=ApprovalId("n" * 32))))
    assert "Asked anew:  earlier votes do not count any more." in words(drawn(run).blocks)
    assert "Asked anew" not in words(drawn(asked_run()).blocks) and "Approved by" not in words(drawn(run).blocks)


def test_our_own_words_stand_once_and_outside_the_guards_quote() -> None:
    run = asked_run(None, judgement(ours="It was approved, but it expired.", reason="broad"))
    for told in (
        words(list(drawn(run).blocks)),
        words(review_view(run, call_of(run), SUBJECT)["blocks"]),
        drawn(run).text,
    ):
        assert told.count("It was approved, but it expired.") == 1 and "“It was" not in told
    assert "“broad”" in words(list(drawn(run).blocks))


def test_what_a_rule_forbids_stands_once_on_the_card_of_what_it_ended_and_outside_the_guards_quote() -> None:
    forbidden = judgement(verdict=Verdict.DENY, ours='Rule "no" of policy.yml forbids this.', reason="fine")
    run = asked_run(None, None, None, voted(), Judged(CALL, forbidden))
    assert call_of(run).reason == forbidden.ours
    for told in (words(list(drawn(run).blocks)), words(details_view(run, call_of(run))["blocks"])):
        assert told.count(forbidden.ours) == 1 and "“fine”" in told


def _as(group: str) -> Any:
    return replace(voted(CAROL), counts_as=(group,))


def test_r20_where_it_takes_several_denials_the_card_counts_them() -> None:
    run = asked_run(None, None, terms(quorum=3, denials=2), voted(DAN, Choice.DENY, "too broad"))
    assert "0 of 3 approvals so far  · 1 of the 2 denials that end it" in why_line(run)
    assert "Denied by" in words(drawn(run).blocks) and "approve" in buttons(drawn(run).blocks)


# --- questions --------------------------------------------------------------------------------------------------------


def test_a_question_stands_on_the_card_and_waits_for_the_requester() -> None:
    run = asked_run(None, None, None, inquired())
    told = drawn(run)
    for text in (words(told.blocks), told.text):
        assert "Question asked by" in text and "“Which incident?”" in text and "to answer in this thread" in text
    assert "<@U0CAROL>" in told.text and {"approve", "deny", "ask"} <= buttons(told.blocks).keys()


def test_the_answer_stands_beside_its_question_also_when_it_is_decided() -> None:
    asked = tuple(answered(0, "Which incident?", "INC-42"))
    for run in (asked_run(None, None, None, *asked), asked_run(None, None, None, *asked, voted())):
        told = words(drawn(run).blocks)
        assert (
            told.index("“Which incident?”") < told.index("Answer of  <@U0ALICE> : “INC-42”") and "Waits for" not in told
        )


def test_s6_hostile_questions_and_answers_stay_words() -> None:
    run = asked_run(None, None, None, *answered(0, HOSTILE, HOSTILE))
    for shown in (drawn(run), details_view(run, call_of(run)), review_view(run, call_of(run), SUBJECT)):
        blocks = shown.blocks if isinstance(shown, Message) else shown["blocks"]
        assert not [each for each in objects(blocks) if each.get("type") in ("mrkdwn", "link", "broadcast")]
        assert "U0EVE" not in {each.get("user_id") for each in objects(blocks)} and "\\u{202e}" in words(blocks)
    assert "<!channel>" not in drawn(run).text and "<@U0EVE>" not in drawn(run).text


def test_s3_what_is_asked_and_answered_changes_no_argument_on_the_card() -> None:
    plain, asked = asked_run(), asked_run(None, None, None, *answered(0, 'user_id "eve"', 'user_id "eve"'))
    assert shown_arguments(drawn(plain).blocks) == shown_arguments(drawn(asked).blocks)


def test_details_hold_every_question_and_answer_whole() -> None:
    texts = [(f"{n}?" + "q" * 900, f"{n}!" + "a" * 5_000) for n in range(5)]
    run = asked_run(None, None, None, *(event for n, (q, a) in enumerate(texts) for event in answered(n, q, a)))
    view = details_view(run, call_of(run))
    check_view(json.loads(json.dumps(view)), "modal")
    told = "".join(each["text"] for each in objects(view["blocks"]) if each.get("type") == "text")
    assert all(question in told and answer in told for question, answer in texts)
    assert "3 earlier questions" in words(drawn(run).blocks)


def test_the_largest_review_takes_the_questions_too() -> None:
    run = asked_run(
        binding({"a": "x" * 205_000}), None, None, *(e for n in range(5) for e in answered(n, "q" * 1_000, "a" * 9_000))
    )
    view = review_view(run, call_of(run), SUBJECT)
    check_view(json.loads(json.dumps(view)), "modal")
    assert view["submit"]["text"] == "Approve"


def test_the_form_of_a_question_needs_one_and_says_where_it_goes() -> None:
    run = asked_run()
    view = ask_view(run, call_of(run), SUBJECT)
    check_view(json.loads(json.dumps(view)), "modal")
    (block,) = [each for each in view["blocks"] if each["type"] == "input"]
    assert (
        block["optional"] is False and "thread" in block["hint"]["text"] and f"<@{ALICE.user}>" in words(view["blocks"])
    )
    assert (view["callback_id"], json.loads(view["private_metadata"])["approval"]) == ("ask", APPROVAL)


def test_a_card_in_another_channel_says_in_which_thread_the_answer_is_awaited() -> None:
    elsewhere = CardShown(CALL, "C0APPROVALS", CARD, "asking:0")
    said = " ".join(words(list(drawn(asked_run(None, None, None, inquired(), elsewhere)).blocks)).split())
    assert "to answer in the thread of the request, in <#C0OPS>" in said and "in this thread" not in said
    assert "to answer in this thread" in words(list(drawn(asked_run(None, None, None, inquired())).blocks))


@pytest.mark.parametrize("action", ["withdraw", "stop"])
def test_whoever_asked_finds_withdraw_and_stop_and_stop_asks_once_more(action: str) -> None:
    found = buttons(drawn(asked_run()).blocks)[action]
    assert found["value"] == APPROVAL and ("confirm" in found) is (action == "stop")
