use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Write},
    sync::Arc,
};

use serde::Serialize;

use super::{Order, Outcome, Summary, Violation, Violations};

/// Operations and effects, held so that a million of them fit into some 100 MB: a name stands here once, and everything
/// else says its number.
#[derive(Debug, Default)]
pub(super) struct Book {
    ids: Names,
    keys: Names,
    /// By the number of the id.
    ops: Vec<Op>,
    /// Numbers of ids, in the order in which the effects were seen.
    effects: Vec<u32>,
    /// Acked operations that have no effect yet.
    open: usize,
}

/// Names and their numbers, in the order of their first mention.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number =
            u32::try_from(self.names.len()).unwrap_or_else(|_| panic!("too many names for one history"));
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }
}

#[derive(Clone, Debug)]
struct Op {
    /// `None` where there is an effect that nobody has intended so far.
    intent: Option<Intent>,
    outcome: Outcome,
    times: u32,
}

#[derive(Clone, Copy, Debug)]
struct Intent {
    key: u32,
    seq: u64,
}

impl Op {
    fn is_open(&self) -> bool {
        self.outcome == Outcome::Acked && self.times == 0
    }
}

impl Book {
    pub(super) fn intend(&mut self, id: &str, key: &str, seq: u64) {
        let key = self.keys.number(key);
        let number = self.op(id);
        let earlier = self.ops[number as usize].intent.replace(Intent { key, seq });
        assert!(earlier.is_none(), "two operations with the id {id}");
    }

    pub(super) fn outcome(&mut self, id: &str, outcome: Outcome) {
        let number = self.op(id);
        assert!(self.ops[number as usize].intent.is_some(), "nobody intended {id}");
        self.change(number, |op| op.outcome = outcome);
    }

    pub(super) fn effect(&mut self, id: &str) {
        let number = self.op(id);
        self.effects.push(number);
        self.change(number, |op| op.times += 1);
    }

    pub(super) fn effect_once(&mut self, id: &str) -> bool {
        let number = self.op(id);
        let new = self.ops[number as usize].times == 0;
        if new {
            self.effect(id);
        }
        new
    }

    pub(super) fn effects(&self) -> usize {
        self.effects.len()
    }

    pub(super) fn settled(&self) -> bool {
        self.open == 0
    }

    pub(super) fn check(&self, order: Order) -> Result<Summary, Violations> {
        let mut violations = BTreeSet::new();
        if order == Order::PerKey {
            self.check_order(&mut violations);
        }
        let mut summary = Summary { effects: self.effects.len(), ..Summary::default() };
        for (op, id) in self.ops.iter().zip(&self.ids.names) {
            let id = || id.to_string();
            if op.times > 1 {
                violations.insert(Violation::Repeated { id: id(), times: op.times as usize });
            }
            if op.intent.is_none() {
                violations.insert(Violation::Invented { id: id() });
                continue;
            }
            match op.outcome {
                Outcome::Acked => summary.acked += 1,
                Outcome::Failed => summary.failed += 1,
                Outcome::Unknown => summary.unknown += 1,
            }
            if op.is_open() {
                violations.insert(Violation::Lost { id: id() });
            } else if op.outcome == Outcome::Failed && op.times > 0 {
                violations.insert(Violation::Refused { id: id() });
            }
        }
        if violations.is_empty() { Ok(summary) } else { Err(Violations(violations)) }
    }

    fn check_order(&self, violations: &mut BTreeSet<Violation>) {
        let mut highest: Vec<Option<u64>> = vec![None; self.keys.names.len()];
        for number in &self.effects {
            let Some(Intent { key, seq }) = self.ops[*number as usize].intent else { continue };
            let before = highest[key as usize].get_or_insert(seq);
            if seq < *before {
                violations.insert(Violation::OutOfOrder {
                    key: self.keys.name(key).to_owned(),
                    id: self.ids.name(*number).to_owned(),
                    seq,
                    after: *before,
                });
            }
            *before = seq.max(*before);
        }
    }

    /// Operations, then effects, a JSON object a line.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            id: &'a str,
            key: &'a str,
            seq: u64,
            outcome: Outcome,
        }
        #[derive(Serialize)]
        struct Effect<'a> {
            effect: &'a str,
        }
        for (op, id) in self.ops.iter().zip(&self.ids.names) {
            let Some(Intent { key, seq }) = op.intent else { continue };
            serde_json::to_writer(
                &mut *to,
                &Line { id, key: self.keys.name(key), seq, outcome: op.outcome },
            )?;
            to.write_all(b"\n")?;
        }
        for number in &self.effects {
            serde_json::to_writer(&mut *to, &Effect { effect: self.ids.name(*number) })?;
            to.write_all(b"\n")?;
        }
        Ok(())
    }

    /// The number of an operation, which is entered if it is new.
    fn op(&mut self, id: &str) -> u32 {
        let number = self.ids.number(id);
        if self.ops.len() == number as usize {
            self.ops.push(Op { intent: None, outcome: Outcome::Unknown, times: 0 });
        }
        number
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut Op)) {
        let op = &mut self.ops[number as usize];
        let was_open = op.is_open();
        change(op);
        match (was_open, op.is_open()) {
            (false, true) => self.open += 1,
            (true, false) => self.open -= 1,
            _ => {}
        }
    }
}
