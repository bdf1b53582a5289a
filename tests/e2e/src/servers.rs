use std::path::Path;

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
        let dir = workspace.path().join("servers");
        let start = |kind, name| {
            let dir = dir.join(name);
            move || started(kind, &dir)
        };
        std::thread::scope(|scope| {
            let kafka = scope.spawn(start(Kind::Kafka, "kafka"));
            let postgres = scope.spawn(start(Kind::Postgres, "postgres"));
            let rabbitmq = scope.spawn(start(Kind::RabbitMq, "rabbitmq"));
            let [kafka, postgres, rabbitmq] =
                [kafka, postgres, rabbitmq].map(|thread| thread.join().expect("starting a server panics not"));
            Some(Self { kafka: kafka?, postgres: postgres?, rabbitmq: rabbitmq? })
        })
    }
}

fn started(kind: Kind, dir: &Path) -> Option<Server> {
    let outcome = Server::new(kind, dir).and_then(|mut server| server.start(Life::WithParent).map(|()| server));
    match outcome {
        Ok(server) => Some(server),
        Err(absent @ ServerError::Absent { .. }) => {
            skip(&kind.to_string(), &absent.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}
