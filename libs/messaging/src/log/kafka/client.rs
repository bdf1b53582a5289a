//! librdkafka clients with the settings that the delivery promise rests on.

use std::{fmt, fs, path::Path, sync::Arc};

use rdkafka::{
    ClientConfig, ClientContext, Statistics,
    admin::AdminClient,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, ConsumerContext, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::FutureProducer,
};

use super::{super::LogError, BACKEND, KafkaConfig};

/// Makes clients of one cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    base: Arc<ClientConfig>,
    pub(super) config: Arc<KafkaConfig>,
}

/// Without the settings, among which is a password.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.config.brokers).finish()
    }
}

impl Cluster {
    /// Checks the configuration and reads the secrets; does not connect.
    pub(super) fn new(config: KafkaConfig) -> Result<Self, LogError> {
        config.check()?;
        let mut base = ClientConfig::new();
        for (key, value) in &config.extra {
            base.set(key, value);
        }
        base.set("bootstrap.servers", &config.brokers)
            .set("client.id", &config.client_id)
            .set("allow.auto.create.topics", "false")
            // Idle connections are closed by brokers as a rule; that is no news.
            .set("log.connection.close", "false")
            .set("message.max.bytes", (config.max_record_bytes + RECORD_OVERHEAD).to_string());
        secure(&mut base, &config)?;
        Ok(Self { base: Arc::new(base), config: Arc::new(config) })
    }

    pub(super) fn producer(&self) -> Result<FutureProducer<Quiet>, LogError> {
        let mut config = (*self.base).clone();
        config
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("max.in.flight.requests.per.connection", "5")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "lz4")
            // A record that times out alone could be overtaken by a later one of its key. `append` has the clock.
            .set("message.timeout.ms", "0");
        set_unless_given(&mut config, "linger.ms", "5");
        set_unless_given(&mut config, "queue.buffering.max.messages", "20000");
        set_unless_given(&mut config, "queue.buffering.max.kbytes", "65536");
        FutureProducer::from_config_and_context(&config, Quiet).map_err(|error| refused(&error))
    }

    /// A member of a group. `context` hears of rebalances.
    pub(super) fn member<C: ConsumerContext>(
        &self,
        group: &str,
        context: C,
    ) -> Result<BaseConsumer<C>, LogError> {
        let mut config = self.consumer_config(group);
        config
            // librdkafka's cooperative-sticky is not safe with manual commits; round robin spreads topics of one
            // partition as well.
            .set("partition.assignment.strategy", "roundrobin");
        set_unless_given(&mut config, "session.timeout.ms", "45000");
        // How soon new partitions of a topic are noticed.
        set_unless_given(&mut config, "topic.metadata.refresh.interval.ms", "30000");
        // Where the lag comes from.
        set_unless_given(&mut config, "statistics.interval.ms", "5000");
        if let Some(instance) = &self.config.group_instance_id {
            config.set("group.instance.id", instance);
        }
        BaseConsumer::from_config_and_context(&config, context).map_err(|error| refused(&error))
    }

    /// A consumer that joins no group; `group` is for whose positions it asks.
    pub(super) fn observer(&self, group: &str) -> Result<BaseConsumer<Quiet>, LogError> {
        BaseConsumer::from_config_and_context(&self.consumer_config(group), Quiet)
            .map_err(|error| refused(&error))
    }

    /// A consumer of hand-picked partitions. It joins no group and commits nothing, but librdkafka wants a name.
    pub(super) fn reader(&self) -> Result<StreamConsumer<Quiet>, LogError> {
        let config = self.consumer_config(&format!("{}-reader", self.config.client_id));
        StreamConsumer::from_config_and_context(&config, Quiet).map_err(|error| refused(&error))
    }

    pub(super) fn admin(&self) -> Result<AdminClient<Quiet>, LogError> {
        AdminClient::from_config_and_context(&self.base, Quiet).map_err(|error| refused(&error))
    }

    fn consumer_config(&self, group: &str) -> ClientConfig {
        let mut config = (*self.base).clone();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            // A position that fell off must be noticed, not skipped over.
            .set("auto.offset.reset", "error");
        // librdkafka would buffer 64 MiB for each partition.
        set_unless_given(&mut config, "queued.max.messages.kbytes", "8192");
        set_unless_given(&mut config, "queued.min.messages", "2000");
        set_unless_given(&mut config, "fetch.wait.max.ms", "250");
        set_unless_given(&mut config, "fetch.error.backoff.ms", "100");
        config
    }
}

