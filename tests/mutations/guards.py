"""The guards of the product: for each, the text that is it, what stands there without it, and the tests that must then fail.

Rule 1: ``old`` stands exactly once in its file, and is as short as that allows; a test holds every line of this list to it.
Rule 2: ``new`` is code that runs: it lacks the guard and nothing else.
How a guard is switched off, and what counts as noticed, is `switched_off.py`'s.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """``rows``: of the contract; ``tests``: pytest's node ids, every one of which fails without the guard."""

    name: str
    rows: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def guard(name: str, rows: str, file: str, old: str, new: str, *tests: str) -> Guard:
    return Guard(name, rows, f"bot/{file}", old, new, tuple(f"tests/{test}" for test in tests))


_AGAIN = (
    "core/test_tightening.py"
    "::test_r20_who_approved_before_terms_that_they_count_for_twice_may_again_and_has_one_seat_in_each"
)
CORE = (
    guard(
        "the card says that breaking the glass is left", "R20", "slack/cards.py",
        "call.approval, glass=glass)] if asking", "call.approval)] if asking",
        "slack/test_questions.py"
        "::test_where_only_breaking_the_glass_is_left_the_card_and_its_views_say_so_and_not_that_nobody_can[approvers0]",
    ),
    guard(
        "the reminder says that breaking the glass is left", "R20", "engine/reminding.py",
        "glass = bool(self._people.policy.break_glass.people)", "glass = False",
        "engine/test_editing.py::test_where_only_breaking_the_glass_is_left_the_reminder_says_so_and_not_that_nobody_can",
    ),
    guard(
        "the check says that breaking the glass is left", "R20", "policy_file/explaining.py",
        "said is given, window, trial, policy.break_glass.people)", "said is given, window, trial)",
        "test_policy_file.py::test_where_only_breaking_the_glass_is_left_the_check_says_so_and_names_who_may",
    ),
    guard(
        "a rule's sentence is not put into BIGHUB's words", "S9", "local_guard.py",
        "tighten(judgement, ruled(rule, least))",
        "replace(judgement, verdict=least, reason=f\"{ruled(rule, least)} {judgement.reason}\")",
        "test_local_guard.py::test_what_a_rule_tightened_says_so_and_keeps_what_bighub_knew",
        "test_local_guard.py"
        "::test_what_a_rule_forbids_for_the_risk_that_bighub_found_is_denied_whatever_bighub_still_wants_to_know",
    ),
    guard(
        "what the policy forbids is not asked about further", "S9", "core/ours.py",
        "ours=sentence, needs_context=False)", "ours=sentence)",
        "test_local_guard.py"
        "::test_what_a_rule_forbids_for_the_risk_that_bighub_found_is_denied_whatever_bighub_still_wants_to_know",
    ),
    guard(
        "what the policy forbids is refused in its words", "R7", "core/call.py",
        "event.judgement.ours or event.judgement.reason", "event.judgement.reason",
        "engine/test_terms.py"
        "::test_r7_in_a_freeze_window_nothing_that_changes_something_is_asked_about_or_starts",
        "slack/test_questions.py"
        "::test_what_a_rule_forbids_stands_once_on_the_card_of_what_it_ended_and_outside_the_guards_quote",
    ),
    guard(
        "a sentence of ours stands once", "S14", "slack/reasons.py",
        "return \"\" if ours == call.reason else ours", "return ours",
        "slack/test_questions.py"
        "::test_what_a_rule_forbids_stands_once_on_the_card_of_what_it_ended_and_outside_the_guards_quote",
    ),
    guard(
        "what was said of an earlier question is not said again", "S14", "engine/starting.py",
        "replace(old, ours=why), *remarks", "replace(old, ours=f\"{old.ours} {why}\"), *remarks",
        "core/test_taint.py::test_what_is_asked_anew_again_and_again_says_why_once_and_leaves_the_guards_words_alone",
    ),
    guard(
        "what nobody is left to approve says so", "R20", "core/vain.py",
        "return all_named(names) and len(able) == 1 and able <= {f\"user:{user}\" for user in terms.not_alone}", "return False",
        "slack/test_questions.py::test_r20_where_nobody_is_left_who_could_approve_the_card_says_so",
        "engine/test_editing.py::test_r20_where_the_only_approver_edits_the_reminder_says_that_nobody_can_approve_it",
    ),
    guard(
        "the approvals are counted of all that are wanted", "R20", "slack/facts.py",
        "max(terms.quorum, given + sum(lack.count for lack in lacks))", "terms.quorum",
        "slack/test_questions.py::test_r20_where_two_rules_want_somebody_the_card_counts_all_that_are_wanted",
        "slack/test_questions.py::test_r20_where_an_approval_alone_is_not_enough_the_card_says_who_is_wanted_beside_it",
    ),
    guard(
        "an edit takes no question back", "R20", "core/run.py",
        "edits=event.call, inquiries=old.inquiries)", "edits=event.call)",
        "core/test_inquiries.py::test_what_a_call_is_edited_into_has_its_questions_and_answers_and_asks_none_twice",
        "core/test_inquiries.py::test_a_question_that_is_open_when_its_call_is_edited_is_answered_on_what_it_became",
    ),
    guard(
        "who has voted is not reminded", "S14", "core/reminding.py",
        "if not answered and", "if",
        "core/test_reminding.py::test_who_votes_before_their_quiet_hours_end_is_left_alone",
        "core/test_reminding.py"
        "::test_r20_who_voted_before_the_terms_were_tightened_is_told_only_by_a_reminder_that_came_after",
    ),
    guard(
        "who may vote once more is told only by what came after", "R20 S14", "core/reminding.py",
        " and told.at >= approval.tightened_at", "",
        "core/test_reminding.py"
        "::test_r20_who_voted_before_the_terms_were_tightened_is_told_only_by_a_reminder_that_came_after",
    ),
    guard(
        "of those who have voted only who may once more is reminded", "R20 S14", "engine/reminding.py",
        "        if given is None:\n            return True\n", "        return True\n",
        "engine/test_reminding.py"
        "::test_r20_of_those_who_have_voted_who_may_once_more_is_reminded_and_the_card_shows_that_they_did",
    ),
    guard(
        "the card shows an approval that was given once more", "R20", "core/approval.py",
        "return len(self.votes) + self.again", "return len(self.votes)",
        "engine/test_reminding.py"
        "::test_r20_of_those_who_have_voted_who_may_once_more_is_reminded_and_the_card_shows_that_they_did",
    ),
    guard(
        "reminders back off from when they were really given", "S14", "core/reminding.py",
        "terms.remind_after * 2.0 ** len(given)", "terms.remind_after",
        "core/test_reminding.py::test_each_reminder_comes_after_twice_the_wait_before_it_counted_from_when_that_was_given",
    ),
    guard(
        "an approval takes no vote at or after its expiry", "R7", "core/approval.py",
        "if at >= approval.terms.expires_at:", "if False:",
        "core/test_run.py::test_an_approval_takes_no_vote_at_or_after_its_expiry_and_expires_only_then",
    ),
    guard(
        "an approval expires only when its time is over", "R7", "core/call.py",
        "at < call.approval.terms.expires_at:", "False:",
        "core/test_run.py::test_an_approval_takes_no_vote_at_or_after_its_expiry_and_expires_only_then",
    ),
    guard(
        "a click counts from the recorded card only", "S13", "core/approval.py",
        'if voted.via in ("slack", BY_GLASS) and voted.message != card:', "if False:",
        "core/test_run.py::test_a_click_on_another_message_than_the_recorded_card_does_not_count",
    ),
    guard(
        "a person votes once", "R20", "core/approval.py",
        "if earlier is not None and not again and", "if False and",
        "core/test_run.py::test_a_quorum_of_two_needs_two_different_people",
        "core/test_run.py::test_one_human_is_one_vote_also_under_two_teams",
    ),
    guard(
        "a human is one voter under every team", "R20 S30", "core/approval.py",
        "each.person.user == voted.person.user", "each.person == voted.person",
        "core/test_run.py::test_one_human_is_one_vote_also_under_two_teams",
    ),
    guard(
        "the quorum is waited for", "R20", "core/approval.py",
        "if not missing(approval.terms, counted.votes, at):", "if True:",
        "core/test_run.py::test_a_quorum_of_two_needs_two_different_people",
    ),
    guard(
        "a resolved approval takes no vote", "R5", "core/approval.py",
        "if approval.resolution is not None:", "if False:",
        "core/test_approval.py::test_a_resolved_approval_takes_no_vote_however_it_was_resolved",
    ),
    guard(
        "denials of more than one are counted by person", "R20", "core/terms.py",
        'denying = {f"user:{vote.person.user}" for', 'denying = {f"user:{vote.person}" for',
        "core/test_terms.py::test_r20_two_denials_of_one_person_are_one",
    ),
    guard(
        "the strictest number of denials holds", "R7", "core/terms.py",
        "denials=min(one.denials, other.denials),", "denials=max(one.denials, other.denials),",
        "core/test_terms.py::test_terms_are_stricter_where_they_demand[fewer denials end it]",
    ),
    guard(
        "a denial that would be enough now lets nothing start", "R7", "engine/starting.py",
        "if denied(present, approval.votes):", "if False:",
        "engine/test_starting.py::test_r7_a_denial_that_was_not_enough_and_would_be_now_lets_nothing_start",
    ),
    guard(
        "an answer is what is written after the question", "S3", "core/inquiries.py",
        "return float(message) > float(posted)", "return float(message) > 0 < float(posted)",
        "core/test_inquiries.py::test_the_answer_is_what_the_requester_writes_after_it_stood_there",
    ),
    guard(
        "only the requester answers", "S2 S9", "core/inquiries.py",
        "each.person == requester and ", "",
        "core/test_inquiries.py::test_the_answer_is_what_the_requester_writes_after_it_stood_there",
    ),
    guard(
        "a question comes from the recorded card only", "S13", "core/inquiries.py",
        "if event.message != card:", "if False:",
        "core/test_inquiries.py::test_s13_from_another_message_or_empty_it_is_refused[event0-That is not the card of this approval any"
        " more. Please use the newest card in the thread.]",
    ),
    guard(
        "questions are bounded", "S14", "core/inquiries.py",
        "if len(inquiries) >= MOST_INQUIRIES:", "if False:",
        "core/test_inquiries.py::test_s14_questions_are_bounded",
    ),
    guard(
        "nothing is asked about what has expired", "R7", "core/inquiries.py",
        " or at >= approval.terms.expires_at:", ":",
        "core/test_inquiries.py::test_r7_after_its_expiry_nothing_is_asked_and_after_its_end_nothing_is_withdrawn",
    ),
    guard(
        "what is decided takes no answer", "R7", "core/answers.py",
        "if call.state is not CallState.ASKING:", "if False:",
        "core/test_inquiries.py::test_r7_what_is_decided_takes_no_answer_any_more",
    ),
    guard(
        "a withdrawal comes from the recorded card only", "S13", "core/call.py",
        'if event.message != (call.card.message if call.card else ""):', "if False:",
        "core/test_inquiries.py::test_s13_from_another_message_or_empty_it_is_refused[event2-That is not the card of this approval any"
        " more. Please use the newest card in the thread.]",
    ),
    guard(
        "who may not decide asks nothing", "S9", "engine/gestures.py",
        "return Refused(ASKS_ONESELF) if own else await people.may_decide(run, call, clicked.person)",
        "return Refused(ASKS_ONESELF) if own else None",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says[open]",
    ),
    guard(
        "only whoever asked withdraws", "S9", "engine/gestures.py",
        "return None if own else not_theirs(run)", "return None",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says[open]",
    ),
    guard(
        "who may not decide stops nobody's run", "S9", "engine/gestures.py",
        "return None if own else await people.may_decide(run, call, clicked.person)", "return None",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says[open]",
    ),
    guard(
        "a run is stopped from the recorded card only", "S13", "engine/gestures.py",
        "if call.card is None or call.card.message != clicked.message:", "if False:",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says[open]",
    ),
    guard(
        "what is not asked about any more is not stopped from its card", "R7", "engine/gestures.py",
        "if approval is None or approval.resolution is not None:\n        return late(call)\n    if call.card",
        "if approval is None:\n        return late(call)\n    if call.card",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says[denied]",
    ),
    guard(
        "an answer about a doubt takes the id of its question", "S12", "engine/gestures.py",
        "if now is None or now.question != clicked.value:", "if False:",
        "engine/test_every_button.py::test_s12_a_button_with_the_id_of_another_kind_or_of_nothing_decides_nothing[did_run-in doubt]",
    ),
    guard(
        "a doubt is settled from the recorded card only", "S12 S13", "engine/gestures.py",
        "if now.card is None or now.card.message != clicked.message:", "if False:",
        "engine/test_doubt.py::test_s12_s13_what_became_of_it_is_said_on_the_recorded_card_only[did_run]",
        "engine/test_doubt.py::test_s12_s13_what_became_of_it_is_said_on_the_recorded_card_only[did_not_run]",
        "engine/test_doubt.py::test_s12_s13_what_became_of_it_is_said_on_the_recorded_card_only[unknown]",
    ),
    guard(
        "one denial ends it", "R7", "core/approval.py",
        "if denied(approval.terms, counted.votes):", "if False:",
        "core/test_run.py::test_a_denied_action_never_starts_and_the_model_is_told_why",
    ),
    guard(
        "a seal holds under our keys only", "S31", "core/approval.py",
        "return any(hmac.compare_digest(", "return bool(value) or any(hmac.compare_digest(",
        "core/test_approval.py::test_a_seal_holds_under_any_of_the_keys_and_under_no_other",
    ),
    guard(
        "a result belongs to the attempt that started", "R1", "core/call.py",
        "def _finished(call: Call, event: Finished, at: float) -> Call | Refused:\n    if event.attempt != call.attempt:",
        "def _finished(call: Call, event: Finished, at: float) -> Call | Refused:\n    if False:",
        "core/test_run.py::test_a_result_of_another_attempt_is_refused",
    ),
    guard(
        "a doubt belongs to the attempt that started", "R2", "core/call.py",
        "def _doubted(call: Call, event: Doubted, at: float) -> Call | Refused:\n    if event.attempt != call.attempt:",
        "def _doubted(call: Call, event: Doubted, at: float) -> Call | Refused:\n    if False:",
        "core/test_run.py::test_a_result_of_another_attempt_is_refused",
    ),
    guard(
        "only what declares a rerun is started again", "R1 R2", "core/call.py",
        'binding.on_crash != "rerun" or ', "",
        "core/test_run.py::test_only_an_action_that_may_be_rerun_is_started_again_and_at_most_three_times",
    ),
    guard(
        "a rerun happens a bounded number of times", "R17", "core/call.py",
        "call.attempts >= MOST_ATTEMPTS", "False",
        "core/test_run.py::test_only_an_action_that_may_be_rerun_is_started_again_and_at_most_three_times",
    ),
    guard(
        "what is in doubt is never started again", "R2", "core/moves.py",
        "    (_S.IN_DOUBT, Finished):",
        "    (_S.IN_DOUBT, Started): frozenset({_S.STARTED}),\n    (_S.IN_DOUBT, Finished):",
        "core/test_guards.py::test_r2_what_is_in_doubt_is_never_started_again",
    ),
    guard(
        "asking people needs terms", "R8", "core/call.py",
        "if event.terms is None or binding is None:\n        return refuse(judged, Outcome.BLOCKED",
        "if event.terms is None or binding is None:\n        return replace(judged, state=CallState.ALLOWED)\n"
        "    if binding is None:\n        return refuse(judged, Outcome.BLOCKED",
        "core/test_run.py::test_an_ask_without_terms_blocks_instead_of_running",
    ),
    guard(
        "a new judgement takes the old votes away", "R5 R7", "core/call.py",
        "Approval(event.terms, binding.digest, at, request=",
        "Approval(event.terms, binding.digest, at, call.approval.votes if call.approval else (), request=",
        "core/test_run.py::test_when_the_guard_is_asked_again_the_old_votes_are_gone_and_the_card_is_shown_anew",
    ),
    guard(
        "a journal that holds an illegal event is broken", "R18", "core/journal.py",
        "if isinstance(after, Refused) or recorded.seq != run.length + 1:",
        "if isinstance(after, Refused):\n            continue\n        if False:",
        "core/test_run.py::test_a_journal_tells_the_same_run_again_and_a_broken_one_is_refused",
    ),
    guard(
        "a message is heard once", "R4", "core/run.py",
        "if any(said.message == event.message for said in run.said):", "if False:",
        "core/test_run.py::test_the_same_message_is_heard_once",
    ),
    guard(
        "the model goes on only when every call has an output", "R16", "core/run.py",
        "or not all(call.answered for call in run.calls):", "or not any(call.answered for call in run.calls):",
        "core/test_run.py::test_the_model_goes_on_only_when_every_call_of_the_turn_has_an_output",
    ),
    guard(
        "every function_call has its output", "R16", "core/transcript.py",
        "        told = _told(call) | _changed(", "        if call is None:\n            continue\n        told = _told(call) | _changed(",
        "core/test_transcript.py::test_r16_in_any_history_every_function_call_has_exactly_one_output",
    ),
    guard(
        "the strictest of two verdicts wins", "R8", "core/verdict.py",
        "return max(verdicts, key=", "return min(verdicts, key=",
        "core/test_verdict.py::test_a_condition_that_nobody_here_could_keep_is_asked_about",
        "test_local_guard.py::test_r8_a_rule_only_tightens_what_bighub_said",
    ),
    guard(
        "one signal that denies is enough", "R8", "core/verdict.py",
        "if Says.DENY in said or (", "if (",
        "core/test_verdict.py::test_each_signal_of_both_generations_is_read_and_the_strictest_wins",
    ),
    guard(
        "only what every signal allows is allowed", "R8", "core/verdict.py",
        "if Says.ALLOW <= max(said) <= strictest_allowance:", "if Says.ALLOW in said:",
        "core/test_verdict_product.py"
        "::test_r8_of_15360_answers_of_the_older_generation_only_those_run_in_which_every_signal_allows",
        "core/test_verdict_product.py"
        "::test_r8_of_96768_answers_of_the_newer_generation_only_those_run_in_which_every_signal_allows",
    ),
    guard(
        "an unknown value of a signal asks", "R8", "core/signals.py",
        "yield Signal(name, Says.ASK if says is None else says, odd)",
        "yield Signal(name, Says.ALLOW if says is None else says, odd)",
        "core/test_verdict_product.py::test_every_known_word_beside_a_permission_is_read_and_an_unknown_one_asks",
    ),
    guard(
        "a signal of the wrong type denies", "R8", "core/signals.py",
        "return Signal(name, Says.DENY, f", "return Signal(name, Says.ALLOW, f",
        "core/test_verdict_product.py::test_a_known_signal_of_the_wrong_type_denies_what_the_others_allow",
    ),
    guard(
        "an answer without a recognised signal denies", "R8 S22", "core/verdict.py",
        "given = tuple(signals(raw))", 'given = tuple(signals(raw)) or (Signal("", Says.ALLOW),)',
        "core/test_verdict.py::test_s22_an_answer_without_a_readable_decision_is_denied",
        "core/test_verdict_product.py::test_r8_any_json_is_read_without_an_exception_and_never_allowed",
    ),
    guard(
        "an unreadable answer denies", "R8 S22", "core/verdict.py",
        'return Judgement(Verdict.DENY, "", SOURCE', 'return Judgement(Verdict.ASK, "", SOURCE',
        "core/test_verdict.py::test_s22_an_answer_that_is_no_json_is_denied",
        "test_bighub_guard.py::test_r8_h8_an_answer_that_is_no_decision_is_denied",
    ),
    guard(
        "a key that stands twice is refused", "S8", "core/canonical.py",
        "if key in found:\n            raise _FaultError", "if False:\n            raise _FaultError",
        "core/test_canonical.py::test_s8_ambiguous_arguments_are_refused_with_a_sentence",
    ),
    guard(
        "NaN and infinities are refused", "S8", "core/canonical.py",
        "parse_float=_float, parse_constant=_constant", "parse_float=float",
        "core/test_canonical.py::test_s8_ambiguous_arguments_are_refused_with_a_sentence",
    ),
    guard(
        "the digest tells its parts apart", "R6", "core/canonical.py",
        '        hashed.update(len(part).to_bytes(8, "big"))\n', "",
        "core/test_canonical.py::test_moving_a_byte_from_one_part_to_the_next_changes_the_digest",
    ),
    guard(
        "what nobody can see is escaped", "S5", "core/visible.py",
        'if kind == "escaped" or (', "if (",
        "core/test_visible.py::test_s5_every_code_point_survives_the_escaping_and_none_hides",
        "core/test_visible.py::test_s5_characters_that_show_nothing_are_escaped_and_reported",
    ),
    guard(
        "a credential does not leave the house", "S20", "core/redact.py",
        "        text = pattern.sub(f", "        pattern.sub(f",
        "core/test_redact.py::test_s20_a_credential_is_replaced_wherever_it_stands",
        "test_bighub_guard.py::test_s20_a_secret_in_the_request_does_not_leave_the_house",
    ),
    guard(
        "a declared secret does not leave the house", "S20", "core/redact.py",
        "        if key in secret\n", "        if False\n",
        "core/test_redact.py::test_s20_a_declared_secret_leaves_its_length_only",
    ),
    guard(
        "a secret is not shown", "S20", "core/canonical.py",
        " if key in secret else _value_lines(", " if False else _value_lines(",
        "core/test_canonical.py::test_s20_a_secret_is_shown_by_its_length_and_cannot_be_taken_for_a_value",
    ),
    guard(
        "the requester does not approve", "S9 R20", "core/authority.py",
        "user = profile.person.user\n    if user == requester.user and not terms.requester_may_approve:",
        "user = profile.person.user\n    if False:",
        "core/test_policy.py::test_s9_the_requester_decides_only_where_the_policy_says_so",
    ),
    guard(
        "outsiders, bots and deactivated accounts decide nothing", "S10", "core/authority.py",
        'fault = outside(profile, home) or ("A guest" if profile.guest else "")',
        'fault = "A guest" if profile.guest else ""',
        "core/test_policy.py::test_s10_outsiders_neither_ask_nor_decide",
    ),
    guard(
        "a guest decides nothing", "S10", "core/authority.py",
        'or ("A guest" if profile.guest else "")', "",
        "core/test_policy.py::test_s10_a_guest_never_decides_and_asks_only_where_the_policy_says_so",
    ),
    guard(
        "who is no approver decides nothing", "S9", "core/authority.py",
        "if counts_as(user, all_approvers(terms), members):", "if True:",
        "core/test_policy.py"
        "::test_s9_s10_of_all_combinations_exactly_full_members_who_are_approvers_and_not_the_requester_may_decide",
    ),
    guard(
        "a person takes one seat of a quorum", "R20", "core/terms.py",
        "if number not in takes or seated(takes[number], tried):", "if True:",
        "core/test_terms.py::test_r20_one_of_each_of_two_groups_is_two_people_also_where_somebody_is_in_both",
    ),
    guard(
        "a share is for those of its group", "R20", "core/terms.py",
        "(seats[seat].approver, *anywhere)):", "quorum.approvers):",
        "engine/test_terms.py::test_r20_two_of_one_group_are_not_one_of_each",
    ),
    guard(
        "an escalation group counts from its time on", "S9", "core/terms.py",
        "if quorum.escalates_at and at >= quorum.escalates_at else ()", "",
        "core/test_terms.py::test_an_escalation_group_counts_from_its_time_on_and_not_before",
    ),
    guard(
        "whom it escalates to votes from its time on", "S9", "core/terms.py",
        "min((quorum.escalates_at for quorum in called)", "min((0.0 for quorum in called)",
        "engine/test_terms.py::test_an_escalation_group_may_decide_from_its_time_on",
        "engine/test_escalation.py::test_s9_whom_it_escalates_to_does_nothing_with_a_card_before_that_is_due_and_everything"
        "_from_then_on[approve]",
        "engine/test_escalation.py::test_s9_whom_it_escalates_to_does_nothing_with_a_card_before_that_is_due_and_everything"
        "_from_then_on[deny]",
    ),
    guard(
        "whom it escalates to neither asks nor stops before", "S9", "engine/gestures.py",
        "return Refused(NOT_YET) if tx.now < since else [_event(call, clicked)]", "return [_event(call, clicked)]",
        "engine/test_escalation.py::test_s9_whom_it_escalates_to_does_nothing_with_a_card_before_that_is_due_and_everything"
        "_from_then_on[ask]",
        "engine/test_escalation.py::test_s9_whom_it_escalates_to_does_nothing_with_a_card_before_that_is_due_and_everything"
        "_from_then_on[stop]",
    ),
    guard(
        "whom it escalates to settles no doubt before", "S9", "engine/gestures.py",
        "return Refused(NOT_YET) if tx.now < since else [settled]", "return [settled]",
        "engine/test_escalation.py::test_r2_whom_it_escalates_to_does_not_say_before_that_is_due_what_became_of_an_action_in_doubt",
    ),
    guard(
        "whose answer about a doubt counts the present policy says alone", "R2 S9", "engine/gestures.py",
        "since = await people.settles_from(run, call, clicked.person)",
        "since = await people.decides_from(run, call, clicked.person)",
        "engine/test_escalation.py"
        "::test_r2_whom_the_policy_names_only_since_the_approval_says_what_became_of_an_action_in_doubt",
    ),
    guard(
        "whom it escalates to changes nothing before", "S9", "engine/editing.py",
        "refused = Refused(NOT_YET) if tx.now < since else self._refused(", "refused = self._refused(",
        "engine/test_escalation.py::test_s9_whom_it_escalates_to_does_nothing_with_a_card_before_that_is_due_and_everything"
        "_from_then_on[edit]",
        "engine/test_escalation.py::test_s9_whom_it_escalates_to_does_nothing_with_a_card_before_that_is_due_and_everything"
        "_from_then_on[safer]",
    ),
    guard(
        "no form opens for whom it escalates to before", "S9", "engine/engine.py",
        "return Refused(NOT_YET) if early and await self._store.read(clock) < early else refused", "return refused",
        "engine/test_escalation.py::test_s9_no_form_opens_for_whom_it_escalates_to_before_that_is_due[may_decide]",
        "engine/test_escalation.py::test_s9_no_form_opens_for_whom_it_escalates_to_before_that_is_due[may_edit]",
    ),
    guard(
        "a vote counts for a demand at all", "S9", "core/approval.py",
        "if approval.terms.quorums and not may_vote(", "if False and not may_vote(",
        "core/test_approval.py::test_a_vote_of_whom_no_demand_counts_is_refused",
    ),
    guard(
        "an approval has the comment that the policy wants", "S14", "core/approval.py",
        "if voted.choice is Choice.APPROVE and approval.terms.comment_required", "if False",
        "core/test_approval.py::test_an_approval_without_the_comment_that_is_wanted_is_refused_and_a_denial_is_not",
        "engine/test_terms.py"
        "::test_an_approval_without_the_comment_that_the_policy_wants_does_not_count_and_a_denial_does",
    ),
    guard(
        "a rule on trial has no effect", "S9", "core/policy.py",
        "if not rule.shadow and rule.match.fits(case)", "if rule.match.fits(case)",
        "core/test_policy.py::test_a_rule_on_trial_changes_nothing_and_is_named_where_it_would_have_been_stricter",
    ),
    guard(
        "a rule on trial is told of where its terms are stricter", "S9", "core/trial.py",
        "return given is Verdict.ASK and stricter(then, now)", "return False",
        "engine/test_trial.py::test_a_rule_on_trial_that_would_want_more_approvals_is_told_of",
    ),
    guard(
        "every demand of approvers is kept", "R20", "core/policy.py",
        "*(naming or (defaults,))", "*(naming[:1] or (defaults,))",
        "core/test_policy.py::test_no_combination_of_rules_asks_on_milder_terms_than_any_of_them",
        "core/test_matrix.py::test_r20_the_risky_grant_takes_one_of_each_and_nobody_alone",
    ),
    guard(
        "a doubt never loosens anything", "S1", "core/policy.py",
        "return [_not_allowing(rule) if rule.in_doubt(case) else rule for rule in fitting]", "return list(fitting)",
        "core/test_matching.py::test_what_cannot_be_compared_never_loosens_anything",
    ),
    guard(
        "what fits only in doubt holds beside the defaults", "S10", "core/policy.py",
        "return not self.match.fits(case, doubt=False) and self.match.fits(case)", "return False",
        "core/test_policy.py::test_s10_a_rule_that_fits_only_in_doubt_is_never_milder_than_with_it_and_than_without_it",
        "core/test_policy.py"
        "::test_s10_a_mild_rule_for_what_is_short_does_not_replace_the_defaults_for_what_cannot_be_compared[400d]",
    ),
    guard(
        "a list is freed only where every element fits", "S1", "core/matching.py",
        "return answers.pop() if len(answers) == 1 else None", "return _any(iter(answers))",
        "core/test_matching.py"
        "::test_s1_no_list_with_one_element_that_does_not_fit_is_freed_or_asked_about_on_milder_terms",
    ),
    guard(
        "an element in which a path leads nowhere does not fit", "S1", "core/matching.py",
        "yield ()", "return",
        "core/test_matching.py::test_s1_an_element_in_which_the_path_leads_nowhere_frees_nothing[arguments0]",
    ),
    guard(
        "a majority of denials is of what each rule demands alone", "R7", "core/policy.py",
        "for alone in (*(certain or [[]]), *doubtful))", "for alone in ([*sure, *unsure],))",
        "core/test_policy.py::test_r7_rules_of_a_majority_never_take_more_denials_together_than_any_of_them_alone",
    ),
    guard(
        "a requester that could never match is a mistake", "S9", "policy_file/written.py",
        "if not _REQUESTERS.fullmatch(found):", "if False:",
        "test_policy_grammar.py::test_who_could_never_have_asked_and_where_is_a_mistake_with_its_line",
    ),
    guard(
        "a channel that could never match is a mistake", "S9", "policy_file/written.py",
        "if not _CHANNELS.fullmatch(found):", "if False:",
        "test_policy_grammar.py::test_who_could_never_have_asked_and_where_is_a_mistake_with_its_line",
    ),
    guard(
        "a freeze that nobody could lift is warned about", "S23", "policy_file/__init__.py",
        "*_never_lifted(policy), ", "",
        "test_policy_file.py::test_a_freeze_that_nobody_could_set_or_lift_is_warned_about",
    ),
    guard(
        "a risk that a rule forgets is warned about", "S9", "policy_file/__init__.py",
        ", *_worse_left_out(policy))", ")",
        "test_policy_file.py::test_a_rule_for_a_risk_that_forgets_what_is_worse_is_warned_about",
    ),
    guard(
        "of the matching rules the strictest wins", "S9", "local_guard.py",
        "strictest(least, judgement.verdict) is judgement.verdict:", "judgement:",
        "test_local_guard.py::test_r8_a_rule_only_tightens_what_bighub_said",
    ),
)  # fmt: skip


