//! Quantities as manifests write them.

use crate::amount::Amount;

/// Thousandths of a processor: `2`, `0.5`, `500m`. Rounded up. `None` if it is something else.
pub fn millis(text: &str) -> Option<u64> {
    match text.trim().strip_suffix('m') {
        Some(millis) => whole(millis, 1, 1),
        None => whole(text.trim(), 1_000, 1),
    }
}

/// Bytes as Kubernetes writes them: `128974848`, `129M`, `1.5Gi`, `1e9`. Rounded up. `None` if it is something else.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let units: [(&str, u128); 12] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("Ei", 1 << 60),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("E", 1_000_000_000_000_000_000),
    ];
    for (unit, factor) in units {
        if let Some(number) = text.strip_suffix(unit) {
            return whole(number, factor, 1);
        }
    }
    match text.strip_suffix('m') {
        Some(millis) => whole(millis, 1, 1_000),
        None => whole(text, 1, 1),
    }
}

/// Bytes as Compose writes them: `50M`, `1gb`, `512k`, `300b`, each a power of 1,024. `None` if it is something else.
pub fn compose_bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &lower[number.len()..] {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return None,
    };
    whole(number.trim(), factor, 1)
}

/// A number times a fraction, rounded up; `None` if it is negative, or too large for anything that is deployed.
fn whole(number: &str, factor: u128, divisor: u128) -> Option<u64> {
    // Up to a billion with decimals; more only as a plain number of bytes.
    if let Ok(plain) = number.parse::<u64>() {
        return u64::try_from(u128::from(plain).checked_mul(factor)?.div_ceil(divisor)).ok().filter(sane);
    }
    let (micros, rest) = Amount::parse(number).ok()?.amount.parts();
    let micros = u128::try_from(micros).ok()?;
    let billionths = micros * 1_000_000_000 + u128::try_from(rest).ok()?;
    let product = billionths.checked_mul(factor)?;
    u64::try_from(product.div_ceil(divisor * 1_000_000_000_000_000)).ok().filter(sane)
}

/// Below an exbibyte, which no statement about one replica exceeds.
fn sane(number: &u64) -> bool {
    *number <= 1 << 60
}
