use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Below this p-value, units are not spread as the weights say. Low, as the test is made again and again.
const MISMATCH: f64 = 0.001;

/// Pearson's chi-square test of counts against weights.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRatio {
    /// What the weights would give, for each variation.
    pub expected: Vec<f64>,
    /// The statistic.
    pub chi_square: f64,
    /// Variations less one.
    pub degrees_of_freedom: u32,
    /// Chance of counts at least so far off where all is well.
    pub p_value: f64,
}

impl SampleRatio {
    /// True if the units are not spread as the weights say.
    pub fn is_mismatch(&self) -> bool {
        self.p_value < MISMATCH
    }
}

/// Tests counts against weights, which are scaled to add up to 1. A variation of weight 0 that nobody is in does not count.
/// `None` with fewer than two variations, or no units.
pub fn sample_ratio(counts: &[u64], weights: &[f64]) -> Option<SampleRatio> {
    let (units, whole): (u64, f64) = (counts.iter().sum(), weights.iter().sum());
    if units == 0 || whole <= 0.0 || whole.is_nan() || counts.len() != weights.len() {
        return None;
    }
    let expected: Vec<f64> = weights.iter().map(|weight| units as f64 * weight / whole).collect();
    let tested: Vec<(f64, f64)> = counts
        .iter()
        .map(|count| *count as f64)
        .zip(expected.iter().copied())
        .filter(|(count, expected)| *count > 0.0 || *expected > 0.0)
        .collect();
    let degrees_of_freedom =
        u32::try_from(tested.len()).ok()?.checked_sub(1).filter(|degrees| *degrees > 0)?;
    // Somebody in a variation that nobody should be in makes it infinite.
    let chi_square: f64 = tested.iter().map(|(count, expected)| (count - expected).powi(2) / expected).sum();
    let p_value = match ChiSquared::new(f64::from(degrees_of_freedom)) {
        Ok(distribution) if chi_square.is_finite() => distribution.sf(chi_square),
        _ => 0.0,
    };
    Some(SampleRatio { expected, chi_square, degrees_of_freedom, p_value })
}
