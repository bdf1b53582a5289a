use anyhow::{Result, bail};
use septet_servers::{Kind, Life, Server, ServerError};

/// The servers that one run of the tests shares. They end with it, and their data is of no further use.
#[derive(Default)]
pub(crate) struct Real {
    servers: Vec<Server>,
    absent: Vec<(Kind, String)>,
}

impl Real {
    /// Starts what is installed and not named by a variable.
    pub(crate) fn start() -> Result<Self> {
        let wanted = Kind::ALL.into_iter().filter(|kind| match kind.named() {
            Some(_) => {
                println!("{kind}: named by {}", kind.variable());
                false
            }
            None => true,
        });
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = wanted.map(|kind| (kind, scope.spawn(move || start(kind)))).collect();
            threads.into_iter().map(|(kind, thread)| (kind, thread.join())).collect()
        });
        let mut real = Self::default();
        for (kind, outcome) in outcomes {
            match outcome {
                Ok(Ok(server)) => {
                    println!("{kind}: {}", server.url());
                    real.servers.push(server);
                }
                Ok(Err(why @ ServerError::Absent { .. })) => {
                    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
                        bail!("{why}, and with CI=true no server may be absent");
                    }
                    println!("SKIPPED {kind}: {why}");
                    real.absent.push((kind, why.to_string()));
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => bail!("the start of {kind} panicked"),
            }
        }
        Ok(real)
    }

    /// What tells the tests where they are.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.servers.iter().map(|server| (server.kind().variable(), server.url()))
    }

    /// Which are absent, and why.
    pub(crate) fn absent(&self) -> impl Iterator<Item = (String, String)> {
        self.absent.iter().map(|(kind, why)| (kind.to_string(), why.clone()))
    }
}

fn start(kind: Kind) -> Result<Server, ServerError> {
    let server = Server::of_this_process(kind)?;
    let mut server = match kind {
        // A sync would guard the run's data against power loss only.
        Kind::Postgres => server.setting("fsync", "off"),
        Kind::Kafka | Kind::RabbitMq | Kind::Redis => server,
    };
    server.start(Life::WithParent)?;
    Ok(server)
}
