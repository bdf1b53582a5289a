use std::{path::Path, thread::ScopedJoinHandle};

use septet_servers::{Kind, Life, Server, ServerError};
use septet_testkit::{evidence::Workspace, servers::skip};

/// Real servers of one test alone, which may kill them. They end with it, and their data is in its workspace.
pub struct Servers {
    /// Apache Kafka.
    pub kafka: Server,
    /// PostgreSQL.
    pub postgres: Server,
    /// RabbitMQ.
    pub rabbitmq: Server,
}

impl Servers {
    /// Starts one of each, with data below the workspace; `None`, said as a skip, where one is not installed.
    ///
    /// # Panics
    /// If an installed one does not start, and with `CI=true` also where one is not installed.
    pub fn start(workspace: &Workspace) -> Option<Self> {
        // Before any is started, as one that is not installed makes the others useless.
        for kind in [Kind::Kafka, Kind::Postgres, Kind::RabbitMq] {
            if let Err(absent) = kind.installed() {
                skip(&kind.to_string(), &absent.to_string());
                return None;
            }
        }
        let dir = workspace.path().join("servers");
        std::thread::scope(|scope| {
            let [kafka, postgres, rabbitmq] = [Kind::Kafka, Kind::Postgres, Kind::RabbitMq].map(|kind| {
                let dir = dir.join(kind.name());
                scope.spawn(move || started(kind, &dir).unwrap_or_else(|error| panic!("{error}")))
            });
            Some(Self { kafka: joined(kafka), postgres: joined(postgres), rabbitmq: joined(rabbitmq) })
        })
    }
}

fn started(kind: Kind, dir: &Path) -> Result<Server, ServerError> {
    let mut server = Server::new(kind, dir)?;
    server.start(Life::WithParent)?;
    Ok(server)
}

fn joined(thread: ScopedJoinHandle<'_, Server>) -> Server {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
