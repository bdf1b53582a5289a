use std::collections::BTreeMap;

use prost_reflect::{Cardinality, Kind};

use crate::declared::{self, Declared, Event, Job, Rpc, of_message, of_rpc};
use crate::{ContractError, ROLES, Violation};

/// Everything that protobuf itself does not ask of a contract but Septet does.
pub(crate) fn check(declared: &Declared) -> Result<(), ContractError> {
    let mut violations = Vec::new();
    packages(declared, &mut violations);
    for event in &declared.events {
        topic(&declared.service, event, &mut violations);
        key(event, &mut violations);
        if declared::job(&event.message).is_some() {
            violations.push(of_message(
                &event.message,
                "is both an event and a job",
                "keep one of the two options; an event that asks for work is handled and then enqueues a job",
            ));
        }
    }
    shared_topics(declared, &mut violations);
    for job in &declared.jobs {
        queue(&declared.service, job, &mut violations);
    }
    for rpc in &declared.rpcs {
        roles(rpc, &mut violations);
    }
    violations.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    if violations.is_empty() { Ok(()) } else { Err(ContractError::Violations(violations)) }
}

fn packages(declared: &Declared, violations: &mut Vec<Violation>) {
    let expected = format!("septet.{}.v1", declared.service);
    for file in declared.files.iter().filter(|file| file.package_name() != expected) {
        violations.push(Violation {
            file: file.name().to_owned(),
            line: crate::sources::line_of(file.file_descriptor_proto(), &[2]),
            element: format!("package `{}`", file.package_name()),
            problem: "is not the one of its folder".to_owned(),
            remedy: format!("write `package {expected};`"),
        });
    }
}

fn topic(service: &str, event: &Event, violations: &mut Vec<Violation>) {
    let name = &event.topic.name;
    let example = format!("{service}.<entity>.v1");
    if name.is_empty() {
        violations.push(of_message(
            &event.message,
            "is an event without a topic",
            format!("write `topic: \"{example}\"` in its event option"),
        ));
    } else if !is_topic(name) {
        violations.push(of_message(
            &event.message,
            format!("has the topic `{name}`, which is not of the form <domain>.<entity>.v<major>"),
            format!("write `topic: \"{example}\"`, in lower case, digits and `-`"),
        ));
    } else if name.split('.').next() != Some(service) {
        violations.push(of_message(
            &event.message,
            format!("has the topic `{name}` of another domain"),
            format!("write `topic: \"{example}\"`; a service publishes only on topics of its own"),
        ));
    }
}

fn key(event: &Event, violations: &mut Vec<Violation>) {
    let message = &event.message;
    if event.key.is_empty() {
        let example = message.fields().find(is_key).map_or("<field>".to_owned(), |f| f.name().to_owned());
        violations.push(of_message(
            message,
            "is an event without a key",
            format!(
                "write `key: \"{example}\"` in its event option, naming the string field that holds the entity's id"
            ),
        ));
        return;
    }
    match message.get_field_by_name(&event.key) {
        None => violations.push(of_message(
            message,
            format!("has the key `{}`, which is not one of its fields", event.key),
            format!("write the name of one of its string fields in `key`{}", candidates(event)),
        )),
        Some(field) if !is_key(&field) => violations.push(of_message(
            message,
            format!("has the key `{}`, which is not a plain string field", event.key),
            format!(
                "name a field of type string that is neither repeated, optional nor in a oneof{}",
                candidates(event)
            ),
        )),
        Some(_) => {}
    }
}

fn is_key(field: &prost_reflect::FieldDescriptor) -> bool {
    field.kind() == Kind::String
        && field.cardinality() != Cardinality::Repeated
        && field.containing_oneof().is_none()
        && !field.supports_presence()
}

fn candidates(event: &Event) -> String {
    let names: Vec<_> =
        event.message.fields().filter(is_key).map(|field| format!("`{}`", field.name())).collect();
    if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) }
}

fn shared_topics(declared: &Declared, violations: &mut Vec<Violation>) {
    let mut first: BTreeMap<&str, &Event> = BTreeMap::new();
    for event in declared.events.iter().filter(|event| !event.topic.name.is_empty()) {
        let Some(other) = first.get(event.topic.name.as_str()) else {
            first.insert(&event.topic.name, event);
            continue;
        };
        let (topic, other_type) = (&event.topic.name, other.message.full_name());
        if event.topic.ingest || other.topic.ingest {
            violations.push(of_message(
                &event.message,
                format!("is a second type on the ingest topic `{topic}`, which {other_type} has already"),
                "give it a topic of its own; bare JSON on an ingest topic can mean one type only",
            ));
        } else if event.topic != other.topic {
            violations.push(of_message(
                &event.message,
                format!("has other options for the topic `{topic}` than {other_type}"),
                "write the same `partitions` and `retention_hours` on all events of a topic",
            ));
        }
    }
}

fn queue(service: &str, job: &Job, violations: &mut Vec<Violation>) {
    if job.queue.is_empty() {
        violations.push(of_message(
            &job.message,
            "is a job without a queue",
            format!("write `queue: \"{service}.<work>\"` in its job option"),
        ));
        return;
    }
    let mut parts = job.queue.split('.');
    if parts.next() != Some(service) || parts.clone().count() != 1 || !parts.all(is_part) {
        violations.push(of_message(
            &job.message,
            format!("has the queue `{}`, which is not of the form {service}.<work>", job.queue),
            format!("write `queue: \"{service}.<work>\"`; a job is work of the service that enqueues it"),
        ));
    }
}

fn roles(rpc: &Rpc, violations: &mut Vec<Violation>) {
    let known = ROLES.map(|role| format!("`{role}`")).join(", ");
    if rpc.roles.is_empty() {
        violations.push(of_rpc(
            &rpc.method,
            "has no roles",
            format!("write `option (septet.common.v1.auth) = {{roles: [\"viewer\"]}};` with some of {known}"),
        ));
    }
    for role in rpc.roles.iter().filter(|role| !ROLES.contains(&role.as_str())) {
        violations.push(of_rpc(
            &rpc.method,
            format!("has the unknown role `{role}`"),
            format!("write one of {known}"),
        ));
    }
}

/// `<domain>.<entity>[.<more>].v<major>`.
fn is_topic(name: &str) -> bool {
    let parts: Vec<_> = name.split('.').collect();
    let Some((major, rest)) = parts.split_last() else { return false };
    let is_major = major.strip_prefix('v').is_some_and(|digits| {
        !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    // Kafka refuses topic names longer than this.
    is_major && name.len() <= 249 && rest.len() >= 2 && rest.iter().all(|part| is_part(part))
}

fn is_part(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_lowercase())
        && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
