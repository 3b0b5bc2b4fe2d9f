"""Which tests show which row of the contract: all of its invariants, and the threats that approvals rest on.

A row without a test is a promise that nobody keeps.
Kept like the list of guards: each line names tests that are there. What a row says in full is the contract's.
"""

import pytest

from tests.mutations.test_guards import names_in

ROWS: dict[str, tuple[str, ...]] = {
    "R1 an approved action runs at most once": (
        "crash/test_crash.py::test_r1_r2_r3_r16_r18_death_at_any_point_is_recovered_from",
        "crash/test_crash.py::test_r1_r2_an_effect_that_nobody_wrote_down_is_asked_about_and_a_naive_bot_is_found_out",
        "core/test_histories.py::History::a_call_starts_at_most_once_and_never_from_a_dead_state",
        "core/test_again.py::test_r1_what_a_person_says_did_not_run_never_runs_without_a_new_vote",
        "engine/test_halted.py::test_r1_an_action_that_people_are_asked_about_meanwhile_does_not_run_and_that_is_recorded",
    ),
    "R2 what nobody wrote down is in doubt, asked about, and never run again by itself": (
        "core/test_guards.py::test_r2_what_is_in_doubt_is_never_started_again",
        "engine/test_doubt.py::test_r2_it_did_not_run_asks_anew_and_runs_once_after_a_new_vote",
        "engine/test_doubt.py::test_r2_a_stopped_process_is_taken_over_and_what_it_reports_when_it_goes_on_is_kept",
        "engine/test_faults.py::test_r2_a_long_action_keeps_its_run_from_every_other_worker_until_it_has_ended",
        "engine/test_faults.py::test_r2_what_somebody_took_and_died_over_is_woken_by_the_next_sweep_after_its_lease",
    ),
    "R3 what Slack was told is received is never lost": (
        "replicas/test_database.py"
        "::test_r15_without_its_database_a_bot_is_not_ready_and_acknowledges_nothing_and_goes_on_when_it_is_back",
        "crash/test_crash.py::test_r1_r2_r3_r16_r18_death_at_any_point_is_recovered_from",
        "engine/test_guards.py::test_r3_a_row_is_closed_in_the_transaction_that_records_what_came_of_it",
        "slack/test_forms.py::test_r3_an_edit_that_cannot_be_committed_is_not_acknowledged",
        "sql/test_place.py::test_r3_r15_a_bot_whose_file_is_not_there_any_more_is_not_ready_and_acknowledges_nothing",
    ),
    "R4 what comes twice, late or in another order counts once": (
        "replicas/test_deliveries.py::test_r4_whatever_slack_delivers_twice_late_or_in_another_order_counts_once",
        "engine/test_guards.py::test_r4_a_message_that_comes_under_two_keys_begins_one_run",
    ),
    "R5 the first decision wins, and everybody sees the same winner": (
        "replicas/test_races.py::test_r5_r7_of_eight_processes_at_one_approval_one_decides_and_the_others_are_told_who",
        "engine/test_engine.py::test_the_second_of_two_clicks_is_told_who_was_first",
        "engine/test_every_button.py::test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says",
        "engine/test_editing.py::test_r5_of_two_edits_in_the_same_moment_one_counts_and_the_other_is_told_so",
    ),
    "R6 what runs is byte for byte what the card showed": (
        "soak/test_fuzz.py::test_r6_generated_arguments_are_the_same_on_the_card_in_the_database_and_at_the_action",
        "core/test_canonical.py::test_r6_what_the_lines_show_is_exactly_what_the_bytes_say",
        "actions/test_registry.py::test_r6_the_bound_bytes_run_and_not_the_raw_ones",
        "engine/test_guards.py::test_r6_votes_for_other_bytes_start_nothing_however_well_they_are_sealed",
    ),
    "R7 what is denied, expired, withdrawn, superseded or frozen never executes": (
        "core/test_histories.py::History::a_call_starts_at_most_once_and_never_from_a_dead_state",
        "core/test_run.py::test_an_approval_takes_no_vote_at_or_after_its_expiry_and_expires_only_then",
        "engine/test_clock_jumps.py::test_r7_what_expired_while_the_clock_was_ahead_stays_expired_when_it_goes_back",
        "engine/test_engine.py::test_a_frozen_system_refuses_even_what_was_approved",
        "engine/test_tightening.py::test_r7_what_the_policy_forbids_now_is_refused_at_the_click",
    ),
    "R8 nothing runs without a whole allowance": (
        "core/test_verdict_product.py"
        "::test_r8_of_15360_answers_of_the_older_generation_only_those_run_in_which_every_signal_allows",
        "core/test_verdict_product.py::test_r8_any_json_is_read_without_an_exception_and_never_allowed",
        "soak/test_fuzz.py::test_r8_what_bighub_answers_over_http_runs_only_where_it_is_a_whole_allowance",
        "engine/test_guards.py::test_r8_what_the_guard_asked_about_does_not_start_without_an_approval",
    ),
    "R9 what is owed is delivered, and once as people see it": (
        "outages/test_outages.py::test_r9_an_hours_outage_loses_nothing_and_doubles_nothing",
        "outages/test_outages.py"
        "::test_r9_thirty_cards_in_one_channel_come_without_a_429_and_hold_up_neither_work_nor_the_other_channel",
        "outages/test_outages.py::test_r9_whoever_asks_for_patience_is_left_alone_for_as_long",
        "outages/test_outages.py"
        "::test_r9_a_run_that_was_parked_and_resumed_looks_first_for_what_its_dead_workers_had_posted",
        "test_bighub_guard_reports.py::test_r9_an_outcome_whose_receipt_was_lost_is_not_reported_twice",
    ),
    "R10 the card at the end is what the journal says": (
        "outages/test_outages.py::test_r10_an_update_that_slack_applies_late_does_not_stay",
        "outages/test_outages.py::test_r10_a_deleted_card_is_posted_once_more_and_shows_the_end",
        "engine/test_faults.py::test_r10_a_card_that_was_being_shown_when_the_lease_was_lost_is_recorded_as_it_stands",
    ),
    "R11 replicas share the work, and restarts lose none of it": (
        "replicas/test_replicas.py::test_r11_three_replicas_share_the_work_and_a_rolling_restart_loses_none_of_it",
        "replicas/test_replicas.py::test_r11_a_killed_replicas_work_is_taken_over_within_its_heartbeat",
        "replicas/test_settings.py::test_r11_a_bot_waits_for_what_is_under_way_as_long_as_the_drain_says",
        "test_app.py::test_r11_a_second_bot_on_the_same_file_is_refused_however_that_is_spelled_and_a_shell_is_not",
        "sql/test_lock.py::test_r11_whoever_deletes_the_lock_file_lets_no_second_bot_in",
    ),
    "R12 releases that are alive beside each other do nothing twice": (
        "upgrades/test_matrix.py::test_r12_releases_that_take_turns_and_die_lose_nothing_and_do_nothing_twice",
        "engine/test_rolling_upgrade.py"
        "::test_r12_an_older_replica_leaves_a_newer_run_and_its_click_alone_and_the_newer_one_finishes_it",
        "sql/test_codec.py::test_r12_what_a_newer_release_may_have_written_is_told_from_what_was_damaged",
    ),
    "R13 every run of every release goes on to its end": (
        "sql/test_upgrades.py::test_r13_every_run_of_every_release_goes_on_to_its_end",
        "sql/test_upgrades.py::test_r13_two_processes_upgrade_a_database_with_runs_at_once",
        "sql/test_upgrades.py"
        "::test_r13_a_process_killed_in_the_middle_of_an_upgrade_leaves_every_row_and_the_next_one_upgrades",
        "sql/test_upgrades.py::test_r13_every_revision_has_its_stored_database",
    ),
    "R14 an action that changed or went away supersedes its card": (
        "engine/test_changed_actions.py::test_r14_a_change_between_card_and_click_supersedes_the_card_and_runs_nothing",
        "engine/test_changed_actions.py::test_r14_an_action_that_was_removed_between_card_and_click_runs_nothing",
        "actions/test_reach.py::test_r14_a_change_of_what_an_action_uses_in_its_file_is_a_change_of_the_action",
    ),
    "R15 what was not committed is no effect": (
        "crash/test_crash.py::test_r15_a_commit_whose_answer_is_lost_is_no_effect_and_no_loss",
        "crash/test_storage.py::test_r15_while_nothing_can_be_written_nothing_is_ready_acked_or_done",
        "sql/test_direct.py::test_r15_a_transaction_in_which_a_statement_failed_is_never_taken_for_committed",
    ),
    "R16 every call of the model gets one output": (
        "core/test_transcript.py::test_r16_in_any_history_every_function_call_has_exactly_one_output",
        "engine/test_guards.py::test_r16_two_messages_of_one_thread_in_two_processes_are_one_run",
        "engine/test_halted.py::test_r16_the_model_is_not_asked_about_a_run_that_is_not_ours",
    ),
    "R17 a run is bounded, and a poisonous one is parked while others go on": (
        "engine/test_bounds.py::test_r17_a_model_that_proposes_endlessly_is_stopped_and_others_go_on",
        "engine/test_bounds.py::test_r17_a_run_that_used_its_tokens_fails_in_words_before_the_model_is_asked_again",
        "engine/test_bounds.py::test_r17_a_run_that_worked_too_long_fails_in_words_and_retry_begins_anew",
        "engine/test_suspects.py::test_r17_a_run_that_kills_its_process_each_time_is_parked_and_one_beside_it_goes_on",
        "upgrades/test_matrix.py::test_r17_poisonous_runs_are_parked_or_ended_and_the_healthy_ones_go_on",
    ),
    "R18 each change has its row, and a row that was changed is found": (
        "sql/test_export.py::test_r18_each_change_of_a_run_has_its_row_of_the_journal_in_the_same_transaction",
        "soak/test_fuzz.py::test_r18_a_tampering_of_the_journal_is_found",
        "sql/test_export.py::test_r18_a_tail_that_was_cut_with_its_head_shows_only_against_an_export",
    ),
    "R19 after a restore nothing runs again without a person": (
        "restore/test_runs.py::test_r19_a_backup_of_any_moment_executes_nothing_again_and_asks_what_may_have_run",
        "restore/test_noticing_sqlite.py::test_r19_an_older_file_beside_its_witness_is_noticed_once",
        "restore/test_runs.py::test_r19_what_people_do_in_a_shell_before_the_bot_starts_makes_nothing_execute_again",
        "restore/test_noticing_postgres.py::test_r19_a_dump_played_back_into_another_database_is_noticed",
        "upgrades/test_matrix.py::test_r19_a_backup_of_any_moment_of_several_runs_executes_nothing_again",
    ),
    "R20 a quorum is so many different people, without the requester": (
        "core/test_matrix.py::test_r20_it_is_approved_by_exactly_so_many_of_those_and_by_nobody_twice",
        "core/test_run.py::test_one_human_is_one_vote_also_under_two_teams",
        "core/test_terms.py::test_r20_votes_are_enough_exactly_where_each_demand_can_be_seated",
        "engine/test_terms.py::test_r20_who_left_the_group_for_which_the_vote_counted_has_not_approved",
        "core/test_tightening.py::test_r20_what_is_approved_is_approved_under_every_policy_that_there_was_meanwhile",
    ),
    "R21 the commands of a run end with it": (
        "children/test_children.py::test_r21_a_command_of_a_killed_bot_ends_before_it_does_anything_more",
        "children/test_children.py::test_r21_without_the_guardian_the_command_goes_on",
        "children/test_children.py::test_r21_what_is_left_when_a_bot_stops_ends_with_it",
        "children/test_timeouts.py::test_r21_a_command_ends_with_the_time_of_its_action_and_all_below_it",
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
    "S14 a flood of questions is capped, none of it is skipped, and how people decide is told": (
        "engine/test_fatigue.py::test_s14_of_whoever_floods_so_much_waits_at_once_and_all_the_rest_is_answered",
        "engine/test_fatigue.py::test_s14_where_a_limit_asks_people_it_asks_about_no_more_than_may_wait",
        "engine/test_fatigue.py"
        "::test_s14_of_a_flood_people_are_asked_about_so_many_and_each_of_the_others_is_answered_and_never_run",
        "engine/test_fatigue.py::test_s14_s25_whoever_approves_a_whole_flood_runs_what_the_limit_lets_run_and_no_more",
        "engine/test_fatigue.py::test_s14_reading_asks_nobody_however_much_of_it_there_is",
        "core/test_inquiries.py::test_s14_questions_are_bounded",
        "core/test_fatigue.py"
        "::test_s14_votes_approve_rate_median_wait_and_fast_approvals_are_told_of_everybody_and_of_each",
        "slack/test_cards.py"
        "::test_s14_what_was_approved_faster_than_anybody_reads_says_so_on_the_decided_card_and_in_its_details",
        "slack/test_cards.py::test_the_card_says_what_where_who_why_and_until_when_in_this_order",
        "test_cli.py::test_s14_how_each_person_decides_is_told_and_what_was_fast_stands_in_the_export",
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
