/// Millionths of one.
const MICROS: f64 = 1e6;

/// Number, sum and sum of squares of units' figures, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Units.
    pub units: i64,
    /// Sum, in millionths.
    pub sum: i128,
    /// Sum of squares, in millionths of millionths.
    pub squares: i128,
}

impl Moments {
    /// Of these figures, in millionths.
    pub fn of(figures: impl IntoIterator<Item = i64>) -> Self {
        figures.into_iter().map(i128::from).fold(Self::default(), |all, figure| {
            all.and(Self { units: 1, sum: figure, squares: figure.saturating_mul(figure) })
        })
    }

    /// Both together. At the end of what 128 bits hold, which takes millions of units of the largest figures, it stays there.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            units: self.units.saturating_add(other.units),
            sum: self.sum.saturating_add(other.sum),
            squares: self.squares.saturating_add(other.squares),
        }
    }

    /// Sum of the figures.
    pub fn total(&self) -> f64 {
        self.sum as f64 / MICROS
    }

    /// Mean; 0 without units.
    pub fn mean(&self) -> f64 {
        if self.units > 0 { self.sum as f64 / (self.units as f64 * MICROS) } else { 0.0 }
    }

    /// Mean less that of another. Exact where it fits, as the difference of two means far from zero would lose its digits.
    pub fn mean_less(&self, other: &Self) -> f64 {
        let (own, others) = (i128::from(self.units), i128::from(other.units));
        let exact = self
            .sum
            .checked_mul(others)
            .zip(other.sum.checked_mul(own))
            .and_then(|(sum, other)| sum.checked_sub(other))
            .zip(own.checked_mul(others).filter(|units| *units > 0));
        exact.map_or_else(
            || self.mean() - other.mean(),
            |(difference, units)| difference as f64 / units as f64 / MICROS,
        )
    }

    /// Variance of the sample, with n - 1; 0 for fewer than two units.
    pub fn variance(&self) -> f64 {
        if self.units < 2 {
            return 0.0;
        }
        let units = i128::from(self.units);
        // Exact where it fits: the difference of two large numbers would lose its digits.
        let exact = units
            .checked_mul(self.squares)
            .zip(self.sum.checked_mul(self.sum))
            .and_then(|(squares, square)| squares.checked_sub(square));
        let spread = exact.map_or_else(
            || self.units as f64 * self.squares as f64 - self.sum as f64 * self.sum as f64,
            |exact| exact as f64,
        );
        (spread / (self.units as f64 * (self.units as f64 - 1.0)) / MICROS / MICROS).max(0.0)
    }
}
