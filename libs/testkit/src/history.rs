//! A history checker: clients write down what they intend and what they were told, and whoever reads back writes down
//! what took effect. [`History::check`] then says whether the promises were kept, whatever was killed in between. Each
//! note takes constant time, and a million operations some 100 MB.

mod book;
mod violation;

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use self::book::Book;
pub use self::violation::{Summary, Violation, Violations};

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

/// Which promises are checked beside the ones that always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Effects of one key come in the order of their `seq`.
    PerKey,
    /// Effects come in any order, as jobs do.
    Any,
}

/// What was intended, and what came of it. Shared by all clients and readers of a test.
#[derive(Debug, Default)]
pub struct History {
    book: Mutex<Book>,
}

impl History {
    /// An empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes down an intent, before anything is sent. An id is distinct among all operations; `key` is what keeps its
    /// order; `seq` rises with each operation on the key that must take effect after the one before. Panics if the id is
    /// taken: the test is wrong.
    pub fn intend(&self, id: &str, key: &str, seq: u64) {
        self.lock().intend(id, key, seq);
    }

    /// Writes down what the client was told. Without this, nothing is certain.
    pub fn outcome(&self, id: &str, outcome: Outcome) {
        self.lock().outcome(id, outcome);
    }

    /// Writes down an effect, in the order in which they are seen.
    pub fn effect(&self, id: &str) {
        self.lock().effect(id);
    }

    /// As [`History::effect`], unless the operation has one: what an inbox does for a service. False if it has.
    pub fn effect_once(&self, id: &str) -> bool {
        self.lock().effect_once(id)
    }

    /// How many effects there are.
    pub fn effects(&self) -> usize {
        self.lock().effects()
    }

    /// True once every acked operation has an effect; what is left to wait for before [`History::check`].
    pub fn settled(&self) -> bool {
        self.lock().settled()
    }

    /// Whether the promises were kept: acked operations have an effect, none has two, refused ones have none, none
    /// is invented, and the order holds.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn check(&self, order: Order) -> Result<Summary, Violations> {
        self.lock().check(order)
    }

    /// Writes operations and effects as JSON lines, as evidence.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        self.lock().write(&mut file)?;
        file.flush()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn an_effect_may_be_seen_before_its_outcome() {
        let history = good();
        history.intend("e", "key", 6);
        history.effect("e");
        assert!(history.settled());
        history.outcome("e", Outcome::Acked);
        assert!(history.settled());
        assert_eq!(history.effects(), 4);
        assert!(history.check(Order::PerKey).is_ok());
    }

    #[test]
    fn many_operations_are_checked_and_one_that_is_lost_is_found_among_them() {
        let history = History::new();
        for number in 0..100_000 {
            let id = format!("operation {number}");
            history.intend(&id, &format!("key {}", number % 100), number);
            history.outcome(&id, Outcome::Acked);
            assert!(number == 77_777 || history.effect_once(&id));
            assert_eq!(history.settled(), number < 77_777);
        }
        assert_eq!(violations(&history), [Violation::Lost { id: "operation 77777".to_owned() }]);
        assert!(history.effect_once("operation 77777") && !history.effect_once("operation 5"));
        assert!(history.settled());
        assert!(history.check(Order::PerKey).is_err(), "it comes after higher numbers of its key");
        let summary = Summary { acked: 100_000, effects: 100_000, ..Summary::default() };
        assert_eq!(history.check(Order::Any), Ok(summary));
    }

    #[test]
    fn what_is_saved_has_every_operation_and_effect() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        good().save(file.path()).expect("written");
        let lines = std::fs::read_to_string(file.path()).expect("text");
        assert_eq!(lines.lines().count(), 5 + 3);
        assert!(lines.contains(r#"{"id":"refused","key":"key","seq":3,"outcome":"Failed"}"#), "{lines}");
        assert!(lines.ends_with("{\"effect\":\"c\"}\n"), "{lines}");
    }
}
