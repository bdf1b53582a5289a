use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
    time::Duration,
};

use rustix::process::Signal;

use crate::{Life, ServerError, account::Account, jars, kafka, ports::Ports, postgres, rabbitmq, redis};

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

    /// The environment variable that names one that somebody else runs: for tests and for `cargo xtask servers`.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Kafka => "SEPTET_TEST_KAFKA_BROKERS",
            Self::Postgres => "SEPTET_TEST_POSTGRES_URL",
            Self::RabbitMq => "SEPTET_TEST_AMQP_URL",
            Self::Redis => "SEPTET_TEST_REDIS_URL",
        }
    }

    /// What [`Kind::variable`] says.
    pub fn named(self) -> Option<String> {
        std::env::var(self.variable()).ok().filter(|url| !url.is_empty())
    }

    /// Debian's packages that have what is not installed and it needs. Kafka's jars may have to be fetched beside them.
    pub fn missing_packages(self) -> Vec<&'static str> {
        let missing = |there: bool, package: &'static str| (!there).then_some(package);
        let packages = match self {
            Self::Kafka => vec![
                missing(kafka::java().is_some(), "default-jre-headless"),
                missing(jars::available(), "maven"),
            ],
            Self::Postgres => vec![missing(postgres::programs().is_some(), "postgresql")],
            Self::RabbitMq => vec![missing(rabbitmq::installed(), "rabbitmq-server")],
            Self::Redis => vec![missing(redis::server().is_some(), "redis-server")],
        };
        packages.into_iter().flatten().collect()
    }

    /// Whether what it needs is installed.
    ///
    /// # Errors
    /// [`ServerError::Absent`] where it is not.
    pub fn installed(self) -> Result<(), ServerError> {
        let packages = self.missing_packages();
        if packages.is_empty() { Ok(()) } else { Err(self.absent(&packages)) }
    }

    pub(crate) fn absent(self, packages: &[&str]) -> ServerError {
        let packages = packages.join(" ");
        let remedy = format!("`apt-get install {packages}` adds it");
        ServerError::Absent { kind: self, missing: format!("{packages} is missing"), remedy }
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

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("`{name}` is none of {}", Self::ALL.map(Self::name).join(", ")))
    }
}
