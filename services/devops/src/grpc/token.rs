//! Page tokens: a position in a list, with a check that it is one of this list. Opaque to callers, no secret.

use sha2::{Digest, Sha256};

/// Characters of a token at most.
const LENGTH: usize = 256;
/// Characters of the check.
const CHECK: usize = 16;

/// The token for a position.
pub(super) fn write(list: &str, position: &str) -> String {
    format!("{}{}", check(list, position), hex::encode(position.as_bytes()))
}

/// The position of a token of that list, as [`write`] was given it.
pub(super) fn read(list: &str, token: &str) -> Option<String> {
    let (given, position) = token.split_at_checked(CHECK)?;
    if token.len() > LENGTH || position.len() % 2 != 0 || !position.is_ascii() {
        return None;
    }
    let bytes = position
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let position = String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
    (check(list, &position) == given).then_some(position)
}

fn check(list: &str, position: &str) -> String {
    let mut digest = Sha256::new();
    for part in ["septet.devops.v1", list, position] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut check = hex::encode(digest.finalize());
    check.truncate(CHECK);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_list_and_unchanged() {
        let token = write("changes", "12345");
        assert_eq!(read("changes", &token), Some("12345".to_owned()));
        assert_eq!(read("changes 7", &token), None);
        for position in 0..token.len() {
            let mut bent = token.clone().into_bytes();
            bent[position] = if bent[position] == b'0' { b'1' } else { b'0' };
            assert_eq!(read("changes", std::str::from_utf8(&bent).unwrap()), None, "{position}");
        }
        for other in
            ["", "x", "12345", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", &token.repeat(99)]
        {
            assert_eq!(read("changes", other), None);
        }
    }
}
