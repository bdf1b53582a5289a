//! Runs the rules over the lines that a diff adds.
//!
//! The added lines of a hunk are searched as one text, as gitleaks does, so a rule may match over line ends. A line with
//! `septet:allow` or `gitleaks:allow` in it is not reported.

mod block;
mod candidate;
mod entropy;
mod excerpt;
mod fingerprint;
mod kept;
mod prefilter;

use block::Block;
use candidate::{Candidate, collect, distinct};
use excerpt::{Redactions, excerpt};
pub use fingerprint::FingerprintKey;
use kept::Kept;
use prefilter::Prefilter;

use crate::diff::{ChangeKind, Diff, DiffError, Event, FileChange};
use crate::finding::Finding;
use crate::rules::{Place, Rule, RuleSet, RulesError};

/// A remark in a line that keeps it from being reported.
const ALLOW_REMARKS: [&str; 2] = ["septet:allow", "gitleaks:allow"];

/// What a scan may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Limits of the diff itself.
    pub diff: crate::diff::Limits,
    /// Findings that are kept; of more, the most severe ones.
    pub max_findings: usize,
}

impl Default for Limits {
    /// The diff's defaults and 10,000 findings.
    fn default() -> Self {
        Limits { diff: crate::diff::Limits::default(), max_findings: 10_000 }
    }
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Findings in the order of the diff.
    pub findings: Vec<Finding>,
    /// Findings beyond [`Limits::max_findings`]; none of them is more severe than a kept one.
    pub omitted: u64,
    /// Findings that an allow remark in their line kept back.
    pub suppressed: u64,
    /// Files in the diff.
    pub files: u32,
    /// Lines that the diff adds, searched or allowed by their path.
    pub lines: u32,
}

/// Finds secrets. Immutable, so one serves all threads.
pub struct Scanner {
    rules: RuleSet,
    prefilter: Prefilter,
    remarks: aho_corasick::AhoCorasick,
    key: FingerprintKey,
}

impl Scanner {
    /// Prepares the rules for searching.
    ///
    /// # Errors
    ///
    /// The rules have more keywords than one automaton can hold.
    pub fn new(rules: RuleSet, key: FingerprintKey) -> Result<Scanner, RulesError> {
        let refuse = |error: aho_corasick::BuildError| RulesError::Section {
            section: "keywords".to_owned(),
            reason: error.to_string(),
        };
        let prefilter = Prefilter::new(&rules.rules).map_err(refuse)?;
        let remarks = aho_corasick::AhoCorasick::new(ALLOW_REMARKS).map_err(refuse)?;
        Ok(Scanner { rules, prefilter, remarks, key })
    }

    /// Version of the rules, as [`RuleSet::version`].
    pub fn rules_version(&self) -> &str {
        self.rules.version()
    }

    /// Finds secrets in the lines that a diff adds. `commit` is for allow-lists that name commits.
    ///
    /// # Errors
    ///
    /// The diff is over a limit or cannot be read to its end; then nothing is reported, as it would be half of the truth.
    pub fn scan(&self, diff: &[u8], commit: Option<&str>, limits: &Limits) -> Result<Scan, DiffError> {
        let mut run = Run::new(self, commit, limits.max_findings);
        let mut hunk = 0;
        for event in Diff::new(diff, limits.diff) {
            match event? {
                Event::File(file) => {
                    run.search();
                    run.begin(&file);
                }
                Event::Added(line) => {
                    if line.hunk != hunk {
                        run.search();
                        hunk = line.hunk;
                    }
                    run.add(line.number, line.content);
                }
            }
        }
        run.search();
        Ok(run.finish())
    }

    /// Finds secrets in a whole text, as if a diff had added the file.
    pub fn scan_text(&self, path: &str, text: &[u8]) -> Scan {
        let mut run = Run::new(self, None, Limits::default().max_findings);
        run.begin(&FileChange { path: path.into(), old_path: None, kind: ChangeKind::Added, binary: false });
        for (number, line) in (1..=u32::MAX).zip(text.split(|&byte| byte == b'\n')) {
            run.add(number, line.strip_suffix(b"\r").unwrap_or(line));
        }
        run.search();
        run.finish()
    }
}

