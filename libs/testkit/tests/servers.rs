//! The servers that the other tests stand on.

use std::net::TcpStream;

use septet_testkit::servers;
use sqlx::{Connection as _, PgConnection};

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

#[test]
fn the_mock_cluster_has_the_topics_that_it_was_given() {
    use rdkafka::{
        ClientConfig,
        consumer::{BaseConsumer, Consumer as _},
    };
    let cluster = servers::kafka_mock(1);
    cluster.create_topic("orders", 3);
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", cluster.bootstrap()).create().expect("a client");
    let metadata = client
        .fetch_metadata(Some("orders"), std::time::Duration::from_secs(10))
        .expect("the cluster answers");
    assert_eq!(metadata.topics()[0].partitions().len(), 3);
}
