use bytes::Bytes;

use crate::Timestamp;

/// A record header. Kafka promises neither that the key is text nor that there is a value, so neither do we.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Almost always text.
    pub key: Bytes,
    /// `None`: a null value, which is legal.
    pub value: Option<Bytes>,
}

impl Header {
    /// A header with a text key and value.
    pub fn text(key: &str, value: impl Into<String>) -> Self {
        Self { key: Bytes::copy_from_slice(key.as_bytes()), value: Some(Bytes::from(value.into())) }
    }
}

/// A record as a log or queue carries it: nothing is known yet of what the bytes mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Decides the partition; records of one key stay in order.
    pub key: Option<Bytes>,
    /// In the order in which they were written; a key may repeat.
    pub headers: Vec<Header>,
    /// `None`: a null value (a tombstone).
    pub value: Option<Bytes>,
    /// When the log took it. Zero while it has not.
    pub timestamp: Timestamp,
}

impl Record {
    /// Value of the last header with this key, as bytes; `None` if there is none or it is null.
    pub fn header(&self, key: &str) -> Option<&Bytes> {
        self.headers.iter().rev().find(|header| header.key == key.as_bytes())?.value.as_ref()
    }

    /// Bytes of key, headers and value together.
    pub fn size(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|header| header.key.len() + header.value.as_ref().map_or(0, Bytes::len))
            .sum();
        self.key.as_ref().map_or(0, Bytes::len) + headers + self.value.as_ref().map_or(0, Bytes::len)
    }
}
