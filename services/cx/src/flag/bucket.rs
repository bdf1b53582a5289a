//! Which part of the hash's range belongs to which variation.

use serde::{Deserialize, Deserializer, Serialize};

use super::hash::hash;

/// From its first number up to, but without, its second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range(pub f64, pub f64);

impl Range {
    /// True if it has this number.
    pub fn contains(&self, number: f64) -> bool {
        number >= self.0 && number < self.1
    }
}

/// A part of the units that experiments share out among themselves, so that nobody is in two of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Namespace(pub String, pub f64, pub f64);

impl Namespace {
    /// True if it has the unit with this hash value.
    pub fn contains(&self, value: &str) -> bool {
        hash(&format!("__{}", self.0), value, 1).is_some_and(|number| Range(self.1, self.2).contains(number))
    }
}

impl<'de> Deserialize<'de> for Namespace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(String, f64, f64)>::deserialize(deserializer).map(|(id, from, to)| Self(id, from, to))
    }
}

/// The same share for each of so many variations.
pub fn equal_weights(variations: usize) -> Vec<f64> {
    vec![1.0 / variations as f64; variations]
}

/// The range of each variation. Weights that are not one for each variation, or do not add up to 1, count as equal; coverage
/// is taken as 0 to 1.
pub fn bucket_ranges(variations: usize, coverage: f64, weights: Option<&[f64]>) -> Vec<Range> {
    let coverage = coverage.clamp(0.0, 1.0);
    let equal = equal_weights(variations);
    let weights = weights.filter(|weights| weights.len() == variations).unwrap_or(&equal);
    let total: f64 = weights.iter().sum();
    let weights = if (0.99..=1.01).contains(&total) { weights } else { &equal };
    let mut start = 0.0;
    weights
        .iter()
        .map(|weight| {
            let range = Range(start, start + coverage * weight);
            start += weight;
            range
        })
        .collect()
}

/// The variation whose range has this number.
pub fn choose_variation(number: f64, ranges: &[Range]) -> Option<usize> {
    ranges.iter().position(|range| range.contains(number))
}
