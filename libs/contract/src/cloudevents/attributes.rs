use std::collections::BTreeMap;
use std::time::Duration;

use super::error::{DecodeError, shown};
use super::{CONTENT_TYPE, PREFIX};
use crate::{Record, TRACEPARENT, Timestamp};

/// Bytes that the value of one attribute may have.
pub const MAX_ATTRIBUTE_BYTES: usize = 512;
/// Headers that a record may have.
const MAX_HEADERS: usize = 256;
/// How far ahead of its record's time an event may say to have happened: time zones mistaken for UTC, and clocks.
const MAX_AHEAD: Duration = Duration::from_hours(24);

/// Attributes by name, without prefix, checked for form but not for meaning.
#[derive(Debug, Default)]
pub(super) struct Attributes(BTreeMap<String, String>);

/// What a record's headers say.
pub(super) struct Headers {
    pub(super) attributes: Attributes,
    pub(super) content_type: Option<String>,
    pub(super) traceparent: Option<String>,
}

impl Headers {
    pub(super) fn read(record: &Record) -> Result<Self, DecodeError> {
        if record.headers.len() > MAX_HEADERS {
            let problem = format!("{} headers, and {MAX_HEADERS} are allowed", record.headers.len());
            return Err(DecodeError::MalformedHeaders(problem));
        }
        let mut headers = Self { attributes: Attributes::default(), content_type: None, traceparent: None };
        for header in &record.headers {
            let Ok(key) = std::str::from_utf8(&header.key) else {
                return Err(DecodeError::MalformedHeaders("the key of a header is not UTF-8".to_owned()));
            };
            let is_content_type = key.eq_ignore_ascii_case(CONTENT_TYPE);
            if !is_content_type && !key.starts_with(PREFIX) && key != TRACEPARENT {
                continue;
            }
            let value = match header.value.as_deref().map(std::str::from_utf8) {
                Some(Ok(value)) => value,
                // A trace that cannot be read is no reason to refuse the event that it came with.
                _ if key == TRACEPARENT => continue,
                Some(Err(_)) => {
                    let problem = format!("the value of the header `{}` is not UTF-8", shown(key));
                    return Err(DecodeError::MalformedHeaders(problem));
                }
                None => {
                    let problem = format!("the header `{}` has a null value", shown(key));
                    return Err(DecodeError::MalformedHeaders(problem));
                }
            };
            if is_content_type {
                if headers.content_type.replace(value.to_owned()).is_some() {
                    return Err(DecodeError::DuplicateAttribute(CONTENT_TYPE.to_owned()));
                }
            } else if let Some(name) = key.strip_prefix(PREFIX) {
                headers.attributes.add(name, value.to_owned())?;
            } else {
                headers.traceparent = Some(value.to_owned());
            }
        }
        Ok(headers)
    }
}

impl Attributes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one, if its name is not taken and its value is one that CloudEvents allows.
    pub(super) fn add(&mut self, name: &str, value: String) -> Result<(), DecodeError> {
        if value.len() > MAX_ATTRIBUTE_BYTES {
            return Err(DecodeError::invalid(
                &shown(name),
                format!("has {} bytes, and {MAX_ATTRIBUTE_BYTES} are allowed", value.len()),
            ));
        }
        if value.chars().any(char::is_control) {
            return Err(DecodeError::invalid(&shown(name), "has control characters"));
        }
        if self.0.contains_key(name) {
            return Err(DecodeError::DuplicateAttribute(shown(name)));
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Checks that this is CloudEvents 1.0.
    pub(super) fn check_version(&mut self) -> Result<(), DecodeError> {
        match self.required("specversion")?.as_str() {
            "1.0" => Ok(()),
            other => Err(DecodeError::invalid("specversion", format!("is `{}`, not `1.0`", shown(other)))),
        }
    }

    /// Takes an attribute that must be there and say something.
    pub(super) fn required(&mut self, name: &'static str) -> Result<String, DecodeError> {
        let value = self.0.remove(name).ok_or(DecodeError::MissingAttribute(name))?;
        if value.is_empty() { Err(DecodeError::invalid(name, "is empty")) } else { Ok(value) }
    }

    /// Takes an attribute that may be there; an empty one is as good as none.
    pub(super) fn optional(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    /// Takes `time`, or the record's where there is none.
    pub(super) fn time(&mut self, recorded: Timestamp) -> Result<Timestamp, DecodeError> {
        let Some(text) = self.0.remove("time") else { return Ok(recorded) };
        let time = Timestamp::parse_rfc3339(&text)
            .ok_or_else(|| DecodeError::invalid("time", "is not an RFC 3339 time"))?;
        if recorded.micros() > 0 && time.since(recorded) > MAX_AHEAD {
            return Err(DecodeError::FutureTime { hours: MAX_AHEAD.as_secs() / 3600 });
        }
        Ok(time)
    }

    /// Takes `traceparent`; the header of that name goes first. One that is not in W3C's form is dropped, as W3C says.
    pub(super) fn traceparent(&mut self, header: Option<String>) -> Option<String> {
        let attribute = self.0.remove(TRACEPARENT);
        header.or(attribute).filter(|text| is_traceparent(text))
    }
}

/// `<version>-<trace id>-<span id>-<flags>` in lower-case hexadecimal, neither id all zeros.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let [version, trace, span, flags] = parts[..] else { return false };
    hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && trace.bytes().any(|byte| byte != b'0')
        && hex(span, 16)
        && span.bytes().any(|byte| byte != b'0')
        && hex(flags, 2)
}