ENGINE = (
    guard(
        "an old approval is judged again", "R7 R8", "engine/hindrances.py",
        "return TOO_OLD if why or too_old(run, call, policy, tx.now) else None", "return None",
        "engine/test_rechecking.py::test_r7_an_old_approval_does_not_start_what_the_guard_denies_now",
    ),
    guard(
        "what the guard says then counts", "R7 R8", "engine/hindrances.py",
        "if why or stricter_now(run, call, recheck, policy, keys, tx.now):", "if False:",
        "engine/test_rechecking.py::test_r7_an_old_approval_does_not_start_what_the_guard_denies_now",
        "engine/test_rechecking.py::test_what_the_guard_finds_riskier_now_is_asked_about_anew",
    ),
    guard(
        "a limit that is reached keeps a start back", "S14 S25", "engine/hindrances.py",
        "if held is not None and held.limit.verdict is Verdict.DENY:", "if False:",
        "engine/test_limits.py::test_s25_beyond_a_limit_nothing_starts_and_the_sentence_says_which",
        "engine/test_limits.py::test_s25_of_two_runs_that_start_at_once_one_starts_what_is_allowed_once",
    ),
    guard(
        "a limit counts what started after the moment of who counts", "S14 S25", "core/timing.py",
        "start.at > now - limit.seconds", "now - limit.seconds < start.at <= now",
        "core/test_timing.py"
        "::test_a_limit_counts_what_started_of_the_action_by_the_person_within_its_time[limit7-5.0-True]",
        "test_store_contract.py"
        "::test_s25_whoever_is_overtaken_between_their_clock_and_the_count_counts_what_started_meanwhile[postgres]",
    ),
    guard(
        "what was frozen after the end of a question did not keep it back", "S14 R9", "engine/reminding.py",
        "if call.frozen is not None and call.frozen.since < at:", "if call.frozen is not None:",
        "engine/test_reminding.py"
        "::test_s14_what_was_frozen_only_after_its_end_did_not_keep_it_from_being_approved",
    ),
    guard(
        "only those who can decide are reminded", "S9 S10", "engine/reminding.py",
        "if await self._people.may_decide(run, call, person) is not None:", "if False:",
        "engine/test_reminding.py::test_s9_the_requester_and_who_may_not_decide_are_not_reminded",
    ),
    guard(
        "a refused click is answered where it was made", "R9 S9", "engine/inbox.py",
        "answered_at(await self.run_of(clicked.value), clicked), text)",
        "(run := await self.run_of(clicked.value)) and run.asked.place or answered_at(run, clicked), text)",
        "engine/test_placing.py::"
        "test_r9_whoever_is_refused_on_a_card_elsewhere_is_told_there_and_nobody_hears_of_it_where_it_was_asked_for",
    ),
    guard(
        "reminders of a quorum with shares name whom it has escalated to", "S14 R7", "core/terms.py",
        "yield Lack(lacking, tuple(dict.fromkeys((share.approver, *called))))", "yield Lack(lacking, (share.approver,))",
        "core/test_terms.py::test_from_an_escalation_on_whoever_it_calls_in_is_wanted_for_every_empty_seat",
    ),
    guard(
        "the thread's reminder does not name who has voted", "S14", "engine/reminding.py",
        'without = {f"user:{vote.person.user}" for vote in votes}', "without: set[str] = set()",
        "engine/test_reminding.py::test_s14_the_thread_names_nobody_who_has_voted_and_not_the_requester_who_may_not",
        "engine/test_reminding.py::test_s14_where_nobody_is_left_who_could_vote_the_thread_names_nobody",
    ),
    guard(
        "the thread's reminder does not name the requester who may not decide", "S14 S9", "engine/reminding.py",
        'without |= set() if terms.requester_may_approve else {f"user:{requester.user}"}', "without |= set()",
        "engine/test_reminding.py::test_s14_the_thread_names_nobody_who_has_voted_and_not_the_requester_who_may_not",
        "engine/test_reminding.py::test_s14_an_escalation_that_calls_in_only_whoever_asked_names_nobody",
    ),
    guard(
        "quiet hours are looked at again when a message can go out", "S14", "engine/reminding.py",
        "if ends > now:", "if False:",
        "engine/test_reminding.py"
        "::test_s14_a_message_that_could_not_go_out_in_time_waits_for_the_end_of_the_next_quiet_hours",
    ),
    guard(
        "nobody is asked where nobody who decides can see it", "S9 S14", "engine/starting.py",
        "if terms is not None and is_unseen(run, call, terms) and", "if False and",
        "engine/test_placing.py"
        "::test_s9_what_others_must_decide_is_not_asked_about_in_a_direct_message_that_they_cannot_see",
    ),
    guard(
        "the card says that too few are left without the requester", "R20", "core/vain.py",
        "gone |= set() if terms.requester_may_approve else", "gone |= set() if True else",
        "slack/test_questions.py"
        "::test_r20_where_too_few_are_left_without_the_requester_and_those_who_denied_the_card_says_so",
        "engine/test_reminding.py::test_s14_where_nobody_is_left_who_could_vote_the_thread_names_nobody",
    ),
    guard(
        "nobody gets a direct message in their quiet hours", "S14", "clocks.py",
        "if quiet is None or not quiet.holds(as_shown(there)):", "if True:",
        "engine/test_reminding.py::test_in_quiet_hours_the_thread_is_told_at_once_and_a_person_when_theirs_are_over",
        "test_policy_grammar.py::test_quiet_hours_end_when_a_persons_own_clocks_say_so_also_where_they_are_put_forward",
    ),
    guard(
        "whoever asked learns what became of it", "R9", "core/owed.py",
        "if approval and call.outcome in NOTHING_RAN", "if False",
        "engine/test_reminding.py::test_whoever_asked_learns_in_our_own_words_what_became_of_it[expired]",
    ),
    guard(
        "whoever asked learns what nobody was asked about and did not run", "R9", "core/owed.py",
        "if call.approval is None and call.outcome in NOTHING_RAN", "if False",
        "engine/test_reminding.py::"
        "test_whoever_asked_learns_in_our_own_words_what_nobody_was_asked_about_and_before_the_model_calls_it_done[guard]",
        "core/test_owed.py::test_what_is_forbidden_at_once_is_told_before_the_words_that_end_the_request",
    ),
    guard(
        "a request whose end was told owes nothing more of what did not run", "R9 R13", "core/owed.py",
        'if run.state is RunState.DONE or run.delivered("end:1"):', "if False:",
        "core/test_owed.py::test_r13_a_request_that_ended_before_this_was_told_owes_it_never",
    ),
    guard(
        "what is asked anew is another question to the guard", "R9", "engine/hindrances.py",
        "if why and recheck is None and not decided_there(run, call):", "if why:",
        "engine/test_rechecking.py::test_r9_what_was_approved_asked_anew_and_denied_is_not_only_approved_at_bighub",
    ),
    guard(
        "the guard hears what became of what it was asked once more", "R9", "core/resolving.py",
        "End(call.rechecked, approval)", 'End("", approval)',
        "engine/test_rechecking.py::test_r9_what_bighub_was_asked_once_more_does_not_wait_there_for_ever",
    ),
    guard(
        "the guard hears that what it was asked once more came to nothing", "R9", "core/resolving.py",
        "for other in _in_vain(run, call):", "for other in ():",
        "engine/test_rechecking.py::test_r9_what_was_asked_once_more_and_did_not_start_then_does_not_wait_there_for_ever",
        "core/test_resolving.py::test_what_was_asked_once_more_by_whoever_died_over_it_ends_when_it_is_asked_again",
    ),
    guard(
        "the guard hears of a question whose place another took", "R9", "core/resolving.py",
        "for former in questions[1:]:", "for former in ():",
        "engine/test_rechecking.py::test_r9_what_bighub_had_not_heard_of_when_people_were_asked_anew_does_not_wait_there_for_ever",
    ),
    guard(
        "the guard hears of what nobody was asked about", "R9", "core/resolving.py",
        "if _refused_here(call) and", "if False and",
        "engine/test_rechecking.py::"
        "test_r9_what_bighub_wants_people_to_decide_and_nobody_is_asked_about_does_not_wait_there_for_ever",
    ),
    guard(
        "the guard's name of what it was asked once more is written down before anything comes of it", "R9", "engine/judging.py",
        "        await self._note(run, call, answer)\n        return since, now, answer", "        return since, now, answer",
        "engine/test_rechecking.py::test_r9_what_was_asked_once_more_and_did_not_start_then_does_not_wait_there_for_ever",
    ),
    guard(
        "an answer that came too late is written down all the same", "R9", "engine/judging.py",
        "if isinstance(await self._door.decide(run.id, decide), Refused):", "await self._door.decide(run.id, decide)\n        if False:",
        "engine/test_rechecking.py::test_r9_what_the_guard_says_after_the_request_was_stopped_does_not_wait_there_for_ever",
    ),
    guard(
        "whoever asks once more again asks the same question", "R9", "engine/rechecking.py",
        'return f"recheck:{asked}:', 'return f"recheck:{object()}:',
        "engine/test_rechecking.py::test_r9_what_was_asked_once_more_and_whose_answer_was_lost_is_asked_under_the_same_name",
    ),
    guard(
        "the guard is asked afresh after each answer that was written down", "R7", "engine/rechecking.py",
        "{asked}:{len(asked_beside(run, call))}:{since!r}", "{asked}",
        "engine/test_rechecking.py::test_r7_what_the_guard_said_before_a_start_that_fell_through_is_not_its_answer_at_the_next",
    ),
    guard(
        "that the guard is asked once more is written down before it is", "R9", "engine/judging.py",
        "            await self._door.record(run.id, begun(run, call, since))", "            pass",
        "engine/test_rechecking.py"
        "::test_r9_r7_what_was_asked_once_more_long_ago_and_never_written_down_is_closed_and_asked_afresh",
    ),
    guard(
        "an answer that nobody wrote down grows old", "R7", "engine/judging.py",
        "if since <= now - ANSWER_HOLDS_SECONDS:", "if False:",
        "engine/test_rechecking.py"
        "::test_r9_r7_what_was_asked_once_more_long_ago_and_never_written_down_is_closed_and_asked_afresh",
    ),
    guard(
        "a policy file is taken up once it rests", "R7", "policy_watch.py",
        "if twice and written != self._known:", "if written != self._known:",
        "test_policy_watch.py::test_a_file_that_is_being_written_is_not_taken_for_a_milder_one",
    ),
    guard(
        "the engine takes up a changed policy", "R7", "engine/engine.py",
        "self._people.policy = policy", "pass",
        "test_policy_watch.py::test_r7_what_the_changed_file_forbids_is_refused_at_the_next_click",
    ),
    guard(
        "the digest is computed anew at the start", "R6 S8", "engine/starting.py",
        "digest_of(run, call, binding) != binding.digest or ", "",
        "engine/test_starting.py::test_a_changed_row_never_starts[the arguments]",
        "engine/test_starting.py::test_a_changed_row_never_starts[the requester]",
    ),
    guard(
        "what was judged is sealed", "S31", "engine/starting.py",
        "if judgement is None or not judgement_holds(run, call, keys):",
        "if judgement is None:",
        "engine/test_starting.py::test_a_changed_row_never_starts[the environment]",
        "engine/test_starting.py::test_an_allowance_does_not_serve_for_another_call",
    ),
    guard(
        "a vote is sealed", "S31", "engine/starting.py",
        "return sealed_by(keys, text, vote.seal)", "return True",
        "engine/test_starting.py::test_a_changed_row_never_starts[the voter]",
        "engine/test_starting.py::test_a_changed_row_never_starts[the seal]",
    ),
    guard(
        "an approval binds the digest of its call", "R6", "engine/starting.py",
        "return approval.digest == digest_bound(call) and ", "return ",
        "engine/test_guards.py::test_r6_votes_for_other_bytes_start_nothing_however_well_they_are_sealed",
    ),
    guard(
        "the sealed votes make the quorum", "R20 S31", "engine/starting.py",
        " and _sealed_enough(run, approval, keys)", "",
        "engine/test_starting.py::test_a_changed_row_never_starts[no votes at all]",
    ),
    guard(
        "an allowance stands behind what nobody was asked about", "R8", "engine/starting.py",
        "return judgement.verdict is Verdict.ALLOW\n", "return True\n",
        "engine/test_guards.py::test_r8_what_the_guard_asked_about_does_not_start_without_an_approval",
    ),
    guard(
        "a freeze is asked before the start", "R7 S23", "engine/starting.py",
        "if frozen is not None:", "if False:",
        "engine/test_engine.py::test_a_frozen_system_refuses_even_what_was_approved",
    ),
    guard(
        "a changed action supersedes what was approved", "R14", "engine/starting.py",
        "if not actions.is_defined_as(call.proposal.action, binding.definition):", "if False:",
        "engine/test_starting.py::test_a_changed_action_supersedes_what_was_approved",
    ),
    guard(
        "only the bound definition runs", "R14", "actions/registry.py",
        "if action is None or not self.is_defined_as(proposal.action, proposal.binding.definition):", "if action is None:",
        "actions/test_registry.py::test_r14_an_action_that_changed_or_went_away_is_not_run",
    ),
    guard(
        "the policy of today is the floor at the start", "R7", "engine/starting.py",
        "    if floor is Verdict.DENY:\n", "    if False:\n",
        "engine/test_starting.py::test_a_policy_that_forbids_it_now_refuses",
    ),
    guard(
        "an expired approval starts nothing", "R7", "engine/starting.py",
        "if now >= approval.terms.expires_at:", "if False:",
        "engine/test_faults.py::test_an_approval_that_expired_before_anything_could_start_asks_people_anew",
    ),
    guard(
        "a quorum that has grown asks anew", "R7 R20", "engine/starting.py",
        "if missing(present, given, approval.resolved_at):", "if False:",
        "engine/test_faults.py::test_a_policy_that_became_stricter_before_the_start_asks_people_anew[stricter0]",
    ),
    guard(
        "a policy that wants a person asks one", "R7", "engine/starting.py",
        "if rules.floor(policy, case)[0] is Verdict.ASK else", "if False else",
        "engine/test_starting.py"
        "::test_a_stricter_policy_or_an_expired_approval_asks_people_anew_and_the_same_policy_does_not",
    ),
    guard(
        "a freeze window is asked before the start", "R7", "engine/starting.py",
        "    if held is not None:\n        return CallRefused(", "    if False:\n        return CallRefused(",
        "engine/test_starting.py::test_r7_in_a_freeze_window_nothing_starts_and_outside_it_does",
    ),
    guard(
        "a freeze window is asked when it is judged", "R7", "engine/starting.py",
        "    if held is not None:\n        return Judged(", "    if False:\n        return Judged(",
        "engine/test_terms.py"
        "::test_r7_in_a_freeze_window_nothing_that_changes_something_is_asked_about_or_starts",
    ),
    guard(
        "an approval runs within its time or lapses", "R7", "engine/starting.py",
        "(present.execute_within and now >=", "(False and now >=",
        "engine/test_starting.py::test_r7_an_approval_that_has_not_run_within_its_time_lapses",
    ),
    guard(
        "the comment is asked about again before the start", "R7", "engine/starting.py",
        "if present.comment_required and not all(", "if False and not all(",
        "engine/test_starting.py"
        "::test_r20_votes_that_the_policy_of_today_does_not_find_enough_start_nothing[change2-a comment with each approval]",
    ),
    guard(
        "the requester's vote is asked about again before the start", "S9", "engine/starting.py",
        "if not present.requester_may_approve and own:", "if False:",
        "engine/test_starting.py"
        "::test_s9_a_policy_that_excludes_the_requester_now_lets_no_vote_of_theirs_start_anything",
    ),
    guard(
        "as what a vote counts is sealed", "S31 R20", "core/approval.py",
        "choice, via, *counts_as, *since, *when])", "choice, via, *since, *when])",
        "engine/test_starting.py::test_a_changed_row_never_starts[as what it counts]",
    ),
    guard(
        "when a vote was given is sealed, and with what words", "S31 R7", "core/approval.py",
        'when = [] if given is None else [["given", *given]]', "when: list[object] = []",
        "engine/test_starting.py::test_a_changed_row_never_starts[when it was voted]",
        "engine/test_starting.py::test_a_changed_row_never_starts[what was said with the vote]",
        "engine/test_forged_times.py"
        "::test_s31_what_would_not_start_does_not_start_either_once_this_was_changed_by_hand[sqlite-when it was approved]",
        "engine/test_forged_times.py"
        "::test_s31_what_would_not_start_does_not_start_either_once_this_was_changed_by_hand[sqlite-what was said with it]",
    ),
    guard(
        "when and where people were asked is sealed, and who changed the arguments", "S31 R7", "core/approval.py",
        'when = [] if asked is None else [["asked", *asked]]', "when: list[object] = []",
        "engine/test_starting.py::test_a_changed_row_never_starts[when people were asked]",
        "engine/test_starting.py::test_a_changed_row_never_starts[who changed the arguments]",
        "engine/test_forged_times.py"
        "::test_s31_what_would_not_start_does_not_start_either_once_this_was_changed_by_hand[sqlite-when people were asked]",
        "engine/test_forged_times.py"
        "::test_s31_what_would_not_start_does_not_start_either_once_this_was_changed_by_hand[sqlite-where it was asked]",
    ),
    guard(
        "the time that is sealed with a vote is that of its transaction", "S31", "engine/voting.py",
        "run, approval, tx.now, self._keys[0])", "run, approval, 0.0, self._keys[0])",
        "engine/test_forged_times.py::test_s31_r7_in_time_it_starts_as_ever[sqlite-policy0]",
    ),
    guard(
        "what was sealed before the upgrade still counts", "S31 R13", "engine/starting.py",
        "given = vote.given if vote.covers == COVERS else None", "given = vote.given",
        "engine/test_starting.py"
        "::test_s31_r13_what_was_approved_or_allowed_before_the_upgrade_starts_after_it[ask-True]",
    ),
    guard(
        "the seal of a vote covers those that stood before it", "S31 R20", "core/approval.py",
        "return self.at, self.comment, self.after", "return self.at, self.comment, ()",
        "engine/test_rotation.py"
        "::test_s31_half_a_quorum_survives_a_new_key_and_the_other_half_is_sealed_with_it[sqlite]",
    ),
    guard(
        "an approval that was taken back stays so", "S31 R20", "engine/voting.py",
        "given = (now, voted.comment, standing(approval))", "given = (now, voted.comment, ())",
        "engine/test_rotation.py"
        "::test_s31_half_a_quorum_survives_a_new_key_and_the_other_half_is_sealed_with_it[sqlite]",
    ),
    guard(
        "who approved may deny, and nothing else twice", "R20", "core/approval.py",
        "(earlier.choice, voted.choice) != (Choice.APPROVE, Choice.DENY)", "earlier.choice is Choice.DENY",
        "core/test_approval.py::test_r20_who_approved_by_mistake_denies_and_that_ends_it",
    ),
    guard(
        "an approval is given again only once the terms were tightened", "R20", "core/approval.py",
        " and earlier.under < len(approval.earlier)", "",
        f"{_AGAIN}[counts_as4-approve-0-False]",
    ),
    guard(
        "an approval is given again only by whom more counts", "R20", "core/approval.py",
        "return tightened and not more.isdisjoint(all_approvers(approval.terms))", "return tightened",
        f"{_AGAIN}[counts_as2-approve-1-False]",
        f"{_AGAIN}[counts_as3-approve-1-False]",
    ),
    guard(
        "a denial takes the same person's approval back", "R20", "core/approval.py",
        "for each in approval.votes if each is not earlier)", "for each in approval.votes)",
        "core/test_approval.py"
        "::test_r20_where_a_majority_is_wanted_the_denial_takes_the_approval_of_the_same_person_back_and_stays",
    ),
    guard(
        "every term is sealed", "S31", "core/approval.py",
        "*who, terms.expires_at, *sealed_beyond(terms)]", "*who, terms.expires_at]",
        "engine/test_starting.py::test_a_changed_row_never_starts[the demands]",
        "engine/test_starting.py::test_a_changed_row_never_starts[the time to run]",
    ),
    guard(
        "a shell that may not vote makes nothing stricter", "R20 S9", "engine/inbox.py",
        'if via == "shell" and (refused', 'if via == "nothing" and (refused',
        "engine/test_tightening.py::test_r20_s9_a_shell_that_may_not_decide_leaves_the_question_as_it_is",
    ),
    guard(
        "a vote holds under the policy of today", "R7 S9", "engine/inbox.py",
        "run, call = await self._on_terms_of_today(run, call)", "run, call = run, call",
        "engine/test_terms.py::test_a_policy_that_became_stricter_applies_when_the_click_is_worked[a comment]",
        "engine/test_terms.py::test_a_policy_that_became_stricter_applies_when_the_click_is_worked[a shorter time]",
        "engine/test_tightening.py::test_r20_a_click_counts_and_the_larger_quorum_of_today_holds_from_then_on",
        "engine/test_tightening.py::test_r20_a_vote_without_a_card_counts_under_the_stricter_terms_too[shell]",
        "engine/test_tightening.py::test_r20_a_vote_without_a_card_counts_under_the_stricter_terms_too[program]",
    ),
    guard(
        "nothing begins where another company reads along", "S10", "core/authority.py",
        "if shared and not policy.shared_channels:", "if False:",
        "core/test_policy.py::test_s10_where_another_company_reads_along_nobody_asks_unless_the_policy_says_so",
        "engine/test_strangers.py"
        "::test_s10_where_another_company_reads_along_nothing_begins_unless_the_policy_says_so[as it is]",
    ),
    guard(
        "what is no seal names no key", "S6 S31", "core/approval.py",
        'return name if (len(name), len(mac)) == (8, 64) and hexadecimal else ""', "return name",
        "engine/test_rotation.py::test_s6_s31_what_is_no_seal_names_no_key[k:forged]",
        "engine/test_rotation.py::test_s6_s31_what_is_no_seal_names_no_key[no colon]",
    ),
    guard(
        "what the policy forbids now is refused at the click", "R7", "engine/tightening.py",
        "if floor is Verdict.DENY:", "if False:",
        "engine/test_tightening.py::test_r7_what_the_policy_forbids_now_is_refused_at_the_click",
    ),
    guard(
        "terms that were changed are not sealed anew", "S31", "engine/tightening.py",
        "if not judgement_holds(run, call, keys):", "if False:",
        "engine/test_tightening.py::test_s31_terms_that_were_changed_in_the_database_are_not_sealed_anew",
    ),
    guard(
        "terms that became stricter are sealed, and those before", "S31", "engine/starting.py",
        "return all(holds(each, mark)", "return any(holds(each, mark)",
        "engine/test_starting.py"
        "::test_s31_terms_that_became_stricter_start_nothing_unless_they_and_those_before_are_sealed",
    ),
    guard(
        "approvals that do not hold any more are void", "R20 S9", "engine/tightening.py",
        "for vote in approval.votes if why_void(terms, vote, run.asked.person))", "for vote in ())",
        "engine/test_tightening.py"
        "::test_r20_an_approval_without_the_comment_that_is_wanted_now_is_void_and_may_be_given_again",
        "engine/test_tightening.py::test_s9_what_the_requester_approved_is_void_where_the_policy_excludes_them_now",
    ),
    guard(
        "terms never become milder", "S31", "core/tightening.py",
        "if new.approval != old.approval or stricter(old, new) or not stricter(new, old):",
        "if new.approval != old.approval or not stricter(new, old):",
        "core/test_tightening.py::test_s31_terms_are_never_made_milder_nor_others",
    ),
    guard(
        "terms are tightened only while they are asked on", "R7", "core/tightening.py",
        "if approval.resolution is not None or at >= old.expires_at:", "if False:",
        "core/test_tightening.py::test_tightening_is_of_this_question_only_while_it_is_open_and_unexpired",
    ),
    guard(
        "a denial that is enough now ends it", "R7", "core/tightening.py",
        "if denied(new, kept) else after", "if False else after",
        "core/test_tightening.py::test_r7_a_denial_that_is_enough_now_ends_it_and_is_the_deciding_vote",
        "engine/test_tightening.py::test_r7_a_denial_that_was_not_enough_and_is_now_ends_it_at_the_next_click",
    ),
    guard(
        "a vote under tightened terms is none under those of before", "S31", "core/approval.py",
        "if approval.earlier else []", "if False else []",
        "core/test_tightening.py::test_s31_a_vote_is_sealed_under_the_terms_of_its_moment_and_holds_under_no_others",
    ),
    guard(
        "who left the group that the vote counted for has not approved", "R20", "engine/people.py",
        "return not set(vote.counts_as) <= set(await self.counts_as(run, call, vote.person, via))", "return False",
        "engine/test_terms.py::test_r20_who_left_the_group_for_which_the_vote_counted_has_not_approved",
    ),
    guard(
        "the approvers' right is asked when the click is worked", "S10 S12", "engine/inbox.py",
        "        refused = await self._people.may_vote(run, call, clicked.person, via)\n", "        refused = None\n",
        "engine/test_engine.py::test_the_requester_may_not_approve_and_is_told_so_privately",
    ),
    guard(
        "a retried request stays its requester's", "S9", "engine/inbox.py",
        "Wrote(failed.asked.person, place, message,", "Wrote(clicked.person, place, message,",
        "engine/test_retrying.py::test_s9_a_request_that_a_colleague_retries_stays_the_requesters_who_cannot_approve_it",
    ),
    guard(
        "nothing is retried for somebody who may not ask any more", "S9", "engine/people.py",
        "gone = await self.may_ask(asker, team)", "gone = refused",
        "engine/test_retrying.py::test_s9_what_is_retried_is_refused_where_its_requester_may_not_ask_any_more",
    ),
    guard(
        "who may not ask retries nothing", "S9", "engine/people.py",
        "if refused is not None or person == asker:", "if person == asker:",
        "engine/test_retrying.py::test_s9_who_may_not_ask_retries_nothing_of_others_either",
    ),
    guard(
        "the journal says who pressed Retry", "R18", "engine/inbox.py",
        "failed.id, clicked.person):", "failed.id):",
        "engine/test_retrying.py::test_r18_s9_the_journal_says_who_pressed_retry_and_the_thread_where_it_was_somebody_else"
        "[the requester]",
    ),
    guard(
        "the thread says who retried another's request", "R18", "core/owed.py",
        'if run.asked.retried_by not in (None, run.asked.person) and not run.delivered("retried"):', "if False:",
        "engine/test_retrying.py::test_r18_s9_the_journal_says_who_pressed_retry_and_the_thread_where_it_was_somebody_else"
        "[a colleague]",
    ),
    guard(
        "the approvers' right is asked again before the start", "S10", "engine/hindrances.py",
        'if vote.via != BY_PROGRAM and await', 'if vote.via == "nothing" and await',
        "engine/test_engine.py::test_an_approver_who_lost_the_right_since_the_click_has_not_approved",
    ),
    guard(
        "who voted by shell is asked again before the start", "S10", "engine/hindrances.py",
        'if vote.via != BY_PROGRAM and await', 'if vote.via not in ("program", "shell") and await',
        "engine/test_lapsing.py::test_s10_who_voted_by_shell_and_left_before_the_start_has_not_approved",
    ),
    guard(
        "a shell's vote is none where shells do not decide any more", "S9", "engine/people.py",
        '(vote.via == "shell" and not self.policy.shell_may_decide) or', "",
        "engine/test_lapsing.py"
        "::test_s9_a_shells_vote_is_none_at_the_start_where_the_policy_does_not_let_shells_decide_any_more[group:SSRE]",
    ),
    guard(
        "whether a shell is still in the group it counts for is waited for", "R8 S10", "engine/people.py",
        'unseen = vote.via == "shell" and bool(by_id) and set(vote.counts_as) <= by_id', 'unseen = vote.via == "shell"',
        "engine/test_lapsing.py"
        "::test_r8_while_slack_is_away_a_shell_of_somebody_who_is_named_starts_it_and_of_a_group_waits",
    ),
    guard(
        "what today's policy demands is met by sealed votes only", "S31 R20", "engine/starting.py",
        "_beyond(run, approval, present, deciding(run, approval, keys), now)",
        "_beyond(run, approval, present, tuple(v for v in approval.votes if v.choice is Choice.APPROVE), now)",
        "engine/test_starting.py"
        "::test_s31_r20_a_vote_that_nobody_sealed_does_not_meet_what_the_policy_of_today_demands[one more]",
    ),
    guard(
        "who denied in vain undoes nothing at the start", "R20", "engine/starting.py",
        "for v in approval.votes if v.choice is Choice.APPROVE and _sealed(", "for v in approval.votes if _sealed(",
        "engine/test_lapsing.py::test_r20_who_denied_in_vain_and_left_then_undoes_nothing",
    ),
    guard(
        "once the glass is broken only that vote is asked about again", "S22", "engine/starting.py",
        "if vote.via == BY_GLASS) or given", "if False) or given",
        "engine/test_lapsing.py::test_s22_once_the_glass_is_broken_who_approved_before_and_left_undoes_nothing",
    ),
    guard(
        "an unsealed vote keeps nobody from being asked again", "S31 S10", "engine/starting.py",
        "v.choice is Choice.APPROVE and _sealed(run, approval, v, keys))", "v.choice is Choice.APPROVE)",
        "engine/test_lapsing.py::test_s31_a_vote_that_nobody_sealed_takes_nobodys_place_when_it_is_asked_again",
    ),
    guard(
        "a vote counts under sealed terms only", "S31", "engine/voting.py",
        "if not judgement_holds(run, call, self._keys):", "if False:",
        "engine/test_faults.py::test_terms_that_were_changed_in_the_database_take_no_vote",
    ),
    guard(
        "an edit counts from its card's own channel only", "S12 S13", "slack/listeners/forms.py",
        "is_open and (run.asked.place.team, channel_of(run, call)) == (team, channel)", "is_open",
        "slack/test_forms.py::test_s12_an_edit_that_is_sent_from_another_channel_than_its_cards_changes_nothing",
    ),
    guard(
        "a button counts in its own channel only", "S12 S13 S30", "engine/inbox.py",
        "return (run, call) if (place.team, channel_of(run, call)) == (team, clicked.channel) else None", "return run, call",
        "engine/test_placing.py::test_s13_a_card_stands_in_the_channel_that_the_policy_names_and_counts_only_there",
        "engine/test_guards.py::test_s12_a_click_from_another_channel_or_workspace_is_like_one_on_an_unknown_id",
    ),
    guard(
        "only a double click is left without a word", "R20 S13", "engine/voting.py",
        "vote == mine and at > now - DOUBLE_CLICK_SECONDS", "vote == mine",
        "engine/test_terms.py::test_r20_who_votes_again_is_told_that_one_person_is_one_vote_and_a_double_click_is_left_alone",
    ),
    guard(
        "who clicks what is no longer so has the card shown anew", "S13", "engine/repairing.py",
        "if not older and _asks(call, opaque):", "if not older:",
        "engine/test_repairing.py::test_s13_a_click_on_a_card_that_is_decided_says_by_whom_and_shows_it_anew",
        "engine/test_repairing.py::test_s13_a_click_on_a_question_that_is_asked_anew_repairs_the_card_on_which_it_stands",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says",
    ),
    guard(
        "a card that is as it should be is not shown anew", "R17 S13", "engine/repairing.py",
        "if not older and _asks(call, opaque):", "if False:",
        "engine/test_repairing.py::test_a_refused_click_on_a_card_that_is_as_it_should_be_records_nothing",
    ),
    guard(
        "what is owed already is not recorded once more", "R17 S13", "engine/repairing.py",
        "if card.shows != call.phase and card.older == (older or card.older):", "if False:",
        "engine/test_repairing.py::test_what_is_owed_already_is_not_recorded_once_more",
    ),
    guard(
        "a click repairs nothing of another workspace or channel", "S12 S30", "engine/repairing.py",
        "if call is not None and (run.asked.place.team, channel_of(run, call)) == (team, channel) else None", "",
        "engine/test_repairing.py::test_s12_a_click_from_another_channel_or_workspace_repairs_nothing",
    ),
    guard(
        "a click before its card is recorded waits", "R3 S13", "engine/inbox.py",
        'if via in ("slack", BY_GLASS) and call.card is None:', "if False:",
        "engine/test_faults.py::test_a_click_that_comes_before_its_card_is_recorded_waits_and_counts",
    ),
    guard(
        "the row of a click is closed with its vote", "R3", "engine/inbox.py",
        "            run_id, unless_parked, also=(lambda tx: tx.close_inbox(row.key)) if row else None\n        )",
        "            run_id, unless_parked\n        )\n        if row:\n            await self._close(row)",
        "engine/test_guards.py::test_r3_a_row_is_closed_in_the_transaction_that_records_what_came_of_it",
    ),
    guard(
        "the row of a request is closed with its run", "R3", "engine/inbox.py",
        "            await tx.close_inbox(row.key)\n            old = before_restore(",
        "            await self._close(row)\n            old = before_restore(",
        "engine/test_guards.py::test_r3_a_row_is_closed_in_the_transaction_that_records_what_came_of_it",
    ),
    guard(
        "a message begins one run however often it comes", "R4", "engine/latest.py",
        "named = \"\\n\".join((place.team, place.channel, message))",
        "import secrets\n\n    named = secrets.token_hex(8)",
        "engine/test_guards.py::test_r4_a_message_that_comes_under_two_keys_begins_one_run",
    ),
    guard(
        "a thread has one run at a time", "R16", "engine/inbox.py",
        "if run is None and await tx.latest_run(wrote.place) != previous:", "if False:",
        "engine/test_guards.py::test_r16_two_messages_of_one_thread_in_two_processes_are_one_run",
    ),
    guard(
        "a started call is started by the state it was seen in", "R1", "engine/doing.py",
        "if run is None or now is None or (now.state, now.attempt) != (call.state, call.attempt):",
        "if run is None or now is None:",
        "engine/test_guards.py::test_r1_a_rerun_that_was_seen_too_late_starts_nothing",
    ),
    guard(
        "only the writer of Started runs the action", "R1", "engine/doing.py",
        "started, mine = after.call(name) if isinstance(after, Run) else None, (CallState.STARTED, attempt)",
        "after = after if isinstance(after, Run) else run\n        started = after.call(name)\n"
        "        mine = (CallState.STARTED, started.attempt if started else None)",
        "engine/test_guards.py::test_r1_a_rerun_that_was_seen_too_late_starts_nothing",
    ),
    guard(
        "the lease is taken in the transaction of Started", "R1 R11", "engine/doing.py",
        "            if not await tx.take_lease(run.id, self._worker, self._limits.lease):\n"
        '                return Refused("Another worker holds this run.")\n',
        "",
        "engine/test_faults.py::test_a_worker_whose_lease_was_taken_over_starts_nothing_any_more",
    ),
    guard(
        "only who holds a run casts a doubt", "R2", "engine/finishing.py",
        "            if not await tx.take_lease(run_id, self._worker, self._limits.lease):\n"
        '                return Refused("Another worker holds this run, and may know.")\n',
        "",
        "engine/test_faults.py::test_a_worker_that_does_not_hold_the_run_casts_no_doubt_on_a_running_action",
    ),
    guard(
        "what did not end in time is in doubt", "R2", "engine/finishing.py",
        "if ran.unknown and ", "if False and ",
        "engine/test_faults.py::test_an_action_that_does_not_end_in_time_is_in_doubt_and_not_failed",
    ),
    guard(
        "a result is recorded however long the store is away", "R9 R15", "engine/finishing.py",
        "await asyncio.sleep(RECORD_AGAIN_SECONDS)\n                continue", "return",
        "engine/test_faults.py::test_a_database_that_is_away_for_a_moment_does_not_interrupt_a_running_action",
    ),
    guard(
        "a resumed run is taken over", "R9 R17", "sql/leases.py",
        "takeovers=0, lease_owner=_HANDED_OVER, lease_until=0.0)", "takeovers=0)",
        "test_store_contract.py::test_r17_a_parked_run_is_due_for_nobody_and_held_by_nobody_until_it_is_resumed[sqlite]",
    ),
    guard(
        "what somebody took and left is woken again", "R2 R11", "sql/reader.py",
        'or_(_without(dialect, _run.run, "woken"), _run.lease_owner.is_not(None))', '_without(dialect, _run.run, "woken")',
        "test_store_contract.py::test_r2_what_was_woken_is_left_out_until_somebody_has_taken_it_and_left_it[sqlite]",
    ),
    guard(
        "a long action keeps its lease by a heartbeat", "R2", "engine/worker.py",
        "await asyncio.sleep(self._limits.lease / 3)", "await asyncio.sleep(self._limits.lease * 30)",
        "engine/test_faults.py::test_r2_a_long_action_keeps_its_run_from_every_other_worker_until_it_has_ended",
    ),
    guard(
        "a fault outside of any effect parks its run", "R17", "engine/worker.py",
        "if self._breaks[run_id] >= self._limits.breaks_before_parking", "if False",
        "engine/test_parking.py::test_r17_a_fault_outside_of_any_effect_parks_its_run_too_and_the_others_go_on",
    ),
    guard(
        "who takes a run again that it never gave back looks first", "R9", "engine/door.py",
        "seconds, afresh=True)", "seconds)",
        "engine/test_parking.py::test_r9_who_takes_a_run_again_that_broke_off_looks_first_for_what_it_had_posted",
        "engine/test_faults.py"
        "::test_r9_whoever_does_not_hear_that_it_took_a_dead_ones_run_over_looks_first_all_the_same",
    ),
    guard(
        "the queue in memory forgets what it has done", "R17", "dispatch.py",
        "await self._queries.clear_queue_log()", "pass",
        "test_dispatch.py::test_r17_the_queue_in_memory_forgets_what_it_has_done",
    ),
    guard(
        "who waits for the witness's lock waits in a thread", "R15 R19", "sql/store.py",
        "self._witness.write(identity, commits, 0.0)", "self._witness.write(identity, commits)",
        "restore/test_noticing_sqlite.py::test_r19_who_waits_for_another_to_write_the_witness_holds_up_nothing_else",
    ),
    guard(
        "a lost lease begins nothing", "R1 R11", "engine/worker.py",
        "holding.lost |= lease is None", "pass",
        "engine/test_guards.py::test_r11_a_worker_that_lost_its_lease_lets_go_of_the_run",
    ),
    guard(
        "what is broken by older rules only is left to the newer ones", "R12", "engine/door.py",
        "line.rules > RULES:", "False:",
        "engine/test_parking.py::test_r12_what_a_newer_release_wrote_is_left_to_it_and_neither_parked_nor_held[sqlite-rule]",
    ),
    guard(
        "the rules of a run never get older", "R12", "sql/writer.py",
        "case((_run.rules > _OUR_RULES, _run.rules), else_=_OUR_RULES)", "_OUR_RULES",
        "engine/test_parking.py::test_r12_the_rules_of_a_run_are_the_newest_that_anybody_wrote_it_by[sqlite]",
    ),
    guard(
        "who was halted in an effect asks before it goes on", "R9", "engine/worker.py",
        "with fenced(ours):", "if True:",
        "engine/test_halted.py::test_r9_a_card_that_another_worker_posted_meanwhile_is_not_posted_again",
        "engine/test_halted.py::test_r1_an_action_that_people_are_asked_about_meanwhile_does_not_run_and_that_is_recorded",
    ),
    guard(
        "a lease that was given back meanwhile is another one", "R9", "engine/worker.py",
        " or (late and lease.length != self._door.length(holding.run))):", "):",
        "engine/test_halted.py::test_r9_a_card_that_another_worker_posted_meanwhile_is_not_posted_again",
    ),
    guard(
        "what may be half done is not given back as done", "R9", "engine/worker.py",
        "        holding.left |= holding.taken_over and bool(holding.due(run))\n", "",
        "engine/test_half_done.py"
        "::test_r9_who_was_halted_before_the_first_effect_looks_for_the_card_that_a_dead_one_posted",
        "engine/test_half_done.py"
        "::test_r9_who_was_halted_in_an_effect_looks_for_the_card_that_a_dead_one_posted",
        "engine/test_half_done.py"
        "::test_r9_who_was_halted_and_is_told_to_stop_leaves_the_look_for_a_dead_ones_card_to_the_next[halted_for_long]",
        "engine/test_half_done.py"
        "::test_r9_who_takes_a_dead_ones_run_over_and_is_told_to_stop_leaves_the_look_to_the_next",
    ),
    guard(
        "who hears late that it took a run over looks first", "R9", "engine/worker.py",
        "        await self._renew(holding)\n        return holding.lost\n",
        "        lease = await self._store.write(lambda tx: tx.take_lease(run.id, self.name, self._limits.lease))\n"
        "        return lease is None\n",
        "engine/test_half_done.py"
        "::test_r9_who_was_halted_and_is_told_to_stop_leaves_the_look_for_a_dead_ones_card_to_the_next[halted_for_long]",
    ),
    guard(
        "whose lease ended by the store's clock hears that another one had the run", "R9", "engine/worker.py",
        "and (lease.taken_over or (late and", "and late and (lease.taken_over or (",
        "engine/test_half_done.py"
        "::test_r9_who_was_halted_and_is_told_to_stop_leaves_the_look_for_a_dead_ones_card_to_the_next[clock_put_forward]",
    ),
    guard(
        "a bot that leaves the run of a program alone says that it may be half done", "R9", "engine/door.py",
        "                if lease.taken_over:", "                if False:",
        "engine/test_half_done.py::test_r9_a_bot_that_is_woken_for_the_run_of_a_dead_program_leaves_it_as_it_was",
    ),
    guard(
        "telling cards of a freeze holds up no sweep", "R11", "engine/engine.py",
        "settle()\n        version = ", "settle()\n        await self._freezer.tell_cards()\n        version = ",
        "engine/test_sweeping.py::test_r11_while_cards_are_told_of_a_freeze_what_is_due_is_woken",
    ),
    guard(
        "a queue that hangs is waited for once", "R11", "engine/engine.py",
        "        await asyncio.gather(*(self._dispatch.wake(run_id) for run_id in runs))\n",
        "        for run_id in runs:\n            await self._dispatch.wake(run_id)\n",
        "engine/test_sweeping.py::test_r11_a_queue_that_takes_long_is_waited_for_once_and_not_for_each_run",
    ),
    guard(
        "what an action acts upon is said in time", "R17", "actions/registry.py",
        "found.name}\", seconds) or", "found.name}\", 86_400.0) or",
        "actions/test_targets.py::test_r17_a_target_that_is_not_said_in_time_refuses_the_wish",
    ),
    guard(
        "Slack is called for a run that is ours", "R9", "slack/pacing.py",
        "            await still_ours()\n", "",
        "slack/test_pacing.py::test_r9_slack_is_not_called_for_a_run_that_is_not_ours",
    ),
    guard(
        "BIGHUB is called for a run that is ours", "R9", "bighub_client.py",
        "        await still_ours()\n", "",
        "test_bighub_client.py::test_r9_bighub_is_not_called_for_a_run_that_is_not_ours",
    ),
    guard(
        "the model is asked about a run that is ours", "R16", "engine/doing.py",
        "            await still_ours()\n", "",
        "engine/test_halted.py::test_r16_the_model_is_not_asked_about_a_run_that_is_not_ours",
    ),
    guard(
        "an action runs while its run is ours", "R1", "engine/finishing.py",
        "            await still_ours()\n", "            pass\n",
        "engine/test_halted.py::test_r1_an_action_that_people_are_asked_about_meanwhile_does_not_run_and_that_is_recorded",
    ),
    guard(
        "a bot leaves the run of a program alone", "R11", "engine/door.py",
        "if run is None or run.of_program is not programs:", "if run is None:",
        "engine/test_turns.py::test_a_bot_and_a_program_that_share_a_store_leave_each_others_runs_alone",
    ),
    guard(
        "what may have been sent before is looked for first", "R9", "engine/worker.py",
        "again = holding.taken_over or effect.key in holding.tried or run.trouble(effect.key) is not None",
        "again = False",
        "engine/test_guards.py::test_r9_what_failed_or_was_left_by_another_worker_is_looked_for_before_it_is_sent_again",
    ),
    guard(
        "the drain starts nothing new", "R11", "engine/worker.py",
        "        self._stopping = True\n", "",
        "engine/test_guards.py::test_r11_a_worker_that_drains_starts_nothing_new",
    ),
    guard(
        "the drain waits for what is under way", "R11", "engine/worker.py",
        "await asyncio.wait_for(self._idle.wait(), seconds)", "await asyncio.sleep(0)",
        "journey/test_restarts.py::test_a_term_signal_lets_what_is_under_way_finish",
    ),
    guard(
        "the backoff is capped", "R9", "engine/limits.py",
        "return min(self.first_backoff * 2.0 ** min(failures, 30), longest)",
        "return self.first_backoff * 2.0 ** min(failures, 30)",
        "engine/test_faults.py::test_limits_back_off_up_to_a_bound",
    ),
    guard(
        "a wait that was asked for is waited", "R9", "engine/failing.py",
        "delay = max(retry_after, backoff)", "delay = max(0.0, backoff)",
        "engine/test_guards.py::test_r9_a_wait_that_was_asked_for_is_waited",
    ),
    guard(
        "a run has a bounded number of rounds", "R17", "engine/doing.py",
        "if reply.wishes and rounds >= most:", "if False:",
        "engine/test_engine.py::test_a_model_that_loops_is_stopped_in_words",
    ),
    guard(
        "a turn has a bounded number of calls", "R17", "engine/doing.py",
        "            if n <= most\n", "            if True\n",
        "engine/test_engine.py::test_more_actions_than_a_turn_may_have_are_answered_and_not_run",
    ),
    guard(
        "the database's clock decides", "R7", "engine/door.py",
        "after = applied(run_id, base, events, tx.now)",
        "import time\n\n        after = applied(run_id, base, events, time.time())",
        "engine/test_engine.py::test_an_expired_approval_is_refused_and_the_model_goes_on",
    ),
    guard(
        "a shell decides only where the policy lets it", "S9", "engine/people.py",
        "if not self.policy.shell_may_decide:", "if False:",
        "engine/test_guards.py::test_s9_a_shell_decides_nothing_where_the_policy_does_not_let_it",
    ),
    guard(
        "a run that kills its process is parked", "R17", "engine/suspects.py",
        "if lease.takeovers >= self._limits.takeovers_before_parking:", "if False:",
        "engine/test_suspects.py::test_r17_a_resumed_run_is_given_as_many_processes_again",
    ),
    guard(
        "a run that may kill its process is worked apart", "R17", "engine/suspects.py",
        "elif self._another():", "elif False:",
        "engine/test_suspects.py::test_r17_a_run_that_kills_its_process_each_time_is_parked_and_one_beside_it_goes_on",
    ),
    guard(
        "a command ends with the time of its action", "R21", "actions/run.py",
        "            await in_thread(partial(end_processes_of,", "            await in_thread(partial(lambda *_: None,",
        "children/test_timeouts.py::test_r21_a_command_ends_with_the_time_of_its_action_and_all_below_it",
    ),
    guard(
        "only what an action's own thread started ends with it", "R21", "processes.py",
        "    try:\n        listed = Path(f\"/proc/self/task/{thread.native_id}/children\").read_text().split()\n"
        "    except OSError:\n        return {}\n",
        "    listed = [str(pid) for pid in pids() if (its := fields_of(pid)) and its[PARENT] == str(os.getpid())]\n",
        "children/test_timeouts.py::test_r21_what_the_bot_itself_started_is_left_alone",
        "children/test_timeouts.py::test_r21_the_command_of_another_action_goes_on",
    ),
    guard(
        "one action does not end the process", "R17", "actions/run.py",
        "    except SystemExit as end:\n", "    except ZeroDivisionError as end:\n",
        "actions/test_run.py::test_an_action_that_would_end_the_process_has_failed",
    ),
)  # fmt: skip


