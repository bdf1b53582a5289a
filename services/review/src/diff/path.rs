//! Paths in diff headers: quotes, `a/` and `b/`, and how a path is written in findings.

use std::sync::Arc;

/// Decodes a name that begins with `"`, as git quotes unusual ones. Returns the name and what follows the closing
/// quote, or nothing where the quoting is broken.
pub(super) fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        match byte {
            b'"' => return Some((name, rest)),
            b'\\' => {
                let (&escape, tail) = rest.split_first()?;
                rest = tail;
                name.push(match escape {
                    b'a' => 0x07,
                    b'b' => 0x08,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    b'r' => b'\r',
                    b'"' | b'\\' => escape,
                    b'0'..=b'3' => {
                        let (&[middle @ b'0'..=b'7', low @ b'0'..=b'7'], tail) = rest.split_first_chunk()?
                        else {
                            return None;
                        };
                        rest = tail;
                        ((escape - b'0') << 6) | ((middle - b'0') << 3) | (low - b'0')
                    }
                    _ => return None,
                });
            }
            other => name.push(other),
        }
    }
}

/// A name that stands alone after a header's keyword: quoted, or up to a tab (before which `diff -u` puts a name and
/// after which a time).
pub(super) fn name(text: &[u8]) -> Option<Vec<u8>> {
    if text.starts_with(b"\"") {
        return unquote(text).map(|(name, _)| name);
    }
    let end = text.iter().position(|&byte| byte == b'\t').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_vec())
}

/// The two names of a `diff --git` line and whether they carry prefixes. Without quotes the line is ambiguous where
/// the names differ; then there are rename lines that say them, and this returns nothing.
pub(super) fn git_names(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if text.starts_with(b"\"") {
        let (old, rest) = unquote(text)?;
        return Some((old, name(rest.strip_prefix(b" ")?)?));
    }
    if let Some(quote) = text.windows(2).position(|pair| pair == b" \"") {
        return Some((text[..quote].to_vec(), name(&text[quote + 1..])?));
    }
    let middle = text.len() / 2;
    if text.get(middle) != Some(&b' ') {
        return None;
    }
    let (old, new) = (&text[..middle], &text[middle + 1..]);
    (old == new || prefixed(old, new)).then(|| (old.to_vec(), new.to_vec()))
}

/// Whether the names are one path behind two different prefixes: `a/` and `b/`, or those of
/// `diff.mnemonicPrefix` (`c/`, `i/`, `o/`, `w/`, `1/`, `2/`).
pub(super) fn prefixed(old: &[u8], new: &[u8]) -> bool {
    match (prefix(old), prefix(new)) {
        (Some(before), Some(after)) => before != after && old[2..] == new[2..],
        _ => false,
    }
}

/// The letter of a leading `a/`, `b/`, …
pub(super) fn prefix(name: &[u8]) -> Option<u8> {
    match name {
        [letter @ (b'a' | b'b' | b'c' | b'i' | b'o' | b'w' | b'1' | b'2'), b'/', _, ..] => Some(*letter),
        _ => None,
    }
}

/// The path as findings show it: UTF-8 as it is, other bytes, control characters and backslashes as octal escapes.
pub(super) fn readable(path: &[u8]) -> Arc<str> {
    use std::fmt::Write;
    let mut out = String::with_capacity(path.len());
    let octal = |out: &mut String, bytes: &[u8]| {
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\{byte:03o}");
        }
    };
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || character == '\\' {
                octal(&mut out, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.push(character);
            }
        }
        octal(&mut out, chunk.invalid());
    }
    out.into()
}
