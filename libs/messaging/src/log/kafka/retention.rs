//! How long, and how much, topics keep.

use std::collections::BTreeMap;

use rdkafka::{
    admin::{AlterConfig, ConfigResource, ConfigSource, OwnedResourceSpecifier, ResourceSpecifier},
    error::RDKafkaErrorCode,
};

use super::{
    super::{LogError, TopicSettings},
    client::{Cluster, failed, unavailable},
    topics::{drop_elsewhere, options},
};

const TIME: &str = "retention.ms";
const SIZE: &str = "retention.bytes";

/// What a topic is told about its retention.
pub(super) fn wanted(topic: &TopicSettings) -> [(&'static str, String); 2] {
    let millis = topic.retention.as_millis().min(i64::MAX as u128);
    // -1: no bound.
    let bytes = topic.retention_bytes.map_or("-1".to_owned(), |bytes| bytes.to_string());
    [(TIME, millis.to_string()), (SIZE, bytes)]
}

/// Gives topics that exist the retention that they should have; the names of those that had another.
///
/// The request that librdkafka's binding has replaces all that was set on a topic. So what is set is read and sent along;
/// what somebody else sets between the two is lost.
pub(super) async fn apply(cluster: &Cluster, topics: &[&TopicSettings]) -> Result<Vec<String>, LogError> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let admin = cluster.admin()?;
    let questions = topics.iter().map(|topic| ResourceSpecifier::Topic(&topic.name)).collect::<Vec<_>>();
    let described = admin.describe_configs(&questions, &options()).await.map_err(unavailable)?;
    let mut changes: Vec<(&str, BTreeMap<String, String>)> = Vec::new();
    for (topic, described) in topics.iter().zip(described) {
        let described = described.map_err(|code| failed(code, &topic.name))?;
        let missing =
            wanted(topic).into_iter().filter(|(key, value)| value_of(&described, key) != Some(value));
        let missing: BTreeMap<String, String> = missing.map(|(key, value)| (key.to_owned(), value)).collect();
        if !missing.is_empty() {
            let mut all = set_by_somebody(&described);
            all.extend(missing);
            changes.push((&topic.name, all));
        }
    }
    let alterations = changes.iter().map(|(topic, values)| {
        let alteration = AlterConfig::new(ResourceSpecifier::Topic(topic));
        values.iter().fold(alteration, |alteration, (key, value)| alteration.set(key, value))
    });
    let alterations = alterations.collect::<Vec<_>>();
    let results = if alterations.is_empty() {
        Vec::new()
    } else {
        admin.alter_configs(&alterations, &options()).await.map_err(unavailable)?
    };
    drop_elsewhere(admin);
    for result in results {
        result.map_err(|(specifier, code)| refused(&specifier, code))?;
    }
    Ok(changes.into_iter().map(|(topic, _)| topic.to_owned()).collect())
}

fn value_of<'a>(described: &'a ConfigResource, key: &str) -> Option<&'a String> {
    described.get(key).and_then(|entry| entry.value.as_ref())
}

/// What was set on the topic itself.
fn set_by_somebody(described: &ConfigResource) -> BTreeMap<String, String> {
    let set = described.entries.iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
    set.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

fn refused(specifier: &OwnedResourceSpecifier, code: RDKafkaErrorCode) -> LogError {
    match specifier {
        OwnedResourceSpecifier::Topic(topic) => failed(code, topic),
        _ => unavailable(code),
    }
}
