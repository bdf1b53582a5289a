//! A history checker: clients write down what they intend and what they were told, and whoever reads back writes down
//! what took effect. [`History::check`] then says whether the promises were kept, whatever was killed in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// What a client was told about an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// It is done: it must take effect.
    Acked,
    /// It was refused: it must not take effect.
    Failed,
    /// Nothing certain, or nothing at all: it may take effect or not.
    Unknown,
}

/// One operation of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Op {
    /// Distinct among all operations.
    pub id: String,
    /// What keeps its order.
    pub key: String,
    /// Rises with each operation that one client intends on this key, after the one before was acked.
    pub seq: u64,
    /// What the client was told.
    pub outcome: Outcome,
}

/// Which promises are checked beside the ones that always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Effects of one key come in the order of their `seq`.
    PerKey,
    /// Effects come in any order, as jobs do.
    Any,
}

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

/// What was intended, and what came of it. Shared by all clients and readers of a test.
#[derive(Debug, Default)]
pub struct History {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ops: BTreeMap<String, Op>,
    effects: Vec<String>,
}

impl History {
    /// An empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes down an intent, before anything is sent. Panics if the id is taken: the test is wrong.
    pub fn intend(&self, id: &str, key: &str, seq: u64) {
        let op = Op { id: id.to_owned(), key: key.to_owned(), seq, outcome: Outcome::Unknown };
        let earlier = self.lock().ops.insert(id.to_owned(), op);
        assert!(earlier.is_none(), "two operations with the id {id}");
    }

    /// Writes down what the client was told. Without this, nothing is certain.
    pub fn outcome(&self, id: &str, outcome: Outcome) {
        let mut inner = self.lock();
        let op = inner.ops.get_mut(id).unwrap_or_else(|| panic!("nobody intended {id}"));
        op.outcome = outcome;
    }

    /// Writes down an effect, in the order in which they are seen.
    pub fn effect(&self, id: &str) {
        self.lock().effects.push(id.to_owned());
    }

    /// As [`History::effect`], unless the operation has one: what an inbox does for a service. False if it has.
    pub fn effect_once(&self, id: &str) -> bool {
        let mut inner = self.lock();
        let new = !inner.effects.iter().any(|effect| effect == id);
        if new {
            inner.effects.push(id.to_owned());
        }
        new
    }

    /// How many effects there are.
    pub fn effects(&self) -> usize {
        self.lock().effects.len()
    }

    /// True once every acked operation has an effect; what is left to wait for before [`History::check`].
    pub fn settled(&self) -> bool {
        let inner = self.lock();
        let effects: BTreeSet<&String> = inner.effects.iter().collect();
        inner.ops.values().all(|op| op.outcome != Outcome::Acked || effects.contains(&op.id))
    }