_STORE, _JUMPS = "test_store_contract.py::test_", "engine/test_clock_jumps.py::test_"
SQL = (
    guard(
        "who counts starts keeps others from starting", "S25", "sql/writer.py",
        "await self.connection.execute(_KEEP_STARTS)", "pass",
        "test_store_contract.py::test_s25_of_several_who_count_starts_at_once_one_sees_none[postgres]",
    ),
    guard(
        "an append fits the length that was seen", "R5", "sql/writer.py",
        '_run.length == bindparam("its_length"), _run.head_hash == bindparam("its_head")',
        '(_run.length == bindparam("its_length")) | (_run.length != bindparam("its_length")),'
        ' (_run.head_hash == bindparam("its_head")) | (_run.head_hash != bindparam("its_head"))',
        "sql/test_chain.py::test_nobody_appends_to_a_journal_that_was_cut",
    ),
    guard(
        "two events never have one place", "R5", "sql/writer.py",
        "await self._add(tables.events, rows)", "await self._add(tables.events, rows, anew=False)",
        "sql/test_guards.py::test_r5_an_event_takes_no_place_that_is_taken",
    ),
    guard(
        "a taken place is a conflict", "R5", "sql/writer.py",
        "except IntegrityError as error:", "except ZeroDivisionError as error:",
        "test_store_contract.py::test_of_concurrent_beginnings_of_one_run_the_first_wins[postgres]",
    ),
    guard(
        "events leave no gap", "R18", "sql/writer.py",
        "if [event.seq for event in events] != list(range(length + 1, after.length + 1)):", "if False:",
        "test_store_contract.py::test_events_that_leave_a_gap_are_refused",
    ),
    guard(
        "a journal that is read to write is held", "R5", "sql/writer.py",
        '        if self._dialect == "postgresql":\n            await self._lock(run)\n', "",
        "test_store_contract.py"
        "::test_whoever_reads_a_journal_to_write_holds_the_run_until_the_commit[postgres]",
    ),
    guard(
        "nobody acts on a damaged journal", "R18", "sql/reader.py",
        "if fault := first_fault(run, rows, before, seq):", "if False:",
        "sql/test_chain.py::test_the_first_bad_row_is_found",
    ),
    guard(
        "the known end of a journal is still there", "R18", "sql/reader.py",
        "if rows[0].seq != after:", "if False:",
        "sql/test_chain.py::test_what_is_read_after_a_known_event_is_checked_too",
    ),
    guard(
        "the chain covers every column", "R18", "sql/chain.py",
        "return _hash(before, str(seq), repr(float(at)), kind, body)", "return _hash(before, str(seq), kind, body)",
        "sql/test_chain.py::test_the_first_bad_row_is_found[sqlite-a changed time]",
    ),
    guard(
        "a chain begins with its run's name", "R18", "sql/chain.py",
        'return _hash("signoff journal", run)', 'return _hash("signoff journal")',
        "sql/test_chain.py::test_the_first_bad_row_is_found[sqlite-a renamed run]",
    ),
    guard(
        "a journal ends where its run's row says", "R18", "sql/rebuild.py",
        "            or _head_fault(run, rows, heads)\n", "",
        "sql/test_chain.py::test_a_cut_end_shows_against_the_runs_own_row",
    ),
    guard(
        "a content is the one that was written", "R6 R18", "sql/codec.py",
        "if hashlib.sha256(raw).hexdigest() != digest:", "if False:",
        "sql/test_codec.py::test_a_content_that_was_changed_is_refused",
    ),
    guard(
        "the projections are written with the events", "R18", "sql/writer.py",
        "        await self._write_lists(before, after, events)\n", "",
        "test_store_contract.py::test_an_approval_is_listed_while_it_is_open[sqlite]",
    ),
    guard(
        "an inbox key is taken once", "R4 S11", "sql/writer.py",
        "return await self._add(tables.inbox, [values], anew=False) == 1",
        'values["key"] += str(hash(row))\n        return await self._add(tables.inbox, [values], anew=False) == 1',
        "test_store_contract.py::test_an_inbox_key_is_taken_once_also_after_it_is_done[sqlite]",
    ),
    guard(
        "a lease is held by one", "R11", "sql/leases.py",
        '_LEFT = _run.lease_until < bindparam("now")', '_LEFT = _run.lease_until != bindparam("now")',
        "test_store_contract.py::test_a_lease_is_held_by_one[postgres]",
    ),
    guard(
        "a lease is given back at the seen length", "R11", "sql/leases.py",
        '_run.length == bindparam("its_length")\n)\nGIVE',
        'or_(_run.length == bindparam("its_length"), _run.length != bindparam("its_length"))\n)\nGIVE',
        "test_store_contract.py::test_a_lease_is_given_back_only_at_the_seen_length[sqlite]",
    ),
    guard(
        "a lease that ends later than any can is seen", "R2", "sql/reader.py",
        ', _run.lease_until <= bindparam("now") + LONGEST_LEASE)', ")",
        f"{_STORE}r2_the_lease_of_a_dead_worker_ends_also_where_it_was_taken_by_a_clock_that_was_put_back[sqlite]",
    ),
    guard(
        "a lease that ends later than any can ends in time", "R2", "sql/writer.py",
        "await self._changed(leases.SHORTEN, its_run=run, longest=self.now + LONGEST_LEASE)", "pass",
        f"{_STORE}r2_the_lease_of_a_dead_worker_ends_also_where_it_was_taken_by_a_clock_that_was_put_back[postgres]",
    ),
    guard(
        "what is handed over in peace is anothers by any clock", "R11", "sql/writer.py",
        "self.now + seconds if seconds else 0.0", "self.now + seconds",
        f"{_STORE}r11_what_was_handed_over_in_peace_is_anothers_at_once_also_after_the_clock_was_put_back[sqlite]",
    ),
    guard(
        "who hands a run over has not died over it", "R11 R17", "sql/leases.py",
        "case((_run.lease_owner == _HANDED_OVER, _run.takeovers), else_=_run.takeovers + 1)", "_run.takeovers + 1",
        "test_store_contract.py::test_r17_who_gives_back_or_hands_over_a_run_has_not_died[sqlite]",
    ),
    guard(
        "a failure is nothing that came of a run", "R17", "sql/writer.py",
        "_PROGRESS if is_progress(events) else _ADVANCE", "_PROGRESS",
        "test_store_contract.py::test_r17_who_dies_over_a_run_is_counted_until_something_comes_of_it[postgres]",
    ),
    guard(
        "no freeze is set between its check and the commit", "R7", "sql/writer.py",
        "await self.connection.execute(_KEEP_FREEZES)", "pass",
        "test_store_contract.py::test_no_freeze_is_set_between_its_check_and_the_commit[postgres]",
    ),
    guard(
        "a failed transaction is no committed one", "R15", "sql/direct.py",
        'if await self._raw.execute("COMMIT") != "COMMIT":', 'if await self._raw.execute("COMMIT") == "":',
        "sql/test_direct.py::test_r15_a_transaction_in_which_a_statement_failed_is_never_taken_for_committed",
    ),
    guard(
        "a commit is on the disk", "R15", "sql/engines.py",
        '"synchronous=FULL"', '"synchronous=NORMAL"',
        "sql/test_store.py::test_a_commit_is_on_disk_and_readers_do_not_wait",
    ),
    guard(
        "a writer takes the write lock first", "R5", "sql/engines.py",
        '"BEGIN IMMEDIATE", 1', '"BEGIN", 1',
        "sql/test_store.py::test_two_processes_on_one_run_lose_nothing[sqlite]",
    ),
    guard(
        "a reader cannot write", "R18", "sql/engines.py",
        '_READERS, "ON"', '_READERS, "OFF"',
        "sql/test_store.py::test_a_reader_cannot_write[sqlite]",
    ),
    guard(
        "an error holds no value of a statement", "S20", "sql/engines.py",
        '"check_same_thread": False},\n        hide_parameters=True', '"check_same_thread": False},\n        hide_parameters=False',
        "sql/test_engines.py::test_the_text_of_a_database_that_does_not_answer_holds_no_parameter",
    ),
    guard(
        "each work of a group has its savepoint", "R15", "sql/store.py",
        'driver.execute("ROLLBACK TO work")', "pass",
        "test_store_contract.py::test_a_failing_work_takes_nobody_with_it[sqlite]",
        "test_store_contract.py::test_a_failing_work_leaves_nothing[sqlite]",
    ),
    guard(
        "a group is told after its commit", "R15", "sql/store.py",
        'driver.execute("RELEASE work")\n', 'driver.execute("RELEASE work")\n        _tell([waiting], done)\n',
        "sql/test_guards.py::test_r15_nobody_hears_of_a_work_before_its_commit",
    ),
    guard(
        "a commit of Postgres comes before its answer", "R15", "sql/store.py",
        "await connection.commit()\n                self._heads", "self._heads",
        "test_store_contract.py::test_what_a_write_returned_is_there_for_every_reader[postgres]",
    ),
    guard(
        "one process migrates at a time", "R13", "sql/schema.py",
        'await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})', "pass",
        "sql/test_schema.py::test_two_processes_migrate_at_once[postgres]",
    ),
    guard(
        "a newer schema is left alone", "R12", "sql/schema.py",
        "if not current or current in known:", "if True:",
        "sql/test_schema.py::test_a_schema_that_a_newer_release_has_grown_is_left_alone",
    ),
    guard(
        "what is committed to a file that was taken away is not acknowledged", "R3 R15", "sql/store.py",
        "if connection.about[OPENED] != file_at(self._file):", "if False:",
        "sql/test_place.py"
        "::test_r3_r15_a_bot_whose_file_is_not_there_any_more_is_not_ready_and_acknowledges_nothing[deleted]",
    ),
    guard(
        "a file may be taken away while a transaction is open", "R15", "sql/store.py",
        "                await connection.commit()\n                self._stay_with(connection)\n",
        "                await connection.commit()\n",
        "sql/test_place.py::test_r15_nobody_hears_of_a_commit_to_a_file_that_was_taken_away_meanwhile",
    ),
    guard(
        "one bot works a SQLite file", "R11", "sql/lock.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "sql/test_lock.py::test_r11_another_file_in_its_place_lets_no_second_bot_in",
    ),
    guard(
        "one bot works a SQLite file, by whatever name, also without the lock file", "R11", "sql/lock.py",
        "fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _FAR_BYTE)", "pass",
        "sql/test_lock.py::test_r11_whoever_deletes_the_lock_file_lets_no_second_bot_in",
        "sql/test_lock.py::test_r11_a_hard_link_to_the_file_lets_no_second_bot_in",
    ),
    guard(
        "whoever writes first looks whether the file is a backup", "R1 R19", "sql/epochs.py",
        "if stored.identity and not why:", "if stored.identity:",
        "restore/test_noticing_sqlite.py"
        "::test_r19_whatever_a_shell_writes_before_anybody_looks_hides_no_restore[False-2]",
    ),
    guard(
        "nothing starts before a restore is settled", "R19", "engine/doing.py",
        "if not (await tx.epoch()).settled:", "if False:",
        "restore/test_runs.py::test_r19_between_the_notice_and_the_end_of_the_runs_nothing_starts[sqlite]",
    ),
    guard(
        "an old database that is met is loaded again", "R19", "engine/door.py",
        "            why = str(rewound)\n        self.forget()\n", "            why = str(rewound)\n",
        "restore/test_remembering.py::test_r19_a_door_that_remembers_more_than_there_is_reads_what_there_is[sqlite]",
    ),
    guard(
        "nothing is remembered across a restore", "R19", "engine/restoring.py",
        "                self._door.forget()\n", "                pass\n",
        "restore/test_remembering.py::test_r19_what_is_remembered_of_an_ended_run_is_not_told_after_a_restore[sqlite]",
    ),
    guard(
        "a journal that got shorter begins an epoch", "R19", "engine/door.py",
        "await self._store.write(lambda tx: tx.begin_epoch(why))", "pass",
        "restore/test_runs.py::test_r19_a_journal_that_is_shorter_than_what_is_remembered_is_a_restore[sqlite]",
    ),
    guard(
        "a click from before a restore counts for nothing", "R19", "engine/restoring.py",
        "if row.received_at < epoch.since else None", "if False else None",
        "restore/test_runs.py::test_r19_what_lay_in_the_inbox_begins_nothing_by_itself[sqlite]",
    ),
    guard(
        "a run that a restore ends is doubted first", "R19", "core/run.py",
        "if isinstance(event, Restored) and any(", "if False and any(",
        "core/test_run.py::test_r19_a_restore_ends_the_run_and_casts_doubt_on_what_may_have_run_after_the_backup",
    ),
    guard(
        "what was received by a clock that was put back has lain there all the same", "R3", "engine/mailbox.py",
        "min(row.received_at, now, self._lain_since.get(row.key, now))", "row.received_at",
        f"{_JUMPS}r3_what_a_process_received_that_died_before_the_clock_went_back_is_worked",
    ),
    guard(
        "what was received by a clock that was put back is not taken at once", "R3", "engine/mailbox.py",
        "min(row.received_at, now, self._lain_since.get(row.key, now))", "row.received_at if row.received_at < now else 0.0",
        f"{_JUMPS}r3_what_a_process_received_that_died_before_the_clock_went_back_is_worked",
    ),
    guard(
        "what waits waits no longer for a clock that is put back", "R3", "engine/mailbox.py",
        "if kept.since <= now < kept.until]", "if now < kept.until]",
        f"{_JUMPS}r3_what_waits_to_be_worked_again_waits_no_longer_for_a_clock_that_goes_back",
    ),
    guard(
        "what comes in after a restore is as old as the store says", "R19", "engine/mailbox.py",
        "replace(sealed, received_at=tx.now) if", "sealed if",
        "restore/test_runs.py::test_r19_what_is_written_after_the_restore_is_worked_as_ever[sqlite]",
    ),
)  # fmt: skip


