use std::time::Duration;

use anyhow::Context;
use septet_contract::{Catalog, Contract};
use septet_messaging::{
    dead_letter_topic,
    log::{SharedLog, TopicSettings, embedded::EmbeddedLog, kafka::KafkaLog},
    queue::{QueueSettings, SharedQueue, embedded::EmbeddedQueue, rabbitmq::RabbitQueue},
    redrive_topic,
};

use crate::config::{LogBackend, ProcessConfig, QueueBackend};

/// Days that dead and redriven records are kept on their topics. The operator's list is in the database and stays.
const DEAD_LETTER_DAYS: u64 = 30;

/// Opens the log that is configured.
pub(crate) async fn open_log(config: &ProcessConfig) -> anyhow::Result<SharedLog> {
    Ok(match config.log.backend {
        LogBackend::Embedded => {
            let options =
                septet_messaging::log::embedded::EmbeddedOptions { sole_owner: true, ..Default::default() };
            EmbeddedLog::open(&config.data_dir, options).await?
        }
        LogBackend::Kafka => {
            std::sync::Arc::new(KafkaLog::new(config.log.kafka.clone()).context("log.kafka")?)
        }
    })
}

/// Opens the queue that is configured.
pub(crate) async fn open_queue(config: &ProcessConfig) -> anyhow::Result<SharedQueue> {
    Ok(match config.queue.backend {
        QueueBackend::Embedded => {
            let options =
                septet_messaging::queue::embedded::EmbeddedOptions { sole_owner: true, ..Default::default() };
            EmbeddedQueue::open(&config.data_dir, options).await?
        }
        QueueBackend::RabbitMq => {
            std::sync::Arc::new(RabbitQueue::new(config.queue.rabbitmq.clone()).context("queue.rabbitmq")?)
        }
    })
}

/// Every topic that these services use: those of the contracts, and for each service the two of its dead letters.
pub(crate) fn topics(catalog: &Catalog, services: &[&'static Contract]) -> Vec<TopicSettings> {
    let day = Duration::from_secs(24 * 3_600);
    let declared = catalog.topics().into_values().map(|topic| TopicSettings {
        name: topic.name.to_owned(),
        partitions: topic.partitions,
        retention: Duration::from_secs(u64::from(topic.retention_hours) * 3_600),
        retention_bytes: None,
    });
    let dead = services.iter().flat_map(|contract| {
        [dead_letter_topic(contract.service), redrive_topic(contract.service)].map(|name| TopicSettings {
            name,
            partitions: 1,
            retention: day * DEAD_LETTER_DAYS as u32,
            retention_bytes: None,
        })
    });
    declared.chain(dead).collect()
}

/// Every queue that these services work on.
pub(crate) fn queues(services: &[&'static Contract]) -> Vec<QueueSettings> {
    services
        .iter()
        .flat_map(|contract| contract.jobs)
        .map(|job| QueueSettings { name: job.queue.to_owned(), max_attempts: job.max_attempts })
        .collect()
}
