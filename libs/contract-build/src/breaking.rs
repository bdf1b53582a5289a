use std::collections::BTreeSet;

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ServiceDescriptor,
};

use crate::{ContractError, declared};

/// What in `current` would break someone who uses `baseline`, one line for each change; both are what
/// [`descriptors`](crate::descriptors) returns. Adding is never breaking.
///
/// # Errors
/// [`ContractError::Descriptors`] where one of the two is not an encoded `FileDescriptorSet`.
pub fn breaking(baseline: &[u8], current: &[u8]) -> Result<Vec<String>, ContractError> {
    let read = |which, bytes: &[u8]| {
        DescriptorPool::decode(bytes)
            .map_err(|error| ContractError::Descriptors { which, reason: error.to_string() })
    };
    let (old, new) = (read("baseline", baseline)?, read("current", current)?);
    let mut changes = Vec::new();
    for message in old.all_messages().filter(|message| is_ours(message.package_name())) {
        match new.get_message_by_name(message.full_name()) {
            Some(now) => of_message(&message, &now, &mut changes),
            // The entry of a map goes with its field.
            None if message.is_map_entry() => {}
            None => changes.push(format!("message {} was removed", message.full_name())),
        }
    }
    for values in old.all_enums().filter(|values| is_ours(values.package_name())) {
        match new.get_enum_by_name(values.full_name()) {
            Some(now) => of_enum(&values, &now, &mut changes),
            None => changes.push(format!("enum {} was removed", values.full_name())),
        }
    }
    for service in old.services().filter(|service| is_ours(service.package_name())) {
        match new.get_service_by_name(service.full_name()) {
            Some(now) => of_service(&service, &now, &mut changes),
            None => changes.push(format!("service {} was removed", service.full_name())),
        }
    }
    for extension in old.all_extensions().filter(|extension| is_ours(extension.package_name())) {
        let name = extension.full_name();
        match new.get_extension_by_name(name) {
            Some(now)
                if now.number() == extension.number() && word(&now.kind()) == word(&extension.kind()) => {}
            Some(_) => changes.push(format!("option {name} changed its number or type")),
            None => changes.push(format!("option {name} was removed")),
        }
    }
    Ok(changes)
}

fn is_ours(package: &str) -> bool {
    package.starts_with("septet.")
}

fn of_message(old: &MessageDescriptor, new: &MessageDescriptor, changes: &mut Vec<String>) {
    for field in old.fields() {
        match new.get_field(field.number()) {
            Some(now) => of_field(&field, &now, changes),
            None => changes.push(match new.get_field_by_name(field.name()) {
                Some(moved) => format!(
                    "field {} changed its number from {} to {}",
                    field.full_name(),
                    field.number(),
                    moved.number()
                ),
                None => format!("field {} ({}) was removed", field.full_name(), field.number()),
            }),
        }
    }
    let kept: Vec<_> = new.reserved_ranges().collect();
    for range in old.reserved_ranges() {
        // A range may have been split or joined; an end may be as far as 536,870,912, so only its edges are looked at.
        let covered = is_covered(u64::from(range.start), u64::from(range.end), &kept);
        if !covered {
            changes.push(format!(
                "message {} no longer reserves the numbers {} to {}",
                old.full_name(),
                range.start,
                range.end.saturating_sub(1)
            ));
        }
    }
    let names: BTreeSet<_> = new.reserved_names().collect();
    for name in old.reserved_names().filter(|name| !names.contains(name)) {
        changes.push(format!("message {} no longer reserves the name `{name}`", old.full_name()));
    }
    of_roles(old, new, changes);
}

/// Whether the ranges together hold all of `start..end`.
fn is_covered(mut start: u64, end: u64, ranges: &[std::ops::Range<u32>]) -> bool {
    while start < end {
        let holding = ranges.iter().find(|r| (u64::from(r.start)..u64::from(r.end)).contains(&start));
        match holding {
            Some(range) => start = u64::from(range.end),
            None => return false,
        }
    }
    true
}

