//! What a server has acknowledged is still there after it was killed, and after it ended in order; so a test may do
//! either to it.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use septet_contract::Record;
use septet_messaging::{
    log::{
        Append, From, Log as _, TopicSettings,
        kafka::{KafkaConfig, KafkaLog},
    },
    queue::{
        Outgoing, Queue as _, QueueSettings,
        rabbitmq::{RabbitConfig, RabbitQueue},
    },
};
use septet_servers::{Kind, Life, Server, ServerError, target_dir};
use septet_testkit::{Deadline, eventually_in, servers::skip, within};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// A server of this test alone.
struct Own {
    server: Server,
    dir: TempDir,
}

/// `None` where it is not installed.
fn own(kind: Kind) -> Option<Own> {
    let base = target_dir().join("servers/tests");
    std::fs::create_dir_all(&base).expect("made");
    let dir = tempfile::tempdir_in(base).expect("made");
    let mut server = Server::new(kind, dir.path()).expect("a directory that can be written");
    match server.start(Life::WithParent) {
        Ok(()) => Some(Own { server, dir }),
        Err(why @ ServerError::Absent { .. }) => {
            skip(&kind.to_string(), &why.to_string());
            None
        }
        Err(why) => panic!("{why}"),
    }
}

impl Own {
    /// Ends it in one of the two ways and starts it again where it was.
    fn restart(&mut self, killed: bool) {
        let url = self.server.url();
        if killed { self.server.kill() } else { self.server.stop() }.expect("it ends");
        assert!(!self.server.is_running() && !self.server.answers());
        self.server.start(Life::WithParent).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(self.server.url(), url, "clients find it where it was");
    }
}

fn record(value: &str) -> Record {
    Record { key: Some("k".into()), value: Some(value.to_owned().into()), ..Record::default() }
}

fn value(record: &Record) -> String {
    String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_keeps_its_records() {
    let Some(mut own) = own(Kind::Kafka) else { return };
    let config = KafkaConfig { brokers: own.server.url(), ..KafkaConfig::default() };
    let log = KafkaLog::new(config).expect("a configuration that can be");
    let topic = TopicSettings {
        name: "kept".to_owned(),
        partitions: 1,
        retention: Duration::from_secs(3_600),
        retention_bytes: None,
    };
    log.apply_topics(&[topic]).await.expect("the topic is made");
    let mut expected = Vec::new();
    for (text, killed) in [("before the kill", true), ("before the stop", false)] {
        let append = Append { topic: "kept".to_owned(), record: record(text) };
        log.append(vec![append]).await.remove(0).expect("it is acknowledged");
        expected.push(text.to_owned());
        own.restart(killed);
        let mut reader = log.read("kept", 0, From::Start).await.expect("the topic is there");
        let mut found = Vec::new();
        let all = async {
            while found.len() < expected.len() {
                found.extend(
                    reader.batch(10).await.expect("it is read").iter().map(|fetched| value(&fetched.record)),
                );
            }
        };
        within(Deadline::LONG, "every record", all).await;
        assert_eq!(found, expected);
    }
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_keeps_its_jobs() {
    let Some(mut own) = own(Kind::RabbitMq) else { return };
    let file = own.dir.path().join("url");
    std::fs::write(&file, own.server.url()).expect("written");
    let config = RabbitConfig { url_file: Some(file), ..RabbitConfig::default() };
    let queue = Arc::new(RabbitQueue::new(config).expect("a configuration that can be"));
    let settings = QueueSettings { name: "kept".to_owned(), max_attempts: 5 };
    queue.declare(&[settings]).await.expect("the queue is made");
    for (held, killed) in [(1, true), (2, false)] {
        let job = Outgoing { queue: "kept".to_owned(), record: record("job"), delay: Duration::ZERO };
        queue.send(vec![job]).await.remove(0).expect("it is confirmed");
        own.restart(killed);
        let all = async || queue.depth("kept").await.ok().filter(|depth| depth.ready == held);
        eventually_in(Deadline::LONG, format!("{held} jobs"), all).await;
    }
    queue.close().await;
}

#[tokio::test]
async fn postgres_keeps_its_rows() {
    let Some(mut own) = own(Kind::Postgres) else { return };
    let url = own.server.url();
    let mut connection = PgConnection::connect(&url).await.expect("it connects");
    sqlx::query("CREATE TABLE kept (id BIGINT)").execute(&mut connection).await.expect("made");
    for (held, killed) in [(1, true), (2, false)] {
        sqlx::query("INSERT INTO kept VALUES ($1)")
            .bind(held)
            .execute(&mut connection)
            .await
            .expect("written");
        own.restart(killed);
        connection = PgConnection::connect(&url).await.expect("it connects");
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM kept")
            .fetch_one(&mut connection)
            .await
            .expect("counted");
        assert_eq!(rows, held);
    }
}

#[test]
fn redis_keeps_its_keys() {
    let Some(mut own) = own(Kind::Redis) else { return };
    for (held, killed) in [("1", true), ("2", false)] {
        assert_eq!(redis(&own.server, "INCR kept"), format!(":{held}"));
        own.restart(killed);
        assert_eq!(redis(&own.server, "GET kept"), format!("$1\r\n{held}"));
    }
}

/// Has Redis do one thing, and gives its answer without the line's end.
fn redis(server: &Server, command: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).expect("it reads");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers");
    said.trim_end_matches("\r\n+OK\r\n").to_owned()
}
