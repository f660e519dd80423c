//! What every backend must do, as named cases. `SQLite` always runs them, in memory and in a file;
//! PostgreSQL runs them when `RABT_TEST_POSTGRES_URL` names a server, each in a database of its own.

pub mod sample;

mod agreements;
mod archives;
mod arrivals;
mod audit_log;
mod changes;
mod claims;
mod clusters;
mod columns;
mod corrections;
mod decisions;
mod deletions;
mod erasures;
mod fingerprints;
mod folders;
mod history;
mod leases;
mod profiles;
mod records;
mod reviews;
mod scratch;
mod sources;
mod transactions;

pub use scratch::Scratch;

/// Lists the cases once, and makes one test of each for each backend.
macro_rules! cases {
    ($($group:ident: $($case:ident),+ $(,)?;)+) => {
        /// The names of the cases, by group.
        pub const CASES: &[(&str, &str)] = &[$($((stringify!($group), stringify!($case)),)+)+];

        /// Runs every case on the storage that `scratch` makes.
        ///
        /// # Panics
        /// When the backend does not do what it must.
        pub async fn run_all(scratch: impl AsyncFn() -> Scratch) {
            $($(
                let place = scratch().await;
                $group::$case(place.storage()).await;
                place.remove().await;
            )+)+
        }

        #[cfg(test)]
        mod sqlite_memory {
            $($(
                #[tokio::test]
                async fn $case() {
                    let place = super::Scratch::memory().await;
                    super::$group::$case(place.storage()).await;
                    place.remove().await;
                }
            )+)+
        }

        #[cfg(test)]
        mod sqlite_file {
            $($(
                #[tokio::test]
                async fn $case() {
                    let folder = tempfile::tempdir().unwrap();
                    let place = super::Scratch::file(&folder.path().join("rabt.db")).await;
                    super::$group::$case(place.storage()).await;
                    place.remove().await;
                }
            )+)+
        }

        #[cfg(test)]
        mod postgres {
            $($(
                #[tokio::test]
                async fn $case() {
                    let Some(place) = super::Scratch::postgres(stringify!($case)).await else {
                        return;
                    };
                    super::$group::$case(place.storage()).await;
                    place.remove().await;
                }
            )+)+
        }
    };
}

