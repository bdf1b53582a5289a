//! Names for findings that stay the same when a line moves and tell nothing of the secret.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Key of the fingerprints. Without it nobody can test a guess of the secret against a fingerprint, so it is a secret
/// itself and belongs to one installation.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        FingerprintKey(bytes)
    }

    /// HMAC-SHA256 over rule, file and secret in lower-case hexadecimal. Each part is preceded by its length, so that no
    /// two different triples make the same message.
    pub(super) fn fingerprint(&self, rule: &str, file: &str, secret: &[u8]) -> String {
        // A key of 32 bytes is its own block, which is what `new` takes; no length is refused.
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block(&self.0).into());
        for part in [rule.as_bytes(), file.as_bytes(), secret] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        hex::encode(mac.finalize().into_bytes())
    }
}

/// Keys shorter than the hash's block of 64 bytes are padded with zeros (RFC 2104).
fn block(key: &[u8; 32]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    block
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey([redacted])")
    }
}
