use std::{collections::BTreeMap, fmt, net::SocketAddr, path::Path};

use crate::Servers;

/// What the processes stand on.
pub(super) enum Backends {
    Embedded,
    Real(Real),
}

/// Addresses as processes know them: those of the servers, or of proxies before them.
pub(super) struct Real {
    pub kafka: String,
    pub postgres: SocketAddr,
    pub rabbitmq: SocketAddr,
    /// The servers themselves, whatever is before them.
    pub brokers: String,
    pub postgres_url: String,
}

impl Backends {
    pub fn of(servers: &Servers) -> Self {
        Self::Real(Real {
            kafka: servers.kafka.url(),
            postgres: servers.postgres.address(),
            rabbitmq: servers.rabbitmq.address(),
            brokers: servers.kafka.url(),
            postgres_url: servers.postgres.url(),
        })
    }

    pub fn known(&self) -> &Real {
        match self {
            Self::Real(real) => real,
            Self::Embedded => panic!("this deployment stands on embedded backends"),
        }
    }

    pub fn real(&mut self) -> &mut Real {
        match self {
            Self::Real(real) => real,
            Self::Embedded => panic!("this deployment stands on embedded backends"),
        }
    }

    /// Settings of every process. `databases` names each service's database.
    pub fn settings(&self, databases: &BTreeMap<&'static str, String>) -> Settings {
        let mut settings = Settings::default();
        let Self::Real(real) = self else { return settings };
        settings.set_text("log.backend", "kafka");
        settings.set_text("log.kafka.brokers", &real.kafka);
        settings.set_text("queue.backend", "rabbitmq");
        settings.set_text("queue.rabbitmq.url", &format!("amqp://guest@{}/%2f", real.rabbitmq));
        for (service, url) in databases {
            let name = url.rsplit('/').next().unwrap_or_default();
            settings.set_text(
                &format!("{service}.store.url"),
                &format!("postgres://postgres@{}/{name}", real.postgres),
            );
        }
        settings
    }
}

/// A configuration file, one key a line.
#[derive(Clone, Default)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// `value` is TOML.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    pub fn set_text(&mut self, key: &str, text: &str) {
        self.set(key, &format!("{text:?}"));
    }

    pub fn set_path(&mut self, key: &str, path: &Path) {
        self.set_text(key, path.to_str().expect("paths of tests are text"));
    }

    /// What `others` say comes over what these say.
    pub fn extend(&mut self, others: &Self) {
        self.0.extend(others.0.clone());
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    }
}
