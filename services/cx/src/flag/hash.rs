//! The hash that spreads units over variations.

/// From 0 to 1, the same for the same seed and value. `None` for a version that there is not: such an experiment is for
/// newer programs, and its units are in none of its variations.
///
/// Version 1 has a thousand steps, and experiments that share letters between seed and value are correlated by it; version 2
/// has ten thousand and hashes twice.
pub fn hash(seed: &str, value: &str, version: u32) -> Option<f64> {
    match version {
        1 => Some(f64::from(fnv1a(value.encode_utf16().chain(seed.encode_utf16())) % 1_000) / 1_000.0),
        2 => {
            let once = fnv1a(seed.encode_utf16().chain(value.encode_utf16()));
            Some(f64::from(fnv1a(once.to_string().encode_utf16()) % 10_000) / 10_000.0)
        }
        _ => None,
    }
}

/// True if there is this version of the hash.
pub fn is_known(version: u32) -> bool {
    matches!(version, 1 | 2)
}

/// FNV-1a of 32 bits. Over UTF-16 units instead of bytes, as the reference is JavaScript: ASCII is the same either way.
fn fnv1a(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(0x811c_9dc5, |hash: u32, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}
