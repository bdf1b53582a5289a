//! RabbitMQ.

use std::{fs, io, path::Path, process::Command};

use crate::{Kind, ServerError, account::Account, kind::Plan, process::Process, program};

/// Debian's start script, below the one that changes to the `rabbitmq` user.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Erlang's name server. RabbitMQ would start one that outlives it.
const EPMD: &str = "/usr/bin/epmd";

/// What an AMQP 0-9-1 client says first.
const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";

const DISTRIBUTION: &str = "distribution";
pub(crate) const NAMES: &str = "names";
pub(crate) const PORTS: [&str; 2] = [DISTRIBUTION, NAMES];

/// Which process its name server is.
pub(crate) const NAMES_PID: &str = "names.pid";

pub(crate) fn installed() -> bool {
    [SERVER, EPMD].into_iter().all(|program| Path::new(program).exists())
}

pub(crate) fn prepare(plan: &Plan<'_>, account: &Account) -> Result<Command, ServerError> {
    let dir = plan.dir;
    let failed = |error| ServerError::io(Kind::RabbitMq, dir.display().to_string())(error);
    // Readable by the broker's user, which owns the directory and not these files.
    fs::write(dir.join("plugins"), "[].\n").map_err(failed)?;
    let lines = plan.settings(&[]).into_iter().map(|(key, value)| format!("{key} = {value}\n"));
    fs::write(dir.join("rabbitmq.conf"), lines.collect::<String>()).map_err(failed)?;
    names(plan, account).map_err(ServerError::io(Kind::RabbitMq, EPMD))?;

    let mut broker = account.server(Path::new(SERVER), plan.life, "TERM", &plan.log).map_err(failed)?;
    broker
        .current_dir(dir)
        .env("HOME", dir)
        // Has the script become the broker, so that a signal reaches it.
        .env("RUNNING_UNDER_SYSTEMD", "1")
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", plan.ports.named(NAMES).to_string())
        // Its data belongs to a node of this name.
        .env("RABBITMQ_NODENAME", "septet@localhost")
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", plan.ports.main().to_string())
        .env("RABBITMQ_DIST_PORT", plan.ports.named(DISTRIBUTION).to_string())
        .env("RABBITMQ_MNESIA_BASE", dir.join("mnesia"))
        // To its standard output, which is the log.
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_CONFIG_FILE", dir.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("plugins"))
        .env("RABBITMQ_CONF_ENV_FILE", dir.join("none"));
    Ok(broker)
}

/// Starts the name server, unless it has outlived the broker.
fn names(plan: &Plan<'_>, account: &Account) -> io::Result<()> {
    let file = plan.dir.join(NAMES_PID);
    if Process::find(&file).is_some() {
        return Ok(());
    }
    let mut epmd = account.server(Path::new(EPMD), plan.life, "TERM", &plan.log)?;
    epmd.args(["-address", "127.0.0.1", "-port", &plan.ports.named(NAMES).to_string()]);
    Process::start(epmd, &file).map(drop)
}

/// Whether a broker answers the greeting with the frame that starts a connection.
pub(crate) fn answers(port: u16) -> io::Result<bool> {
    let mut frame = [0];
    program::ask(port, GREETING, &mut frame)?;
    Ok(frame == [1])
}