    /// Whether the promises were kept: acked operations have an effect, none has two, refused ones have none, none
    /// is invented, and the order holds.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn check(&self, order: Order) -> Result<Summary, Violations> {
        let inner = self.lock();
        let mut violations = BTreeSet::new();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
        for id in &inner.effects {
            *times.entry(id).or_default() += 1;
            let Some(op) = inner.ops.get(id) else {
                violations.insert(Violation::Invented { id: id.clone() });
                continue;
            };
            let before = highest.entry(&op.key).or_insert(op.seq);
            if order == Order::PerKey && op.seq < *before {
                violations.insert(Violation::OutOfOrder {
                    key: op.key.clone(),
                    id: id.clone(),
                    seq: op.seq,
                    after: *before,
                });
            }
            *before = op.seq.max(*before);
        }
        for (id, times) in &times {
            if *times > 1 {
                violations.insert(Violation::Repeated { id: (*id).to_owned(), times: *times });
            }
        }
        let mut summary = Summary { effects: inner.effects.len(), ..Summary::default() };
        for op in inner.ops.values() {
            let happened = times.contains_key(op.id.as_str());
            if op.outcome == Outcome::Acked && !happened {
                violations.insert(Violation::Lost { id: op.id.clone() });
            } else if op.outcome == Outcome::Failed && happened {
                violations.insert(Violation::Refused { id: op.id.clone() });
            }
            match op.outcome {
                Outcome::Acked => summary.acked += 1,
                Outcome::Failed => summary.failed += 1,
                Outcome::Unknown => summary.unknown += 1,
            }
        }
        if violations.is_empty() { Ok(summary) } else { Err(Violations(violations)) }
    }

    /// Writes operations and effects as JSON lines, as evidence.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        #[derive(Serialize)]
        struct Effect<'a> {
            effect: &'a str,
        }
        let inner = self.lock();
        let ops = inner.ops.values().map(serde_json::to_string);
        let effects = inner.effects.iter().map(|effect| serde_json::to_string(&Effect { effect }));
        let lines: Vec<String> = ops.chain(effects).collect::<Result<_, _>>()?;
        std::fs::write(path, lines.join("\n") + "\n")
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three acked operations on a key, one refused, one unknown; all that should have an effect has one.
    fn good() -> History {
        let history = History::new();
        for (seq, id) in ["a", "b", "c"].into_iter().enumerate() {
            history.intend(id, "key", seq as u64);
            history.outcome(id, Outcome::Acked);
            history.effect(id);
        }
        history.intend("refused", "key", 3);
        history.outcome("refused", Outcome::Failed);
        history.intend("unknown", "key", 4);
        history
    }

    fn violations(history: &History) -> Vec<Violation> {
        history.check(Order::PerKey).expect_err("a violation").0.into_iter().collect()
    }

    #[test]
    fn a_kept_promise_passes() {
        let summary = Summary { acked: 3, failed: 1, unknown: 1, effects: 3 };
        assert_eq!(good().check(Order::PerKey), Ok(summary));
        let history = good();
        history.effect("unknown");
        assert!(history.check(Order::PerKey).is_ok(), "what is unknown may take effect");
    }

    #[test]
    fn a_lost_operation_is_found() {
        let history = good();
        history.intend("d", "key", 5);
        history.outcome("d", Outcome::Acked);
        assert!(!history.settled());
        assert_eq!(violations(&history), [Violation::Lost { id: "d".to_owned() }]);
    }

    #[test]
    fn a_repeated_effect_is_found() {
        let history = good();
        history.effect("c");
        assert!(!history.effect_once("c"));
        assert_eq!(violations(&history), [Violation::Repeated { id: "c".to_owned(), times: 2 }]);
    }

    #[test]
    fn an_effect_of_a_refused_operation_is_found() {
        let history = good();
        history.effect("refused");
        assert_eq!(violations(&history), [Violation::Refused { id: "refused".to_owned() }]);
    }

    #[test]
    fn an_invented_effect_is_found() {
        let history = good();
        history.effect("nobody");
        assert_eq!(violations(&history), [Violation::Invented { id: "nobody".to_owned() }]);
    }

    #[test]
    fn a_broken_order_is_found_per_key_only() {
        let history = History::new();
        for (id, key, seq) in [("a2", "a", 2), ("b1", "b", 1), ("a1", "a", 1)] {
            history.intend(id, key, seq);
            history.effect(id);
        }
        let late = Violation::OutOfOrder { key: "a".to_owned(), id: "a1".to_owned(), seq: 1, after: 2 };
        assert_eq!(violations(&history), [late]);
        assert!(history.check(Order::Any).is_ok());
    }

    #[test]
    fn a_report_names_every_violation() {
        let history = good();
        history.effect("nobody");
        history.effect("refused");
        let report = format!("{:?}", history.check(Order::Any).expect_err("violations"));
        assert!(report.contains("breaks 2 promises"), "{report}");
        assert!(report.contains("nobody intended nobody") && report.contains("refused failed"), "{report}");
    }
}
