use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::ContractError;
use crate::declared::{Declared, Event};
use crate::json_schema::{Schemas, comment, reference};
use crate::sources::Sources;

/// Version of the AsyncAPI Kafka binding that the document uses.
const BINDING: &str = "0.5.0";
const HEADERS: &str = "CloudEventsHeaders";

/// All topics of all contracts under `proto_root` as an AsyncAPI 3.0.0 document: what `proto/asyncapi.json` holds. The
/// same files give the same text.
///
/// # Errors
/// [`ContractError`] where the files cannot be read or are no valid contracts.
pub fn asyncapi(proto_root: &Path) -> Result<String, ContractError> {
    let sources = Sources::of_all(proto_root)?;
    let mut schemas = Schemas::default();
    schemas.insert(HEADERS, headers());
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for service in sources.services() {
        let declared = Declared::of_service(&sources, service);
        crate::check::check(&declared)?;
        let mut topics: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in &declared.events {
            topics.entry(&event.topic.name).or_default().push(event);
            schemas.add(&event.message);
            messages.insert(event.message.full_name().to_owned(), message(event));
        }
        for (name, events) in topics {
            channels.insert(name.to_owned(), channel(service, &events));
            let action = if events.iter().any(|event| event.topic.ingest) { "receive" } else { "send" };
            operations
                .insert(format!("{service}.{action}.{name}"), operation(service, action, name, &events));
        }
    }
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Septet",
            "version": "1.0.0",
            "description": "Events of the Septet services. Records follow the CloudEvents 1.0 Kafka binding in binary \
                            mode with protobuf data; the schemas here describe the same data as canonical proto3 JSON. \
                            Topics that a service receives from also take binary JSON, structured \
                            application/cloudevents+json, and JSON objects without any CloudEvents headers.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/protobuf",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas.into_value() },
    });
    // A document made of maps with text keys always has a JSON form.
    let text = serde_json::to_string_pretty(&sorted(document)).unwrap_or_default();
    Ok(text + "\n")
}

fn channel(service: &str, events: &[&Event]) -> Value {
    let topic = &events[0].topic;
    let messages: Map<String, Value> = events
        .iter()
        .map(|event| event.message.full_name())
        .map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    let description = if topic.ingest {
        format!("Outside producers write here; the {service} service reads.")
    } else {
        format!("The {service} service writes here; anyone may read.")
    };
    json!({
        "address": topic.name,
        "description": description,
        "messages": messages,
        "bindings": { "kafka": {
            "topic": topic.name,
            "partitions": topic.partitions,
            "topicConfiguration": {
                "cleanup.policy": ["delete"],
                "retention.ms": u64::from(topic.retention_hours) * 3_600_000,
            },
            "bindingVersion": BINDING,
        } },
    })
}

fn operation(service: &str, action: &str, topic: &str, events: &[&Event]) -> Value {
    let messages: Vec<_> = events
        .iter()
        .map(|event| json!({ "$ref": format!("#/channels/{topic}/messages/{}", event.message.full_name()) }))
        .collect();
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{topic}") },
        "messages": messages,
        "tags": [{ "name": service }],
    })
}

fn message(event: &Event) -> Value {
    let descriptor = &event.message;
    let name = descriptor.full_name();
    let mut headers = json!({
        "allOf": [reference(HEADERS), { "properties": { "ce_type": { "const": name } } }],
    });
    // An ingest topic takes bare JSON too.
    if !event.topic.ingest {
        headers["required"] = json!(["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type"]);
    }
    let mut message = json!({
        "name": name,
        "title": descriptor.name(),
        "headers": headers,
        "payload": reference(name),
        "bindings": { "kafka": {
            "key": {
                "type": "string",
                "description": format!("The value of `{}`. Records of one key stay in order.", event.key),
            },
            "bindingVersion": BINDING,
        } },
    });
    if let Some(summary) = comment(&descriptor.parent_file(), descriptor.path()) {
        message["summary"] = summary.into();
    }
    message
}

fn headers() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let attribute = |description: &str| json!({ "type": "string", "minLength": 1, "maxLength": 512, "description": description });
    json!({
        "type": "object",
        "description": "Attributes of the CloudEvents 1.0 Kafka binding in binary mode.",
        "properties": {
            "content-type": text("Media type of the value: application/protobuf or application/json."),
            "ce_specversion": { "const": "1.0" },
            "ce_id": attribute("Unique within the source; a record with the same source and id is a duplicate."),
            "ce_source": attribute("Who published it, for example /septet/devops."),
            "ce_type": attribute("Full protobuf name of the data."),
            "ce_subject": attribute("The entity that it is about."),
            "ce_time": {
                "type": "string", "format": "date-time",
                "description": "When it happened; the record's own time where absent.",
            },
            "ce_partitionkey": attribute("The record's key."),
            "ce_correlationid": attribute("The same for everything that follows from one beginning."),
            "ce_causationid": attribute("Id of the event, job or request that it follows from."),
            "traceparent": text("W3C trace context of the publisher."),
        },
    })
}

/// Whether serde_json sorts keys depends on what else is in the build; this does not.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> =
                members.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
