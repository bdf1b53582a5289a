//! How random a text looks.

/// Shannon entropy of the text's characters, in bits per character, as gitleaks reckons it.
pub(super) fn bits_per_character(text: &[u8]) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    let mut counts = [0u32; 128];
    let mut others = std::collections::BTreeMap::<char, u32>::new();
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match counts.get_mut(character as usize) {
                Some(count) => *count += 1,
                None => *others.entry(character).or_default() += 1,
            }
        }
        if !chunk.invalid().is_empty() {
            *others.entry(char::REPLACEMENT_CHARACTER).or_default() += chunk.invalid().len() as u32;
        }
    }
    let length = text.len() as f64;
    let bits = |count: u32| {
        let share = f64::from(count) / length;
        -share * share.log2()
    };
    counts.into_iter().filter(|&count| count > 0).map(bits).sum::<f64>()
        + others.into_values().map(bits).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::bits_per_character;

    #[test]
    fn known_values() {
        assert_eq!(bits_per_character(b""), 0.0);
        assert_eq!(bits_per_character(b"aaaa"), 0.0);
        assert_eq!(bits_per_character(b"abab"), 1.0);
        assert_eq!(bits_per_character(b"0123456789abcdef"), 4.0);
    }
}
