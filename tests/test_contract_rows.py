"""Which tests show which row of the contract: the invariants and threats that approvals rest on.

A row without a test is a promise that nobody keeps.
Kept like the list of guards: each line names tests that are there. What a row says in full is the contract's.
"""

import pytest

from tests.mutations.test_guards import names_in

ROWS: dict[str, tuple[str, ...]] = {
    "R5 the first decision wins, and everybody sees the same winner": (
        "replicas/test_races.py::test_r5_r7_of_eight_processes_at_one_approval_one_decides_and_the_others_are_told_who",
        "engine/test_engine.py::test_the_second_of_two_clicks_is_told_who_was_first",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says",
        "engine/test_editing.py::test_r5_of_two_edits_in_the_same_moment_one_counts_and_the_other_is_told_so",
    ),
    "R7 what is denied, expired, withdrawn, superseded or frozen never executes": (
        "core/test_histories.py::History::a_call_starts_at_most_once_and_never_from_a_dead_state",
        "core/test_run.py::test_an_approval_takes_no_vote_at_or_after_its_expiry_and_expires_only_then",
        "engine/test_clock_jumps.py::test_r7_what_expired_while_the_clock_was_ahead_stays_expired_when_it_goes_back",
        "engine/test_engine.py::test_a_frozen_system_refuses_even_what_was_approved",
        "engine/test_tightening.py::test_r7_what_the_policy_forbids_now_is_refused_at_the_click",
    ),
    "R14 an action that changed or went away supersedes its card": (
        "engine/test_changed_actions.py::test_r14_a_change_between_card_and_click_supersedes_the_card_and_runs_nothing",
        "engine/test_changed_actions.py::test_r14_an_action_that_was_removed_between_card_and_click_runs_nothing",
        "actions/test_reach.py::test_r14_a_change_of_what_an_action_uses_in_its_file_is_a_change_of_the_action",
    ),
    "R20 a quorum is so many different people, without the requester": (
        "core/test_matrix.py::test_r20_it_is_approved_by_exactly_so_many_of_those_and_by_nobody_twice",
        "core/test_run.py::test_one_human_is_one_vote_also_under_two_teams",
        "core/test_terms.py::test_r20_votes_are_enough_exactly_where_each_demand_can_be_seated",
        "engine/test_terms.py::test_r20_who_left_the_group_for_which_the_vote_counted_has_not_approved",
        "core/test_tightening.py::test_r20_what_is_approved_is_approved_under_every_policy_that_there_was_meanwhile",
    ),
    "S1 what was read and not checked changes nothing by itself": (
        "injections/test_injections.py"
        "::test_s1_of_all_injections_none_executes_though_the_model_obeys_and_the_guard_allows",
        "core/test_taint.py::test_s1_it_is_what_the_journal_tells_for_every_turn_whatever_the_order",
        "slack/test_unchecked.py::test_s1_the_card_says_what_was_read_after_who_decides_and_before_what_the_guard_says",
    ),
    "S2 what unverified people write is no instruction": (
        "engine/test_strangers.py::test_s2_of_a_mixed_thread_only_colleagues_are_heard_and_nothing_that_anybody_writes_decides",
        "core/test_transcript.py::test_s2_only_the_present_requester_speaks_plainly_in_every_run_of_the_thread",
    ),
    "S3 the model's words change nothing on a card but their own line": (
        "slack/test_cards.py::test_the_models_words_change_nothing_but_their_own_line",
        "slack/test_cards.py::test_the_models_words_are_quoted_last_and_short",
        "slack/test_questions.py::test_s3_what_is_asked_and_answered_changes_no_argument_on_the_card",
    ),
    "S4 no argument hides behind a cut": (
        "slack/test_cards.py::test_a_card_that_cannot_show_all_has_review_and_no_approve",
        "slack/test_cards.py::test_what_can_be_approved_shows_exactly_the_bytes_that_run",
        "slack/test_cards.py::test_what_not_even_a_view_can_hold_cannot_be_approved_in_slack",
    ),
    "S5 what nobody could see is made visible": (
        "core/test_visible.py::test_s5_every_code_point_survives_the_escaping_and_none_hides",
        "core/test_visible.py::test_s5_words_that_mix_look_alike_scripts_are_reported",
        "slack/test_cards.py::test_invisible_characters_are_announced",
    ),
    "S6 no text of anybody is parsed by Slack": (
        "slack/test_cards.py::test_s6_s7_no_text_of_anybody_stands_where_slack_parses_it",
        "slack/test_forms.py::test_s6_what_was_edited_and_what_the_guard_suggests_is_never_parsed",
        "slack/test_chat.py::test_nothing_unfurls_and_nothing_is_linked",
    ),
    "S7 nothing unfurls, and no picture or link is the model's": (
        "slack/test_chat.py::test_nothing_unfurls_and_nothing_is_linked",
        "slack/test_cards.py::test_s6_s7_no_text_of_anybody_stands_where_slack_parses_it",
    ),
    "S8 what runs is the bytes that were approved": (
        "core/test_canonical.py::test_s8_ambiguous_arguments_are_refused_with_a_sentence",
        "engine/test_starting.py::test_a_changed_row_never_starts",
        "soak/test_fuzz.py::test_r6_s31_of_a_changed_database_nothing_runs_but_what_was_approved",
    ),
    "S9 nobody approves what they asked for, or may not": (
        "core/test_matrix.py::test_s9_s10_who_may_decide_it_whoever_asked",
        "core/test_matrix.py::test_s9_what_becomes_of_it_whatever_the_guard_says",
        "engine/test_terms.py::test_s9_the_requester_who_is_in_a_group_of_the_quorum_does_not_count",
        "engine/test_tightening.py::test_s9_what_the_requester_approved_is_void_where_the_policy_excludes_them_now",
    ),
    "S10 guests, bots, deactivated accounts and other companies decide nothing": (
        "core/test_policy.py"
        "::test_s9_s10_of_all_combinations_exactly_full_members_who_are_approvers_and_not_the_requester_may_decide",
        "slack/test_guards.py::test_s10_what_slack_does_not_say_of_a_person_is_held_against_them",
        "slack/test_chat.py::test_what_slack_said_holds_for_a_minute",
        "engine/test_strangers.py::test_s10_where_another_company_reads_along_nothing_begins_unless_the_policy_says_so",
    ),
    "S11 what Slack did not sign just now is refused": (
        "slack/test_ingress.py::test_what_slack_did_not_sign_just_now_is_refused",
        "slack/test_ingress.py::test_a_replay_within_the_window_is_a_duplicate",
        "slack/test_ingress.py::test_an_empty_signing_secret_is_an_error_before_anything_starts",
        "slack/test_ingress.py::test_a_signed_body_that_cannot_be_read_does_no_harm",
    ),
    "S12 a button's id gives no right, and names one thing in one place": (
        "slack/test_cards.py::test_the_buttons_carry_the_approvals_id_and_nothing_else",
        "engine/test_every_button.py::test_s12_a_button_with_the_id_of_another_kind_or_of_nothing_decides_nothing",
        "engine/test_guards.py::test_s12_a_click_from_another_channel_or_workspace_is_like_one_on_an_unknown_id",
        "engine/test_every_stale_card.py::test_s12_no_button_of_a_card_that_was_carried_elsewhere_does_anything",
    ),
    "S13 a stale card decides nothing, and is put right": (
        "engine/test_repairing.py::test_s13_a_click_on_a_card_that_is_decided_says_by_whom_and_shows_it_anew",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says",
        "engine/test_every_stale_card.py::test_s13_no_button_of_a_card_that_was_edited_away_does_anything",
        "engine/test_every_stale_card.py"
        "::test_s13_no_button_of_the_question_before_the_one_that_is_asked_now_does_anything",
    ),
    "S14 a flood of questions is capped, and none of it is skipped": (
        "engine/test_fatigue.py"
        "::test_s14_of_a_flood_people_are_asked_about_so_many_and_each_of_the_others_is_answered_and_never_run",
        "engine/test_fatigue.py::test_s14_s25_whoever_approves_a_whole_flood_runs_what_the_limit_lets_run_and_no_more",
        "engine/test_fatigue.py::test_s14_reading_asks_nobody_however_much_of_it_there_is",
        "core/test_inquiries.py::test_s14_questions_are_bounded",
    ),
    "S23 a kill switch that nobody can read is pressed": (
        "engine/test_overseeing.py::test_s23_the_switch_is_asked_again_before_a_start",
        "engine/test_overseeing.py::test_s23_while_bighub_does_not_say_nothing_starts_that_writes_and_reading_goes_on",
    ),
    "S28 the guard's sentence is never run": (
        "engine/test_editing.py::test_s28_the_guards_sentence_alone_runs_nothing",
        "engine/test_editing.py::test_s28_safer_asks_the_model_and_what_it_proposes_is_judged_and_linked",
        "slack/test_forms.py"
        "::test_s28_an_alternative_that_names_arguments_stands_in_the_form_and_nothing_is_recorded_yet",
    ),
    "S31 a row that was changed by hand never executes": (
        "soak/test_fuzz.py::test_r6_s31_of_a_changed_database_nothing_runs_but_what_was_approved",
        "engine/test_starting.py"
        "::test_s31_terms_that_became_stricter_start_nothing_unless_they_and_those_before_are_sealed",
        "engine/test_rotation.py::test_s31_half_a_quorum_survives_a_new_key_and_the_other_half_is_sealed_with_it",
        "engine/test_rotation.py"
        "::test_s31_without_the_old_key_what_was_approved_does_not_start_and_whoever_asked_hears_why",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_t7_every_row_has_tests_that_are_there(row: str) -> None:
    assert ROWS[row]
    for test in ROWS[row]:
        file, _, name = test.partition("::")
        assert name in names_in(f"tests/{file}"), test
