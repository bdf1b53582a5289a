use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use septet_servers::Kind;
use toml::{Table, Value};

use super::{Base, databases::Postgres, found::Found};

/// What `septet --config` takes.
pub(super) const CONFIGURATION: &str = "septet.toml";

/// What a shell sources for tests.
pub(super) const VARIABLES: &str = "env";

/// Writes what Septet and tests need to use these servers: a configuration, and variables for a shell.
pub(super) fn write(
    base: &Base,
    servers: &[(Kind, Found)],
    postgres: Option<&Postgres>,
    services: &[String],
) -> Result<()> {
    let url = |wanted: Kind| servers.iter().find(|(kind, _)| *kind == wanted).map(|(_, found)| found.url());
    let mut config = Table::new();
    config.insert("data_dir".to_owned(), text(&base.file("septet").display().to_string()));
    if let Some(brokers) = url(Kind::Kafka) {
        let kafka = table([("brokers", text(&brokers))]);
        config.insert("log".to_owned(), table([("backend", text("kafka")), ("kafka", kafka)]));
    }
    if let Some(url) = url(Kind::RabbitMq) {
        let rabbitmq = table([("url_file", secret(base, "rabbitmq.url", &url)?)]);
        config.insert("queue".to_owned(), table([("backend", text("rabbitmq")), ("rabbitmq", rabbitmq)]));
    }
    if let Some(postgres) = postgres {
        let password =
            postgres.password().map(|password| secret(base, "postgres.password", password)).transpose()?;
        for service in services {
            let url = ("url", text(&postgres.database(service)));
            let password = password.clone().map(|file| ("password_file", file));
            let store = table(std::iter::once(url).chain(password));
            config.insert(service.clone(), table([("store", store)]));
        }
    }
    let note =
        "# Septet on the servers of `cargo xtask servers up`, which writes this file anew each time.\n";
    put(&base.file(CONFIGURATION), &format!("{note}{}", toml::to_string(&config)?), 0o644)?;
    let variables = servers.iter().map(|(kind, found)| {
        // In a shell's single quotes everything stands for itself but the quote.
        let quoted = found.url().replace('\'', r"'\''");
        format!("export {}='{quoted}'\n", kind.variable())
    });
    put(&base.file(VARIABLES), &variables.collect::<String>(), 0o600)
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn table(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Writes a secret to a file that only this user reads, and gives its name.
fn secret(base: &Base, name: &str, value: &str) -> Result<Value> {
    let file = base.file(name);
    put(&file, value, 0o600)?;
    Ok(text(&file.display().to_string()))
}

fn put(file: &Path, contents: &str, mode: u32) -> Result<()> {
    let shown = file.display().to_string();
    // The mode counts when a file is made, so that it is never open to more.
    if file.exists() {
        fs::remove_file(file).with_context(|| shown.clone())?;
    }
    let mut made = File::options().write(true).create_new(true).mode(mode).open(file);
    let written = made.as_mut().map_err(|error| std::io::Error::new(error.kind(), error.to_string()));
    written.and_then(|made| made.write_all(contents.as_bytes())).context(shown)
}
