//! Redis.

use std::{fs, io, path::PathBuf, process::Command};

use crate::{Kind, ServerError, account::Account, kind::Plan, program};

pub(crate) fn server() -> Option<PathBuf> {
    program::find("redis-server")
}

pub(crate) fn prepare(plan: &Plan<'_>, account: &Account) -> Result<Command, ServerError> {
    let failed = |error| ServerError::io(Kind::Redis, "redis.conf")(error);
    let defaults = [
        ("bind", "127.0.0.1".to_owned()),
        ("port", plan.ports.main().to_string()),
        // Every write is in the file before it is acknowledged: a kill loses nothing.
        ("appendonly", "yes".to_owned()),
        ("appendfsync", "always".to_owned()),
        ("save", "\"\"".to_owned()),
    ];
    let lines = plan.settings(&defaults).into_iter().map(|(key, value)| format!("{key} {value}\n"));
    let config = plan.dir.join("redis.conf");
    fs::write(&config, lines.collect::<String>()).map_err(failed)?;
    let program = server().ok_or_else(|| Kind::Redis.absent(&["redis-server"]))?;
    let mut command = account.server(&program, plan.life, "TERM", &plan.log).map_err(failed)?;
    command.current_dir(plan.dir).arg(config);
    Ok(command)
}

/// It says `-LOADING` until its data is read.
pub(crate) fn answers(port: u16) -> io::Result<bool> {
    let mut answer = [0; 5];
    program::ask(port, b"PING\r\n", &mut answer)?;
    Ok(&answer == b"+PONG")
}
