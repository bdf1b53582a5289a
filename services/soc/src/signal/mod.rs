//! What rules look at: signals, made of the suite's events and of what outside producers send.

mod change;
mod json;
mod suite;
mod windows;

use serde_json::{Map, Value};

use crate::sigma::EventSource;

pub(crate) use change::{Facts, of_change};
pub(crate) use json::members;
pub(crate) use suite::SuiteEvent;

/// One event as rules look at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signal {
    /// The log that it belongs to.
    pub source: EventSource,
    /// Its fields.
    pub fields: Map<String, Value>,
}

/// What an alert about an event is about. Empty texts where it is about none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub repository_id: String,
    pub repository_name: String,
    pub change_id: String,
    /// `name <email>`
    pub author: String,
}

impl Signal {
    /// The signal that a JSON object is. Its log is the one that is given, completed by the members `_product`, `_service` and
    /// `_category` or those of `logsource`, and for Windows events by their channel and number; nested Windows events are
    /// made flat, with the names that Sigma gives their fields.
    pub fn of_json(given: &EventSource, fields: Map<String, Value>) -> Self {
        let tagged = tags(&fields);
        let (recognised, fields) = windows::recognise(fields);
        let pick = |of: fn(&EventSource) -> &String| {
            [given, &tagged, &recognised].map(of).into_iter().find(|part| !part.is_empty()).cloned()
        };
        let source = EventSource {
            product: pick(|source| &source.product).unwrap_or_default(),
            service: pick(|source| &source.service).unwrap_or_default(),
            category: pick(|source| &source.category).unwrap_or_default(),
        };
        Self { source, fields }
    }
}

fn tags(fields: &Map<String, Value>) -> EventSource {
    let text = |value: Option<&Value>| match value {
        // `-` is how many taggers say that there is none.
        Some(Value::String(text)) if text != "-" => text.clone(),
        _ => String::new(),
    };
    let nested = fields.get("logsource").and_then(Value::as_object);
    let part = |name: &str| {
        let plain = text(fields.get(&format!("_{name}")));
        if plain.is_empty() { text(nested.and_then(|nested| nested.get(name))) } else { plain }
    };
    EventSource { product: part("product"), service: part("service"), category: part("category") }
}
