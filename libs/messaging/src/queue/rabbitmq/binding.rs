//! Jobs as AMQP messages.
//!
//! The value is the body. Each header is an AMQP header: text or bytes as a long string, null as void. What AMQP has no
//! place for is in headers that begin with `septet-`: the order of the headers, the key, a null value, the attempts so
//! far, and the time at which the job is due. AMQP headers are a table, so a key cannot repeat, and must be text of 1 to
//! 255 bytes; other records are refused. The contract makes none of those.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldArray, FieldTable, LongString, ShortString},
};
use septet_contract::{Header, Record, Timestamp};

use super::super::QueueError;

/// Headers that are RabbitMQ's.
const THEIRS: &str = "x-";
/// Headers that are ours.
const OURS: &str = "septet-";

const ORDER: &str = "septet-order";
const KEY: &str = "septet-key";
const NULL_VALUE: &str = "septet-null-value";
const ATTEMPTS: &str = "septet-attempts";
const DUE: &str = "septet-due";
const SENT: &str = "septet-sent";
/// How often a quorum queue has delivered this message before, in vain.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// Messages outlive a restart of the broker.
const PERSISTENT: u8 = 2;

/// A job with what only this backend knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) record: Record,
    /// Attempts that ended before this copy was made.
    pub(super) attempts: u32,
    /// Not before.
    pub(super) due: Option<Timestamp>,
}

impl Job {
    /// A new job.
    pub(super) fn new(mut record: Record, delay: Duration) -> Self {
        record.timestamp = Timestamp::now();
        let due = (!delay.is_zero()).then(|| record.timestamp.after(delay));
        Self { record, attempts: 0, due }
    }

    /// How long it has to wait.
    pub(super) fn remaining(&self) -> Duration {
        self.due.map_or(Duration::ZERO, |due| due.since(Timestamp::now()))
    }

    /// Body of the message.
    pub(super) fn body(&self) -> &[u8] {
        self.record.value.as_deref().unwrap_or_default()
    }

    /// Properties of the message, named `id` among those of its publisher.
    pub(super) fn properties(&self, id: &str) -> Result<BasicProperties, QueueError> {
        let mut headers = BTreeMap::new();
        let mut order = Vec::new();
        for header in &self.record.headers {
            let name = name_of(header)?;
            order.push(AMQPValue::LongString(LongString::from(header.key.to_vec())));
            let value = header.value.as_ref().map_or(AMQPValue::Void, bytes);
            if headers.insert(name, value).is_some() {
                return Err(invalid("a header repeats, which AMQP does not know"));
            }
        }
        let mut set = |name: &str, value| headers.insert(ShortString::from(name), value);
        set(ORDER, AMQPValue::FieldArray(FieldArray::from(order)));
        set(SENT, AMQPValue::LongLongInt(self.record.timestamp.micros()));
        set(ATTEMPTS, AMQPValue::LongLongInt(self.attempts.into()));
        if let Some(due) = self.due {
            set(DUE, AMQPValue::LongLongInt(due.micros()));
        }
        if let Some(key) = &self.record.key {
            set(KEY, bytes(key));
        }
        if self.record.value.is_none() {
            set(NULL_VALUE, AMQPValue::Boolean(true));
        }
        Ok(BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_message_id(ShortString::from(id))
            .with_headers(FieldTable::from(headers)))
    }

    /// Reads a message, whoever published it; its number of vain deliveries counts as attempts as well.
    pub(super) fn read(body: Vec<u8>, properties: &BasicProperties) -> (Self, u32) {
        let empty = FieldTable::default();
        let table = properties.headers().as_ref().unwrap_or(&empty).inner();
        let number = |name| table.get(name).and_then(number);
        let mut headers: Vec<Header> = table
            .iter()
            .filter(|(name, _)| !is_reserved(name.as_str()))
            .map(|(name, value)| Header {
                key: Bytes::copy_from_slice(name.as_str().as_bytes()),
                value: bytes_of(value),
            })
            .collect();
        if let Some(AMQPValue::FieldArray(order)) = table.get(ORDER) {
            let place =
                |key: &[u8]| order.as_slice().iter().position(|name| bytes_of(name).as_deref() == Some(key));
            headers.sort_by_cached_key(|header| place(&header.key).unwrap_or(usize::MAX));
        }
        let record = Record {
            key: table.get(KEY).and_then(bytes_of),
            headers,
            value: (!table.contains_key(NULL_VALUE)).then(|| Bytes::from(body)),
            timestamp: Timestamp::from_micros(number(SENT).unwrap_or(0)),
        };
        let count = |name| number(name).map_or(0, |count| u32::try_from(count.max(0)).unwrap_or(u32::MAX));
        let due = number(DUE).map(Timestamp::from_micros);
        (Self { record, attempts: count(ATTEMPTS), due }, count(DELIVERY_COUNT))
    }
}

