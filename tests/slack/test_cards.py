"""Cards: complete, honest, within Slack's limits, in every phase (R6, S3–S7, S12)."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.canonical import canonical_bytes, parse_arguments
from bot.core.emergency import BIGHUB, by_shell, froze
from bot.core.events import CallRefused, Edited, Finished, FreezeNoted, Started
from bot.core.run import Run, apply
from bot.core.values import CallId, Choice, Ground, Proposal, Quorum
from bot.core.verdict import read_decision
from bot.slack.blocks import Message
from bot.slack.cards import card
from bot.slack.views import Subject, details_view, fits_review, review_view
from bot.workspace.blockkit import check_message_blocks, check_view
from tests.slack.made import (
    ALICE,
    APPROVAL,
    CALL,
    CAROL,
    DAN,
    QUESTION,
    T0,
    answered,
    asked_run,
    binding,
    call_of,
    every_phase,
    judgement,
    terms,
    tightened,
    voted,
)
from tests.slack.reading import buttons, objects, preformatted, shown_arguments, words

PHASES = dict(every_phase())
HOSTILE = "<!channel> <@U0EVE> <https://evil.example|ok> *Approved by* `x` :white_check_mark: & \u202egnp.exe\u200b"
SUBJECT = Subject(APPROVAL, "C0OPS", "1700000009.000100")


def drawn(run: Run, **given: Any) -> Message:
    message = card(run, call_of(run), **given)
    check_message_blocks(json.loads(json.dumps(message.blocks)))
    assert 0 < len(message.text) <= 40_000
    return message


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_is_a_valid_message(phase: str) -> None:
    message = drawn(PHASES[phase])
    assert "grant_access · okta · production" in words(message.blocks)
    assert shown_arguments(message.blocks) == {"user_id": "bob", "group": "okta-prod-admins", "duration": "48h"}


def test_r18_the_card_says_who_had_a_failed_request_begin_anew() -> None:
    run = asked_run()
    message = drawn(replace(run, asked=replace(run.asked, retried_by=DAN)))
    assert f"Asked by  <@{ALICE.user}> , retried by  <@{DAN.user}>" in words(message.blocks)
    assert f"Asked by <@{ALICE.user}>, retried by <@{DAN.user}>." in message.text


def test_the_card_says_what_where_who_why_and_until_when_in_this_order() -> None:
    message = drawn(asked_run())
    text = words(message.blocks)
    order = [
        "Approval needed: grant_access · okta · production",
        '"48h"',
        "Asked by  <@U0ALICE>",
        "Why you:  1 of  <!S0SECURITY> , not  <@U0ALICE>",
        "expires  2023-11-15 02:13 UTC",
        "BIGHUB:  risk 0.78 ▰▰▰▰▱",
        "broader than necessary",
        "Safer:  “Grant scoped",
        "The agent says:  “Bob needs it",
        "Approve",
        "Deny",
        "Details",
        "digest ",
    ]
    places = [text.index(each) for each in order]
    assert places == sorted(places)


def test_the_buttons_carry_the_approvals_id_and_nothing_else() -> None:
    found = buttons(drawn(asked_run()).blocks)
    decide = ["approve", "review", "deny", "ask", "edit", "safer"]
    assert list(found) == [*decide, "details", "withdraw", "stop"]
    assert {each["value"] for each in found.values()} == {APPROVAL}
    assert found["approve"]["style"] == "primary" and found["deny"]["style"] == "danger"


@pytest.mark.parametrize("phase", [phase for phase in PHASES if not phase.startswith(("asking", "in_doubt"))])
def test_a_decided_card_has_nothing_left_to_decide_with(phase: str) -> None:
    assert set(buttons(drawn(PHASES[phase]).blocks)) <= {"details"}


@pytest.mark.parametrize("seconds", [None, 0.0, 2.9, 3.0, 600.0])
def test_s14_what_was_approved_faster_than_anybody_reads_says_so_on_the_decided_card_and_in_its_details(
    seconds: float | None,
) -> None:
    run = asked_run(None, None, None, replace(voted(), waited=seconds))
    said = f"· within {seconds:.1f} s of being asked" if seconds is not None and seconds < 3.0 else ""
    for blocks in (drawn(run).blocks, details_view(run, call_of(run))["blocks"]):
        assert said in words(list(blocks)) and ("of being asked" in words(list(blocks))) is bool(said)
    denied = asked_run(None, None, None, replace(voted(choice=Choice.DENY), waited=seconds))
    assert "of being asked" not in words(drawn(denied).blocks)


def test_a_decided_card_says_who_when_and_the_comment() -> None:
    assert "Approved by  <@U0CAROL>   2023-11-14 22:13 UTC : “go ahead”" in words(drawn(PHASES["allowed"]).blocks)
    assert "Denied by  <@U0DAN>" in words(drawn(PHASES["denied"]).blocks)
    assert "“too broad”" in words(drawn(PHASES["denied"]).blocks)
    assert "Running…" in words(drawn(PHASES["started"]).blocks)
    assert "Executed in 2.1 s" in words(drawn(PHASES["executed"]).blocks)
    assert "no such group" in words(drawn(PHASES["failed"]).blocks)
    assert "Nobody decided in time" in words(drawn(PHASES["expired"]).blocks)


def test_a_second_approval_that_is_needed_is_counted() -> None:
    assert "1 of 2 approvals so far" in words(drawn(PHASES["asking:1"]).blocks)
    assert "approve" in buttons(drawn(PHASES["asking:1"]).blocks)


def test_a_card_says_that_the_policy_became_stricter_when_what_it_wants_and_who_is_missing() -> None:
    message = drawn(PHASES["asking:0:1"])
    told = next(words(block) for block in message.blocks if "became stricter" in words(block))
    assert "The policy became stricter " in told and "more or other approvals, a comment with each approval." in told
    assert "2 of " in words(message.blocks) and "0 of 2 approvals so far" in words(message.blocks)
    assert "an approval needs a comment" in words(message.blocks) and "approve" not in buttons(message.blocks)
    assert "The policy became stricter after people were asked." in message.text


def test_a_card_says_whose_approvals_are_not_counted_any_more_and_why() -> None:
    agreed = terms(approvers=("user:U0CAROL", "user:U0DAN"), quorum=2)
    bare, full = voted(CAROL, comment=""), voted(DAN)
    asked = asked_run(None, None, replace(agreed, quorum=3), bare, full)
    after = replace(agreed, quorum=3, comment_required=True)
    run = apply(asked, tightened(after, CAROL), asked.last_at + 1)
    assert isinstance(run, Run)
    said = words(drawn(run).blocks)
    assert "Not counted any more:  <@U0CAROL>  (it has no comment)" in said
    assert "1 of 3 approvals so far" in said and "Approved by" in said


def test_an_action_in_doubt_asks_what_happened_by_its_own_question() -> None:
    found = buttons(drawn(PHASES["in_doubt"]).blocks)
    assert {"did_run", "did_not_run", "unknown"} <= set(found)
    assert {found[name]["value"] for name in ("did_run", "did_not_run", "unknown")} == {QUESTION}
    again = buttons(drawn(PHASES["in_doubt:unknown"]).blocks)
    assert {"did_run", "did_not_run"} <= set(again) and "unknown" not in again


def test_block_ids_are_fresh_on_every_update() -> None:
    ids = [{block["block_id"] for block in drawn(PHASES[phase]).blocks} for phase in ("asking:0", "allowed", "started")]
    assert not (ids[0] & ids[1]) and not (ids[1] & ids[2])


@pytest.mark.parametrize(
    ("bound", "judged", "why"),
    [
        (binding(risk="medium"), judgement(risk=0.2), ""),
        (binding(risk="critical"), judgement(), "it is declared critical"),
        (binding(risk="Critical"), judgement(risk=None), "it is declared critical"),
        (binding(risk="high"), judgement(risk=0.1), "it is declared high"),
        (binding(risk="medium"), judgement(risk=0.7), "its risk is 0.70"),
        (binding(risk="medium"), judgement(risk=1.0), "its risk is 1.00"),
        (binding(risk="medium"), judgement(risk=0.69), ""),
        (binding(risk="medium"), judgement(risk=None), ""),
    ],
)
def test_only_an_approval_of_high_risk_asks_twice(bound: Any, judged: Any, why: str) -> None:
    found = buttons(drawn(asked_run(bound, judged)).blocks)
    assert ("confirm" in found["approve"]) is bool(why) and why in json.dumps(found["approve"].get("confirm", {}))
    assert [name for name, each in found.items() if "confirm" in each and name != "approve"] == ["stop"]
    view = review_view(asked_run(bound, judged), call_of(asked_run(bound, judged)), SUBJECT)
    assert ("high-risk" in words(view["blocks"])) is bool(why) and why in words(view["blocks"])


def test_what_a_person_made_of_an_action_is_not_another_action_of_the_turn() -> None:
    edited = Proposal(CallId(f"{CALL}e"), "wire", "grant_access", "{}", binding({"user_id": "bob", "group": "admins"}))
    run = asked_run(None, None, None, Edited(CALL, edited, CAROL))
    assert len(run.calls) == 2
    for call in run.calls:
        assert "the only action in this turn" in words(card(run, call).blocks)


def test_the_guards_note_stands_on_every_card() -> None:
    for run in PHASES.values():
        assert "No BIGHUB key" in words(drawn(run, source_note="No BIGHUB key: the local rules decide alone.").blocks)


def test_the_fallback_text_is_enough_to_decide_by() -> None:
    text = drawn(asked_run()).text
    for part in ("grant_access", "okta", "production", "<@U0ALICE>", "0.78", "Expires", '"48h"', "Approve or Deny"):
        assert part in text


# --- S4: what does not fit is never cut silently --------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{"text": "x" * 3_000}, {"lines": [f"step {n}" for n in range(60)]}])
def test_a_card_that_cannot_show_all_has_review_and_no_approve(arguments: Any) -> None:
    run = asked_run(binding(arguments))
    message = drawn(run)
    raw = canonical_bytes(arguments)
    assert "approve" not in buttons(message.blocks) and "review" in buttons(message.blocks)
    assert f"Not fully shown: {len(raw):,} bytes, sha256 " in words(message.blocks)
    assert "not fully shown" in message.text and "Approve" not in message.text
    view = review_view(run, call_of(run), SUBJECT)
    check_view(json.loads(json.dumps(view)), "modal")
    assert shown_arguments(view) == arguments
    assert view["submit"]["text"] == "Approve"


def test_what_not_even_a_view_can_hold_cannot_be_approved_in_slack() -> None:
    run = asked_run(binding({"text": "x" * 400_000}))
    found = buttons(drawn(run).blocks)
    assert "approve" not in found and "review" not in found and "deny" in found
    assert "cannot be approved here" in words(drawn(run).blocks)
    view = review_view(run, call_of(run), SUBJECT)
    check_view(json.loads(json.dumps(view)), "modal")
    assert "submit" not in view and "callback_id" not in view


JSON_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | JSON_TEXT,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(JSON_TEXT, inner, max_size=6),
    max_leaves=30,
)
ARGUMENTS = st.dictionaries(JSON_TEXT, VALUES, max_size=8) | st.dictionaries(
    JSON_TEXT, st.text(st.characters(exclude_categories=["Cs"]), min_size=1_500, max_size=4_000), min_size=1, max_size=3
)


@settings(max_examples=150, deadline=None)
@given(ARGUMENTS)
def test_what_can_be_approved_shows_exactly_the_bytes_that_run(arguments: dict[str, Any]) -> None:
    """R6: read the arguments back off the card (or the review view) and compare bytes."""
    raw = canonical_bytes(arguments)
    run = asked_run(binding(arguments))
    message = drawn(run)
    place: Any = message.blocks
    if "approve" not in buttons(place):
        place = review_view(run, call_of(run), SUBJECT)
        check_view(json.loads(json.dumps(place)), "modal")
        assert "submit" in place
    says = (
        [block for block in place if not words(block).startswith("The agent says")]
        if isinstance(place, tuple)
        else place
    )
    assert canonical_bytes(shown_arguments(says)) == raw
    assert parse_arguments(raw) == shown_arguments(says)


def test_no_arguments_are_said_to_be_none() -> None:
    message = drawn(asked_run(binding({})))
    assert shown_arguments(message.blocks) == {} and "No arguments" in words(message.blocks)
    assert "approve" in buttons(message.blocks)


# --- S3, S5, S6, S7: hostile words ----------------------------------------------------------------------------------


def hostile_run(**changes: Any) -> Run:
    return asked_run(
        binding({"note": HOSTILE, HOSTILE: 1}, target=HOSTILE, system=HOSTILE[:60], environment=HOSTILE[:60]),
        judgement(reason=HOSTILE * 20, better_action=HOSTILE * 20, source=HOSTILE[:60]),
        terms(quorum=2, rule=HOSTILE, tainted=(f"output:{HOSTILE}", "user:U0CAROL")),
        voted(comment=HOSTILE),
        action=changes.get("action", "grant" + HOSTILE),
        words=changes.get("words", HOSTILE * 20),
    )


def test_hostile_words_stay_words() -> None:
    run = hostile_run()
    message = drawn(run)
    views = [details_view(run, call_of(run)), review_view(run, call_of(run), SUBJECT)]
    for value in (message.blocks, *views):
        assert not [each for each in objects(value) if each.get("type") in ("mrkdwn", "image", "markdown", "link")]
        assert {each["user_id"] for each in objects(value) if each.get("type") == "user"} <= {"U0ALICE", "U0CAROL"}
        assert "\u202e" not in words(value) and "\u200b" not in words(value)
    for token in ("<!", "<@U0EVE>", "<http"):
        assert token not in message.text


TOKENS = (
    "<!channel>",
    "<@U0EVE>",
    "<#C0OPS>",
    "<https://evil.example|ok>",
    "*bold*",
    "_it_",
    "`code`",
    "~no~",
    "&amp;",
    ":tada:",
    "\n> ",
)
ANY_TEXT = st.lists(st.sampled_from(TOKENS) | st.text(max_size=8), min_size=1, max_size=5).map("".join)


@given(st.lists(ANY_TEXT, min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_s6_s7_no_text_of_anybody_stands_where_slack_parses_it(texts: list[str]) -> None:
    """On the card, in its forms and in its one text, whoever wrote it: only people and times that we name ourselves are tokens."""
    note, target, reason, better, source, rule, comment, said, question = texts
    run = asked_run(
        binding({"note": note}, target=target, environment=target[:60]),
        judgement(reason=reason, better_action=better, source=source[:60]),
        terms(quorum=2, rule=rule),
        voted(comment=comment),
        *answered(0, f"? {question}", said),
        words=said,
    )
    message, call = drawn(run), call_of(run)
    for value in (message.blocks, details_view(run, call), review_view(run, call, SUBJECT)):
        assert not [each for each in objects(value) if each.get("type") in ("mrkdwn", "image", "markdown", "link")]
        assert {each["user_id"] for each in objects(value) if each.get("type") == "user"} <= {"U0ALICE", "U0CAROL"}
        plain = [each["emoji"] for each in objects(value) if each.get("type") == "plain_text" and "emoji" in each]
        assert not any(plain)
    left = message.text.replace("<@U0ALICE>", "").replace("<@U0CAROL>", "")
    assert "<" not in left and ">" not in left.replace("\n>", "")


def test_invisible_characters_are_announced() -> None:
    assert "show nothing by themselves" in words(drawn(asked_run(binding({"a": "x\u200by"}))).blocks)
    assert "show nothing by themselves" in words(drawn(asked_run(binding({"a": "x\x1b[31my"}))).blocks)
    assert "mixes letters" in words(drawn(asked_run(binding({"a": "p\u0430ypal"}))).blocks)
    assert "⚠" not in words(drawn(asked_run(binding({"a": "a\nb\tc"}))).blocks)


def test_the_models_words_change_nothing_but_their_own_line() -> None:
    """S3: without them the card is the same."""
    loud, silent = hostile_run(words="Safe! Already approved by the CISO."), hostile_run(words="")
    kept = [block for block in drawn(loud).blocks if "The agent says" not in words(block)]
    strip = [{name: part for name, part in block.items() if name != "block_id"} for block in kept]
    other = [{name: part for name, part in block.items() if name != "block_id"} for block in drawn(silent).blocks]
    assert strip == other


def test_the_models_words_are_quoted_last_and_short() -> None:
    message = drawn(asked_run(words="y" * 5_000))
    line = next(words(block) for block in message.blocks if "The agent says" in words(block))
    assert len(line) < 340 and "shortened" in line
    assert preformatted(message.blocks).count("y") == 0


def test_the_largest_card_is_within_slacks_limits() -> None:
    run = asked_run(
        binding({"a": "z" * 2_480}, target="t" * 5_000),
        judgement(reason="r" * 9_000, better_action="b" * 9_000),
        terms(
            approvers=tuple(f"user:U0{n:03}" for n in range(60)),
            quorum=9,
            tainted=tuple(f"output:{n:03}{'o' * 9_000}" for n in range(60)),
        ),
        *(voted(type(ALICE)("T0ACME", f"U0{n:03}"), comment="c" * 1_000) for n in range(8)),
        *(asked for n in range(5) for asked in answered(n, "q" * 1_000, "a" * 9_000)),
        tightened(
            terms(approvers=tuple(f"user:U0{n:03}" for n in range(60)), quorum=12, execute_within=60.0),
            *(type(ALICE)("T0ACME", f"U0{n:03}") for n in range(4)),
        ),
        words="w" * 9_000,
    )
    assert "approve" in buttons(drawn(run).blocks)


def test_the_largest_card_with_many_demands_that_escalate_is_within_slacks_limits() -> None:
    named = [tuple(f"user:U0{n}{who:02}" for who in range(60)) for n in range(9)]
    demands = tuple(Quorum(names, 9, (), tuple(reversed(names)), T0 + n) for n, names in enumerate(named, 1))
    votes = (voted(type(ALICE)("T0ACME", f"U00{n:02}"), comment="c" * 1_000) for n in range(8))
    counted = (replace(vote, counts_as=(f"user:{vote.person.user}",)) for vote in votes)
    run = asked_run(
        binding({"a": "z" * 2_480}, target="t" * 5_000),
        judgement(reason="r" * 9_000, better_action="b" * 9_000),
        terms(
            approvers=tuple(name for names in named for name in names), quorum=9, quorums=demands, comment_required=True
        ),
        *counted,
        *(asked for n in range(5) for asked in answered(n, "q" * 1_000, "a" * 9_000)),
        FreezeNoted(CALL, "environment:" + "e" * 300, "U0DAN", T0, "f" * 9_000),
        words="w" * 9_000,
    )
    found = drawn(run, glass=True, source_note="No BIGHUB key: the local rules decided alone.").blocks
    assert {"review", "break_glass"} <= buttons(found).keys()
    assert "also, from" in words(found) and "Frozen: " in words(found)


# --- details --------------------------------------------------------------------------------------------------------


def test_details_show_the_output_the_whole_digest_and_the_rule() -> None:
    run = asked_run(None, None, terms(rule="production access"))
    view = details_view(run, call_of(run))
    assert call_of(run).proposal.binding.digest in words(view) and "production access" in words(view)  # type: ignore[union-attr]
    done = details_view(PHASES["executed"], call_of(PHASES["executed"]))
    assert '{"ok": true}' in preformatted(done)
    for each in (view, done):
        check_view(json.loads(json.dumps(each)), "modal")
        assert "submit" not in each


@pytest.mark.parametrize("size", [10, 5_000, 120_000, 900_000])
def test_details_hold_the_output_or_say_how_much_is_missing(size: int) -> None:
    text = "é" * size
    run = asked_run(None, None, None, voted(), Started(CALL, "t1", "w"), Finished(CALL, "t1", True, text, 1.0))
    view = details_view(run, call_of(run))
    check_view(json.loads(json.dumps(view)), "modal")
    missing = size - preformatted(view).count("é")
    whole = missing == 0
    assert whole or f"{missing:,} of {size:,} characters are not shown here" in words(view)
    assert whole or size > 10_000


def test_arguments_that_fit_a_view_are_reviewed_and_no_others() -> None:
    fits = [fits_review(call_of(asked_run(binding({"a": "x" * size})))) for size in (100, 100_000, 300_000)]
    assert fits == [True, True, False]


@pytest.mark.parametrize(
    ("phase", "found", "reported"),
    [
        ("settled: did not run, reported late", "It did not run", "Later the action itself reported : it succeeded, in 2.1 s"),
        ("settled: ran, failed late", "It ran", "Later the action itself reported : it failed: ValueError: There is no"),
    ],
)  # fmt: skip
def test_r2_a_persons_answer_stands_on_the_card_and_what_was_reported_later_beside_it(
    phase: str, found: str, reported: str
) -> None:
    text = words(drawn(PHASES[phase]).blocks)
    assert f"{found} , says  <@U0DAN>" in text and reported in text
    assert text.index(found) < text.index("Later")


def test_r2_a_result_that_came_when_nobody_could_tell_is_told_as_the_result() -> None:
    text = words(drawn(PHASES["unknown, reported late"]).blocks)
    assert "Executed in 2.1 s" in text and "says  <@U0DAN>" not in text and "Later" not in text


def test_r2_a_late_output_is_behind_details() -> None:
    run = PHASES["settled: did not run, reported late"]
    assert "details" in buttons(drawn(run).blocks)
    assert '{"ok": true}' in json.dumps(details_view(run, call_of(run))).replace('\\"', '"')


@pytest.mark.parametrize("by", ["U0BOB", ""], ids=["now", "as it was stored before"])
def test_s9_the_card_of_what_was_frozen_names_who_froze_it_and_ends_its_sentence(by: str) -> None:
    why = froze("U0BOB", "all", "incident 7, says <@U0EVE>")
    told = drawn(asked_run(None, None, None, CallRefused(CALL, Ground.FROZEN, why, by))).blocks
    assert "<@U0BOB>  froze all: incident 7, says  <@U0EVE> .  It did not run." in words(list(told))
    assert "U0BOB" in {each.get("user_id") for each in objects(list(told))}
    assert "U0EVE" not in {each.get("user_id") for each in objects(list(told))}
    assert froze("", BIGHUB, "stop!") == "BIGHUB's kill switch is on: stop!"


def test_s9_the_card_of_what_a_shell_froze_says_so_and_mentions_whom_it_named() -> None:
    note = FreezeNoted(CALL, "all", by_shell("U0BOB"), T0, "incident 7")
    assert "by a shell (as  <@U0BOB> )" in words(list(drawn(asked_run(None, None, None, note)).blocks))
    refused = CallRefused(CALL, Ground.FROZEN, froze(by_shell("U0BOB"), "all", "incident 7"), "U0BOB")
    told = list(drawn(asked_run(None, None, None, refused)).blocks)
    assert "A shell (as  <@U0BOB> ) froze all: incident 7." in words(told)
    assert "U0BOB" in {each.get("user_id") for each in objects(told)}


def test_s3_what_we_say_of_bighubs_answer_stands_beside_its_quote_and_not_in_it() -> None:
    answer = {"needs_review": True, "mode": "lunar", "reason": "Broad."}
    found = words(list(drawn(asked_run(None, read_decision(answer))).blocks))
    ours = 'BIGHUB\'s answer is unclear. Its mode has the unknown value "lunar".'
    assert "“Broad.”" in found and ours in found
