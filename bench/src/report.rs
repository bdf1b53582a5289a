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
}

/// One figure beside what it is measured against in the same run.
#[derive(Serialize)]
pub struct Row {
    /// What was measured.
    pub what: &'static str,
    pub value: f64,
    pub unit: &'static str,
    /// What it is compared with.
    pub against: &'static str,
    pub reference: f64,
    /// `value` over `reference`.
    pub ratio: f64,
    /// The ratio that is aimed at, where there is one.
    pub must: Option<f64>,
    pub met: Option<bool>,
}

impl Row {
    /// A rate: more is better.
    pub fn rate(
        what: &'static str,
        value: f64,
        unit: &'static str,
        against: &'static str,
        reference: f64,
        must: Option<f64>,
    ) -> Self {
        let ratio = value / reference;
        Self { what, value, unit, against, reference, ratio, must, met: must.map(|must| ratio >= must) }
    }
}

impl Report {
    pub fn new(name: &'static str, rows: Vec<Row>) -> Self {
        Self { name, commit: machine::commit(), machine: machine::describe(), rows }
    }

    /// Prints a table and writes `target/bench/NAME.json`.
    pub fn publish(&self) -> anyhow::Result<()> {
        say(&format!("{} at {}\n{}\n\n", self.name, self.commit, self.machine));
        for row in &self.rows {
            say(&format!("{:>12.0} {}  {}\n", row.value, row.unit, row.what));
            say(&format!("{:>12.0} {}  {}\n", row.reference, row.unit, row.against));
            let verdict = match (row.must, row.met) {
                (Some(must), Some(true)) => format!("  (aim {must:.2}: met)"),
                (Some(must), _) => format!("  (aim {must:.2}: MISSED)"),
                (None, _) => String::new(),
            };
            say(&format!("{:>12.2} ratio{verdict}\n\n", row.ratio));
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
