use std::collections::BTreeMap;

use septet_proto_cost::v1::{Deviation, ImportSummary, RowProblem};

use super::validate::{Problem, Validated};
use crate::amount::Amount;

/// Problems that are told at most.
const MAX_PROBLEMS: usize = 1_000;
/// Kinds of deviations that are told at most; there are fewer columns.
const MAX_DEVIATIONS: usize = 1_000;

/// What became of the rows of an import.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// New charges.
    pub accepted: u64,
    /// Charges that took the place of earlier ones.
    pub replaced: u64,
    /// Charges that were there already.
    pub duplicates: u64,
    /// Rows that were not kept.
    pub rejected: u64,
    rounded: u64,
    problems: Vec<(u64, Problem)>,
    /// Rows, and the first of them, by column and rule.
    deviations: BTreeMap<(String, String), (u64, u64)>,
    billed: BTreeMap<String, Amount>,
}

impl Summary {
    /// Enters row number `row` as it was checked.
    pub fn enter(&mut self, row: u64, validated: &Validated) {
        match &validated.charge {
            Ok(charge) => {
                *self.billed.entry(charge.currency.clone()).or_default() += charge.billed;
                self.rounded += u64::from(validated.rounded);
            }
            Err(problems) => {
                self.rejected += 1;
                let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
                self.problems.extend(problems.iter().take(room).map(|problem| (row, problem.clone())));
                return;
            }
        }
        for problem in &validated.deviations {
            let key = (problem.column.clone(), problem.rule.clone());
            if self.deviations.len() < MAX_DEVIATIONS || self.deviations.contains_key(&key) {
                let (rows, _first) = self.deviations.entry(key).or_insert((0, row));
                *rows += 1;
            }
        }
    }

    /// Enters a row that could not even be taken apart.
    pub fn unreadable(&mut self, row: u64, found: &str, rule: &str) {
        self.rejected += 1;
        if self.problems.len() < MAX_PROBLEMS {
            let problem = Problem { column: String::new(), found: found.to_owned(), rule: rule.to_owned() };
            self.problems.push((row, problem));
        }
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.accepted + self.replaced + self.duplicates + self.rejected
    }

    /// Billed costs of the rows kept, by currency.
    pub fn billed(&self) -> &BTreeMap<String, Amount> {
        &self.billed
    }

    /// The contract's form, with at most so many problems.
    pub fn message(&self, problems: usize) -> ImportSummary {
        ImportSummary {
            accepted: self.accepted,
            replaced: self.replaced,
            duplicates: self.duplicates,
            rejected: self.rejected,
            problems: self
                .problems
                .iter()
                .take(problems)
                .map(|(row, problem)| message(*row, problem))
                .collect(),
            deviations: self
                .deviations
                .iter()
                .map(|((column, rule), (rows, first_row))| Deviation {
                    column: column.clone(),
                    rule: rule.clone(),
                    rows: *rows,
                    first_row: *first_row,
                })
                .collect(),
            rounded: self.rounded,
            billed: self.billed.iter().map(|(currency, amount)| amount.money(currency)).collect(),
        }
    }
}

fn message(row: u64, problem: &Problem) -> RowProblem {
    RowProblem {
        row,
        column: problem.column.clone(),
        found: problem.found.clone(),
        rule: problem.rule.clone(),
    }
}