cases! {
    agreements:
        an_agreement_comes_back_as_it_went_in,
        versions_that_stand_are_listed;
    records:
        a_record_comes_back_as_it_went_in,
        only_new_and_changed_records_become_unlinked,
        the_last_of_equal_ids_counts,
        pages_cover_every_record_once,
        records_are_found_by_number,
        rows_are_found_by_key,
        records_are_counted_by_source,
        a_source_has_one_agency,
        a_key_with_a_nul_is_refused,
        rejections_are_replaced_and_cleared;
    clusters:
        records_move_between_citizens,
        a_membership_needs_its_record,
        a_changed_record_keeps_its_citizen,
        redirects_are_followed_to_their_end,
        an_id_that_is_used_again_leads_to_itself,
        every_id_that_leads_to_a_citizen_is_found;
    arrivals:
        what_was_written_is_seen_at_once,
        a_record_that_came_back_is_remembered,
        what_is_wrong_with_a_write_is_told_before_its_commit,
        what_waited_to_be_written_is_undone;
    corrections:
        a_correction_is_asked_and_answered_once;
    erasures:
        an_erasure_is_decided_once_and_names_nobody_then,
        a_data_key_is_made_once_and_sealed_anew;
    columns:
        counts_of_columns_add_up_until_they_are_forgotten;
    profiles:
        a_profile_comes_back_as_it_went_in,
        a_removed_profile_is_gone,
        pages_cover_every_profile_once;
    deletions:
        a_deleted_record_is_nowhere_but_among_versions,
        a_deleted_record_comes_back_under_its_number,
        deletions_that_come_late_change_nothing,
        a_released_record_is_no_member_and_remembered,
        what_is_linked_at_once_never_becomes_unlinked;
    history:
        versions_that_come_late_are_kept_and_not_applied,
        what_a_source_says_now_is_never_late,
        versions_are_ordered_by_number_when_times_do_not_tell,
        a_profile_belongs_to_its_citizens_own_change,
        a_replaced_profile_is_a_past_revision,
        records_are_found_as_a_profile_saw_them,
        the_state_at_a_change_is_walked_in_pages,
        every_state_is_found_at_its_place;
    changes:
        a_change_comes_back_as_it_went_in,
        changes_are_numbered_without_a_gap,
        the_feed_grows_in_the_order_of_commits,
        a_change_of_somebody_unknown_is_refused,
        whose_records_and_citizens_are_is_told;
    decisions:
        a_decision_comes_back_as_it_went_in,
        a_step_is_taken_from_where_the_decision_stands,
        of_two_steps_at_once_one_is_taken,
        a_decision_needs_its_records,
        decisions_are_walked_and_found_by_record,
        reasons_are_kept_in_any_words,
        protected_records_are_told;
    reviews:
        a_task_comes_back_as_it_went_in,
        a_task_that_is_asked_again_keeps_its_place,
        what_is_asked_no_more_is_removed,
        two_citizens_have_one_task,
        a_task_needs_two_known_citizens,
        many_tasks_are_put_at_once,
        a_second_writer_of_tasks_misses_none;
    claims:
        tasks_are_walked_in_their_order,
        tasks_are_counted_by_kind,
        tasks_are_filtered,
        a_claim_runs_out_and_is_released,
        of_two_claims_at_once_one_is_given,
        a_claim_survives_linking_at_the_same_time,
        a_proposal_waits_on_its_task;
    sources:
        a_source_comes_back_as_it_went_in,
        positions_are_kept_by_stream,
        runs_are_counted_and_end,
        a_run_of_a_killed_process_is_interrupted,
        the_last_bundle_is_current,
        a_mark_has_its_last_text,
        outbox_numbers_are_never_used_again;
    folders:
        a_folder_comes_back_as_it_went_in,
        one_folder_of_an_agency_is_worked_on,
        a_version_is_never_used_again;
    transactions:
        what_is_not_committed_is_undone,
        names_of_an_undone_transaction_are_not_used,
        a_snapshot_sees_one_state,
        a_snapshot_refuses_writes,
        writers_of_one_stream_wait_for_each_other,
        outbox_numbers_grow_in_the_order_of_commits,
        storage_answers_a_probe;
    audit_log:
        entries_come_back_in_order,
        a_second_writer_is_refused,
        of_two_who_append_at_once_one_is_refused,
        entries_are_found_by_everybody_whom_they_are_about,
        keys_of_persons_are_in_the_commit_of_the_entry_and_are_destroyed,
        an_emergency_is_in_the_commit_of_its_entry_and_judged_once,
        what_is_indexed_later_is_found_once,
        a_checkpoint_takes_the_signature_of_a_witness,
        of_two_stamps_of_one_size_the_first_stays,
        the_latest_checkpoint_is_of_the_largest_tree,
        a_transaction_does_not_delay_the_log;
    archives:
        entries_leave_with_the_entry_that_says_so_and_their_hashes_stay,
        entries_leave_once_and_all_or_none,
        a_clock_that_goes_back_sets_no_time_of_the_archive_back,
        archives_are_listed_where_they_stand;
    leases:
        a_lease_is_one_processes,
        a_lease_that_ran_out_is_taken_over,
        who_lost_a_lease_commits_nothing,
        a_successor_waits_for_a_commit_and_a_renewal_does_not,
        steps_are_read_in_their_order,
        the_head_tells_of_every_change,
        memberships_are_found_by_citizen;
    fingerprints:
        order_of_arrival_does_not_matter,
        every_difference_shows;
}
