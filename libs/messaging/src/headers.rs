//! Record headers as one blob: for each, key length, key, value length, value; lengths are little-endian `u32`, and
//! `u32::MAX` as a value length means null.

use bytes::{Buf, BufMut, Bytes};
use septet_contract::Header;

const NULL: u32 = u32::MAX;

/// Packs headers.
pub(crate) fn pack(headers: &[Header]) -> Vec<u8> {
    let size = headers.iter().map(|h| 8 + h.key.len() + h.value.as_ref().map_or(0, Bytes::len)).sum();
    let mut packed = Vec::with_capacity(size);
    for header in headers {
        put(&mut packed, &header.key);
        match &header.value {
            Some(value) => put(&mut packed, value),
            None => packed.put_u32_le(NULL),
        }
    }
    packed
}

fn put(packed: &mut Vec<u8>, bytes: &[u8]) {
    // Records are limited to a few MiB long before they come here.
    packed.put_u32_le(bytes.len() as u32);
    packed.put_slice(bytes);
}

/// Unpacks headers; `None` if the blob was not packed by [`pack`].
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<Header>> {
    let mut packed = Bytes::copy_from_slice(packed);
    let mut headers = Vec::new();
    while packed.has_remaining() {
        let key = take(&mut packed)??;
        let value = take(&mut packed)?;
        headers.push(Header { key, value });
    }
    Some(headers)
}

/// Outer `None`: too short. Inner `None`: null.
fn take(packed: &mut Bytes) -> Option<Option<Bytes>> {
    let length = packed.try_get_u32_le().ok()?;
    if length == NULL {
        return Some(None);
    }
    let length = usize::try_from(length).ok()?;
    (length <= packed.remaining()).then(|| Some(packed.split_to(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_headers_come_back_as_they_were() {
        let headers = vec![
            Header::text("ce_id", "1"),
            Header { key: Bytes::from_static(b"\xff\x00"), value: None },
            Header { key: Bytes::new(), value: Some(Bytes::new()) },
            Header::text("ce_id", "again"),
        ];
        assert_eq!(unpack(&pack(&headers)), Some(headers));
    }

    #[test]
    fn a_cut_blob_is_refused() {
        let packed = pack(&[Header::text("ce_id", "1")]);
        for length in 1..packed.len() {
            assert_eq!(unpack(&packed[..length]), None, "{length}");
        }
    }
}