/// Room for the framing of a record beside key, headers and value.
const RECORD_OVERHEAD: usize = 16 * 1024;

fn set_unless_given(config: &mut ClientConfig, key: &str, value: &str) {
    if config.get(key).is_none() {
        config.set(key, value);
    }
}

fn secure(base: &mut ClientConfig, config: &KafkaConfig) -> Result<(), LogError> {
    let Some(security) = &config.security else { return Ok(()) };
    if security.protocol.is_tls() && !built_with_tls() {
        return Err(LogError::Invalid(format!(
            "kafka.security.protocol is {}, but this build of Septet has no TLS for Kafka; use a build with it, or \
             plaintext or sasl_plaintext inside a trusted network",
            security.protocol
        )));
    }
    base.set("security.protocol", security.protocol.to_string());
    if let Some(mechanism) = &security.mechanism {
        base.set("sasl.mechanism", mechanism);
    }
    if let Some(username) = &security.username {
        base.set("sasl.username", username);
    }
    if let Some(path) = &security.password_file {
        base.set("sasl.password", read_secret("kafka.security.password_file", path)?);
    }
    let files = [
        ("ssl.ca.location", &security.ca_file),
        ("ssl.certificate.location", &security.certificate_file),
        ("ssl.key.location", &security.key_file),
    ];
    for (key, path) in files {
        if let Some(path) = path {
            base.set(key, path.to_string_lossy());
        }
    }
    Ok(())
}

fn built_with_tls() -> bool {
    ClientConfig::new()
        .create_native_config()
        .and_then(|config| config.get("builtin.features"))
        .is_ok_and(|features| features.trim_end_matches('\0').split(',').any(|feature| feature == "ssl"))
}

fn read_secret(key: &str, path: &Path) -> Result<String, LogError> {
    match fs::read_to_string(path) {
        Ok(secret) => Ok(secret.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(LogError::Invalid(format!("{key}: {} cannot be read: {error}", path.display()))),
    }
}

/// librdkafka will not make such a client. Its message names the property, never a value that is a secret: those that
/// may hold one are not checked before the connection.
fn refused(error: &KafkaError) -> LogError {
    match error {
        KafkaError::ClientConfig(_, why, key, _) => LogError::Invalid(format!("kafka: {key}: {why}")),
        other => LogError::Invalid(format!("kafka: {other}")),
    }
}

/// The backend cannot do it now.
pub(super) fn unavailable(reason: impl fmt::Display) -> LogError {
    LogError::Unavailable { backend: BACKEND, reason: reason.to_string() }
}

/// What a broker's or librdkafka's error code means for a topic.
pub(super) fn failed(code: RDKafkaErrorCode, topic: &str) -> LogError {
    match code {
        RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownPartition => LogError::UnknownTopic(topic.to_owned()),
        RDKafkaErrorCode::InvalidTopic => {
            LogError::Invalid(format!("Kafka does not accept the topic name {topic}"))
        }
        code => unavailable(code),
    }
}

/// The same for an error of the library.
pub(super) fn failure(error: &KafkaError, topic: &str) -> LogError {
    match error.rdkafka_error_code() {
        Some(code) => failed(code, topic),
        None => unavailable(error),
    }
}

/// Passes librdkafka's log lines on to `tracing`. A broker that is away is no error of this process, so nothing is
/// louder than a warning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }

    fn stats(&self, _: Statistics) {}
}

impl ConsumerContext for Quiet {}
