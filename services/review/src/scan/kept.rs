//! A bounded list of findings that gives up the least severe ones first.

use crate::finding::{Finding, Severity};

/// At most so many findings, in order.
pub(super) struct Kept {
    findings: Vec<Finding>,
    limit: usize,
    omitted: u64,
    /// How many are kept of each severity.
    counts: [usize; Severity::ALL.len()],
}

impl Kept {
    pub(super) fn new(limit: usize) -> Self {
        Kept { findings: Vec::new(), limit, omitted: 0, counts: [0; Severity::ALL.len()] }
    }

    /// Adds a finding; it is made only where it is kept. When the list is full, it takes the place of the last one of
    /// the lowest severity below its own, so a flood of harmless findings cannot push out a severe one.
    pub(super) fn push(&mut self, finding: impl FnOnce() -> Finding, severity: Severity) {
        if self.findings.len() >= self.limit {
            self.omitted += 1;
            let Some(lowest) =
                Severity::ALL.into_iter().find(|one| *one < severity && self.counts[*one as usize] > 0)
            else {
                return;
            };
            if let Some(last) = self.findings.iter().rposition(|kept| kept.severity == lowest) {
                self.findings.remove(last);
                self.counts[lowest as usize] -= 1;
            }
        }
        self.counts[severity as usize] += 1;
        self.findings.push(finding());
    }

    /// The findings and how many were given up.
    pub(super) fn into_parts(self) -> (Vec<Finding>, u64) {
        (self.findings, self.omitted)
    }
}
