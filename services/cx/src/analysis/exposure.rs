use super::{Moments, result::EXCLUDED};

/// A unit's part in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The variation that it met first, of those that were heard of.
    pub variation: i64,
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// It met several: it counts in none.
    pub is_several: bool,
}

impl Exposure {
    /// After one more exposure. Of the same variation, the earliest time counts, in whichever order they are heard of.
    #[must_use]
    pub fn after(earlier: Option<Self>, variation: i64, at: i64) -> Self {
        match earlier {
            None => Self { variation, at, is_several: false },
            Some(earlier) if earlier.variation == variation => Self { at: earlier.at.min(at), ..earlier },
            Some(earlier) => Self { is_several: true, ..earlier },
        }
    }
}

/// What changes in a variation's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Empty for the number of units.
    pub metric: String,
    /// Its number, or [`EXCLUDED`].
    pub variation: i64,
    /// What is added; the units, where a unit is added or taken away.
    pub by: Moments,
}

/// What changes where a unit's part in an experiment does, and its figures: each a metric, the figure before and the one
/// after. Figures of who counts in no variation are 0.
pub fn changes(before: Option<&Exposure>, after: &Exposure, figures: &[(String, i64, i64)]) -> Vec<Change> {
    let counted = (before.is_some_and(|before| !before.is_several), !after.is_several);
    let units = |variation, units| Change {
        metric: String::new(),
        variation,
        by: Moments { units, ..Moments::default() },
    };
    let mut changes = match counted {
        (false, true) => vec![units(after.variation, 1)],
        (true, false) => vec![units(after.variation, -1), units(EXCLUDED, 1)],
        _ => Vec::new(),
    };
    let square = |figure: i64| i128::from(figure) * i128::from(figure);
    changes.extend(figures.iter().filter(|(_, from, to)| from != to).map(|(metric, from, to)| Change {
        metric: metric.clone(),
        variation: after.variation,
        by: Moments {
            units: 0,
            sum: i128::from(*to) - i128::from(*from),
            squares: square(*to) - square(*from),
        },
    }));
    changes
}
