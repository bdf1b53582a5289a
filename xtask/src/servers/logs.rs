use std::process::Command;

use anyhow::{Result, bail};
use septet_servers::Kind;

use super::{Base, found::Found};
use crate::command;

/// The end of a server's log.
pub(super) fn show(base: &Base, kind: Kind, follow: bool, lines: u32) -> Result<()> {
    let log = match Found::of(base, kind)? {
        Found::Named(_) => bail!("{kind} is named by {}: its log is with whoever runs it", kind.variable()),
        Found::Ours(server) => server.log(),
    };
    if !log.exists() {
        bail!("{} has no log: {kind} was never started", base.server(kind).display());
    }
    let mut tail = Command::new("tail");
    tail.args(["-n", &lines.to_string()]);
    if follow {
        tail.arg("-F");
    }
    command::run(tail.arg(log))
}
