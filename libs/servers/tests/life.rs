//! Each kind of server: started, killed and started again.

use std::{path::Path, time::Instant};

use septet_servers::{Kind, Life, Server, ServerError, target_dir};

fn cycle(kind: Kind) {
    let base = target_dir().join("servers");
    std::fs::create_dir_all(&base).unwrap();
    let dir = tempfile::tempdir_in(&base).unwrap();
    let mut server = Server::new(kind, dir.path()).unwrap();
    for n in 0..5 {
        let begun = Instant::now();
        server.start(Life::WithParent).unwrap_or_else(|error| panic!("{error}"));
        println!("{n}: {:?} {}", begun.elapsed(), server.url());
        if n == 2 {
            let b = Instant::now();
            server.stop().unwrap();
            println!("stopped in {:?}", b.elapsed());
        } else {
            server.kill().unwrap();
        }
    }
}

#[test]
fn kafka() {
    cycle(Kind::Kafka);
}
#[test]
fn postgres() {
    cycle(Kind::Postgres);
}
#[test]
fn rabbitmq() {
    cycle(Kind::RabbitMq);
}
#[test]
fn redis() {
    cycle(Kind::Redis);
}