DOORS = (
    guard(
        "what Slack did not sign is refused", "S11", "slack/ingress.py",
        "return text if verifier.is_valid(text, timestamp, signature) else None", "return text",
        "slack/test_ingress.py::test_what_slack_did_not_sign_just_now_is_refused[changes9]",
        "slack/test_ingress.py::test_what_slack_did_not_sign_just_now_is_refused[changes10]",
    ),
    guard(
        "what Slack signed long ago is refused", "S11", "slack/ingress.py",
        "return text if verifier.is_valid(text, timestamp, signature) else None",
        "return text if verifier.generate_signature(timestamp=timestamp, body=text) == signature else None",
        "slack/test_ingress.py::test_what_slack_did_not_sign_just_now_is_refused[changes11]",
        "slack/test_ingress.py::test_what_slack_did_not_sign_just_now_is_refused[changes12]",
    ),
    guard(
        "an empty signing secret is an error", "S11", "slack/ingress.py",
        "if not signing_secret.strip():", "if False:",
        "slack/test_ingress.py::test_an_empty_signing_secret_is_an_error_before_anything_starts",
    ),
    guard(
        "a body has a largest size", "S26", "slack/ingress.py",
        "if len(body) > MOST_BYTES:", "if False:",
        "slack/test_ingress.py::test_a_body_that_is_too_large_is_not_read",
    ),
    guard(
        "the row is committed before the ack", "R3", "slack/ingress.py",
        "        if row is not None and not await _committed(receive, row):\n            return BoltResponse(status=200)\n",
        "        if row is not None:\n            asyncio.ensure_future(receive(row)).add_done_callback(lambda done: done.exception())\n",
        "slack/test_ingress.py::test_a_click_that_could_not_be_committed_is_not_acknowledged",
        "slack/test_ingress.py::test_a_delivery_that_could_not_be_committed_comes_again",
    ),
    guard(
        "a duplicate starts nothing", "R4", "slack/ingress.py",
        "if row is not None and not await _committed(receive, row):", "if row is not None and await receive(row) is None:",
        "slack/test_ingress.py::test_a_command_that_comes_twice_is_answered_once",
    ),
    guard(
        "a message and its mention are one row", "R4", "slack/payloads.py",
        '_row(f"msg:{team}:', '_row(f"{event[\'type\']}:{team}:',
        "slack/test_ingress.py::test_a_mention_is_one_row_although_slack_sends_two_events",
    ),
    guard(
        "links do not unfurl", "S7", "slack/posting.py",
        "unfurl_links=False,\n            unfurl_media=False,", "unfurl_links=True,\n            unfurl_media=True,",
        "slack/test_chat.py::test_nothing_unfurls_and_nothing_is_linked",
    ),
    guard(
        "a post that stands is adopted by its key", "R9", "slack/chat.py",
        "(await self._posting.standing(run, key, channel)).get(key, [])", "list[str]()",
        "slack/test_chat.py::test_a_post_whose_answer_was_lost_is_adopted",
    ),
    guard(
        "a reply that stands is not posted again", "R9", "slack/chat.py",
        "found = standing.get(part_key)", "found = list[str]()",
        "slack/test_chat.py::test_a_long_reply_is_posted_whole_and_only_once",
    ),
    guard(
        "a card that is gone is posted anew", "R10", "slack/posting.py",
        "if declined.code in _LOST:", "if False:",
        "slack/test_chat.py::test_a_card_that_was_deleted_is_posted_anew",
        "slack/test_chat.py::test_a_card_that_can_no_longer_be_changed_is_posted_anew_once",
    ),
    guard(
        "another app's message is none of ours", "S6", "slack/posting.py",
        'if message.get("user") == own else None', "if own else None",
        "slack/test_chat.py::test_another_apps_message_does_not_pass_for_ours",
    ),
    guard(
        "Slack's patience is passed on", "R9", "slack/calls.py",
        'if name.lower() == "retry-after"', 'if name.lower() == "never"',
        "slack/test_chat.py::test_slacks_patience_is_respected",
    ),
    guard(
        "a call to Slack is not repeated by itself", "R9", "slack/calls.py",
        ", retry_handlers=[])", ")",
        "slack/test_chat.py::test_a_post_whose_answer_was_lost_is_adopted[fault0]",
    ),
    guard(
        "approving what is of high risk asks once more", "S14", "slack/cards.py",
        "_asked_twice(call, approve, what) if facts.high_risk(call) else approve", "approve",
        "slack/test_cards.py::test_only_an_approval_of_high_risk_asks_twice",
    ),
    guard(
        "an older message that was clicked in the card's place is retired", "S13", "slack/chat.py",
        "if older and older != posted.message:", "if False:",
        "slack/test_chat.py::test_s13_an_older_message_that_was_clicked_in_the_cards_place_is_retired_with_a_link_to_it",
    ),
    guard(
        "what became the card meanwhile is not retired", "S13", "slack/chat.py",
        "if older and older != posted.message:", "if older:",
        "slack/test_chat.py::test_s13_what_became_the_card_meanwhile_is_not_retired",
    ),
    guard(
        "a form that does not open has the card shown anew", "S13", "slack/listeners/buttons.py",
        "await self._desk.repair(click.team, click.channel, click.value, click.message)", "False",
        "slack/test_listeners.py::test_a_card_that_is_decided_or_replaced_opens_nothing",
    ),
    guard(
        "a card that does not show everything has no Approve", "S4 R6", "slack/cards.py",
        "    if shows_everything(call) and not commented:", "    if not commented:",
        "slack/test_cards.py::test_a_card_that_cannot_show_all_has_review_and_no_approve",
    ),
    guard(
        "where a comment is wanted no click approves", "R20", "slack/cards.py",
        "    if shows_everything(call) and not commented:", "    if shows_everything(call):",
        "slack/test_questions.py::test_where_a_comment_is_wanted_approve_opens_the_form_that_takes_one_and_does_not_go_without",
    ),
    guard(
        "the form does not go without the comment that is wanted", "R20", "slack/views.py",
        "optional=not needed))", "optional=True))",
        "slack/test_questions.py::test_where_a_comment_is_wanted_approve_opens_the_form_that_takes_one_and_does_not_go_without",
    ),
    guard(
        "untrusted text is made visible", "S5 S6", "slack/blocks.py",
        'line = visible(" ".join(text.split()))', 'line = " ".join(text.split())',
        "slack/test_details.py::test_hostile_texts_stay_texts_in_details",
    ),
    guard(
        "untrusted text is plain", "S6", "slack/blocks.py",
        '{"type": "plain_text", "text": text, "emoji": False}', '{"type": "mrkdwn", "text": text}',
        "slack/test_cards.py::test_hostile_words_stay_words",
    ),
    guard(
        "the fallback text is escaped", "S6", "slack/blocks.py",
        '.replace("<", "&lt;").replace(">", "&gt;")', "",
        "slack/test_cards.py::test_hostile_words_stay_words",
    ),
    guard(
        "only who takes part is mentioned", "S6", "slack/richtext.py",
        "return mention(user[1]) if user and user[1] in people else said(text)",
        "return mention(user[1]) if user else said(text)",
        "slack/test_replies.py::test_only_those_who_take_part_can_be_mentioned",
    ),
    guard(
        "whom Slack does not describe is refused", "S10", "slack/chat.py",
        'if not isinstance(user, Mapping) or user.get("id") != person.user or not user.get("team_id"):',
        "if not isinstance(user, Mapping):",
        "slack/test_guards.py::test_s10_what_slack_does_not_say_of_a_person_is_held_against_them",
    ),
    guard(
        "what Slack said of a person holds for a minute", "S10", "slack/chat.py",
        "FRESH_SECONDS: Final = 60.0", "FRESH_SECONDS: Final = 6000.0",
        "slack/test_chat.py::test_what_slack_said_holds_for_a_minute",
    ),
    guard(
        "an outcome that BIGHUB knows is not sent again", "R9", "bighub_guard.py",
        "if not again or status not in await self._reported(request_id):", "if True:",
        "test_bighub_guard_reports.py::test_r9_an_outcome_whose_receipt_was_lost_is_not_reported_twice",
    ),
    guard(
        "a resolution that BIGHUB knows is not sent again", "R9", "bighub_guard.py",
        '                if status != "pending":\n                    return\n', "",
        "test_bighub_guard_reports.py::test_r9_a_lost_receipt_is_read_before_it_is_sent_again",
    ),
    guard(
        "a page instead of a receipt is no receipt", "R9", "bighub_client.py",
        "if self._is_sdk and (not isinstance(receipt, dict) or not receipt):", "if False:",
        "test_bighub_guard_reports.py::test_h8_a_page_instead_of_a_receipt_is_tried_again",
    ),
    guard(
        "a question has an idempotency key", "R9", "bighub_client.py",
        'extras = {"idempotency_key": f"{asked.key}:{_hash(fields)}"}', "extras: Json = {}",
        "test_bighub_guard.py::test_h3_a_question_asked_again_is_the_same_question",
    ),
    guard(
        "BIGHUB's patience is passed on", "R9", "bighub_errors.py",
        "return float(seconds) if isinstance(seconds, int | float) else 0.0", "return 0.0",
        "test_bighub_guard.py::test_a_wait_that_bighub_asks_for_is_passed_on",
    ),
    guard(
        "a refused key blocks instead of waiting", "R8", "bighub_errors.py",
        "if isinstance(error, BighubAuthError) or status in (401, 403):", "if False:",
        "test_bighub_guard.py::test_a_refusal_for_good_says_what_to_do",
    ),
    guard(
        "every model call is stateless", "S21", "openai_model.py",
        'sent: Json = {"store": False}', 'sent: Json = {"store": True}',
        "test_openai_model.py::test_every_call_is_stateless_and_asks_for_encrypted_reasoning",
    ),
    guard(
        "a lost wake-up is no error", "R11", "dispatch.py",
        "                await self._queries.enqueue(ENTRYPOINT, run.encode())\n        except _ABSENT as absent:",
        "                await self._queries.enqueue(ENTRYPOINT, run.encode())\n        except ZeroDivisionError as absent:",
        "test_dispatch.py::test_a_wake_up_that_the_database_cannot_take_is_lost_without_an_error",
    ),
    guard(
        "lost tables of the queue are made anew", "R11", "dispatch.py",
        "        await self._complete(queue)\n", "",
        "test_dispatch.py::test_r11_a_queue_whose_tables_are_lost_makes_them_anew_and_works_on",
    ),
    guard(
        "a queue that stands still says so", "R15", "dispatch.py",
        "time.monotonic() - self._answered_at > self._still_after", "False",
        "test_dispatch.py::test_r11_a_queue_whose_tables_are_lost_makes_them_anew_and_works_on",
        "test_dispatch.py::test_r15_a_queue_that_hangs_behind_a_lock_says_so_until_it_works_again",
    ),
    guard(
        "a queue that begins again has not been answered", "R15", "dispatch.py",
        "        await self._complete(queue)\n", "        await self._complete(queue)\n        self._answered()\n",
        "test_dispatch.py::test_r15_a_queue_that_hangs_behind_a_lock_says_so_until_it_works_again",
    ),
    guard(
        "an idle queue that is answered does not stand still", "R15", "dispatch.py",
        "            yield job\n        self._answered()\n", "            yield job\n",
        "test_dispatch.py::test_r15_a_queue_that_hangs_behind_a_lock_says_so_until_it_works_again",
    ),
    guard(
        "a statement of the queue that hangs is given up", "R15", "dispatch.py",
        '"command_timeout": 2 * still_after', '"command_timeout": None',
        "test_dispatch.py::test_r15_a_queue_that_hangs_behind_a_lock_says_so_until_it_works_again",
    ),
    guard(
        "nobody waits for a wake-up that hangs", "R15", "dispatch.py",
        "asyncio.timeout(WAKE_SECONDS)", "asyncio.timeout(None)",
        "test_dispatch.py::test_r15_whoever_wakes_a_run_does_not_wait_for_a_queue_that_hangs",
    ),
)  # fmt: skip

