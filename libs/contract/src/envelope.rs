use bytes::Bytes;
use uuid::Uuid;

use crate::{Event, Job, Timestamp};

/// An event or job with its CloudEvents attributes, whichever encoding it arrived in. Its data is always protobuf.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// `id`: unique within `source`. A UUIDv7 where Septet made it.
    pub id: String,
    /// `source`: who published it, for example `/septet/docs`.
    pub source: String,
    /// `type`: full protobuf name of the data.
    pub r#type: String,
    /// `subject`: the entity that it is about.
    pub subject: Option<String>,
    /// `time`: when it happened.
    pub time: Timestamp,
    /// `partitionkey`: the record's key.
    pub partition_key: Option<String>,
    /// W3C trace context of the publisher's span.
    pub traceparent: Option<String>,
    /// `correlationid`: the same for everything that follows from one beginning.
    pub correlation_id: Option<String>,
    /// `causationid`: id of the event, job or request that this one follows from.
    pub causation_id: Option<String>,
    /// The message, as protobuf.
    pub data: Bytes,
}

/// What an event or job follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// Becomes `causationid`.
    pub id: Option<String>,
    /// Becomes `correlationid`; a new beginning takes its own id.
    pub correlation_id: Option<String>,
    /// Becomes `traceparent`.
    pub traceparent: Option<String>,
}

impl Envelope {
    /// Wraps an event that `source` publishes now.
    pub fn of_event<E: Event>(event: &E, source: &str, time: Timestamp, cause: &Cause) -> Self {
        let key = event.key().into_owned();
        Self::new(E::TYPE, source, time, cause, Some(key), event.encode_to_vec().into())
    }

    /// Wraps a job that `source` enqueues now.
    pub fn of_job<J: Job>(job: &J, source: &str, time: Timestamp, cause: &Cause) -> Self {
        Self::new(J::TYPE, source, time, cause, None, job.encode_to_vec().into())
    }

    fn new(
        r#type: &str,
        source: &str,
        time: Timestamp,
        cause: &Cause,
        key: Option<String>,
        data: Bytes,
    ) -> Self {
        let id = Uuid::now_v7().to_string();
        Self {
            source: source.to_owned(),
            r#type: r#type.to_owned(),
            subject: key.clone(),
            time,
            partition_key: key,
            traceparent: cause.traceparent.clone(),
            correlation_id: cause.correlation_id.clone().or_else(|| Some(id.clone())),
            causation_id: cause.id.clone(),
            id,
            data,
        }
    }
}