fn is_reserved(name: &str) -> bool {
    name.starts_with(THEIRS) || name.starts_with(OURS)
}

fn name_of(header: &Header) -> Result<ShortString, QueueError> {
    let name = std::str::from_utf8(&header.key).map_err(|_| invalid("a header key is not text"))?;
    if name.is_empty() {
        return Err(invalid("a header key is empty"));
    }
    if is_reserved(name) {
        return Err(invalid(
            "a header key begins with x- or septet-, which are RabbitMQ's and this backend's own",
        ));
    }
    ShortString::try_new(name).map_err(|_| invalid("a header key is longer than 255 bytes"))
}

fn invalid(what: &str) -> QueueError {
    QueueError::Invalid(format!("the job cannot be an AMQP message: {what}"))
}

fn bytes(value: &Bytes) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value.to_vec()))
}

/// What other publishers may have written as numbers or truth values is given as text.
fn bytes_of(value: &AMQPValue) -> Option<Bytes> {
    match value {
        AMQPValue::Void => None,
        AMQPValue::LongString(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
        AMQPValue::ShortString(text) => Some(Bytes::copy_from_slice(text.as_str().as_bytes())),
        AMQPValue::ByteArray(bytes) => Some(Bytes::copy_from_slice(bytes.as_slice())),
        AMQPValue::Boolean(truth) => Some(Bytes::from(truth.to_string())),
        other => number(other).map(|number| Bytes::from(number.to_string())),
    }
}

fn number(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(number) => Some(number.into()),
        AMQPValue::ShortShortUInt(number) => Some(number.into()),
        AMQPValue::ShortInt(number) => Some(number.into()),
        AMQPValue::ShortUInt(number) => Some(number.into()),
        AMQPValue::LongInt(number) => Some(number.into()),
        AMQPValue::LongUInt(number) => Some(number.into()),
        AMQPValue::LongLongInt(number) => Some(number),
        AMQPValue::Timestamp(number) => i64::try_from(number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(job: &Job) -> (Job, u32) {
        Job::read(job.body().to_vec(), &job.properties("1").expect("it can be a message"))
    }

    #[test]
    fn a_job_comes_back_as_it_was() {
        let record = Record {
            key: Some(Bytes::from_static(b"\xffkey")),
            headers: vec![
                Header::text("z", "last letter first"),
                Header { key: Bytes::from_static(b"null"), value: None },
                Header { key: Bytes::from_static(b"binary"), value: Some(Bytes::from_static(b"\x00\xff")) },
                Header::text("empty", ""),
            ],
            value: Some(Bytes::from_static(b"value")),
            timestamp: Timestamp::from_micros(7),
        };
        let due = Some(Timestamp::from_micros(99));
        for value in [Some(Bytes::from_static(b"value")), Some(Bytes::new()), None] {
            let job = Job { record: Record { value, ..record.clone() }, attempts: 3, due };
            assert_eq!(there_and_back(&job), (job, 0));
        }
    }

    #[test]
    fn what_a_table_cannot_hold_is_refused() {
        let text = |key: &str| Header::text(key, "");
        let not_text = Header { key: Bytes::from_static(b"\xff"), value: None };
        let long = text(&"k".repeat(256));
        for headers in [
            vec![text("a"), text("a")],
            vec![not_text],
            vec![text("")],
            vec![long],
            vec![text("septet-due")],
            vec![text("x-delivery-count")],
        ] {
            let job = Job::new(Record { headers, ..Record::default() }, Duration::ZERO);
            assert!(matches!(job.properties("1"), Err(QueueError::Invalid(_))), "{job:?}");
        }
    }

    #[test]
    fn messages_of_others_can_be_read() {
        let mut table = FieldTable::default();
        table.insert("ce_type".into(), AMQPValue::LongString(LongString::from(b"t".to_vec())));
        table.insert("n".into(), AMQPValue::LongInt(-5));
        table.insert("x-delivery-count".into(), AMQPValue::LongInt(2));
        table.insert("x-death".into(), AMQPValue::FieldArray(FieldArray::default()));
        let (job, redelivered) = Job::read(b"{}".to_vec(), &BasicProperties::default().with_headers(table));
        assert_eq!(job.record.headers, [Header::text("ce_type", "t"), Header::text("n", "-5")]);
        assert_eq!((job.attempts, redelivered, job.due), (0, 2, None));
    }
}
