//! Figures of a run: printed, and kept where `cargo xtask chaos` looks for them.

use std::{fs, path::PathBuf, time::Duration};

use serde::Serialize;

/// Where `cargo xtask chaos` wants the figures.
const DIRECTORY: &str = "SEPTET_CHAOS_DIR";

/// What one test measured.
#[derive(Debug, Serialize)]
pub struct Report {
    name: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    /// What it must not be above.
    #[serde(skip_serializing_if = "Option::is_none")]
    must: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
}

impl Report {
    /// Of the run with this name, which is a file's name as well.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), rows: Vec::new() }
    }

    /// A figure.
    pub fn figure(&mut self, what: &str, value: f64, unit: &'static str) {
        self.rows.push(Row { what: what.to_owned(), value, unit, must: None, met: None });
    }

    /// A figure with a bar. The test does not fail where it is above it: machines differ. `cargo xtask chaos` judges.
    pub fn at_most(&mut self, what: &str, value: f64, unit: &'static str, must: f64) {
        let met = Some(value <= must);
        self.rows.push(Row { what: what.to_owned(), value, unit, must: Some(must), met });
    }

    /// The median and the longest of some times, with a bar for the longest.
    ///
    /// # Panics
    /// Without any time: the run has measured nothing.
    pub fn times(&mut self, what: &str, mut times: Vec<Duration>, must: Option<Duration>) {
        times.sort();
        let longest = times.last().expect("at least one time was measured").as_secs_f64();
        self.figure(&format!("{what}, median"), times[times.len() / 2].as_secs_f64(), "s");
        let what = format!("{what}, longest");
        match must {
            Some(must) => self.at_most(&what, longest, "s", must.as_secs_f64()),
            None => self.figure(&what, longest, "s"),
        }
    }

    /// Prints the figures, and writes `<name>.json` where it is asked for.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[allow(clippy::print_stderr, reason = "a test's output is where its figures are looked for")]
    pub fn finish(self) {
        for Row { what, value, unit, must, .. } in &self.rows {
            let bar = must.map_or_else(String::new, |must| format!(" (at most {must})"));
            eprintln!("{}: {what}: {value:.2} {unit}{bar}", self.name);
        }
        let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
        let json = serde_json::to_string_pretty(&self).expect("figures are JSON");
        fs::create_dir_all(&directory).expect("the directory of the figures");
        fs::write(directory.join(format!("{}.json", self.name)), json).expect("the figures are written");
    }
}
