//! A broker of one test, which it may kill.

use std::{fs, path::Path, sync::Arc};

use septet_messaging::queue::{
    SharedQueue,
    rabbitmq::{RabbitConfig, RabbitQueue},
};
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

/// `None` where RabbitMQ is not installed.
pub async fn start(server: Server) -> Option<Server> {
    match order(server, |server| server.start(Life::WithParent)).await {
        (_, Err(why @ ServerError::Absent { .. })) => {
            skip("RabbitMQ", &why.to_string());
            None
        }
        (server, started) => {
            started.expect("it starts");
            Some(server)
        }
    }
}

pub fn new(dir: &Path) -> Server {
    Server::new(Kind::RabbitMq, &dir.join("rabbitmq")).expect("a directory")
}

/// How a queue finds it.
pub fn config(dir: &Path, url: String) -> RabbitConfig {
    let file = dir.join("password");
    fs::write(&file, "guest\n").expect("written");
    RabbitConfig { url, password_file: Some(file), ..RabbitConfig::default() }
}

pub fn queue(dir: &Path, server: &Server) -> SharedQueue {
    let url = format!("amqp://guest@{}/%2f", server.address());
    Arc::new(RabbitQueue::new(config(dir, url)).expect("a configuration that can be"))
}