/// One scan on its way through a diff.
struct Run<'s> {
    scanner: &'s Scanner,
    commit: Option<&'s str>,
    path: std::sync::Arc<str>,
    /// Rules that look at the current file; empty where its path is allowed altogether.
    active: Vec<bool>,
    block: Block,
    kept: Kept,
    counts: Scan,
}

impl<'s> Run<'s> {
    fn new(scanner: &'s Scanner, commit: Option<&'s str>, max_findings: usize) -> Self {
        let kept = Kept::new(max_findings);
        let (block, counts) = (Block::default(), Scan::default());
        Run { scanner, commit, path: "".into(), active: Vec::new(), block, kept, counts }
    }

    fn begin(&mut self, file: &FileChange) {
        self.counts.files = self.counts.files.saturating_add(1);
        self.path = file.path.clone();
        let RuleSet { rules, allowlists, .. } = &self.scanner.rules;
        let place = Place { commit: self.commit, path: &self.path };
        let looks = |rule: &Rule| {
            rule.path.as_ref().is_none_or(|path| path.is_match(place.path.as_bytes()))
                && !rule.allowlists.iter().any(|list| list.allows_place(place))
        };
        self.active = match allowlists.iter().any(|list| list.allows_place(place)) {
            true => Vec::new(),
            false => rules.iter().map(looks).collect(),
        };
        if file.kind != ChangeKind::Deleted {
            for (rule, _) in
                rules.iter().zip(&self.active).filter(|(rule, active)| **active && rule.regex.is_none())
            {
                let excerpt = "the file's path gives it away".to_owned();
                self.kept.push(|| self.scanner.finding(rule, &self.path, 1, b"", excerpt), rule.severity);
            }
        }
    }

    fn add(&mut self, number: u32, content: &[u8]) {
        self.counts.lines = self.counts.lines.saturating_add(1);
        if !self.active.is_empty() {
            self.block.push(number, content);
        }
    }

    /// Searches the lines gathered so far and forgets them.
    fn search(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let (scanner, block) = (self.scanner, &self.block);
        let RuleSet { rules, allowlists, .. } = &scanner.rules;
        let place = Place { commit: self.commit, path: &self.path };
        let mut candidates = Vec::new();
        for position in scanner.prefilter.candidates(block.text()) {
            let rule = &rules[position];
            if self.active[position] {
                collect(position, rule, block, place, allowlists, &mut candidates);
            }
        }
        if !candidates.is_empty() {
            // Before any is dropped: what one rule lost to another, or a remark keeps back, is a secret all the same.
            let mut redactions = Redactions::new(block, &candidates);
            let remarked = scanner.remarked_lines(block);
            for candidate in distinct(candidates, rules) {
                let remark = remarked.partition_point(|line| *line < candidate.first_line);
                if remarked.get(remark).is_some_and(|line| *line <= candidate.last_line) {
                    self.counts.suppressed += 1;
                    continue;
                }
                let rule = &rules[candidate.rule];
                let finding = || scanner.found(rule, &self.path, block, &candidate, &mut redactions);
                self.kept.push(finding, rule.severity);
            }
        }
        self.block.clear();
    }

    fn finish(self) -> Scan {
        let (findings, omitted) = self.kept.into_parts();
        Scan { findings, omitted, ..self.counts }
    }
}

impl Scanner {
    fn found(
        &self,
        rule: &Rule,
        path: &str,
        block: &Block,
        candidate: &Candidate,
        redactions: &mut Redactions,
    ) -> Finding {
        let excerpt = excerpt(block, candidate, redactions);
        let secret = &block.text()[candidate.secret.clone()];
        self.finding(rule, path, block.number(candidate.first_line), secret, excerpt)
    }

    fn finding(&self, rule: &Rule, path: &str, line: u32, secret: &[u8], excerpt: String) -> Finding {
        let fingerprint = self.key.fingerprint(&rule.id, path, secret);
        let (rule_id, description) = (rule.id.clone(), rule.description.clone());
        Finding {
            file: path.to_owned(),
            line,
            rule_id,
            description,
            severity: rule.severity,
            excerpt,
            fingerprint,
        }
    }

    /// Positions of the block's lines with an allow remark, in order.
    fn remarked_lines(&self, block: &Block) -> Vec<usize> {
        self.remarks.find_iter(block.text()).map(|remark| block.line_at(remark.start())).collect()
    }
}
