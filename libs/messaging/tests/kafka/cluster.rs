//! Clusters to test against: librdkafka's mock, and a real one.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    thread,
};

use async_trait::async_trait;
use rdkafka::{
    mocking::MockCluster, producer::DefaultProducerContext, types::RDKafkaApiKey, types::RDKafkaRespErr,
};
use septet_messaging::log::{
    Append, AppliedTopics, From, Log, LogError, Membership, Position, Reader, SharedLog, TopicSettings,
    TopicState,
    kafka::{KafkaConfig, KafkaLog},
};
use septet_testkit::{conformance::LogFixture, servers};

/// A cluster to test against.
pub enum KafkaFixture {
    Mock(Mock),
    Real(String),
}

impl KafkaFixture {
    pub fn mock() -> Self {
        Self::Mock(Mock::start(3))
    }

    /// `None` where there is no cluster.
    pub async fn real() -> Option<Self> {
        Some(Self::Real(servers::kafka().await?.brokers.clone()))
    }

    pub fn brokers(&self) -> &str {
        match self {
            Self::Mock(mock) => &mock.brokers,
            Self::Real(brokers) => brokers,
        }
    }

    pub fn config(&self) -> KafkaConfig {
        KafkaConfig {
            brokers: self.brokers().to_owned(),
            append_timeout_ms: 30_000,
            // Below the time that the mock cluster gives a group to rejoin.
            revoke_timeout_ms: if matches!(self, Self::Mock(_)) { 3_000 } else { 10_000 },
            extra: self.extra(),
            ..KafkaConfig::default()
        }
    }

    fn extra(&self) -> BTreeMap<String, String> {
        let mut extra =
            vec![("topic.metadata.refresh.interval.ms", "1000"), ("statistics.interval.ms", "500")];
        if matches!(self, Self::Mock(_)) {
            // The mock cluster lets a group wait for its session timeout after every departure.
            extra.extend([("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "300")]);
        }
        extra.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    pub fn log(&self, config: KafkaConfig) -> SharedLog {
        let log = Arc::new(KafkaLog::new(config).expect("a configuration that can be"));
        match self {
            Self::Mock(mock) => Arc::new(WithMockTopics { log, mock: mock.clone() }),
            Self::Real(_) => log,
        }
    }
}

#[async_trait]
impl LogFixture for KafkaFixture {
    async fn open(&self) -> SharedLog {
        self.log(self.config())
    }

    fn record_limit(&self) -> usize {
        KafkaConfig::default().max_record_bytes
    }

    fn exception(&self, case: &str) -> Option<&'static str> {
        match (self, case) {
            (Self::Mock(_), case) => mock_exception(case),
            (Self::Real(_), case) => kafka_exception(case),
        }
    }
}

/// What librdkafka's mock cluster cannot show, beside what Kafka does differently.
fn mock_exception(case: &str) -> Option<&'static str> {
    match case {
        "retention_is_changed" => Some("the mock cluster does not know AlterConfigs"),
        "topics_are_created_once_and_only_widened" | "widened_partitions_reach_running_members" => {
            Some("the mock cluster does not know CreatePartitions")
        }
        "topic_names_are_checked" => {
            Some("the mock cluster does not know CreateTopics; its topics are made past the backend")
        }
        "readers_begin_where_they_are_told" => Some("the mock cluster does not find offsets by time"),
        "a_commit_before_giving_back_is_kept" => {
            Some("the mock cluster refuses commits while a group rebalances; Kafka takes them")
        }
        _ => kafka_exception(case),
    }
}

/// What Kafka itself does differently.
fn kafka_exception(case: &str) -> Option<&'static str> {
    match case {
        "header_keys_need_not_be_text" => Some(
            "rust-rdkafka reads and writes header keys as text only: appending others is refused as invalid, and a \
             record that has one comes with one unreadable header in place of all",
        ),
        "old_records_are_removed" | "surplus_records_are_removed" => {
            Some("Kafka removes whole segments that are closed, and looks for them every five minutes")
        }
        _ => None,
    }
}

type Order = Box<dyn FnOnce(&MockCluster<'static, DefaultProducerContext>) + Send>;

/// A mock cluster. It may not leave the thread that made it, so it lives on one of its own and takes orders.
#[derive(Clone)]
pub struct Mock {
    pub brokers: String,
    orders: mpsc::Sender<Order>,
}

impl Mock {
    pub fn start(brokers: i32) -> Self {
        let (orders, inbox) = mpsc::channel::<Order>();
        let (started, address) = mpsc::channel();
        thread::spawn(move || {
            let cluster = MockCluster::new(brokers).expect("a mock cluster");
            started.send(cluster.bootstrap_servers()).expect("the test waits");
            for order in inbox {
                order(&cluster);
            }
        });
        Self { brokers: address.recv().expect("the mock cluster starts"), orders }
    }

    /// Has it done before this returns.
    pub fn order<T: Send + 'static>(
        &self,
        order: impl FnOnce(&MockCluster<'static, DefaultProducerContext>) -> T + Send + 'static,
    ) -> T {
        let (done, result) = mpsc::channel();
        let order: Order = Box::new(move |cluster| done.send(order(cluster)).expect("the test waits"));
        self.orders.send(order).expect("the mock cluster runs");
        result.recv().expect("the mock cluster runs")
    }

    pub fn create(&self, topic: &str, partitions: u32) {
        let topic = topic.to_owned();
        self.order(move |cluster| cluster.create_topic(&topic, partitions as i32, 1).expect("created"));
    }

    /// Fails the next requests of a kind, one with each error.
    pub fn fail(&self, requests: RDKafkaApiKey, errors: &'static [RDKafkaRespErr]) {
        self.order(move |cluster| cluster.request_errors(requests, errors));
    }
}

/// The mock cluster does not know CreateTopics and CreatePartitions: topics are made by its own handle instead.
struct WithMockTopics {
    log: Arc<KafkaLog>,
    mock: Mock,
}

#[async_trait]
impl Log for WithMockTopics {
    fn backend(&self) -> &'static str {
        self.log.backend()
    }

    async fn apply_topics(&self, topics: &[TopicSettings]) -> Result<AppliedTopics, LogError> {
        let existing = self.log.topics().await?;
        let mut applied = AppliedTopics::default();
        for topic in topics.iter().filter(|topic| existing.iter().all(|there| there.name != topic.name)) {
            self.mock.create(&topic.name, topic.partitions);
            applied.created.push(topic.name.clone());
        }
        Ok(applied)
    }

    async fn topics(&self) -> Result<Vec<TopicState>, LogError> {
        self.log.topics().await
    }

    async fn append(&self, records: Vec<Append>) -> Vec<Result<Position, LogError>> {
        self.log.append(records).await
    }

    async fn subscribe(&self, group: &str, topics: &[String]) -> Result<Box<dyn Membership>, LogError> {
        self.log.subscribe(group, topics).await
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, i64)>, LogError> {
        self.log.committed(group, topic).await
    }

    async fn read(&self, topic: &str, partition: i32, from: From) -> Result<Box<dyn Reader>, LogError> {
        self.log.read(topic, partition, from).await
    }

    async fn ping(&self) -> Result<(), LogError> {
        self.log.ping().await
    }

    async fn available(&self) -> Result<(), String> {
        self.log.available().await
    }

    async fn close(&self) {
        self.log.close().await;
    }
}
