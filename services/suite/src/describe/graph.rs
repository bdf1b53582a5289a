use std::{collections::BTreeMap, fmt::Write};

use septet_proto_common::v1::ServiceDescription;

/// A Mermaid flowchart: solid arrows are calls, dotted ones events. With `only`, what that service takes part in.
pub(super) fn flowchart(services: &[ServiceDescription], only: Option<&str>) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for service in services {
        for called in &service.calls {
            if concerns(only, &service.name, called) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "    {} -->|gRPC| {called}", service.name);
            }
        }
    }
    for ((publisher, consumer), events) in heard(services) {
        if concerns(only, publisher, consumer) {
            let _ = writeln!(text, "    {publisher} -.->|{}| {consumer}", events.join("<br>"));
        }
    }
    text
}

fn concerns(only: Option<&str>, one: &str, other: &str) -> bool {
    only.is_none_or(|only| only == one || only == other)
}

/// The events that go from one service to another, by their types without the package.
fn heard(services: &[ServiceDescription]) -> BTreeMap<(&str, &str), Vec<&str>> {
    let mut heard: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for consumer in services {
        for event in &consumer.consumes {
            let mut publishers = services
                .iter()
                .filter(|service| service.publishes.iter().any(|published| published.r#type == event.r#type));
            // What no service publishes comes from outside, or from whichever process it happens in.
            let publisher = publishers.next().map_or_else(|| outside(&event.topic), |service| &service.name);
            let name = event.r#type.rsplit('.').next().unwrap_or(&event.r#type);
            heard.entry((publisher, consumer.name.as_str())).or_default().push(name);
        }
    }
    heard
}

fn outside(topic: &str) -> &'static str {
    if topic.contains(".ingest.") { "producers" } else { "any" }
}
