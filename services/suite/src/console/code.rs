//! One-time codes: proof of having read the local token, without showing it.
//!
//! A code is the time at which it ends, a random number, and a keyed hash of both under the local token. So the command that
//! prints one needs the token and no call, and the suite needs no memory of codes but of those that were used.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Seconds that a code holds.
pub const LIFETIME: u64 = 600;
/// Says what the hash is for, so that no other use of the token makes one.
const PURPOSE: &[u8] = b"septet console sign-in, version 1\n";
const TIME: usize = 8;
const NONCE: usize = 16;
const MAC: usize = 32;

/// What makes a code different from every other.
pub type Nonce = [u8; NONCE];

/// A code that holds from `now`, in seconds since the epoch.
pub fn mint(token: &str, now: u64, nonce: Nonce) -> String {
    let mut bytes = Vec::with_capacity(TIME + NONCE + MAC);
    bytes.extend(now.saturating_add(LIFETIME).to_be_bytes());
    bytes.extend(nonce);
    if let Some(mac) = keyed(token, &bytes) {
        bytes.extend(mac.finalize().into_bytes());
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The number in a code that holds `now`; `None` for any other text.
pub fn check(token: &str, code: &str, now: u64) -> Option<Nonce> {
    let bytes = URL_SAFE_NO_PAD.decode(code.trim()).ok()?;
    let (signed, mac) = bytes.split_at_checked(TIME + NONCE)?;
    // In constant time.
    keyed(token, signed)?.verify_slice(mac).ok()?;
    let (time, nonce) = signed.split_at_checked(TIME)?;
    let ends = u64::from_be_bytes(time.try_into().ok()?);
    // Not one that somebody dated far ahead, whose use would have to be remembered as long.
    (now < ends && ends <= now.saturating_add(LIFETIME)).then_some(())?;
    nonce.try_into().ok()
}

fn keyed(token: &str, signed: &[u8]) -> Option<Hmac<Sha256>> {
    // Takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).ok()?;
    mac.update(PURPOSE);
    mac.update(signed);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_code_holds_for_its_token_and_its_time() {
        let code = mint("secret", NOW, [7; 16]);
        assert_eq!(check("secret", &code, NOW), Some([7; 16]));
        assert_eq!(check("secret", &format!(" {code}\n"), NOW + LIFETIME - 1), Some([7; 16]));
        assert_eq!(check("secret", &code, NOW + LIFETIME), None, "it has ended");
        assert_eq!(check("secret", &code, NOW - 1), None, "it would hold longer than any may");
        assert_eq!(check("another", &code, NOW), None);
    }

    #[test]
    fn no_bit_of_a_code_can_be_changed() {
        let bytes = URL_SAFE_NO_PAD.decode(mint("secret", NOW, [7; 16])).expect("a code");
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(check("secret", &URL_SAFE_NO_PAD.encode(changed), NOW), None, "bit {at}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(check("secret", &URL_SAFE_NO_PAD.encode(&bytes[..cut]), NOW), None, "{cut} bytes");
        }
        for text in ["", "no code", "ä"] {
            assert_eq!(check("secret", text, NOW), None, "{text}");
        }
    }
}