APP = (
    guard(
        "a lease lasts as the heartbeat says",
        "R11",
        "app.py",
        "LEASE_SHARE * settings.heartbeat_seconds",
        "LEASE_SHARE * 10.0",
        "replicas/test_settings.py::test_r11_with_a_short_heartbeat_a_lease_and_a_job_of_the_queue_are_soon_anothers",
        "replicas/test_settings.py::test_r11_with_a_long_heartbeat_they_are_not",
    ),
    guard(
        "the queue's jobs last as the heartbeat says",
        "R11",
        "app.py",
        "heartbeat=settings.heartbeat_seconds",
        "heartbeat=10.0",
        "replicas/test_settings.py::test_r11_with_a_short_heartbeat_a_lease_and_a_job_of_the_queue_are_soon_anothers",
        "replicas/test_settings.py::test_r11_with_a_long_heartbeat_they_are_not",
    ),
    guard(
        "a stopping bot drains as long as it is told",
        "R11",
        "app.py",
        "engine.running(working_seconds(settings.drain_seconds))",
        "engine.running(10.0)",
        "replicas/test_settings.py::test_r11_a_bot_waits_for_what_is_under_way_as_long_as_the_drain_says",
    ),
    guard(
        "the leases of the dead end with the lock",
        "R11",
        "app.py",
        "await store.write(end_leases)",
        "pass",
        "test_app.py::test_r11_a_bot_that_was_killed_and_is_back_on_its_file_goes_on_without_waiting_for_its_own_lease",
    ),
    guard(
        "a program's lease is not the bot's to end",
        "R11",
        "sql/lock.py",
        'runs.c.lease_owner.is_not(None), runs.c.channel != ""',
        "runs.c.lease_owner.is_not(None)",
        "sql/test_lock.py::test_r11_whoever_has_the_lock_takes_over_the_runs_of_the_dead_at_once_and_no_programs",
    ),
    guard(
        "the file is the process's until that has ended",
        "R11",
        "sql/lock.py",
        "if not for_good:",
        "if True:",
        "sql/test_lock.py::test_r11_a_bot_that_ends_with_its_process_keeps_the_file_until_then",
    ),
    guard(
        "further stop signals are heard",
        "R11",
        "leaving.py",
        "    if not os.read(heard, 1):\n        os.close(heard)\n        return\n",
        "    told = os.read(heard, 1)\n    os.close(heard)\n    if not told:\n        return\n",
        "test_leaving.py::test_r11_further_stop_signals_during_the_drain_change_nothing_and_print_nothing",
    ),
    guard(
        "whatever hangs, the process ends",
        "R11",
        "leaving.py",
        "- time.monotonic()))\n    end_now()",
        "- time.monotonic()))",
        "test_app.py::test_r11_whatever_way_an_action_hangs_the_process_ends_after_the_drain_and_only_then_does_another_bot_ask",
    ),
    guard(
        "one spelling of a file",
        "R11",
        "sql/engines.py",
        "Path(url.database).resolve()",
        "Path(url.database)",
        "sql/test_engines.py::test_r11_however_a_sqlite_file_is_spelled_it_is_one_file",
    ),
    guard(
        "a file has no options",
        "R11",
        "sql/engines.py",
        "if url.query or url.host:",
        "if False:",
        "sql/test_engines.py::test_r11_a_sqlite_url_with_options_is_refused_in_a_sentence",
    ),
    guard(
        "nobody is waited for longer than an hour",
        "R9",
        "ports/asking.py",
        "min(max(0.0, retry_after), LONGEST_RETRY_AFTER)",
        "max(0.0, retry_after)",
        "slack/test_chat.py::test_slacks_patience_is_respected",
        "slack/test_chat.py::test_r9_a_patience_that_is_no_time_is_none",
    ),
)


