//! What outside producers submit, checked before anything is done with it.

use std::time::Duration;

use septet_chassis::contract::Timestamp;
use septet_proto_cx::v1::{ActivityKind, ActivitySubmitted};

use crate::{analysis::micros, error::Error, json};

const MAX_UNIT: usize = 128;
const MAX_ID: usize = 64;
const MAX_NAME: usize = 128;
const MAX_PROPERTIES: usize = 4 << 10;
/// Clocks of producers may be ahead by so much.
const AHEAD: Duration = Duration::from_secs(3_600);

/// An activity that can be counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Activity {
    pub unit_id: String,
    pub id: String,
    /// Name of the event, or id of the experiment.
    pub name: String,
    /// In microseconds since the epoch.
    pub at: i64,
    pub what: What,
}

/// What an activity is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// The key of the variation.
    Exposure(String),
    Event {
        /// In millionths.
        value: i64,
        /// As JSON; `None` for none.
        properties: Option<String>,
    },
}

impl Activity {
    /// Checks what was submitted. `retention` is how old it may be.
    pub fn read(submitted: ActivitySubmitted, now: Timestamp, retention: Duration) -> Result<Self, Error> {
        for (field, text, limit) in [
            ("unit_id", &submitted.unit_id, MAX_UNIT),
            ("event_id", &submitted.event_id, MAX_ID),
            ("name", &submitted.name, MAX_NAME),
        ] {
            named(field, text, limit)?;
        }
        let what = match submitted.kind() {
            ActivityKind::Unspecified => return Err(Error::invalid("kind", "must be EXPOSURE or EVENT")),
            ActivityKind::Exposure => {
                named("variation", &submitted.variation, MAX_NAME)?;
                if submitted.value != 0.0 || submitted.properties.is_some() {
                    return Err(Error::invalid(
                        "kind",
                        "is an exposure, which has no value and no properties",
                    ));
                }
                What::Exposure(submitted.variation)
            }
            ActivityKind::Event if !submitted.variation.is_empty() => {
                return Err(Error::invalid("variation", "belongs to exposures"));
            }
            ActivityKind::Event => {
                let value = micros(submitted.value)
                    .ok_or_else(|| Error::invalid("value", "is not a number from -1e9 to 1e9"))?;
                let properties = submitted
                    .properties
                    .map(|properties| json::bounded("properties", properties, MAX_PROPERTIES))
                    .transpose()?
                    .filter(|properties| !properties.is_empty());
                What::Event {
                    value,
                    properties: properties.map(|object| serde_json::Value::Object(object).to_string()),
                }
            }
        };
        let Some(time) = submitted.time else { return Err(Error::invalid("time", "is missing")) };
        if !(0..1_000_000_000).contains(&time.nanos) {
            return Err(Error::invalid("time", "has nanoseconds beyond a second"));
        }
        let time = Timestamp::from(time);
        if time > now.after(AHEAD) {
            return Err(Error::invalid("time", "is more than an hour ahead"));
        }
        if time < now.before(retention) {
            return Err(Error::invalid("time", "is longer ago than activities are kept"));
        }
        Ok(Self {
            unit_id: submitted.unit_id,
            id: submitted.event_id,
            name: submitted.name,
            at: time.micros(),
            what,
        })
    }
}

/// A name that is there, is short, and can be shown and stored everywhere.
pub(crate) fn named(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::invalid(field, "is missing"));
    }
    if text.len() > limit {
        return Err(Error::invalid(field, format!("is longer than {limit} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "has control characters"));
    }
    Ok(())
}
