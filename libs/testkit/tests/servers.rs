//! The servers that the other tests stand on.

use std::{net::TcpStream, time::Duration};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};
use septet_testkit::servers;
use sqlx::{Connection as _, PgConnection};

/// How long a broker may take to answer.
const WAIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn postgres_gives_each_test_a_database_of_its_own() {
    let Some(postgres) = servers::postgres().await else { return };
    let (one, two) = tokio::join!(postgres.create_database(), postgres.create_database());
    assert_ne!(one, two);
    for url in [one, two] {
        let mut connection = PgConnection::connect(&url).await.expect("it connects");
        sqlx::query("CREATE TABLE t (id BIGINT)").execute(&mut connection).await.expect("it is empty");
    }
}

#[tokio::test]
async fn rabbitmq_answers() {
    let Some(rabbitmq) = servers::rabbitmq().await else { return };
    let host = rabbitmq.url.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("host and port");
    TcpStream::connect(host).expect("it listens");
}

#[tokio::test]
async fn kafka_answers_and_makes_no_topic_by_itself() {
    let Some(kafka) = servers::kafka().await else { return };
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &kafka.brokers).create().expect("a client");
    let metadata = client.fetch_metadata(Some("nobody-made-this"), WAIT).expect("the broker answers");
    assert_eq!(metadata.brokers().len(), 1);
    assert!(metadata.topics()[0].error().is_some(), "{:?}", metadata.topics()[0].partitions().len());
}

#[test]
fn the_mock_cluster_has_the_topics_that_it_was_given() {
    let cluster = servers::kafka_mock(1);
    cluster.create_topic("orders", 3);
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", cluster.bootstrap()).create().expect("a client");
    let metadata = client.fetch_metadata(Some("orders"), WAIT).expect("the cluster answers");
    assert_eq!(metadata.topics()[0].partitions().len(), 3);
}