CHILDREN = (
    guard(
        "what a killed bot's actions left is ended", "R21", "guardian.py",
        "            signal.pidfd_send_signal(handle, signal.SIGKILL)\n", "",
        "children/test_children.py::test_r21_a_command_of_a_killed_bot_ends_before_it_does_anything_more[plain]",
    ),
    guard(
        "the guardian outlives the bot", "R21", "guardian.py",
        "        _end_all(bot, session, cookie, seen)\n    return 0", "        pass\n    return 0",
        "children/test_children.py::test_r21_what_is_left_when_a_bot_stops_ends_with_it",
    ),
    guard(
        "a process is known by the cookie of its bot", "R21", "guardian.py",
        "return any(entry.startswith(VARIABLE) and cookie in entry for entry in entries)", "return not entries",
        "children/test_children.py"
        "::test_r21_a_process_below_two_bots_belongs_to_both_and_one_that_only_mentions_the_cookie_to_none",
    ),
    guard(
        "only the bot's own word makes a process its own", "R21", "guardian.py",
        "entry.startswith(VARIABLE) and cookie in entry", "cookie in entry",
        "children/test_children.py"
        "::test_r21_a_process_below_two_bots_belongs_to_both_and_one_that_only_mentions_the_cookie_to_none",
    ),
    guard(
        "who was given another environment is known by its place", "R21", "guardian.py",
        "    seen.update((pid, everyone[pid][START]) for pid in known - {bot, os.getpid()})\n", "",
        "children/test_children.py::test_r21_a_command_of_a_killed_bot_ends_before_it_does_anything_more[bare]",
    ),
    guard(
        "a number that was used again is nobody of ours", "R21", "guardian.py",
        "if seen.get(pid) == fields[START]:", "if pid in seen:",
        "children/test_children.py::test_r21_a_number_that_was_used_again_is_nobody_of_ours",
    ),
    guard(
        "a guardian that is gone is replaced", "R21", "children.py",
        "                self._process = await _started(self._cookie)\n", "                return\n",
        "children/test_children.py::test_r21_a_guardian_that_is_gone_is_told_and_replaced",
    ),
    guard(
        "the bot has a guardian", "R21", "children.py",
        'if sys.platform != "linux":', "if sys.platform:",
        "children/test_children.py::test_r21_a_command_of_a_killed_bot_ends_before_it_does_anything_more[plain]",
        "children/test_children.py::test_r21_signoff_run_has_a_guardian",
    ),
)  # fmt: skip


PACE = (
    guard(
        "one post a second goes to a channel", "R9", "slack/pacing.py",
        "self.free = turn + self.lane.interval", "self.free = turn",
        "slack/test_pacing.py::test_r9_after_a_short_burst_one_post_a_second_goes_to_a_channel",
    ),
    guard(
        "a full channel delays no other", "R9", "slack/pacing.py",
        'return Lane(("posts", team, channel),', 'return Lane(("posts", team),',
        "slack/test_pacing.py::test_r9_a_full_channel_delays_no_other",
    ),
    guard(
        "a turn that was told is kept", "R9", "slack/pacing.py",
        "if who not in self.kept:", "if who:",
        "slack/test_pacing.py::test_who_was_told_a_time_has_the_turn_then_whoever_came_meanwhile",
    ),
    guard(
        "whoever has a turn comes when it comes", "R9", "engine/failing.py",
        "backoff = 0.0 if waits else", "backoff =",
        "engine/test_guards.py::test_r9_whoever_waits_for_a_turn_comes_when_it_is_told_however_often_that_is",
    ),
    guard(
        "who waits for a turn has not failed", "R9", "core/states.py",
        "count = failed + (not event.waits)", "count = failed + 1",
        "engine/test_guards.py::test_r9_whoever_waits_for_a_turn_comes_when_it_is_told_however_often_that_is",
    ),
    guard(
        "patience begins with the first failure", "R9", "core/states.py",
        "since = old.since if old and (failed or event.waits) else", "since = old.since if old else",
        "engine/test_guards.py::test_r9_the_time_in_which_a_turn_was_waited_for_takes_nothing_from_the_patience_with_a_refusal",
    ),
    guard(
        "a turn is no failure", "R9", "slack/pacing.py",
        'raise NotYet("Slack takes', 'raise Unavailable("Slack takes',
        "slack/test_pacing.py::test_r9_whoever_is_told_a_turn_has_not_failed_and_in_a_pause_has",
    ),
    guard(
        "a 429 pauses the channel for everyone", "R9", "slack/pacing.py",
        "turns.pause(self._clock(), absent.retry_after, who)", "pass",
        "slack/test_pacing.py::test_r9_a_429_pauses_the_channel_for_everyone_and_then_they_go_one_by_one",
        "slack/test_pacing.py::test_a_429_moves_the_turns_that_were_given_already",
    ),
    guard(
        "a 429 moves the turns that were given already", "R9", "slack/pacing.py",
        "self.kept[who] = max(self.kept[who], self.paused_until + place * self.lane.interval)", "pass",
        "slack/test_pacing.py::test_a_429_moves_the_turns_that_were_given_already",
    ),
    guard(
        "what a person waits for counts too", "R9", "slack/pacing.py",
        "            turns.next(self._clock())\n", "            pass\n",
        "slack/test_pacing.py::test_what_a_person_waits_for_goes_at_once_and_counts",
    ),
)  # fmt: skip


PARKED = (
    guard(
        "no sweep finds a parked run", "R17", "sql/reader.py",
        "not_(_HELD)), _run.parked.is_(None))", "not_(_HELD)))",
        "engine/test_parking.py"
        "::test_r17_a_run_whose_card_cannot_be_rendered_is_parked_with_its_reason_and_the_others_go_on",
    ),
    guard(
        "only who holds a run parks it", "R17", "sql/leases.py",
        '_run.run == bindparam("its_run"), _run.lease_owner == bindparam("owner"), _run.parked.is_(None)\n',
        '_run.run == bindparam("its_run"), _run.parked.is_(None), bindparam("owner") != ""\n',
        "test_store_contract.py::test_r17_only_who_holds_a_run_parks_it_and_only_once",
    ),
    guard(
        "a thread hears that its run is parked", "R17", "engine/parking.py",
        "            await self._tell(line)\n", "            pass\n",
        "engine/test_parking.py"
        "::test_r17_a_run_whose_card_cannot_be_rendered_is_parked_with_its_reason_and_the_others_go_on",
    ),
    guard(
        "what only a newer release can read is parked by no older one", "R12", "engine/worker.py",
        "        except NewerJournal:", "        except ZeroDivisionError:",
        "engine/test_parking.py"
        "::test_r12_what_a_newer_release_wrote_is_left_to_it_and_neither_parked_nor_held",
    ),
    guard(
        "a run that only a newer release can read is left at once", "R12", "engine/parking.py",
        "        await self._store.write(lambda tx: tx.hand_over(run_id, self._worker, 0.0))\n", "",
        "engine/test_rolling_upgrade.py"
        "::test_r12_an_action_that_runs_while_a_newer_release_writes_into_its_run_is_not_cut_off[sqlite]",
    ),
    guard(
        "what a newer release takes over may be half done", "R9", "engine/parking.py",
        "        await self._store.write(lambda tx: tx.hand_over(run_id, self._worker, 0.0))\n",
        "        async def clean(tx: Writer) -> None:\n"
        "            line = await tx.line(run_id)\n"
        "            if line is not None:\n"
        "                await tx.give_back(run_id, self._worker, line.length)\n"
        "\n"
        "        await self._store.write(clean)\n",
        "engine/test_rolling_upgrade.py"
        "::test_r9_a_card_that_an_older_release_can_record_no_more_is_looked_for_by_whoever_goes_on[sqlite]",
    ),
)  # fmt: skip


RESTORED = (
    guard(
        "a shell stops a run in nobody's name", "S9", "run_commands.py",
        "Person(run.asked.place.team, by_shell(user))", "Person(run.asked.place.team, user)",
        "test_cli.py::test_s9_a_shell_stops_a_run_in_nobodys_name_also_one_that_is_parked",
    ),
    guard(
        "a parked run that a shell stops is worked to its end", "R17", "run_commands.py",
        "        await tx.resume(RunId(run_id))", "        pass",
        "test_cli.py::test_s9_a_shell_stops_a_run_in_nobodys_name_also_one_that_is_parked",
    ),
    guard(
        "a log that is later than its file is refused before a command opens them", "R19", "sql/store.py",
        "        refuse_foreign_log(", "        Path(",
        "restore/test_leftover_log.py"
        "::test_r19_an_older_file_beside_the_log_of_a_killed_bot_is_refused_and_then_noticed",
    ),
    guard(
        "a log that is later than its file is refused before the schema is looked at", "R19", "sql/schema.py",
        "    refuse_foreign_log(path)", "    pass",
        "restore/test_leftover_log.py"
        "::test_r19_an_older_file_beside_the_log_of_a_killed_bot_is_refused_and_then_noticed",
    ),
    guard(
        "a log that begins with another epoch is later than its file", "R19", "sql/leftover.py",
        '(alone.identity in ("", first.identity) and', "(",
        "restore/test_leftover_log.py::test_r19_a_backup_from_before_a_restore_is_refused_beside_a_later_log[100000]",
    ),
    guard(
        "a log of another name is the file's only where it counts on from it", "R19", "sql/leftover.py",
        "first.number > alone.number and first.commits == alone.commits + 1", "first.number > alone.number",
        "restore/test_leftover_log.py::test_r19_an_older_backup_beside_the_first_log_after_a_restore_is_refused",
    ),
    guard(
        "a freeze is as old as it is, whoever put their name to it", "S9", "engine/freezing.py",
        "if began.at > given and", "if found.since > given and",
        "engine/test_freezing.py"
        "::test_s9_two_commands_that_waited_lift_what_a_shell_froze_before_and_either_is_done_once",
    ),
    guard(
        "a log that counts more than the next commit is later than its file", "R19", "sql/leftover.py",
        "first.commits <= alone.commits + 1)", "True)",
        "restore/test_leftover_log.py"
        "::test_r19_an_older_file_beside_the_log_of_a_killed_bot_is_refused_and_then_noticed",
    ),
    guard(
        "each commit is counted", "R19", "sql/epochs.py",
        "SET commits = commits + 1", "SET commits = commits",
        "restore/test_noticing_sqlite.py::test_r19_whatever_happened_after_the_backup_is_noticed_as_lost",
        "restore/test_noticing_sqlite.py::test_r19_an_older_file_beside_its_witness_is_noticed_once",
    ),
    guard(
        "a witness that knows of more commits tells", "R19", "sql/epochs.py",
        "if seen.commits > stored.commits:", "if False:",
        "restore/test_noticing_sqlite.py::test_r19_whatever_happened_after_the_backup_is_noticed_as_lost",
        "restore/test_runs.py::test_r19_a_backup_of_any_moment_executes_nothing_again_and_asks_what_may_have_run[sqlite-approved]",
    ),
    guard(
        "a missing witness tells", "R19", "sql/epochs.py",
        '"the witness beside the database is missing" if stored.identity else ""', '""',
        "restore/test_noticing_sqlite.py::test_r19_a_database_without_its_witness_is_taken_for_restored",
    ),
    guard(
        "a copied witness is none", "R19", "sql/epochs.py",
        "if not seen.original:", "if False:",
        "restore/test_noticing_sqlite.py::test_r19_both_files_restored_into_an_empty_folder_are_noticed",
        "restore/test_noticing_sqlite.py::test_r19_an_unpacked_archive_is_noticed",
    ),
    guard(
        "a database that nobody has counted is older than its witness", "R19", "sql/epochs.py",
        'that it does not" if seen.commits else ""', 'that it does not" if False else ""',
        "restore/test_noticing_sqlite.py::test_r19_an_older_release_s_backup_beside_a_witness_with_commits_is_noticed",
    ),
    guard(
        "another database's witness is none", "R19", "sql/epochs.py",
        "if seen.identity != stored.identity:", "if False:",
        "restore/test_noticing_sqlite.py::test_r19_the_witness_of_another_database_is_none",
    ),
    guard(
        "a Postgres database of another name is a restored one", "R19", "sql/epochs.py",
        "if before and now and before != now]", "if before and now and False]",
        "restore/test_noticing_postgres.py::test_r19_a_copied_database_is_noticed",
        "restore/test_noticing_postgres.py::test_r19_a_dump_played_back_into_another_database_is_noticed",
    ),
    guard(
        "every transaction on Postgres looks for the tables that it knows", "R19", "sql/epochs.py",
        '"postgresql": _present(_NAMED)}', '"postgresql": _present()}',
        "restore/test_noticing_postgres.py"
        "::test_r19_a_dump_played_back_under_a_living_replica_is_seen_in_its_next_transaction",
    ),
    guard(
        "the file that the witness names is itself", "R19", "sql/witness.py",
        "if any(said[key] != value for key, value in name.items()):", "if False:",
        "restore/test_noticing_sqlite.py::test_r19_both_files_restored_into_an_empty_folder_are_noticed",
    ),
    guard(
        "a slower process does not take the witness back", "R19", "sql/witness.py",
        "if known is not None and known.original and", "if False and known is not None and known.original and",
        "restore/test_noticing_sqlite.py::test_r19_a_slower_process_does_not_take_the_witness_back",
    ),
    guard(
        "a commit that no witness was told of is acted on by nobody", "R19", "sql/witness.py",
        "        with _unavailable(), _only_writer(self._lock, patience) as lock:",
        "        with __import__('contextlib').suppress(OSError), _only_writer(self._lock, patience) as lock:",
        "restore/test_noticing_sqlite.py::test_r19_a_commit_that_no_witness_can_be_told_of_is_acted_on_by_nobody",
    ),
    guard(
        "rows that others have worked take no room from what is left to them", "R3 S31", "engine/mailbox.py",
        "if len(rows) < BATCH else self._patience.keys()", "if len(rows) < 0 else self._patience.keys()",
        "engine/test_key_rollout.py::test_s31_r3_what_others_have_worked_meanwhile_takes_no_room_from_what_is_left_to_them",
    ),
    guard(
        "what root writes of the witness is the database's owner's", "R19", "sql/witness.py",
        "    if os.geteuid() == 0:", "    if os.geteuid() < 0:",
        "restore/test_noticing_sqlite.py::test_r19_the_witness_that_roots_shell_writes_belongs_to_who_owns_the_database",
    ),
    guard(
        "the witness is for its owner only", "R19", "sql/witness.py",
        "os.O_TRUNC, 0o600)", "os.O_TRUNC, 0o644)",
        "restore/test_noticing_sqlite.py"
        "::test_r19_the_witness_is_for_its_owner_only_and_knows_of_a_commit_before_anybody_acts_on_it",
    ),
)  # fmt: skip

