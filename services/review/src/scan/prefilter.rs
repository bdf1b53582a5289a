//! Which rules can match a text at all: one pass over it for the keywords of all rules.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use crate::rules::Rule;

/// One automaton over the keywords of all rules.
pub(super) struct Prefilter {
    keywords: AhoCorasick,
    /// For each keyword, the rules that have it.
    rules_of: Vec<Vec<usize>>,
    /// Rules without keywords, which always run.
    always: Vec<usize>,
    rules: usize,
}

impl Prefilter {
    pub(super) fn new(rules: &[Rule]) -> Result<Prefilter, BuildError> {
        let mut by_keyword = std::collections::BTreeMap::<&str, Vec<usize>>::new();
        let mut always = Vec::new();
        for (position, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.regex.is_some()) {
            if rule.keywords.is_empty() {
                always.push(position);
            }
            for keyword in &rule.keywords {
                by_keyword.entry(keyword).or_default().push(position);
            }
        }
        // Overlapping search needs this kind: `key` must not hide `api_key`.
        let keywords = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(by_keyword.keys())?;
        Ok(Prefilter { keywords, rules_of: by_keyword.into_values().collect(), always, rules: rules.len() })
    }

    /// Positions of the rules to run over the text, in order.
    pub(super) fn candidates(&self, text: &[u8]) -> Vec<usize> {
        let mut wanted = vec![false; self.rules];
        self.always.iter().for_each(|&rule| wanted[rule] = true);
        let mut seen = vec![false; self.rules_of.len()];
        for found in self.keywords.find_overlapping_iter(text) {
            let keyword = found.pattern().as_usize();
            if !std::mem::replace(&mut seen[keyword], true) {
                self.rules_of[keyword].iter().for_each(|&rule| wanted[rule] = true);
            }
        }
        (0..self.rules).filter(|&rule| wanted[rule]).collect()
    }
}
