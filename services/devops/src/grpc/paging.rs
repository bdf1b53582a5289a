//! Pages of lists.

use prost::Message;
use septet_chassis::page_size;
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_devops::v1::Repository;
use tonic::Status;

use super::token;
use crate::error::Error;

/// Bytes of a page, near enough: half of what a gRPC client takes by default.
const BYTES: usize = 2 << 20;

/// Which page.
pub(super) struct Page {
    /// Items at most.
    pub size: i64,
    /// Where the page before ended.
    pub token: Option<String>,
}

impl Page {
    /// The page that a request for `list` asks for. A list's name says what a token of it may be used for.
    pub fn read(list: &str, request: Option<PageRequest>) -> Result<Self, Status> {
        let request = request.unwrap_or_default();
        let token = match request.page_token.as_str() {
            "" => None,
            text => Some(token::read(list, text).ok_or(Error::PageToken)?),
        };
        Ok(Self { size: page_size(&request)?.into(), token })
    }
}

/// An item of a page.
pub(super) trait Item {
    fn bytes(&self) -> usize;
}

impl Item for Repository {
    fn bytes(&self) -> usize {
        self.encoded_len()
    }
}

impl<T: Message> Item for (i64, T) {
    fn bytes(&self) -> usize {
        self.1.encoded_len()
    }
}

/// The items that make up a page of those that were read, one more than it may have, and how to get the next page.
pub(super) fn cut<T: Item>(
    list: &str,
    mut items: Vec<T>,
    size: i64,
    position: impl Fn(&T) -> String,
) -> (Vec<T>, PageResponse) {
    let mut bytes = 0;
    let fits = items.iter().take_while(|item| {
        bytes += item.bytes();
        bytes <= BYTES
    });
    // One at least, so that there is an end to it.
    let count = fits.count().max(1).min(usize::try_from(size).unwrap_or(usize::MAX));
    let more = items.len() > count;
    items.truncate(count);
    let next = items.last().filter(|_| more).map(|last| token::write(list, &position(last)));
    (items, PageResponse { next_page_token: next.unwrap_or_default() })
}
