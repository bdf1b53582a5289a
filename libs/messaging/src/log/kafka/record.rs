//! Records to and from librdkafka's messages.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use rdkafka::message::{self, BorrowedMessage, Headers, Message, OwnedHeaders};
use septet_contract::{Header, Record, Timestamp};

use super::super::{Fetched, LogError};

/// Key of the one header that stands for headers that cannot be read: not UTF-8, so that the contract's decoder says
/// what it says of every such key.
const UNREADABLE_KEY: &[u8] = b"\xff";

/// Copies a message out of librdkafka's buffer.
pub(super) fn decode(message: &BorrowedMessage<'_>) -> Fetched {
    Fetched {
        offset: message.offset(),
        record: Record {
            key: message.key().map(Bytes::copy_from_slice),
            headers: message.headers().map(decode_headers).unwrap_or_default(),
            value: message.payload().map(Bytes::copy_from_slice),
            timestamp: timestamp(message.timestamp()),
        },
    }
}

/// The headers; one with the key `\xff` and no value in place of all of them where one has a key that is not UTF-8.
///
/// rust-rdkafka panics on such a key, and offers no access to its bytes without `unsafe`. The panic is caught here, the
/// only place that reads headers. The process' panic hook still prints it once for each such record: silencing it would
/// mean to replace the hook for every other thread.
fn decode_headers(headers: &impl Headers) -> Vec<Header> {
    let read = catch_unwind(AssertUnwindSafe(|| {
        (0..headers.count())
            .filter_map(|index| headers.try_get(index))
            .map(|header| Header {
                key: Bytes::copy_from_slice(header.key.as_bytes()),
                value: header.value.map(Bytes::copy_from_slice),
            })
            .collect()
    }));
    read.unwrap_or_else(|_| vec![Header { key: Bytes::from_static(UNREADABLE_KEY), value: None }])
}

/// Headers on their way out. Keys must be text, as every Kafka client but the Java ones assumes.
pub(super) fn encode_headers(headers: &[Header]) -> Result<Option<OwnedHeaders>, LogError> {
    if headers.is_empty() {
        return Ok(None);
    }
    let mut encoded = OwnedHeaders::new_with_capacity(headers.len());
    for header in headers {
        // librdkafka ends a key at a NUL.
        let key =
            std::str::from_utf8(&header.key).ok().filter(|key| !key.contains('\0')).ok_or_else(|| {
                LogError::Invalid(
                    "a header key is not UTF-8 without NUL, which Kafka clients cannot write".to_owned(),
                )
            })?;
        encoded = encoded.insert(message::Header { key, value: header.value.as_deref() });
    }
    Ok(Some(encoded))
}

fn timestamp(timestamp: message::Timestamp) -> Timestamp {
    Timestamp::from_micros(timestamp.to_millis().unwrap_or(0).saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behaves as rust-rdkafka does on bytes that are not text.
    struct Panicking;

    impl Headers for Panicking {
        fn count(&self) -> usize {
            2
        }

        fn try_get(&self, index: usize) -> Option<message::Header<'_, &[u8]>> {
            assert_eq!(index, 0, "a key that is not UTF-8");
            Some(message::Header { key: "ce_id", value: Some(b"1") })
        }
    }

    #[test]
    fn unreadable_headers_become_one_unreadable_header() {
        let headers = decode_headers(&Panicking);
        assert_eq!(headers.len(), 1);
        assert!(std::str::from_utf8(&headers[0].key).is_err());
        assert_eq!(headers[0].value, None);
    }

    #[test]
    fn headers_come_back_as_they_were() {
        let headers = vec![
            Header::text("a", "1"),
            Header { key: Bytes::from_static(b"null"), value: None },
            Header { key: Bytes::from_static(b"empty"), value: Some(Bytes::new()) },
            Header::text("a", "2"),
        ];
        let encoded = encode_headers(&headers).expect("text keys").expect("some headers");
        assert_eq!(decode_headers(&encoded), headers);
    }

    #[test]
    fn keys_that_a_client_would_not_read_back_are_refused() {
        for key in [&b"\xff"[..], b"a\0b"] {
            let header = Header { key: Bytes::from_static(key), value: None };
            assert!(matches!(encode_headers(&[header]), Err(LogError::Invalid(_))));
        }
    }
}
