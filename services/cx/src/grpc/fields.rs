//! Checks of single fields. What is refused is repeated in no error, since it may be anything.

use septet_chassis::page_size;
use septet_proto_common::v1::{PageRequest, PageResponse};
use tonic::Status;

use crate::error::Error;

const MAX_KEY: usize = 128;

/// Which page is asked for.
pub(super) struct Page {
    pub size: u32,
    /// The last key of the page before; empty for the first.
    pub after: String,
}

/// Reads which page is asked for.
pub(super) fn page(request: Option<PageRequest>) -> Result<Page, Status> {
    let request = request.unwrap_or_default();
    let size = page_size(&request)?;
    if request.page_token.len() > MAX_KEY {
        return Err(Error::invalid("page.page_token", "is not one that this service gave out").into());
    }
    Ok(Page { size, after: request.page_token })
}

/// Cuts a list that has one item more than asked for where there is another page.
pub(super) fn cut<T>(items: &mut Vec<T>, page: &Page, key: impl Fn(&T) -> &str) -> PageResponse {
    let size = page.size as usize;
    let more = items.len() > size;
    items.truncate(size);
    let next_page_token = items.last().filter(|_| more).map_or_else(String::new, |last| key(last).to_owned());
    PageResponse { next_page_token }
}

/// A key of a flag, an experiment or a group.
pub(super) fn key(field: &'static str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::invalid(field, "is missing"));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:|".contains(c);
    if text.len() > MAX_KEY || !text.chars().all(is_plain) {
        return Err(Error::invalid(field, "must be letters, digits and `. _ - : |`, at most 128"));
    }
    Ok(())
}

/// A text that may be empty.
pub(super) fn text(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.len() > limit {
        return Err(Error::invalid(field, format!("is longer than {limit} bytes")));
    }
    // PostgreSQL has no such texts.
    if text.contains('\0') {
        return Err(Error::invalid(field, "has a character of code 0"));
    }
    Ok(())
}

/// An id that makes a retry safe.
pub(super) fn request_id(id: &str) -> Result<(), Error> {
    text("request_id", id, 64)
}
