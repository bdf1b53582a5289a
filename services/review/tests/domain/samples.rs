//! Texts that look like secrets, made while the tests run.

use septet_review::rules::RuleSet;
use septet_review::scan::{FingerprintKey, Scanner};

/// The scanner with the built-in rules and a fixed key.
pub fn scanner() -> Scanner {
    scanner_with(RuleSet::builtin().expect("built-in rules"))
}

/// A scanner with these rules and a fixed key.
pub fn scanner_with(rules: RuleSet) -> Scanner {
    Scanner::new(rules, FingerprintKey::new([7; 32])).expect("scanner")
}

/// A small deterministic generator (xorshift), so that a failure repeats.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// So many characters of an alphabet.
    pub fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..length).map(|_| letters[(self.next() >> 20) as usize % letters.len()] as char).collect()
    }
}

/// A template filled in, and the random parts of it.
pub struct Sample {
    pub text: String,
    pub parts: Vec<String>,
}

/// Fills in `{a36}`: 36 random letters and digits, and so on. `{n0}` is a line feed, `{g0}` a UUID.
pub fn expand(template: &str, random: &mut Random) -> Sample {
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
    const DIGITS: &str = "0123456789";
    let (mut text, mut parts) = (String::new(), Vec::new());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let field = rest[open + 1..].split_once('}').and_then(|(field, tail)| {
            let (kind, length) = field.split_at_checked(1)?;
            Some((kind, length.parse::<usize>().ok()?, tail))
        });
        let Some((kind, length, tail)) = field else {
            text.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        text.push_str(&rest[..open]);
        rest = tail;
        let part = match kind {
            "a" => random.text(&[UPPER, LOWER, DIGITS].concat(), length),
            "l" => random.text(&[LOWER, DIGITS].concat(), length),
            "u" => random.text(&[UPPER, DIGITS].concat(), length),
            "w" => random.text(&[UPPER, LOWER, DIGITS, "_-"].concat(), length),
            "b" => random.text(&[UPPER, LOWER, DIGITS, "+/"].concat(), length),
            "B" => random.text(&[UPPER, "234567"].concat(), length),
            "q" => random.text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", length),
            "h" => random.text("0123456789abcdef", length),
            "d" => random.text(DIGITS, length),
            "g" => [8, 4, 4, 4, 12].map(|length| random.text("0123456789abcdef", length)).join("-"),
            "n" => "\n".to_owned(),
            other => panic!("unknown field {other} in {template}"),
        };
        text.push_str(&part);
        parts.push(part);
    }
    text.push_str(rest);
    Sample { text, parts }
}
