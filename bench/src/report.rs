use std::{fs, io::Write, path::Path};

use anyhow::Context;
use serde::Serialize;

use crate::machine;

/// What a benchmark measured.
#[derive(Serialize)]
pub struct Report {
    name: &'static str,
    commit: String,
    machine: String,
    rows: Vec<Row>,
    /// What was not measured, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<String>,
}

/// One figure beside what it is measured against in the same run.
#[derive(Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    /// What it is compared with.
    pub against: String,
    pub reference: f64,
    /// `value` over `reference`.
    pub ratio: f64,
    /// The ratio that is aimed at, where there is one.
    pub must: Option<f64>,
    pub met: Option<bool>,
    #[serde(skip)]
    better: Better,
}

#[derive(Clone, Copy)]
enum Better {
    More,
    Less,
}

impl Row {
    /// More is better: the ratio must be at least the aim.
    pub fn rate(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        against: impl Into<String>,
        reference: f64,
        must: Option<f64>,
    ) -> Self {
        Self::new(what.into(), value, unit, against.into(), reference, must, Better::More)
    }

    /// Less is better: the ratio must be at most the aim.
    pub fn cost(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        against: impl Into<String>,
        reference: f64,
        must: Option<f64>,
    ) -> Self {
        Self::new(what.into(), value, unit, against.into(), reference, must, Better::Less)
    }

    fn new(
        what: String,
        value: f64,
        unit: &'static str,
        against: String,
        reference: f64,
        must: Option<f64>,
        better: Better,
    ) -> Self {
        let ratio = value / reference;
        let met = must.map(|must| match better {
            Better::More => ratio >= must,
            Better::Less => ratio <= must,
        });
        Self { what, value, unit, against, reference, ratio, must, met, better }
    }

    fn print(&self) {
        let number = |value: f64| if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        say(&format!("{:>12} {}  {}\n", number(self.value), self.unit, self.what));
        say(&format!("{:>12} {}  {}\n", number(self.reference), self.unit, self.against));
        let bound = match self.better {
            Better::More => "at least",
            Better::Less => "at most",
        };
        let verdict = match (self.must, self.met) {
            (Some(must), Some(true)) => format!("  (aim: {bound} {must:.2}: met)"),
            (Some(must), _) => format!("  (aim: {bound} {must:.2}: MISSED)"),
            (None, _) => String::new(),
        };
        say(&format!("{:>12.2} ratio{verdict}\n\n", self.ratio));
    }
}

impl Report {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            commit: machine::commit(),
            machine: machine::describe(),
            rows: Vec::new(),
            skipped: Vec::new(),
        }
    }

    pub fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// Notes what cannot be measured.
    pub fn skip(&mut self, what: &str, why: &str) {
        self.skipped.push(format!("{what}: {why}"));
    }

    /// Prints a table and writes `target/bench/NAME.json`.
    pub fn publish(&self) -> anyhow::Result<()> {
        say(&format!("\n{} at {}\n{}\n\n", self.name, self.commit, self.machine));
        self.rows.iter().for_each(Row::print);
        for skipped in &self.skipped {
            say(&format!("SKIPPED {skipped}\n"));
        }
        let dir = Path::new("target/bench");
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let path = dir.join(format!("{}.json", self.name));
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("written to {}\n", path.display()));
        Ok(())
    }
}

/// Writes to standard output; a closed one is no reason to stop measuring.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
