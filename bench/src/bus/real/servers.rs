use anyhow::Context;
use septet_messaging::log::{
    KeptRange, SharedLog,
    kafka::{KafkaConfig, KafkaLog},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Names the brokers, as `host:port`.
const BROKERS: &str = "SEPTET_TEST_KAFKA_BROKERS";
/// Names the database, as `postgres://role:password@host:port/database`; the role may create others.
const POSTGRES: &str = "SEPTET_TEST_POSTGRES_URL";

/// The real servers of a measurement.
pub struct Servers {
    pub brokers: String,
    postgres: String,
}

impl Servers {
    /// Those that the environment names; `cargo xtask bench` starts them.
    pub fn from_environment() -> anyhow::Result<Self> {
        let named = |name: &str| {
            std::env::var(name)
                .with_context(|| format!("{name} is not set; `cargo xtask bench bus` starts a server"))
        };
        Ok(Self { brokers: named(BROKERS)?, postgres: named(POSTGRES)? })
    }

    /// Kafka as a service uses it.
    pub fn log(&self) -> anyhow::Result<KafkaLog> {
        Ok(KafkaLog::new(KafkaConfig { brokers: self.brokers.clone(), ..KafkaConfig::default() })?)
    }

    /// Port of the first broker.
    pub fn kafka_port(&self) -> anyhow::Result<u16> {
        let first = self.brokers.split(',').next().unwrap_or_default();
        let port = first.rsplit_once(':').map_or("", |(_, port)| port);
        port.parse().with_context(|| format!("{BROKERS} has no port"))
    }

    /// A new database without tables; gives its URL. Nothing of an earlier measurement is in the way.
    pub async fn database(&self, name: &str) -> anyhow::Result<String> {
        let mut connection = self.connect().await?;
        connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        // What earlier measurements left to be written must not be paid for by the next one.
        connection.execute("CHECKPOINT").await?;
        let (base, _) =
            self.postgres.rsplit_once('/').with_context(|| format!("{POSTGRES} names no database"))?;
        Ok(format!("{base}/{name}"))
    }

    /// A connection for administration.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        PgConnection::connect(&self.postgres).await.context("PostgreSQL")
    }
}

/// The kept ranges of a topic's partitions.
pub async fn ranges(log: &SharedLog, topic: &str) -> anyhow::Result<Vec<KeptRange>> {
    let topics = log.topics().await?;
    let found = topics.into_iter().find(|state| state.name == topic);
    Ok(found.with_context(|| format!("there is no topic {topic}"))?.partitions)
}