fn of_field(old: &FieldDescriptor, new: &FieldDescriptor, changes: &mut Vec<String>) {
    let name = old.full_name();
    let mut differ = |what: &str, before: String, after: String| {
        if before != after {
            changes
                .push(format!("field {name} ({}) changed its {what} from {before} to {after}", old.number()));
        }
    };
    differ("name", old.name().to_owned(), new.name().to_owned());
    if old.name() == new.name() {
        differ("JSON name", old.json_name().to_owned(), new.json_name().to_owned());
    }
    differ("type", word(&old.kind()), word(&new.kind()));
    differ("label", label(old), label(new));
    differ("oneof", oneof(old), oneof(new));
}

fn word(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(values) => values.full_name().to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn label(field: &FieldDescriptor) -> String {
    let synthetic = field.containing_oneof().is_some_and(|oneof| oneof.is_synthetic());
    match field.cardinality() {
        Cardinality::Repeated => "repeated",
        Cardinality::Required => "required",
        Cardinality::Optional if synthetic => "optional",
        Cardinality::Optional => "singular",
    }
    .to_owned()
}

fn oneof(field: &FieldDescriptor) -> String {
    match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
        Some(oneof) => format!("`{}`", oneof.name()),
        None => "none".to_owned(),
    }
}

fn of_roles(old: &MessageDescriptor, new: &MessageDescriptor, changes: &mut Vec<String>) {
    let name = old.full_name();
    match (declared::event(old), declared::event(new)) {
        (Some(_), None) => changes.push(format!("message {name} is no longer an event")),
        (Some(before), Some(after)) => {
            let mut differ = |what: &str, before: String, after: String| {
                if before != after {
                    changes.push(format!("event {name} changed its {what} from {before} to {after}"));
                }
            };
            differ("topic", before.topic.name.clone(), after.topic.name.clone());
            differ("key", before.key, after.key);
            // Another number of partitions sends a key to another partition, and its order is lost.
            differ("partitions", before.topic.partitions.to_string(), after.topic.partitions.to_string());
            if before.topic.ingest && !after.topic.ingest {
                changes.push(format!("event {name} no longer has an ingest topic"));
            }
        }
        (None, _) => {}
    }
    match (declared::job(old), declared::job(new)) {
        (Some(_), None) => changes.push(format!("message {name} is no longer a job")),
        (Some(before), Some(after)) if before.queue != after.queue => {
            changes.push(format!("job {name} changed its queue from {} to {}", before.queue, after.queue));
        }
        _ => {}
    }
}

fn of_enum(old: &EnumDescriptor, new: &EnumDescriptor, changes: &mut Vec<String>) {
    for value in old.values() {
        match new.get_value_by_name(value.name()) {
            None => {
                changes.push(format!("enum value {} ({}) was removed", value.full_name(), value.number()));
            }
            Some(now) if now.number() != value.number() => changes.push(format!(
                "enum value {} changed its number from {} to {}",
                value.full_name(),
                value.number(),
                now.number()
            )),
            Some(_) => {}
        }
    }
    let kept: Vec<_> = new.reserved_ranges().collect();
    for range in old.reserved_ranges() {
        let held = |number: &i32| kept.iter().any(|kept| kept.contains(number));
        if !held(range.start()) || !held(range.end()) {
            changes.push(format!(
                "enum {} no longer reserves the numbers {} to {}",
                old.full_name(),
                range.start(),
                range.end()
            ));
        }
    }
    let names: BTreeSet<_> = new.reserved_names().collect();
    for name in old.reserved_names().filter(|name| !names.contains(name)) {
        changes.push(format!("enum {} no longer reserves the name `{name}`", old.full_name()));
    }
}

fn of_service(old: &ServiceDescriptor, new: &ServiceDescriptor, changes: &mut Vec<String>) {
    for method in old.methods() {
        let Some(now) = new.methods().find(|now| now.name() == method.name()) else {
            changes.push(format!("rpc {} was removed", method.full_name()));
            continue;
        };
        let mut differ = |what: &str, before: String, after: String| {
            if before != after {
                changes
                    .push(format!("rpc {} changed its {what} from {before} to {after}", method.full_name()));
            }
        };
        let stream = |streams: bool| if streams { "a stream" } else { "one message" }.to_owned();
        differ("request", method.input().full_name().to_owned(), now.input().full_name().to_owned());
        differ("response", method.output().full_name().to_owned(), now.output().full_name().to_owned());
        differ("requests", stream(method.is_client_streaming()), stream(now.is_client_streaming()));
        differ("responses", stream(method.is_server_streaming()), stream(now.is_server_streaming()));
    }
}
