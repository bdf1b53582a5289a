//! A broker of one test, which it may kill.

use std::path::Path;

use septet_servers::{Kind, Life, Server, ServerError};
use septet_testkit::servers::skip;

/// Has a server do what blocks.
pub async fn order<T: Send + 'static>(
    mut server: Server,
    order: impl FnOnce(&mut Server) -> T + Send + 'static,
) -> (Server, T) {
    let done = tokio::task::spawn_blocking(move || {
        let outcome = order(&mut server);
        (server, outcome)
    });
    done.await.expect("it is not cancelled")
}

pub fn new(dir: &Path) -> Server {
    Server::new(Kind::Kafka, &dir.join("kafka")).expect("a directory")
}

/// `None` where Kafka cannot be had.
pub async fn start(server: Server) -> Option<Server> {
    match order(server, |server| server.start(Life::WithParent)).await {
        (_, Err(why @ ServerError::Absent { .. })) => {
            skip("Kafka", &why.to_string());
            None
        }
        (server, started) => {
            started.expect("it starts");
            Some(server)
        }
    }
}
