use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
};
use septet_messaging::log::{
    Log, TopicSettings,
    kafka::{KafkaConfig, KafkaLog},
};
use septet_testkit::{conformance::unique, eventually, servers};

/// A change of the retention leaves alone what somebody has set beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_else_is_set_on_a_topic_stays() {
    let Some(kafka) = servers::kafka().await else { return };
    let config = KafkaConfig { brokers: kafka.brokers.clone(), ..KafkaConfig::default() };
    let log = Arc::new(KafkaLog::new(config).expect("a configuration that can be"));
    let topic = TopicSettings {
        name: unique("topic"),
        partitions: 1,
        retention: Duration::from_secs(3600),
        retention_bytes: None,
    };
    log.apply_topics(std::slice::from_ref(&topic)).await.expect("created");

    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &kafka.brokers).create().expect("an admin client");
    let specifier = ResourceSpecifier::Topic(&topic.name);
    let theirs = AlterConfig::new(specifier)
        .set("retention.ms", "3600000")
        .set("retention.bytes", "-1")
        .set("max.message.bytes", "2000000");
    let altered = admin.alter_configs([&theirs], &AdminOptions::new()).await.expect("asked");
    assert!(altered.iter().all(Result::is_ok), "{altered:?}");
    let value = async |key: &str| {
        let described = admin.describe_configs([&specifier], &AdminOptions::new()).await.expect("asked");
        described[0].as_ref().expect("described").get(key).and_then(|entry| entry.value.clone())
    };
    let is = async |key: &str, expected: &str| (value(key).await.as_deref() == Some(expected)).then_some(());
    eventually("their setting", async || is("max.message.bytes", "2000000").await).await;

    let shorter = TopicSettings {
        retention: Duration::from_secs(60),
        retention_bytes: Some(5_000_000),
        ..topic.clone()
    };
    let applied = log.apply_topics(std::slice::from_ref(&shorter)).await.expect("applied");
    assert_eq!(applied.retention_changed, std::slice::from_ref(&topic.name));
    eventually("the new time", async || is("retention.ms", "60000").await).await;
    eventually("the new size", async || is("retention.bytes", "5000000").await).await;
    assert_eq!(value("max.message.bytes").await.as_deref(), Some("2000000"));
    log.close().await;
}