PLACED = (
    guard(
        "from the thread of a card elsewhere only Withdraw and Stop count", "S12", "core/placing.py",
        "or not told or clicked.action not in ENDING or", "or not told or",
        "engine/test_placed.py::test_s12_no_other_button_counts_from_the_thread",
    ),
    guard(
        "only the line that tells where the card stands counts in its place", "S12", "core/placing.py",
        "call.card is None or not told or", "call.card is None or",
        "engine/test_placed.py::test_s12_no_other_message_of_the_thread_has_these_buttons",
    ),
    guard(
        "that line counts in its own channel only", "S12", "core/placing.py",
        " or clicked.channel != run.asked.place.channel:", ":",
        "engine/test_placed.py::test_s12_the_line_counts_in_its_own_channel_only",
    ),
)  # fmt: skip
TAINT = (
    guard(
        "after reading what nobody has checked, people are asked before anything changes", "S1", "engine/starting.py",
        "    judgement = raised(judgement, binding, read)\n", "",
        "injections/test_injections.py"
        "::test_s1_of_all_injections_none_executes_though_the_model_obeys_and_the_guard_allows",
        "engine/test_taint.py"
        "::test_s1_what_the_guard_allows_is_asked_about_after_reading_and_runs_once_somebody_approves",
        "core/test_taint.py::test_s1_it_is_part_of_what_is_stored",
    ),
    guard(
        "the requester's words check no output that the model has not read", "S1", "core/taint.py",
        "(place, turn.heard) <= spoke and call.seq <= turn.shown", "call.seq <= turn.shown",
        "core/test_taint.py"
        "::test_s1_the_requesters_next_words_check_what_the_model_had_read_before_them_and_nothing_later",
        "core/test_taint.py::test_s1_it_is_what_the_journal_tells_for_every_turn_whatever_the_order",
    ),
    guard(
        "what nobody knows to have been shown is not taken for read", "S1", "core/taint.py",
        "(place, turn.heard) <= spoke and call.seq <= turn.shown", "(place, turn.heard) <= spoke",
        "core/test_taint.py::test_s1_what_came_late_while_the_model_was_thinking_was_read_by_the_turn_after_it",
    ),
    guard(
        "Retry is nobody's words", "S1 S9", "core/taint.py",
        "if not (number == 0 and each.message.startswith(RETRIED)):", "if True:",
        "core/test_taint_carried.py"
        "::test_s1_retry_is_nobodys_words_so_all_that_the_failed_run_had_read_is_unchecked",
        "engine/test_taint_retried.py"
        "::test_s1_what_a_failed_run_had_read_is_unchecked_in_the_run_that_retry_begins",
        "engine/test_taint_retried.py"
        "::test_s1_s9_who_wrote_a_wish_into_a_run_that_failed_does_not_approve_it_alone_after_retry",
    ),
    guard(
        "what earlier runs hold that nobody has checked is carried into the turn", "S1", "engine/doing.py",
        "took, carried(run, before))", "took, ())",
        "engine/test_taint_retried.py"
        "::test_s1_what_a_failed_run_had_read_is_unchecked_in_the_run_that_retry_begins",
        "engine/test_taint_retried.py"
        "::test_s1_a_new_request_checks_what_the_model_had_read_before_it_and_not_what_it_reads_with_it",
    ),
    guard(
        "what an action reports after the next run began is not taken for read by it", "S1", "core/taint.py",
        "if n > place and each.run.asked_at > part.run.last_at)", "if n > place)",
        "core/test_taint_carried.py"
        "::test_s1_what_an_action_of_an_earlier_run_reports_after_the_next_request_is_read_after_it",
    ),
    guard(
        "only the requester's own words check anything", "S1 S2", "core/taint.py",
        "for at, each in _words(thread) if each.person == requester), default", "for at, _ in _words(thread)), default",
        "core/test_taint.py::test_s1_s2_the_words_of_others_are_unchecked_until_the_requester_speaks",
        "injections/test_injections.py"
        "::test_s1_of_all_injections_none_executes_though_the_model_obeys_and_the_guard_allows",
    ),
    guard(
        "the text of an error is unchecked", "S1", "core/taint.py",
        "return failed or call.late", "return call.late",
        "core/test_taint.py::test_s1_the_text_of_an_error_is_unchecked_too",
        "injections/test_injections.py"
        "::test_s1_of_all_injections_none_executes_though_the_model_obeys_and_the_guard_allows",
    ),
    guard(
        "the reason of a denial is unchecked", "S1 S2", "core/taint.py",
        "    people += [vote.person for vote in votes if vote.choice is Choice.DENY and vote.comment.strip()]\n", "",
        "core/test_taint.py::test_s1_the_reason_of_a_denial_is_anothers_words_and_a_denial_without_one_says_nothing",
        "injections/test_injections.py"
        "::test_s1_of_all_injections_none_executes_though_the_model_obeys_and_the_guard_allows",
    ),
    guard(
        "who wrote what was read is not enough alone", "S1 S9", "engine/starting.py",
        "*terms.not_alone, *writers(read)", "*terms.not_alone",
        "engine/test_taint.py"
        "::test_s1_s9_who_wrote_what_the_turn_had_read_is_not_enough_alone_and_with_somebody_else_is",
    ),
    guard(
        "reading is never raised", "S14", "core/taint.py",
        "if not read or binding.read_only or", "if not read or",
        "engine/test_taint.py::test_s14_reading_goes_on_in_a_turn_that_has_read",
        "core/test_taint.py::test_s1_s14_what_was_read_only_ever_raises_an_allowance_of_what_may_change_something",
    ),
    guard(
        "a denial is never loosened by what was read", "S1", "core/taint.py",
        "strictest(judgement.verdict, Verdict.ASK) is judgement.verdict", "judgement.verdict is Verdict.ASK",
        "core/test_taint.py::test_s1_s14_what_was_read_only_ever_raises_an_allowance_of_what_may_change_something",
    ),
    guard(
        "the risk that people saw is sealed", "S31", "core/approval.py",
        'said = [] if judgement is None else [f"risk={judgement.risk!r}"]', "said: list[str] = []",
        "engine/test_starting.py::test_a_changed_row_never_starts[what the guard said of the risk]",
    ),
    guard(
        "what a turn had read is sealed with the question", "S1 S31", "core/terms.py",
        '    "not_alone",\n    "tainted",\n)', '    "not_alone",\n)',
        "engine/test_taint.py"
        "::test_s1_s31_what_a_turn_had_read_outlives_a_restart_and_is_sealed_with_the_question[sqlite]",
        "core/test_terms.py::test_s31_a_seal_covers_every_term_and_terms_of_before_are_sealed_as_before",
    ),
    guard(
        "the card says what its turn had read", "S1", "slack/cards.py",
        "        blocks += unchecked.lines(call.approval.terms)\n", "",
        "slack/test_unchecked.py"
        "::test_s1_the_card_says_what_was_read_after_who_decides_and_before_what_the_guard_says",
    ),
    guard(
        "what others write is quoted line by line", "S1 S2", "core/transcript.py",
        '{_quoted(each.text)}"', '{each.text}"',
        "core/test_transcript.py::test_s1_s2_nothing_that_another_writes_looks_like_the_end_of_it",
    ),
)  # fmt: skip
EDITING = (
    guard(
        "whoever edited is not enough alone", "R20", "core/terms.py",
        "return _lacking(terms, approving, at) or _second(terms, approving, at)", "return _lacking(terms, approving, at)",
        "core/test_terms.py::test_r20_one_person_who_edited_is_not_enough_alone_and_with_anybody_else_is",
        "engine/test_editing.py::test_r20_whoever_edits_is_not_enough_alone_and_with_somebody_else_is",
    ),
    guard(
        "only a policy in which all agree lets an editor approve alone", "R20", "core/policy.py",
        "if all(stated(lambda each: each.editor_may_approve_alone))", "if any(stated(lambda each: each.editor_may_approve_alone))",
        "core/test_policy.py"
        "::test_r20_whoever_edits_may_approve_alone_only_where_the_policy_says_so_and_the_strictest_rule_wins",
    ),
    guard(
        "the editors are told to the policy", "R20", "engine/starting.py",
        "score, editors(call, run.calls)", "score, ()",
        "engine/test_editing.py::test_r20_what_was_edited_is_asked_about_on_terms_that_know_who_edited_it",
    ),
    guard(
        "only who may decide or asked may edit", "S9", "engine/people.py",
        "            return await self.may_ask(person, run.asked.place.team)\n        return await self.may_decide(run, call, person)",
        "            return await self.may_ask(person, run.asked.place.team)\n        return None",
        "engine/test_editing.py::test_s9_who_may_not_decide_and_did_not_ask_may_neither_edit_nor_ask_for_something_safer",
    ),
    guard(
        "unchanged arguments make no edit", "R5", "engine/editing.py",
        "if call.proposal.binding is not None and new.binding.digest == call.proposal.binding.digest:", "if False:",
        "engine/test_editing.py::test_unchanged_arguments_make_no_edit",
    ),
    guard(
        "what is not valid is no edit", "S8", "engine/editing.py",
        "if new.binding is None:\n            return Refused(new.refusal)", "if new.binding is None:\n            return late(call)",
        "engine/test_editing.py::test_s8_an_edit_that_is_not_valid_changes_nothing_and_says_why",
    ),
    guard(
        "an edit counts from the recorded card only", "S13", "engine/editing.py",
        "if card is not None and (call.card is None or card != call.card.message):", "if False:",
        "engine/test_editing.py::test_s13_an_edit_from_another_message_than_the_card_does_not_count",
    ),
    guard(
        "what has expired is not edited", "R7", "engine/editing.py",
        "if now >= approval.terms.expires_at:", "if False:",
        "engine/test_editing.py::test_r7_what_has_expired_is_not_edited_any_more",
    ),
    guard(
        "only what is as it was sealed is edited", "S31", "engine/editing.py",
        "if not whole or not judgement_holds(run, call, self._keys):", "if False:",
        "engine/test_editing.py::test_s31_what_is_not_as_it_was_sealed_is_not_edited",
    ),
    guard(
        "a call is edited a bounded number of times", "R17", "engine/editing.py",
        "if changes.edits_of(call, run.calls) >= changes.MOST_EDITS:", "if False:",
        "engine/test_editing.py::test_r17_a_call_is_edited_a_bounded_number_of_times",
    ),
    guard(
        "what was edited is asked about whatever the guard says", "R7", "engine/starting.py",
        "_with_history(call, _asking_if_edited(run, call, judgement))", "_with_history(call, judgement)",
        "engine/test_editing.py::test_what_was_edited_is_asked_about_also_where_the_guard_would_allow_it",
    ),
    guard(
        "an alternative is of the same action", "S28", "core/changes.py",
        "if named is not given and any(given.get(key", "if False and any(given.get(key",
        "slack/test_forms.py::test_s28_what_names_another_action_or_unknown_or_secret_or_equal_arguments_is_a_sentence",
    ),
    guard(
        "an alternative names known arguments that are no secrets", "S28 S20", "core/changes.py",
        "if not isinstance(named, dict) or not named.keys() <= known:", "if not isinstance(named, dict):",
        "slack/test_forms.py::test_s28_what_names_another_action_or_unknown_or_secret_or_equal_arguments_is_a_sentence",
    ),
    guard(
        "a secret is not in the form", "S20", "core/form.py",
        "if name in secret:", "if False:",
        "core/test_form.py::test_s20_a_secret_is_not_in_the_form_and_stays",
        "slack/test_forms.py::test_edit_opens_a_form_of_the_actions_schema_with_the_exact_arguments",
    ),
    guard(
        "a text that would not be seen is shown as JSON", "S5", "core/form.py",
        "if not isinstance(value, str) or has_invisible(value) or value != value.strip():", "if not isinstance(value, str):",
        "core/test_form.py::test_s5_a_text_that_a_field_would_not_show_as_it_is_stands_there_as_json",
    ),
    guard(
        "one field says one value", "S8", "core/form.py",
        'or list(parsed) != ["value"]:', "or False:",
        "core/test_form.py::test_s8_what_cannot_be_meant_is_a_fault_at_its_field",
    ),
    guard(
        "an action that was changed since has no form", "R14", "engine/engine.py",
        "same = binding is not None and self._actions.is_defined_as(action, binding.definition)", "same = True",
        "engine/test_editing.py::test_r14_an_action_that_was_changed_since_has_no_form",
    ),
    guard(
        "an edit is committed before it is acknowledged", "R3", "slack/listeners/forms.py",
        "        await self._desk.receive(edit_row(body, about[0], arguments))\n        await ack()\n",
        "        await ack()\n        await self._desk.receive(edit_row(body, about[0], arguments))\n",
        "slack/test_forms.py::test_r3_an_edit_that_cannot_be_committed_is_not_acknowledged",
    ),
    guard(
        "what is superseded is no approval at BIGHUB", "R9", "bighub_guard.py",
        "await self._bighub.resolve(request_id, word, comment, modified=modified_action(call))",
        'await self._bighub.resolve(request_id, "modified" if call.instead else word, comment, modified=modified_action(call))',
        "test_bighub_guard_reports.py"
        "::test_what_people_changed_instead_of_deciding_is_reported_as_modified_and_never_as_approved",
    ),
)  # fmt: skip

