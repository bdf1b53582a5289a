use septet_proto_common::v1::PageRequest;
use tonic::Status;

use crate::error::invalid;

/// Items of a page where the request does not say.
const DEFAULT: u32 = 50;
/// Items of a page at most.
const MAX: u32 = 1_000;

/// How many items a page is to have.
///
/// # Errors
/// `INVALID_ARGUMENT` if it asks for more than 1,000.
pub fn page_size(page: &PageRequest) -> Result<u32, Status> {
    match page.page_size {
        0 => Ok(DEFAULT),
        size if size <= MAX => Ok(size),
        _ => Err(invalid("SEPTET-0014", "page.page_size", "must be at most 1000")),
    }
}
