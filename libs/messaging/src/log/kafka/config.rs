//! How to reach Kafka, and what that means for librdkafka.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{super::LogError, KafkaSecurity};

/// A Kafka cluster as a log.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// Name of this process in the brokers' logs, quotas and metrics.
    pub client_id: String,
    /// Static membership: a name that no other replica of the service has and that survives its restarts (a stateful
    /// set's pod name). With it a restart within the session timeout (45 s) moves no partition.
    pub group_instance_id: Option<String>,
    /// Copies of each partition of topics that are created. Absent: the brokers' default.
    pub replication_factor: Option<i32>,
    /// Milliseconds that one call of `append` may take; then it fails as not available.
    pub append_timeout_ms: u64,
    /// Milliseconds that revoked partitions may take to be given back before they are taken.
    pub revoke_timeout_ms: u64,
    /// Bytes of key, headers and value of a record at most. The topics' `max.message.bytes` must be a little above it.
    pub max_record_bytes: usize,
    /// Transport and authentication. Absent: plain TCP, anonymous.
    pub security: Option<KafkaSecurity>,
    /// Further librdkafka properties for every client. Those that the delivery promise rests on, and secrets, are
    /// refused.
    pub extra: BTreeMap<String, String>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            client_id: "septet".to_owned(),
            group_instance_id: None,
            replication_factor: None,
            append_timeout_ms: 60_000,
            revoke_timeout_ms: 10_000,
            max_record_bytes: 1_000_000,
            security: None,
            extra: BTreeMap::new(),
        }
    }
}

/// Properties that this backend sets by itself because order and durability rest on them.
const OURS: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "enable.ssl.certificate.verification",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "request.required.acks",
    "retries",
    "message.send.max.retries",
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "transactional.id",
];

impl KafkaConfig {
    /// Finds what cannot work, by the name of its key.
    pub(super) fn check(&self) -> Result<(), LogError> {
        let invalid = |message: String| Err(LogError::Invalid(message));
        if self.brokers.trim().is_empty() {
            return invalid("kafka.brokers is empty; give host:port, several separated by commas".to_owned());
        }
        if self.append_timeout_ms == 0 || self.max_record_bytes == 0 {
            return invalid("kafka.append_timeout_ms and kafka.max_record_bytes must be above 0".to_owned());
        }
        if self.replication_factor.is_some_and(|factor| factor < 1) {
            return invalid("kafka.replication_factor must be at least 1, or absent".to_owned());
        }
        for key in self.extra.keys() {
            if OURS.contains(&key.as_str()) {
                return invalid(format!(
                    "kafka.extra.{key} cannot be set: what Septet promises rests on it, or another key of the \
                     configuration sets it"
                ));
            }
            if key.contains("password") || key.contains("secret") || key.ends_with(".pem") {
                return invalid(format!(
                    "kafka.extra.{key} would hold a secret; secrets are read from files only"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn append_timeout(&self) -> Duration {
        Duration::from_millis(self.append_timeout_ms)
    }

    pub(super) fn revoke_timeout(&self) -> Duration {
        Duration::from_millis(self.revoke_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_promise_rests_on_cannot_be_overridden() {
        for key in ["acks", "enable.idempotence", "auto.offset.reset", "sasl.password", "ssl.key.password"] {
            let config =
                KafkaConfig { extra: [(key.to_owned(), "x".to_owned())].into(), ..KafkaConfig::default() };
            let error = config.check().expect_err(key).to_string();
            assert!(error.contains(key), "{error}");
        }
        let extra = [("linger.ms".to_owned(), "1".to_owned())].into();
        assert!(KafkaConfig { extra, ..KafkaConfig::default() }.check().is_ok());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = serde_json::from_str::<KafkaConfig>(r#"{"broker": "a:1"}"#).expect_err("a typing error");
        assert!(error.to_string().contains("broker"), "{error}");
    }
}
