use crate::error::Error;

pub(super) fn required(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.is_empty() { Err(invalid(field, "is missing")) } else { limited(field, text, limit) }
}

pub(super) fn limited(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.len() > limit { Err(invalid(field, format!("is longer than {limit} bytes"))) } else { Ok(()) }
}

pub(super) fn invalid(field: &'static str, problem: impl Into<String>) -> Error {
    Error::Invalid { field, problem: problem.into() }
}
