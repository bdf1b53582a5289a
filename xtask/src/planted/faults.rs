/// A fault of `libs/messaging/src/planted`, and who notices it.
pub(super) struct Fault {
    pub name: &'static str,
    /// What goes wrong with it.
    pub breaks: &'static str,
    /// Tests of `septet-messaging`'s `core`, each of which must turn red. `*` stands for both engines.
    pub tests: &'static [&'static str],
}

const fn fault(name: &'static str, breaks: &'static str, tests: &'static [&'static str]) -> Fault {
    Fault { name, breaks, tests }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "PositionBeforeEffects",
        "an event in hand is lost when its process is killed",
        &["kill::*::an_event_in_hand_comes_again"],
    ),
    fault(
        "PositionOnRevoke",
        "events fetched before a rebalance are lost",
        &["rebalance::*::a_partition_revoked_in_the_middle_of_a_batch_goes_on_elsewhere"],
    ),
    fault(
        "CommitErrorIgnored",
        "events are lost when the database refuses their commit",
        &["commit::*::an_event_is_tried_again"],
    ),
    fault(
        "InboxSkipped",
        "a delivery that comes again has a second effect",
        &[
            "effects::*::a_record_that_comes_twice_has_one_effect",
            "jobs::*::a_job_that_comes_twice_is_done_once",
        ],
    ),
    fault(
        "FreshSetIgnored",
        "the same, within micro-batches",
        &["effects::*::a_record_that_comes_twice_has_one_effect"],
    ),
    fault(
        "TurnNeverCame",
        "the rest of a batch that a drain cut short is lost",
        &["drain::*::the_event_in_hand_is_finished_and_the_rest_of_its_batch_comes_again"],
    ),
    fault(
        "InboxForgottenTooSoon",
        "a delivery that comes again later has a second effect",
        &["unit_of_work::*::old_deliveries_are_forgotten_and_new_ones_kept"],
    ),
    fault(
        "SavepointKept",
        "a rejected event has an effect",
        &["retries::*::a_rejected_event_leaves_its_neighbours_alone"],
    ),
    fault(
        "RejectedDraftsKept",
        "a rejected event publishes",
        &["retries::*::a_rejected_event_leaves_its_neighbours_alone"],
    ),
    fault(
        "PoisonSkipped",
        "what cannot be read is lost without a dead letter",
        &["poison::*::each_class_has_its_reason_and_neighbours_go_on"],
    ),
    fault(
        "RetrySkipsEvent",
        "an event that fails once is lost",
        &["retries::*::a_retry_succeeds_and_keeps_the_order"],
    ),
    fault(
        "RetryOvertaken",
        "a retry breaks the order of its key",
        &["retries::*::a_retry_succeeds_and_keeps_the_order"],
    ),
    fault(
        "PublishOutsideTransaction",
        "an event tells of what did not happen",
        &["commit::*::nothing_leaves_with_it"],
    ),
    fault(
        "KeyLost",
        "events of one key are spread over partitions",
        &["unit_of_work::*::an_event_carries_its_key"],
    ),
    fault("LostWakeUp", "an event waits for the relay's next look", &["relays::a_commit_wakes_the_relay"]),
    fault(
        "OutboxLimitIgnored",
        "the outbox grows without bound",
        &["unit_of_work::too_much_in_the_outbox_refuses_writes_until_it_is_sent"],
    ),
    fault(
        "RowDeletedBeforeConfirmed",
        "events are lost while the log is away",
        &["relays::*::rows_wait_for_the_log_and_leave_in_order"],
    ),
    fault(
        "RelayWithCursor",
        "rows that become visible late are never sent",
        &["relays::a_row_that_becomes_visible_late_is_sent"],
    ),
    fault(
        "RelayOutOfOrder",
        "events of one key leave out of order",
        &["relays::*::rows_wait_for_the_log_and_leave_in_order"],
    ),
    fault(
        "TwoRelaysWithoutLock",
        "replicas send each row several times",
        &["relays::of_two_relays_one_is_active_and_the_other_takes_over"],
    ),
    fault(
        "JobAckedBeforeCommit",
        "a job in hand is lost when its process is killed",
        &["kill::*::a_job_in_hand_comes_again"],
    ),
    fault(
        "DeadLetterWithoutHeaders",
        "a dead letter cannot be redriven as it was",
        &["retries::*::retries_end_in_a_dead_letter_that_tells_all"],
    ),
    fault(
        "RedriveWithoutNewId",
        "a redrive is dropped as a duplicate",
        &[
            "redrive::*::a_redriven_event_is_handled_once",
            "jobs::*::retries_end_in_a_dead_letter_and_a_redrive_does_it",
        ],
    ),
    fault(
        "RedriveBelieved",
        "a producer chooses the identity of its events",
        &["poison::*::a_producer_cannot_pass_for_a_redrive"],
    ),
    fault(
        "ReplayUnderOwnName",
        "a replay does nothing",
        &["replay::*::kept_events_are_handled_again_and_each_once"],
    ),
    fault(
        "ReplyOutsideTransaction",
        "a caller is told of what did not happen",
        &["commit::*::no_reply_is_kept"],
    ),
    fault(
        "FingerprintIgnored",
        "a caller gets the reply to another request",
        &["requests::*::an_id_is_not_used_for_two_requests"],
    ),
    fault(
        "DrainDoesNotWait",
        "what is in hand is thrown away by a drain",
        &["drain::*::the_event_in_hand_is_finished_and_the_rest_of_its_batch_comes_again"],
    ),
];

impl Fault {
    /// Full names of its tests.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.tests.iter().flat_map(|test| {
            let engines: &[&str] = if test.contains('*') { &["sqlite", "postgres"] } else { &[""] };
            engines.iter().map(|engine| test.replace('*', engine))
        })
    }
}
