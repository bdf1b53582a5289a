//! Records that no sound producer would send, and how they are sent.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    process::{Command, Stdio},
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use septet_testkit::servers::skip;

use super::classes::submitted;

/// Where outside producers write.
pub const INGEST: &str = "review.diff.ingest.v1";
/// Where devops publishes changes.
pub const CHANGES: &str = "devops.change.v1";
/// What belongs on the ingest topic.
pub const SUBMITTED: &str = "septet.review.v1.DiffSubmitted";
pub const PROTOBUF: &str = "application/protobuf";

/// A record to be sent as it is.
#[derive(Clone, Debug)]
pub struct Poison {
    pub topic: &'static str,
    pub key: Option<String>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The key of one more header, which is no text.
    pub raw_header: Option<&'static [u8]>,
    pub value: Option<Vec<u8>>,
}

impl Poison {
    /// A sound record of this type: binary mode, with a small diff as protobuf.
    pub fn of(id: &str, r#type: &str, content_type: &str) -> Self {
        let headers = [
            ("content-type", content_type),
            ("ce_specversion", "1.0"),
            ("ce_id", id),
            ("ce_source", "/poison"),
            ("ce_type", r#type),
        ];
        let headers = headers.map(|(key, value)| (key.to_owned(), Some(value.as_bytes().to_vec())));
        let (key, value) = (Some("shop".to_owned()), Some(submitted(id)));
        Self { topic: INGEST, key, headers: headers.to_vec(), raw_header: None, value }
    }

    /// A sound record of the type that belongs on the topic.
    pub fn binary(id: &str) -> Self {
        Self::of(id, SUBMITTED, PROTOBUF)
    }

    /// A value without headers.
    pub fn bare(value: Vec<u8>) -> Self {
        Self { headers: Vec::new(), value: Some(value), ..Self::binary("") }
    }

    pub fn value(self, value: Option<Vec<u8>>) -> Self {
        Self { value, ..self }
    }

    pub fn without(mut self, header: &str) -> Self {
        self.headers.retain(|(key, _)| key != header);
        self
    }

    /// With this value of a header instead of another one.
    pub fn header(self, name: &str, value: Option<&[u8]>) -> Self {
        let mut changed = self.without(name);
        changed.headers.push((name.to_owned(), value.map(<[u8]>::to_vec)));
        changed
    }
}

/// The diff of every sound record.
pub fn diff() -> String {
    "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+hello\n".to_owned()
}

/// Sends records as they are.
#[derive(Clone)]
pub struct Sender {
    producer: FutureProducer,
    brokers: String,
}

impl Sender {
    /// To these brokers.
    ///
    /// # Panics
    /// If librdkafka refuses the settings.
    pub fn new(brokers: &str) -> Self {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "1")
            .set("message.max.bytes", (12 << 20).to_string())
            .create();
        Self { producer: producer.expect("a producer"), brokers: brokers.to_owned() }
    }

    /// Sends a record; gives where it stands, or `None` where no client of this machine can write it.
    ///
    /// # Panics
    /// If the broker does not take it.
    pub async fn send(&self, poison: &Poison) -> Option<(String, i32, i64)> {
        if let Some(raw) = poison.raw_header {
            return self.send_by_kcat(poison, raw).await;
        }
        let mut record: FutureRecord<'_, str, [u8]> = FutureRecord::to(poison.topic);
        (record.key, record.payload) = (poison.key.as_deref(), poison.value.as_deref());
        let headers = poison.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: value.as_deref() })
        });
        record.headers = (!poison.headers.is_empty()).then_some(headers);
        let sent = self.producer.send(record, Duration::from_secs(30)).await;
        let place = sent.unwrap_or_else(|(error, _)| panic!("Kafka does not take the record: {error}"));
        Some((poison.topic.to_owned(), place.partition, place.offset))
    }

    /// librdkafka takes header keys of any bytes, rust-rdkafka does not: kcat hands them on as they are. The record goes
    /// where no other does: to the partition that a key of its own picks, which its place is then found by.
    async fn send_by_kcat(&self, poison: &Poison, raw: &[u8]) -> Option<(String, i32, i64)> {
        let mut kcat = Command::new("kcat");
        kcat.args(["-P", "-b", &self.brokers, "-t", poison.topic, "-p", "0", "-D", "\u{1}"]);
        kcat.arg("-k").arg(poison.key.as_deref().unwrap_or_default());
        kcat.arg("-H").arg(OsString::from_vec([raw, b"=x"].concat()));
        kcat.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut kcat = match tokio::process::Command::from(kcat).kill_on_drop(true).spawn() {
            Ok(kcat) => kcat,
            Err(error) => {
                skip("kcat", &format!("{error}; install the package kcat"));
                return None;
            }
        };
        let mut input = kcat.stdin.take().expect("its input is piped");
        let value = poison.value.clone().unwrap_or_default();
        tokio::io::AsyncWriteExt::write_all(&mut input, &value).await.expect("kcat reads");
        drop(input);
        let ended = kcat.wait_with_output().await.expect("kcat ends");
        assert!(ended.status.success(), "kcat: {}", String::from_utf8_lossy(&ended.stderr));
        Some((poison.topic.to_owned(), 0, -1))
    }
}
