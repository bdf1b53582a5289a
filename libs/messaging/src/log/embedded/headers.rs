//! Headers as one blob: for each the length of the key, the key, the length of the value, the value. Lengths are four
//! bytes, little-endian; the largest stands for a null value.

use bytes::{Buf as _, BufMut as _, Bytes};
use septet_contract::Header;

const NULL: u32 = u32::MAX;

/// Bytes that stand for the headers, or `None` if one of them is longer than the format can say.
pub(crate) fn encode(headers: &[Header]) -> Option<Vec<u8>> {
    let mut blob = Vec::new();
    for header in headers {
        put(&mut blob, &header.key)?;
        match &header.value {
            Some(value) => put(&mut blob, value)?,
            None => blob.put_u32_le(NULL),
        }
    }
    Some(blob)
}

fn put(blob: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length != NULL)?;
    blob.put_u32_le(length);
    blob.put_slice(bytes);
    Some(())
}

/// The headers that [`encode`] was given; `None` if the bytes are damaged.
pub(crate) fn decode(blob: &[u8]) -> Option<Vec<Header>> {
    let mut rest = Bytes::copy_from_slice(blob);
    let mut headers = Vec::new();
    while rest.has_remaining() {
        let key = take(&mut rest)??;
        headers.push(Header { key, value: take(&mut rest)? });
    }
    Some(headers)
}

/// The next field; the inner `None` is null, the outer one damage.
fn take(rest: &mut Bytes) -> Option<Option<Bytes>> {
    let length = rest.try_get_u32_le().ok()?;
    if length == NULL {
        return Some(None);
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= rest.remaining())?;
    Some(Some(rest.split_to(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_and_damage_is_told() {
        let headers = vec![
            Header::text("a", "1"),
            Header { key: Bytes::from_static(b"\xff"), value: None },
            Header::text("a", ""),
            Header::text("", "2"),
        ];
        let blob = encode(&headers).expect("short enough");
        assert_eq!(decode(&blob), Some(headers));
        assert_eq!(decode(&[]), Some(Vec::new()));
        for cut in [1, 4, 5, blob.len() - 1] {
            assert_eq!(decode(&blob[..cut]), None, "cut at {cut}");
        }
    }
}
