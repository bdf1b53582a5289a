use std::sync::LazyLock;

/// What can be made wrong. Each is a mistake that such code is known for.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A partition's position is committed before the effects of its records.
    PositionBeforeEffects,
    /// A partition that is revoked commits all that was fetched, handled or not.
    PositionOnRevoke,
    /// A failed commit of a batch counts as done.
    CommitErrorIgnored,
    /// The inbox lets everything in.
    InboxSkipped,
    /// A batch does not look at what the inbox knew already.
    FreshSetIgnored,
    /// A batch that is cut short leaves the rest of it in the inbox.
    TurnNeverCame,
    /// Inbox rows are forgotten at once.
    InboxForgottenTooSoon,
    /// A rejected event of a batch keeps its effects.
    SavepointKept,
    /// A rejected event of a batch keeps its outgoing events.
    RejectedDraftsKept,
    /// A record that cannot be read is passed over in silence.
    PoisonSkipped,
    /// An event that fails is passed over.
    RetrySkipsEvent,
    /// An event that fails is tried again after those behind it.
    RetryOvertaken,
    /// The outbox is written in a transaction of its own.
    PublishOutsideTransaction,
    /// An event leaves without its key.
    KeyLost,
    /// A commit wakes no relay.
    LostWakeUp,
    /// The outbox takes more than its limit.
    OutboxLimitIgnored,
    /// Rows of the outbox are deleted before the backend has confirmed them.
    RowDeletedBeforeConfirmed,
    /// The relay looks only behind the last row that it has sent.
    RelayWithCursor,
    /// The relay sends the newest rows first.
    RelayOutOfOrder,
    /// Every replica's relay is active.
    TwoRelaysWithoutLock,
    /// A job is acknowledged before it is done.
    JobAckedBeforeCommit,
    /// A dead letter loses the headers of its record.
    DeadLetterWithoutHeaders,
    /// A redriven delivery keeps the identity that the inbox knows.
    RedriveWithoutNewId,
    /// The headers of a redrive are believed on every topic.
    RedriveBelieved,
    /// A replay handles events under the service's own consumer name.
    ReplayUnderOwnName,
    /// The reply to a request is kept before what it replies to is done.
    ReplyOutsideTransaction,
    /// A request id gets the reply that was given to another request.
    FingerprintIgnored,
    /// A drain does not wait for what is in hand.
    DrainDoesNotWait,
}

pub(crate) fn is_on(fault: Fault) -> bool {
    static NAMED: LazyLock<String> = LazyLock::new(|| std::env::var("SEPTET_PLANTED").unwrap_or_default());
    *NAMED == format!("{fault:?}")
}
