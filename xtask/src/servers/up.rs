use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::Args;
use septet_servers::{Kind, Life, ServerError};

use super::{
    Base, Selection, configuration,
    databases::Postgres,
    found::{Found, shown},
    install,
};

#[derive(Args)]
pub(crate) struct UpArguments {
    #[command(flatten)]
    selection: Selection,
    /// As root: first installs the missing Debian packages of the servers, and of the builds and tests that use them.
    #[arg(long)]
    install: bool,
    /// A port of your choice, which the server keeps, such as `kafka=9092`; may be repeated.
    #[arg(long, value_name = "SERVER=PORT", value_parser = port)]
    port: Vec<(Kind, u16)>,
    /// A value of the server's own configuration for this start, such as `postgres.fsync=off`; may be repeated.
    #[arg(long, value_name = "SERVER.KEY=VALUE", value_parser = setting)]
    set: Vec<(Kind, String, String)>,
}

fn port(text: &str) -> Result<(Kind, u16), String> {
    let (kind, port) = text.split_once('=').ok_or("write SERVER=PORT")?;
    let number = port.parse().ok().filter(|port| *port > 0);
    Ok((Kind::from_str(kind)?, number.ok_or_else(|| format!("`{port}` is no port"))?))
}

fn setting(text: &str) -> Result<(Kind, String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write SERVER.KEY=VALUE")?;
    let (kind, key) = key.split_once('.').ok_or("write SERVER.KEY=VALUE")?;
    Ok((Kind::from_str(kind)?, key.to_owned(), value.to_owned()))
}

pub(super) fn run(root: &Path, base: &Base, arguments: &UpArguments) -> Result<()> {
    let kinds = arguments.selection.kinds();
    let ours: Vec<Kind> = kinds.iter().copied().filter(|kind| kind.named().is_none()).collect();
    if arguments.install {
        install::install(&ours)?;
    }
    let missing: Vec<&str> = ours.iter().flat_map(|kind| kind.missing_packages()).collect();
    if !missing.is_empty() {
        bail!("missing: {}; `--install` as root or `apt-get install` adds them", missing.join(" "));
    }
    fs::create_dir_all(&base.0).with_context(|| base.0.display().to_string())?;
    let mut failures = Vec::new();
    for (kind, started) in start(base, &kinds, arguments) {
        match started {
            Ok((url, state)) => println!("{:<9} {:<50} {state}", kind.name(), shown(&url)),
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    finish(root, base)?;
    if !failures.is_empty() {
        bail!("{}", failures.join("\nerror: "));
    }
    Ok(())
}

type Started = Result<(String, String)>;

/// All at once, as each is slow by itself; where they are and what was done.
fn start(base: &Base, kinds: &[Kind], arguments: &UpArguments) -> BTreeMap<Kind, Started> {
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            kinds.iter().map(|kind| (*kind, scope.spawn(|| start_one(base, *kind, arguments)))).collect();
        let died = || Err(anyhow::anyhow!("its start panicked"));
        threads.into_iter().map(|(kind, thread)| (kind, thread.join().unwrap_or_else(|_| died()))).collect()
    })
}

fn start_one(base: &Base, kind: Kind, arguments: &UpArguments) -> Started {
    let mut server = match Found::of(base, kind)? {
        Found::Named(url) => return Ok((url, format!("named by {}: used as it is", kind.variable()))),
        Found::Ours(server) => *server,
    };
    let port = arguments.port.iter().rev().find(|(of, _)| *of == kind).map(|(_, port)| *port);
    let settings: Vec<_> = arguments.set.iter().filter(|(of, ..)| *of == kind).collect();
    if server.is_running() {
        let elsewhere = port.is_some_and(|port| port != server.address().port());
        if elsewhere || !settings.is_empty() {
            let name = kind.name();
            bail!("{kind} runs with what it was started with: `cargo xtask servers down {name}` first");
        }
        server.start(Life::Detached)?;
        return Ok((server.url(), "runs already".to_owned()));
    }
    if let Some(port) = port {
        server = server.port(port);
    }
    for (_, key, value) in settings {
        server = server.setting(key, value);
    }
    match server.start(Life::Detached) {
        Ok(()) => Ok((server.url(), "started".to_owned())),
        Err(error @ ServerError::PortTaken { .. }) => {
            Err(anyhow::anyhow!("{error} by `--port {}=PORT`", kind.name()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes whatever answers now ready for Septet, and says how to use it.
fn finish(root: &Path, base: &Base) -> Result<()> {
    let mut servers = Vec::new();
    for kind in Kind::ALL {
        if base.knows(kind) {
            let found = Found::of(base, kind)?;
            if found.answers() {
                servers.push((kind, found));
            }
        }
    }
    let services = services(root)?;
    let postgres = servers.iter().find(|(kind, _)| *kind == Kind::Postgres);
    let postgres = postgres.map(|(_, found)| Postgres::parse(&found.url())).transpose()?;
    if let Some(postgres) = &postgres {
        let created = postgres.create(&services)?;
        if !created.is_empty() {
            println!("databases created: {}", created.join(", "));
        }
    }
    if servers.is_empty() {
        return Ok(());
    }
    configuration::write(base, &servers, postgres.as_ref(), &services)?;
    let short = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let config = short(&base.file(configuration::CONFIGURATION));
    println!("\nSeptet on them:  septet migrate --config {config}");
    println!("                 septet topics apply --config {config}");
    println!("                 septet up --config {config} --repo .");
    println!("tests on them:   . {} && cargo xtask test", short(&base.file(configuration::VARIABLES)));
    Ok(())
}

/// The services that there are, each with a database of its name.
fn services(root: &Path) -> Result<Vec<String>> {
    let dir = root.join("services");
    let mut names = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "suite" && entry.path().join("Cargo.toml").exists() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_settings_are_read() {
        assert_eq!(port("kafka=9092"), Ok((Kind::Kafka, 9092)));
        for wrong in ["kafka", "kafka=0", "kafka=70000", "mysql=1"] {
            assert!(port(wrong).is_err(), "{wrong}");
        }
        let read = setting("kafka.log.retention.ms=1=2");
        assert_eq!(read, Ok((Kind::Kafka, "log.retention.ms".to_owned(), "1=2".to_owned())));
        assert!(setting("fsync=off").is_err());
    }

    #[test]
    fn the_services_are_those_of_the_tree() {
        let names = services(&crate::root()).unwrap();
        assert!(names.contains(&"devops".to_owned()) && names.contains(&"review".to_owned()), "{names:?}");
        assert!(!names.contains(&"suite".to_owned()));
    }
}
