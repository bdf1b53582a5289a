use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use crate::{Life, ServerError, account::Account, kafka, ports::Ports, postgres, rabbitmq, redis};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Apache Kafka: one node that is broker and controller. Its jars come from Maven Central; Java 17 runs it.
    Kafka,
    /// PostgreSQL, from Debian's packages.
    Postgres,
    /// RabbitMQ, from Debian's packages.
    RabbitMq,
    /// Redis, from Debian's packages.
    Redis,
}

/// What one start is made of.
pub(crate) struct Plan<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) ports: &'a Ports,
    pub(crate) settings: &'a [(String, String)],
    pub(crate) advertised: Option<u16>,
    pub(crate) life: Life,
    pub(crate) log: PathBuf,
}

impl Plan<'_> {
    /// What a server is told: its defaults, then what was set, which wins.
    pub(crate) fn settings<'a>(&'a self, defaults: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
        let given = |key: &str| self.settings.iter().any(|(set, _)| set == key);
        let kept = defaults.iter().filter(|(key, _)| !given(key)).cloned();
        kept.chain(self.settings.iter().map(|(key, value)| (key.as_str(), value.clone()))).collect()
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kafka, Self::Postgres, Self::RabbitMq, Self::Redis];

    /// Its name in commands and directories.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::RabbitMq => "rabbitmq",
            Self::Redis => "redis",
        }
    }

    /// Debian's packages that have what it needs.
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Kafka => &["openjdk-17-jre-headless", "maven"],
            Self::Postgres => &["postgresql"],
            Self::RabbitMq => &["rabbitmq-server"],
            Self::Redis => &["redis-server"],
        }
    }

    /// Whether what it needs is installed. Kafka's jars may still have to be fetched.
    ///
    /// # Errors
    /// [`ServerError::Absent`] where it is not.
    pub fn installed(self) -> Result<(), ServerError> {
        match self {
            Self::Kafka => kafka::installed(),
            Self::Postgres => postgres::installed(),
            Self::RabbitMq => rabbitmq::installed(),
            Self::Redis => redis::installed(),
        }
    }

    pub(crate) fn absent(self, missing: impl Into<String>) -> ServerError {
        let remedy = format!("`apt-get install {}` installs it", self.packages().join(" "));
        ServerError::Absent { kind: self, missing: missing.into(), remedy }
    }

    /// The ports that it has beside the main one.
    pub(crate) fn further_ports(self) -> &'static [&'static str] {
        match self {
            Self::Kafka => &kafka::PORTS,
            Self::RabbitMq => &rabbitmq::PORTS,
            Self::Postgres | Self::Redis => &[],
        }
    }

    pub(crate) fn account(self) -> Result<Account, ServerError> {
        match self {
            Self::Postgres => Account::unprivileged(self, "postgres"),
            Self::RabbitMq => Account::unprivileged(self, "rabbitmq"),
            Self::Kafka | Self::Redis => Ok(Account::own()),
        }
    }

    /// Makes its data directory at the first start, writes its configuration, and gives the command that is the server.
    pub(crate) fn prepare(self, plan: &Plan<'_>, account: &Account) -> Result<Command, ServerError> {
        match self {
            Self::Kafka => kafka::prepare(plan, account),
            Self::Postgres => postgres::prepare(plan, account),
            Self::RabbitMq => rabbitmq::prepare(plan, account),
            Self::Redis => redis::prepare(plan, account),
        }
    }

    /// Whether a server answers there in its own protocol, and can work.
    pub(crate) fn answers(self, port: u16) -> bool {
        let answer = match self {
            Self::Kafka => kafka::answers(port),
            Self::Postgres => postgres::answers(port),
            Self::RabbitMq => rabbitmq::answers(port),
            Self::Redis => redis::answers(port),
        };
        answer.unwrap_or(false)
    }

    /// How long a start may take, on a machine that has much else to do.
    pub(crate) fn start_limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Kafka | Self::RabbitMq => 120,
            Self::Postgres => 60,
            Self::Redis => 30,
        })
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn crash(self) -> Signal {
        match self {
            // Its immediate shutdown: nothing is written, and no shared memory stays behind.
            Self::Postgres => Signal::QUIT,
            Self::Kafka | Self::RabbitMq | Self::Redis => Signal::KILL,
        }
    }

    /// Has it end in order, without waiting for its clients.
    pub(crate) fn end(self) -> Signal {
        match self {
            Self::Postgres => Signal::INT,
            Self::Kafka | Self::RabbitMq | Self::Redis => Signal::TERM,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kafka => "Kafka",
            Self::Postgres => "PostgreSQL",
            Self::RabbitMq => "RabbitMQ",
            Self::Redis => "Redis",
        })
    }
}