EMERGENCY = (
    guard(
        "whoever froze does not lift it", "S9", "core/emergency.py",
        "return Refused(SECOND_PERSON.format(scope)) if set_by == user else None", "return None",
        "engine/test_freezing.py::test_whoever_froze_does_not_lift_it_and_a_second_person_does",
    ),
    guard(
        "only whom the policy names freezes", "S9", "engine/freezing.py",
        "            return await self._people.may_freeze(person, team)", "            return None",
        "engine/test_freezing.py::test_only_whom_the_policy_names_freezes_and_lifts_and_without_a_list_the_approvers_in_defaults",
    ),
    guard(
        "guests and outsiders never act in an emergency", "S10", "core/emergency.py",
        'fault = outside(profile, home) or ("A guest" if profile.guest else "")', 'fault = ""',
        "engine/test_freezing.py::test_s10_guests_outsiders_bots_and_deactivated_accounts_never_freeze",
    ),
    guard(
        "what was refused for a freeze says whose it was", "S9", "engine/starting.py",
        "Ground.FROZEN, frozen_text(frozen), by)", "Ground.FROZEN, frozen_text(frozen))",
        "engine/test_freezing.py"
        "::test_s9_what_a_freeze_refused_says_whose_it_was_also_where_its_sentence_does_not_begin_with_them",
    ),
    guard(
        "whose freeze it was is known of what was stored before", "S9", "core/call.py",
        'by = event.by or (froze_it(event.reason) if event.ground is Ground.FROZEN else "")', "by = event.by",
        "slack/test_cards.py::test_s9_the_card_of_what_was_frozen_names_who_froze_it_and_ends_its_sentence[as it was stored before]",
    ),
    guard(
        "a freeze of a shell that the policy does not trust is nobody's", "S9", "engine/freezing.py",
        "by = person.user if trusted else emergency.by_shell(person.user)", "by = person.user",
        "engine/test_freezing.py::test_s9_a_freeze_of_a_shell_that_nobody_verified_takes_two_people_to_lift",
        "engine/test_freezing.py::test_r10_cards_say_that_a_shell_froze_and_then_whose_freeze_it_became",
    ),
    guard(
        "whoever would lift what nobody verified set is who set it", "S9", "engine/freezing.py",
        "if not emergency.is_verified(found.by):", "if False:",
        "engine/test_freezing.py::test_s9_a_freeze_of_a_shell_that_nobody_verified_takes_two_people_to_lift",
    ),
    guard(
        "no shell puts its name over a freeze", "S9", "engine/freezing.py",
        "over = trusted and not emergency", "over = not emergency",
        "engine/test_freezing.py::test_s9_whoever_freezes_in_slack_what_a_shell_froze_puts_their_name_to_it",
    ),
    guard(
        "a shell lifts only where shells decide", "S9", "engine/freezing.py",
        'if via == "shell" and not self._people.policy.shell_may_decide:', "if False:",
        "engine/test_freezing.py::test_s9_a_shell_lifts_only_where_the_policy_lets_shells_decide",
    ),
    guard(
        "what nobody can see is no comment and no reason", "S22", "engine/voting.py",
        "clicked.comment if shows(clicked.comment) else", "clicked.comment if True else",
        "engine/test_glass.py::test_s22_nobody_else_breaks_the_glass_and_nobody_without_a_reason",
        "engine/test_gestures.py::test_s22_what_nobody_can_see_is_neither_a_question_nor_a_comment",
    ),
    guard(
        "only a named scope is lifted", "R7", "engine/freezing.py",
        'where = emergency.scope_of(scope) if scope else ""', "where = emergency.scope_of(scope or emergency.ALL)",
        "engine/test_freezing.py::test_r7_lifting_demands_a_named_scope_that_is_frozen_and_else_says_what_is_frozen",
    ),
    guard(
        "no approval counts within a freeze window", "R7", "engine/voting.py",
        'return "" if opened else closed_until(policy, case_in(run, call, binding), now)', 'return ""',
        "engine/test_terms.py::test_r7_within_a_freeze_window_an_approval_does_not_count_and_the_card_stays_open",
    ),
    guard(
        "a freeze of no name is no guess", "R7", "engine/orders.py",
        'if not longest and ":" not in begins[0]:', "if False:",
        "engine/test_freezing.py::test_r7_what_names_no_scope_freezes_nothing_and_hears_how_to_write_it[freeze-system is on fire]",
        "engine/test_freezing.py::test_r7_what_names_no_scope_freezes_nothing_and_hears_how_to_write_it[freeze-Environment burns]",
    ),
    guard(
        "a second freeze does not replace the first", "R7", "dict_store.py",
        "        if scope in self._dicts.freezes and not over:\n            return False\n", "",
        "engine/test_freezing.py::test_a_second_freeze_of_the_same_scope_does_not_replace_the_first",
    ),
    guard(
        "no approval counts while frozen", "R7", "engine/voting.py",
        "frozen = stopping(freezes, binding, opened=opened)", "frozen = None",
        "engine/test_freezing.py::test_while_a_freeze_holds_an_approval_does_not_count_and_a_denial_does",
        "engine/test_glass.py::test_s22_a_freeze_holds_against_the_glass_unless_the_policy_says_otherwise",
    ),
    guard(
        "a freeze counts as told only once the open cards tell it", "R10", "engine/freezing.py",
        "                await self.note(run_id)\n", "                pass\n",
        "engine/test_freezing.py::test_r10_what_was_frozen_and_lifted_while_no_bot_ran_is_on_the_cards_once_one_runs",
    ),
    guard(
        "only who is named breaks the glass", "S22", "core/emergency.py",
        'return _named(profile, policy.break_glass.people, members, home, "break the glass")', "return None",
        "engine/test_glass.py::test_s22_nobody_else_breaks_the_glass_and_nobody_without_a_reason",
    ),
    guard(
        "breaking the glass needs a reason", "S22", "core/approval.py",
        "if voted.choice is not Choice.APPROVE or not voted.comment.strip():", "if voted.choice is not Choice.APPROVE:",
        "engine/test_glass.py::test_s22_nobody_else_breaks_the_glass_and_nobody_without_a_reason",
    ),
    guard(
        "the glass is broken from the recorded card only", "S13", "core/approval.py",
        'if voted.via in ("slack", BY_GLASS) and voted.message != card:', 'if voted.via == "slack" and voted.message != card:',
        "engine/test_glass.py::test_s13_the_glass_is_broken_from_the_recorded_card_only",
    ),
    guard(
        "the glass opens a freeze only where the policy says so", "S22", "engine/starting.py",
        "opened = policy.break_glass.while_frozen and _glass_broken", "opened = _glass_broken",
        "engine/test_emergencies.py"
        "::test_s22_what_is_frozen_after_the_glass_was_broken_starts_only_where_the_policy_says_so[False]",
    ),
    guard(
        "nobody reviews what they decided alone", "S9", "core/glass.py",
        "    if found.person.user == event.person.user:\n        return Refused(OWN_REVIEW)\n", "",
        "core/test_glass.py::test_s9_nobody_reviews_what_they_decided_themselves_and_nothing_is_reviewed_twice",
    ),
    guard(
        "the glass opens a freeze only under its seal", "S31", "engine/starting.py",
        "any(v.via == BY_GLASS and _sealed(run, approval, v, keys) for v in votes)", "any(v.via == BY_GLASS for v in votes)",
        "engine/test_glass.py::test_s31_a_vote_that_breaks_the_glass_counts_only_under_its_seal",
    ),
    guard(
        "the glass never opens what BIGHUB stops", "S23", "engine/standstill.py",
        "not (opened and each.scope != BIGHUB)", "not opened",
        "engine/test_glass.py::test_s23_where_the_policy_says_so_the_glass_opens_what_is_frozen_here_and_never_what_bighub_stops[bighub-False]",
    ),
    guard(
        "who broke the glass is asked again at the start", "S22", "engine/hindrances.py",
        'if vote.via != BY_PROGRAM and await', 'if vote.via not in ("program", "break_glass") and await',
        "engine/test_glass.py::test_who_is_not_named_any_more_at_the_start_has_not_decided",
    ),
    guard(
        "a review counts from its own card", "S12", "engine/glass.py",
        "return run.asked.place.team == team and receipt_place(run, key) == (clicked.channel, clicked.message)", "return True",
        "engine/test_glass.py::test_s12_a_review_counts_from_its_own_card_only",
    ),
    guard(
        "a review waits for its card to be written down", "R3", "engine/glass.py",
        "if now >= broken.review_at and not run.delivered(key):", "if False:",
        "engine/test_glass.py::test_r3_a_review_that_is_clicked_before_its_card_was_written_down_waits_for_that",
    ),
    guard(
        "a parked run takes no review", "R17", "engine/glass.py",
        "if line is not None and line.parked is not None:", "if False:",
        "engine/test_glass.py::test_r17_a_review_of_a_parked_run_is_answered_and_counts_for_nothing",
    ),
    guard(
        "only an approver reviews", "S9", "engine/glass.py",
        "refused = await self._people.may_review(run, call, clicked.person) if call else Refused(NOTHING_BROKEN)",
        "refused = None if call else Refused(NOTHING_BROKEN)",
        "engine/test_glass.py::test_r7_on_the_next_working_day_others_are_asked_to_review_it_and_one_of_them_does",
    ),
    guard(
        "the kill switch is asked again before a start", "S23", "engine/doing.py",
        "        await self._overseer.look_before_start(call)\n", "",
        "engine/test_overseeing.py::test_s23_the_switch_is_asked_again_before_a_start",
        "engine/test_overseeing.py::test_a_denial_on_bighubs_dashboard_is_honoured_between_approval_and_start",
    ),
    guard(
        "a kill switch that is not known stops writes", "S23", "engine/overseeing.py",
        "raise Unavailable(SAYS_NOTHING.format(silent)) from silent", "return",
        "engine/test_overseeing.py::test_s23_while_bighub_does_not_say_nothing_starts_that_writes_and_reading_goes_on",
    ),
    guard(
        "an answer that does not say it is no answer", "S23", "bighub_oversight.py",
        "if not isinstance(status, dict) or not isinstance(active, bool):", "if not isinstance(status, dict):",
        "engine/test_overseeing.py::test_s23_while_bighub_does_not_say_nothing_starts_that_writes_and_reading_goes_on[fault0]",
    ),
    guard(
        "nobody is told of as who denied it whose denial was not enough", "S23", "core/approval.py",
        "if self.resolution is Resolution.DENIED and not denied(self.terms, self.votes):", "if False:",
        "engine/test_terms.py::test_whose_denial_was_not_enough_is_not_told_of_as_who_denied_what_bighub_did",
    ),
    guard(
        "a list of denials that is cut is no answer", "S23", "bighub_listing.py",
        "if not _is_cut(len(items), _MOST[wider]):", "if True:",
        "engine/test_overseeing.py::test_s23_a_denial_behind_many_older_ones_is_heard_and_where_the_list_is_cut_nothing_that_writes_starts[500]",
        "engine/test_overseeing.py::test_s23_a_denial_behind_many_older_ones_is_heard_and_where_the_list_is_cut_nothing_that_writes_starts[1000]",
    ),
    guard(
        "beside a cut list of denials only what is listed as waiting or approved starts", "S23", "bighub_oversight.py",
        "if approval_in(items, request_id) is not None:", "if True:",
        "engine/test_overseeing.py::test_s23_a_denial_behind_many_older_ones_is_heard_and_where_the_list_is_cut_nothing_that_writes_starts[500]",
    ),
    guard(
        "beside a cut list of denials only what BIGHUB asked nobody about starts unseen", "S23", "core/verdict.py",
        "return bool(judgement.request_id) and given is not Verdict.ALLOW", "return False",
        "engine/test_overseeing.py::test_s23_a_denial_behind_many_older_ones_is_heard_and_where_the_list_is_cut_nothing_that_writes_starts[500]",
    ),
    guard(
        "a denial of what BIGHUB was asked once more ends what has not started", "S23", "engine/overseeing.py",
        "call.judgement else \"\", *open_beside(run, call))", "call.judgement else \"\",)",
        "engine/test_once_more.py"
        "::test_s23_a_denial_on_bighubs_dashboard_of_what_it_was_asked_once_more_ends_what_has_not_started",
    ),
    guard(
        "what BIGHUB was asked once more names its run", "S23", "projections.py",
        "elif isinstance(event, Delivered) and is_note(event):", "elif False:",
        "engine/test_once_more.py"
        "::test_s23_a_denial_on_bighubs_dashboard_of_what_it_was_asked_once_more_ends_what_has_not_started",
        "test_store_contract.py::test_a_button_names_its_run_for_ever",
    ),
    guard(
        "what we deny ourselves at BIGHUB ends nothing here", "S23", "core/resolving.py",
        "last = asked_beside(run, call)[-1:] if", "last = asked_beside(run, call) if",
        "core/test_resolving.py"
        "::test_of_what_was_asked_once_more_only_the_last_is_open_until_the_call_starts_or_the_guard_heard_of_its_end",
    ),
    guard(
        "what we say of an answer is not said of another", "S3 R6", "engine/starting.py",
        'still = ruled(rule.name, floor) if rule and floor else ""',
        'still = remarks_on(call.judgement) if call.judgement else ""',
        "engine/test_once_more.py::test_r6_what_we_said_of_bighubs_answer_is_not_said_of_another_answer",
    ),
    guard(
        "what we say of an answer is said again where people are asked anew on the same", "R6", "engine/starting.py",
        "asking(replace(old, ours=why), *remarks, *kept)", "asking(replace(old, ours=why), *kept)",
        "engine/test_rechecking.py"
        "::test_r6_what_we_say_of_bighubs_answer_is_said_again_where_people_are_asked_anew_on_the_same_answer",
    ),
    guard(
        "freezes of systems do not hide our own switch", "S23", "engine/overseeing.py",
        "return await tx.freezings(LOOKED_AT, ALL)", "return await tx.freezings(50)",
        "engine/test_overseeing.py::test_s23_after_many_freezes_of_systems_our_own_switch_is_still_ours",
    ),
    guard(
        "BIGHUB's switch is not set twice", "S23 R9", "engine/overseeing.py",
        "return standing.id if standing else await", "return await",
        "engine/test_overseeing.py::test_s23_a_switch_whose_receipt_was_lost_is_not_set_twice",
    ),
    guard(
        "our own marker is not cut off", "S23", "bighub_oversight.py",
        '_first(item, ("reason",)) or "no', '_first(item, ("reason",))[:_LONGEST] or "no',
        "engine/test_mirroring.py::test_s23_our_own_switch_is_known_by_its_marker_behind_the_longest_reason",
    ),
    guard(
        "a reason of BIGHUB's is no longer than ours", "S23", "engine/overseeing.py",
        "theirs[0].reason[:LONGEST_REASON]", "theirs[0].reason",
        "engine/test_mirroring.py::test_s23_a_reason_of_bighubs_is_kept_no_longer_than_one_of_ours",
    ),
    guard(
        "only our own switch is taken back", "S23", "engine/overseeing.py",
        "if each.id and _is_ours(each, ours):", "if each.id:",
        "engine/test_overseeing.py::test_s23_what_others_stopped_stays_when_our_own_freeze_is_lifted",
    ),
    guard(
        "what another replica takes back meanwhile is not taken for others'", "S23", "engine/overseeing.py",
        "(*_standing(before), *_standing(await _everything(tx)))", "_standing(await _everything(tx))",
        "engine/test_mirroring.py::test_s23_a_switch_of_ours_that_another_replica_takes_back_meanwhile_stops_nothing",
    ),
    guard(
        "a switch that was ours once is ours no more", "S23", "engine/overseeing.py",
        "stands = row.switch is None", "stands = True",
        "engine/test_mirroring.py::test_s23_a_switch_that_others_set_under_the_name_that_ours_had_stops_here",
        "engine/test_mirroring.py::test_s23_the_lifting_of_a_later_freeze_leaves_what_others_set_under_the_name_that_ours_had",
    ),
    guard(
        "whoever freezes everything hears where BIGHUB does not follow", "S23", "engine/orders.py",
        "if scope == emergency.ALL:", "if False:",
        "engine/test_mirroring.py::test_s23_whoever_freezes_everything_hears_where_bighub_does_not_follow",
    ),
    guard(
        "a lifting that BIGHUB refuses holds up no freeze", "S23", "engine/overseeing.py",
        "why = str(silent)\n                continue", "why = str(silent)\n                break",
        "engine/test_mirroring.py::test_s23_a_lifting_that_bighub_refuses_does_not_keep_the_next_freeze_from_it",
    ),
    guard(
        "a list of denials that is refused is no answer", "S23", "engine/overseeing.py",
        "return Denials((), str(rejected))", "return Denials(())",
        "engine/test_unlisted.py::test_s23_where_bighub_refuses_to_list_its_denials_nothing_starts_that_it_asked_people_about",
    ),
    guard(
        "a full list within BIGHUB's own limit is cut", "S23", "bighub_listing.py",
        "return items, not _is_cut(len(items), _LEAST)", "return items, True",
        "engine/test_unlisted.py::test_s23_a_denial_is_heard_where_bighub_refuses_so_wide_a_limit_and_behind_a_cut_list_nothing_starts[100]",
        "engine/test_unlisted.py::test_s23_nor_behind_one_that_it_cuts_below_the_limit_that_it_takes",
    ),
    guard(
        "a list as long as a limit that servers like is cut", "S23", "bighub_listing.py",
        "return count >= limit or count in _OWN_LIMITS", "return count >= limit",
        "engine/test_unlisted.py::test_s23_behind_a_list_that_bighub_cuts_without_a_word_nothing_starts[100]",
        "engine/test_unlisted.py::test_s23_behind_a_list_that_bighub_cuts_without_a_word_nothing_starts[200]",
    ),
    guard(
        "a resolution is sent again where BIGHUB refuses so wide a listing", "R9", "bighub_listing.py",
        "                if items:\n                    break\n", "                raise\n",
        "test_bighub_guard_reports.py::test_r9_a_resolution_is_sent_again_where_bighub_refuses_so_wide_a_listing",
    ),
    guard(
        "an approval at BIGHUB is nobody's denial or vote", "S9", "bighub_oversight.py",
        'self._approvals.listed("denied")', 'self._approvals.listed("approved")',
        "engine/test_overseeing.py::test_a_denial_on_bighubs_dashboard_ends_what_waits_and_an_approval_there_is_nobodys_vote",
    ),
)  # fmt: skip

_MARKED = "engine/test_postmarks.py::test_"
_ROLLOUT = "engine/test_key_rollout.py::test_"
POSTMARKS = (
    guard(
        "a row of the inbox counts by its seal", "S31", "engine/mailbox.py",
        "if self._postmarks.holds(row):", "if True:",
        f"{_MARKED}s31_a_click_written_into_the_database_by_hand_is_closed_without_effect_and_logged",
        f"{_MARKED}s31_a_row_that_slack_sent_counts_no_more_once_any_of_it_is_changed",
        f"{_MARKED}s31_a_command_written_by_hand_lifts_no_freeze",
    ),
    guard(
        "a row whose key another replica may have is left to it", "R3 S31", "engine/mailbox.py",
        "if name and room and", "if False and",
        f"{_ROLLOUT}s31_r3_a_click_sealed_with_a_key_that_only_another_replica_has_is_left_to_it",
    ),
    guard(
        "a row waits for a key only for a while", "R3 S31", "engine/mailbox.py",
        "await self._store.read(clock) < row.received_at + KEY_WAITS_SECONDS", "True",
        f"{_ROLLOUT}s31_r3_a_row_whose_key_nobody_has_is_closed_in_the_end_and_the_log_names_the_key",
    ),
    guard(
        "only so many rows wait for keys that anybody may have made up", "S31", "engine/mailbox.py",
        "row.key in self._strange or len(self._strange) < MOST_LEFT", "True",
        f"{_ROLLOUT}s31_keys_that_somebody_made_up_hold_up_neither_rows_nor_runs",
    ),
    guard(
        "a start whose key another replica may have is left to it", "S31", "engine/hindrances.py",
        "leave_to_others(call, self._seal_keys, since + self._key_waits, tx.now)", "pass",
        f"{_ROLLOUT}s31_what_one_replica_sealed_with_the_new_key_another_leaves_to_it",
    ),
    guard(
        "a vote on what another replica can read is left to it", "R3 S31", "engine/voting.py",
        "leave_to_others(call, self._keys, at + self._key_waits, tx.now)", "pass",
        f"{_ROLLOUT}s31_r3_a_click_on_what_the_new_key_sealed_is_left_to_the_replica_that_has_it[approve]",
        f"{_ROLLOUT}s31_r3_a_click_on_what_the_new_key_sealed_is_left_to_the_replica_that_has_it[deny]",
    ),
    guard(
        "an edit of what another replica can read is left to it", "R3 S31", "engine/editing.py",
        "leave_to_others(call, self._keys, at + self._key_waits, now)", "pass",
        f"{_ROLLOUT}s31_r3_a_click_on_what_the_new_key_sealed_is_left_to_the_replica_that_has_it[edit]",
    ),
    guard(
        "what nobody has the key of is refused in the end", "S31", "engine/keyring.py",
        "if name and now < until:", "if name:",
        f"{_ROLLOUT}s31_where_no_replica_has_the_key_the_start_is_refused_and_the_refusal_names_it",
    ),
    guard(
        "the seal of a row covers all that was sent", "S31", "engine/postmarks.py",
        '["received", row.key, row.team, row.kind, row.payload]', '["received", row.team, row.kind, row.payload]',
        f"{_MARKED}s31_a_row_that_slack_sent_counts_no_more_once_any_of_it_is_changed[sqlite-key]",
    ),
    guard(
        "what is open at the upgrade is sealed then", "R3", "engine/postmarks.py",
        "            await self._sealed(await tx.open_inbox(MOST_OPEN), tx)\n", "",
        f"{_MARKED}r3_what_was_open_at_the_first_start_holds_however_late_it_is_worked",
    ),
    guard(
        "what an older replica received is sealed while there may be one", "R12", "engine/postmarks.py",
        "if now >= (self._until or 0.0) or all(row.seal for row in rows):", "if True:",
        f"{_MARKED}r12_what_an_older_replica_receives_while_newer_ones_run_is_worked_when_it_is_gone",
    ),
    guard(
        "after a while nothing is sealed that has no seal", "S31", "engine/postmarks.py",
        "if now >= (self._until or 0.0) or all(row.seal for row in rows):", "if all(row.seal for row in rows):",
        f"{_MARKED}s31_a_while_after_the_upgrade_a_row_without_a_seal_is_nobodys",
    ),
    guard(
        "until when rows come without a seal is sealed", "S31", "engine/postmarks.py",
        "kept.until if sealed_by(self._keys, sealing_text(kept.until), kept.seal) else 0.0", "kept.until",
        f"{_MARKED}s31_without_the_key_nobody_makes_that_while_longer",
    ),
    guard(
        "a database with a seal in it is no older release's", "S31", "engine/postmarks.py",
        "if await tx.only_unsealed() else 0.0", "if True else 0.0",
        f"{_MARKED}s31_without_the_key_nobody_makes_that_while_longer",
    ),
)  # fmt: skip

FATIGUE = (
    guard(
        "so much of one person waits at once", "S14", "engine/flooding.py",
        "beyond = further[max(0, most - waiting) :]", "beyond = further[:0]",
        "engine/test_fatigue.py::test_s14_once_something_is_decided_there_is_room_for_as_much_again",
        "engine/test_fatigue.py::test_s14_where_a_limit_asks_people_it_asks_about_no_more_than_may_wait",
        "engine/test_fatigue.py::test_s14_of_whoever_floods_so_much_waits_at_once_and_all_the_rest_is_answered[sqlite]",
    ),
    guard(
        "what is one too many is refused for that", "S14", "engine/flooding.py",
        "denying(event.judgement, why)", "denying(event.judgement, event.judgement.ours)",
        "engine/test_fatigue.py::test_s14_where_a_limit_asks_people_it_asks_about_no_more_than_may_wait",
    ),
    guard(
        "what takes the place of a question is no further one", "S14", "engine/flooding.py",
        "call.approval is None and call.edits is None and call.instead_of is None", "True",
        "engine/test_fatigue.py::test_s14_what_takes_the_place_of_a_question_is_asked_also_where_no_more_may_wait",
    ),
    guard(
        "what a limit asks about counts as well", "S14 S25", "engine/hindrances.py",
        "(await bounded(run, [found], self._people.policy, tx))[0] if isinstance(found, Judged) else found", "found",
        "engine/test_fatigue.py::test_s14_where_a_limit_asks_people_it_asks_about_no_more_than_may_wait",
    ),
    guard(
        "what is open of one person is counted by one at a time", "S14", "sql/writer.py",
        'await self.connection.execute(_KEEP_OPEN, {"whose": f"{team}/{requester}"})', "pass",
        "test_store_contract.py::test_s14_of_several_who_ask_for_one_person_at_once_each_counts_those_before[postgres]",
    ),
    guard(
        "who counts what is open takes the run first", "S14", "sql/writer.py",
        '            await self.connection.scalar(_LOCK, {"run": run})\n', "",
        "test_store_contract.py::test_s14_two_who_count_for_one_run_do_not_wait_for_each_other[postgres]",
    ),
    guard(
        "a click counts from when it came in", "S14", "engine/voting.py",
        "at or tx.now", "tx.now",
        "engine/test_fatigue.py"
        "::test_s14_for_how_long_a_question_was_there_stands_with_the_vote_also_where_it_is_worked_late[0.0]",
    ),
    guard(
        "time is counted from the card", "S14", "core/fatigue.py",
        "max(opened_at, float(card))", "opened_at",
        "core/test_fatigue.py::test_s14_time_is_counted_from_when_the_question_could_be_read[1005.000100-5.0]",
    ),
    guard(
        "time is counted from the question where its card is older", "S14", "core/fatigue.py",
        "max(opened_at, float(card))", "float(card)",
        "core/test_fatigue.py::test_s14_time_is_counted_from_when_the_question_could_be_read[900.000100-10.0]",
    ),
    guard(
        "a program does not tire", "S14", "core/fatigue.py",
        "vote for vote in votes if vote.via != BY_PROGRAM", "vote for vote in votes",
        "core/test_fatigue.py::test_s14_a_program_that_answers_for_itself_is_nobody_who_could_tire",
    ),
    guard(
        "a card says what was approved unread", "S14", "slack/facts.py",
        "being asked\")] if fast else []", "being asked\")] if False else []",
        "slack/test_cards.py"
        "::test_s14_what_was_approved_faster_than_anybody_reads_says_so_on_the_decided_card_and_in_its_details[0.0]",
    ),
    guard(
        "a command to lift concerns what was frozen when it was given", "R4 S23", "engine/freezing.py",
        "if began.at > given and found.by != user:", "if False:",
        "engine/test_freezing.py::test_r4_a_command_to_lift_that_is_worked_late_lifts_nothing_that_was_frozen_since",
    ),
    guard(
        "a command that is worked again is done once", "R4 S23", "engine/freezing.py",
        "    return any(each.at >= given for each in theirs)", "    return False",
        "engine/test_freezing.py::test_r4_a_command_to_freeze_that_is_worked_again_freezes_nothing_that_was_lifted_since",
    ),
    guard(
        "nobody lifts in Slack while Slack says nothing of them", "S23", "engine/freezing.py",
        '        if via != "shell" and (lifting or', '        if via != "shell" and (',
        "engine/test_freezing.py"
        "::test_s23_while_slack_says_nothing_of_anybody_whom_the_policy_names_by_id_freezes_and_nobody_lifts",
    ),
    guard(
        "BIGHUB is told of no vote that does not count here", "S23", "engine/programs.py",
        "        return ballot if isinstance(ballot, Refused) else None", "        return None",
        "api/test_approvals.py::test_s23_bighub_hears_of_no_approval_that_a_freeze_refuses_here",
    ),
)  # fmt: skip

GUARDS = (
    *CORE,
    *ENGINE,
    *SQL,
    *DOORS,
    *APP,
    *CHILDREN,
    *PACE,
    *PARKED,
    *RESTORED,
    *PLACED,
    *TAINT,
    *EDITING,
    *EMERGENCY,
    *POSTMARKS,
    *FATIGUE,
)
