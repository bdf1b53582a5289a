//! librdkafka clients with the settings that the delivery promise rests on.

use std::{fmt, sync::Arc};

use rdkafka::{
    ClientConfig,
    admin::AdminClient,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, ConsumerContext, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::FutureProducer,
};

use super::{super::LogError, BACKEND, KafkaConfig, heard::Quiet};

/// Makes clients of one cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    base: Arc<ClientConfig>,
    pub(super) config: Arc<KafkaConfig>,
    pub(super) quiet: Quiet,
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
        // A broker that is back is to be found in seconds, and one that is silent to be given up in seconds.
        set_unless_given(&mut base, "reconnect.backoff.max.ms", "2000");
        set_unless_given(&mut base, "socket.timeout.ms", "10000");
        set_unless_given(&mut base, "socket.connection.setup.timeout.ms", "5000");
        set_unless_given(&mut base, "socket.keepalive.enable", "true");
        if let Some(security) = &config.security {
            security.apply(&mut base)?;
        }
        Ok(Self { base: Arc::new(base), config: Arc::new(config), quiet: Quiet::default() })
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
        // The relay hands over many records at once, so there is little to wait for.
        set_unless_given(&mut config, "linger.ms", "1");
        set_unless_given(&mut config, "queue.buffering.max.messages", "20000");
        set_unless_given(&mut config, "queue.buffering.max.kbytes", "65536");
        FutureProducer::from_config_and_context(&config, self.quiet.clone()).map_err(|error| refused(&error))
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
        BaseConsumer::from_config_and_context(&self.consumer_config(group), self.quiet.clone())
            .map_err(|error| refused(&error))
    }

    /// A consumer of hand-picked partitions. It joins no group and commits nothing, but librdkafka wants a name.
    pub(super) fn reader(&self) -> Result<StreamConsumer<Quiet>, LogError> {
        let config = self.consumer_config(&format!("{}-reader", self.config.client_id));
        StreamConsumer::from_config_and_context(&config, self.quiet.clone()).map_err(|error| refused(&error))
    }

    pub(super) fn admin(&self) -> Result<AdminClient<Quiet>, LogError> {
        AdminClient::from_config_and_context(&self.base, self.quiet.clone()).map_err(|error| refused(&error))
    }

    /// The same error, with what was heard about it where it says that brokers are away.
    pub(super) fn explain(&self, error: LogError) -> LogError {
        match error {
            LogError::Unavailable { reason, .. } => unavailable(self.quiet.explain(&reason)),
            error => error,
        }
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
        // Once a partition's queue is full, librdkafka looks for room after a whole second, long after it has run empty.
        set_unless_given(&mut config, "fetch.queue.backoff.ms", "20");
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
