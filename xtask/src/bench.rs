use std::path::Path;

use anyhow::Result;
use septet_servers::{Kind, Life, Server, ServerError};

use crate::command;

/// Runs `septet-bench` in release mode, with the servers that the benchmark wants; without arguments it lists its
/// benchmarks.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let mut bench = command::cargo(root);
    bench.args(["run", "--release", "--package", "septet-bench", "--"]).args(arguments);
    // They end with this process.
    let mut servers = Vec::new();
    if wants_servers(arguments) {
        for kind in [Kind::Kafka, Kind::Postgres] {
            match start(kind) {
                Ok(server) => servers.extend(server),
                // The benchmark says what it did not measure.
                Err(why @ ServerError::Absent { .. }) => println!("SKIPPED {kind}: {why}"),
                Err(error) => return Err(error.into()),
            }
        }
    }
    for server in &servers {
        bench.env(server.kind().variable(), server.url());
    }
    command::run(&mut bench)
}

fn wants_servers(arguments: &[String]) -> bool {
    let is = |position, text: &str| arguments.get(position).is_some_and(|argument: &String| argument == text);
    is(0, "bus") && !is(1, "--embedded") && !is(1, "--calls")
}

/// A server with its default settings, so PostgreSQL syncs each commit; none where a variable names one.
fn start(kind: Kind) -> Result<Option<Server>, ServerError> {
    if kind.named().is_some() {
        return Ok(None);
    }
    let mut server = Server::of_this_process(kind)?;
    server.start(Life::WithParent)?;
    println!("{kind}: {}", server.url());
    Ok(Some(server))
}
