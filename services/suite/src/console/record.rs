//! Bytes that came from anywhere, for people.

use std::borrow::Cow;

/// Bytes of a value that a page shows, and that can be mended in it.
pub const MAX_SHOWN: usize = 64 * 1024;

/// Text, where that is what the bytes are; else the bytes with everything but printable ASCII escaped.
pub fn shown(bytes: &[u8]) -> String {
    match text(bytes) {
        Some(text) => text.to_owned(),
        None => bytes.escape_ascii().to_string(),
    }
}

/// The first part of a long value, and whether that is all.
pub fn beginning(bytes: &[u8]) -> (String, bool) {
    match bytes.get(..MAX_SHOWN) {
        Some(first) if bytes.len() > MAX_SHOWN => (first.escape_ascii().to_string(), false),
        _ => (shown(bytes), true),
    }
}

/// A value that comes back unchanged from a form's text field, which has only one kind of line end and no other control
/// characters.
pub fn mendable(bytes: &[u8]) -> Option<&str> {
    text(bytes).filter(|text| text.len() <= MAX_SHOWN && !text.contains('\r'))
}

/// What a form's text field sends for such a value: browsers send every line end as two characters.
pub fn from_form(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text.into() }
}

fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t' | '\r');
    text.chars().all(plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is_and_everything_else_escaped() {
        assert_eq!(shown("{\"name\": \"Zoë\"}\n".as_bytes()), "{\"name\": \"Zoë\"}\n");
        assert_eq!(shown(b"\x00\xff<b>"), "\\x00\\xff<b>");
        assert_eq!(shown(b"\x1b[31m"), "\\x1b[31m");
        let (first, all) = beginning(&vec![b'a'; MAX_SHOWN + 1]);
        assert_eq!((first.len(), all), (MAX_SHOWN, false));
    }

    #[test]
    fn what_can_be_mended_comes_back_unchanged() {
        let value = "{\n  \"dif\": \"\"\n}\n";
        assert_eq!(mendable(value.as_bytes()), Some(value));
        assert_eq!(from_form(&value.replace('\n', "\r\n")), value);
        for other in [&b"a\r\nb"[..], b"\xff", &[b'a'; MAX_SHOWN + 1]] {
            assert_eq!(mendable(other), None);
        }
    }
}
