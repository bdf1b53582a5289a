//! The name of every metric, its kind and its labels. Every series has a `service` label; no label holds an id.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Histogram, seconds: a gRPC call at the server, from its headers to the end of its reply. Labels `service`, `method`
/// (`septet.docs.v1.DocsService/GetPage`, or `other`), `code` (`OK`, `NOT_FOUND`, …).
pub const RPC_SERVER_CALL_DURATION_SECONDS: &str = "rpc_server_call_duration_seconds";
/// Histogram, seconds: the same at the client. Labels `service` (the one called), `method`, `code`.
pub const RPC_CLIENT_CALL_DURATION_SECONDS: &str = "rpc_client_call_duration_seconds";
/// Counter: calls that were sent again after a failure. Label `service` (the one called).
pub const RPC_CLIENT_RETRIES_TOTAL: &str = "rpc_client_retries_total";
/// Gauge: 1 while a dependency answers, 0 while it does not. Labels `service`, `dependency` (`log`, `queue`, `store`).
pub const DEPENDENCY_UP: &str = "dependency_up";
/// Histogram, seconds: one event from decoding to commit, retries included. Labels `service`, `type`, `outcome`.
pub const MESSAGING_PROCESS_DURATION_SECONDS: &str = "messaging_process_duration_seconds";
/// Gauge, records: how far a consumer group is behind the end of a partition. Labels `service`, `topic`, `partition`.
pub const CONSUMER_LAG_RECORDS: &str = "consumer_lag_records";
/// Histogram, seconds: now minus `ce_time` when an event was handled; the delay that users feel. Labels `service`, `type`.
pub const EVENT_AGE_SECONDS: &str = "event_age_seconds";
/// Gauge, rows: what the outbox holds that is not acknowledged yet. Label `service`.
pub const OUTBOX_PENDING: &str = "outbox_pending";
/// Gauge, seconds: the age of the oldest such row, 0 when there is none. Label `service`.
pub const OUTBOX_OLDEST_AGE_SECONDS: &str = "outbox_oldest_age_seconds";
/// Counter: events and jobs that arrived again and were skipped. Label `service`.
pub const INBOX_DUPLICATES_TOTAL: &str = "inbox_duplicates_total";
/// Counter: handlings that failed and were tried again. Labels `service`, `type`.
pub const HANDLER_RETRIES_TOTAL: &str = "handler_retries_total";
/// Counter: events that were given up. Labels `service`, `reason`.
pub const DEAD_LETTERS_TOTAL: &str = "dead_letters_total";
/// Gauge, jobs: what waits in a queue, delayed jobs included. Labels `service`, `queue`.
pub const JOBS_PENDING: &str = "jobs_pending";
/// Histogram, seconds: one attempt at a job. Labels `service`, `job`, `outcome`.
pub const JOBS_PROCESS_DURATION_SECONDS: &str = "jobs_process_duration_seconds";
/// Counter: attempts that failed and will be repeated. Labels `service`, `job`.
pub const JOBS_RETRIES_TOTAL: &str = "jobs_retries_total";
/// Counter: jobs that were given up. Labels `service`, `job`, `reason`.
pub const JOBS_DEAD_LETTERS_TOTAL: &str = "jobs_dead_letters_total";
/// Counter, records: what retention removed before a reader got to it. Labels `reader` (a group, or none), `topic`.
pub const LOG_RECORDS_LOST_TOTAL: &str = "log_records_lost_total";
/// Counter: jobs that were set aside since they ended their worker each time. Label `queue`.
pub const JOBS_SET_ASIDE_TOTAL: &str = "jobs_set_aside_total";
/// Gauge, always 1: which release runs. Labels `service`, `version`.
pub const BUILD_INFO: &str = "build_info";

/// Tells the recorder what each metric means, for the `# HELP` lines.
pub(super) fn describe() {
    describe_histogram!(
        RPC_SERVER_CALL_DURATION_SECONDS,
        Unit::Seconds,
        "gRPC calls served, by method and code"
    );
    describe_histogram!(
        RPC_CLIENT_CALL_DURATION_SECONDS,
        Unit::Seconds,
        "gRPC calls made, by method and code"
    );
    describe_counter!(RPC_CLIENT_RETRIES_TOTAL, Unit::Count, "gRPC calls that were sent again");
    describe_gauge!(DEPENDENCY_UP, Unit::Count, "Whether the log, the queue or the store answers");
    describe_histogram!(
        MESSAGING_PROCESS_DURATION_SECONDS,
        Unit::Seconds,
        "Events handled, by type and outcome"
    );
    describe_gauge!(
        CONSUMER_LAG_RECORDS,
        Unit::Count,
        "Records between the committed offset and the topic's end"
    );
    describe_histogram!(EVENT_AGE_SECONDS, Unit::Seconds, "Time from an event's ce_time to its handling");
    describe_gauge!(OUTBOX_PENDING, Unit::Count, "Outbox rows that are not acknowledged yet");
    describe_gauge!(OUTBOX_OLDEST_AGE_SECONDS, Unit::Seconds, "Age of the oldest pending outbox row");
    describe_counter!(INBOX_DUPLICATES_TOTAL, Unit::Count, "Deliveries that the inbox had seen before");
    describe_counter!(HANDLER_RETRIES_TOTAL, Unit::Count, "Event handlings that failed and were repeated");
    describe_counter!(DEAD_LETTERS_TOTAL, Unit::Count, "Events given up, by reason");
    describe_gauge!(JOBS_PENDING, Unit::Count, "Jobs that wait in a queue");
    describe_histogram!(JOBS_PROCESS_DURATION_SECONDS, Unit::Seconds, "Attempts at jobs, by outcome");
    describe_counter!(JOBS_RETRIES_TOTAL, Unit::Count, "Attempts at jobs that failed and will be repeated");
    describe_counter!(JOBS_DEAD_LETTERS_TOTAL, Unit::Count, "Jobs given up, by reason");
    describe_counter!(
        LOG_RECORDS_LOST_TOTAL,
        Unit::Count,
        "Records that retention removed before they were read"
    );
    describe_counter!(JOBS_SET_ASIDE_TOTAL, Unit::Count, "Jobs that ended their worker each time");
    describe_gauge!(BUILD_INFO, "The release that runs; always 1");
}
