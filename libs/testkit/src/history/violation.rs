use std::{collections::BTreeSet, fmt};

use serde::Serialize;

/// How a history broke a promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Violation {
    /// Acked, and no effect.
    Lost {
        /// Operation.
        id: String,
    },
    /// More than one effect.
    Repeated {
        /// Operation.
        id: String,
        /// Number of effects.
        times: usize,
    },
    /// Refused, and yet an effect.
    Refused {
        /// Operation.
        id: String,
    },
    /// An effect that nobody intended.
    Invented {
        /// What the effect calls itself.
        id: String,
    },
    /// An effect after one with a higher `seq` of the same key.
    OutOfOrder {
        /// Key.
        key: String,
        /// Operation whose effect is late.
        id: String,
        /// Its number.
        seq: u64,
        /// The number that came before it.
        after: u64,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { id } => write!(f, "lost: {id} was acked and has no effect"),
            Self::Repeated { id, times } => write!(f, "repeated: {id} has {times} effects"),
            Self::Refused { id } => write!(f, "refused: {id} failed and has an effect all the same"),
            Self::Invented { id } => write!(f, "invented: nobody intended {id}"),
            Self::OutOfOrder { key, id, seq, after } => {
                write!(f, "out of order: on key {key}, {id} (number {seq}) came after number {after}")
            }
        }
    }
}

/// What a history held, where nothing is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Operations that were acked.
    pub acked: usize,
    /// Operations that were refused.
    pub failed: usize,
    /// Operations of which nothing is certain.
    pub unknown: usize,
    /// Effects.
    pub effects: usize,
}

/// All violations of a history, readable.
#[derive(Clone, PartialEq, Eq)]
pub struct Violations(pub BTreeSet<Violation>);

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        writeln!(f, "the history breaks {} promises:", self.0.len())?;
        for violation in self.0.iter().take(SHOWN) {
            writeln!(f, "  {violation}")?;
        }
        if self.0.len() > SHOWN {
            writeln!(f, "  and {} more", self.0.len() - SHOWN)?;
        }
        Ok(())
    }
}
