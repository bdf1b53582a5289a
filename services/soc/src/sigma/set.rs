use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    event::{Event, Fields},
    explain::{Matched, explain},
    ir::{Level, Rule},
    logsource::{EventSource, LogSource},
    parse::{Placeholders, RuleError, parse},
};

/// Rules that are evaluated, by log source, and those that were rejected.
#[derive(Debug, Default)]
pub struct RuleSet {
    fields: Fields,
    rules: Vec<Loaded>,
    by_source: HashMap<LogSource, Vec<usize>>,
    ids: HashMap<String, usize>,
    rejected: Vec<Rejected>,
}

/// A rule that is evaluated.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The rule.
    pub rule: Rule,
    /// Where it is from.
    pub file: Arc<str>,
}

/// A rule that is not.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Where it is from.
    pub file: Arc<str>,
    /// Empty where it could not be read.
    pub id: String,
    /// Empty where it could not be read.
    pub title: String,
    /// Line and reason.
    pub error: RuleError,
}

/// An event fulfils a rule.
#[derive(Clone, Debug)]
pub struct Hit<'r> {
    /// The rule, and where it is from.
    pub loaded: &'r Loaded,
    /// The predicates that matched; not empty unless the rule only says what must not be.
    pub matched: Vec<Matched>,
}

impl RuleSet {
    /// Adds the rules of a file.
    pub fn add(&mut self, file: &str, text: &str, placeholders: &Placeholders) {
        let file: Arc<str> = file.into();
        for parsed in parse(text, placeholders, &mut self.fields) {
            match parsed {
                Ok(rule) => self.add_rule(rule, &file),
                Err(refused) => self.rejected.push(Rejected {
                    file: Arc::clone(&file),
                    id: refused.id,
                    title: refused.title,
                    error: refused.error,
                }),
            }
        }
    }

    /// Notes a file that could not be read.
    pub fn reject(&mut self, file: &str, reason: String) {
        self.rejected.push(Rejected {
            file: file.into(),
            id: String::new(),
            title: String::new(),
            error: RuleError { line: 1, reason },
        });
    }

    fn add_rule(&mut self, rule: Rule, file: &Arc<str>) {
        let number = self.rules.len();
        match self.ids.entry(rule.id.clone()) {
            Entry::Occupied(earlier) => {
                let earlier = &self.rules[*earlier.get()];
                let reason = format!("the id is that of the rule at {}:{}", earlier.file, earlier.rule.line);
                self.rejected.push(Rejected {
                    file: Arc::clone(file),
                    id: rule.id,
                    title: rule.title,
                    error: RuleError { line: rule.line, reason },
                });
            }
            Entry::Vacant(free) => {
                free.insert(number);
                self.by_source.entry(rule.logsource.clone()).or_default().push(number);
                self.rules.push(Loaded { rule, file: Arc::clone(file) });
            }
        }
    }

    /// Rules that are evaluated, in the order in which they were added.
    pub fn rules(&self) -> &[Loaded] {
        &self.rules
    }

    /// Rules that are not.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// The rule with this id.
    pub fn rule(&self, id: &str) -> Option<&Loaded> {
        self.ids.get(id).and_then(|number| self.rules.get(*number))
    }

    /// The rules of at least this level that an event of this log fulfils, in the order in which they were added.
    pub fn evaluate(&self, source: &EventSource, event: &Map<String, Value>, least: Level) -> Vec<Hit<'_>> {
        let covering = self.by_source.iter().filter(|(logsource, _)| logsource.covers(source));
        let mut numbers: Vec<usize> = covering.flat_map(|(_, numbers)| numbers.iter().copied()).collect();
        numbers.sort_unstable();
        self.fulfilled(&numbers, event, least)
    }

    /// As [`evaluate`](Self::evaluate), for all rules, whatever their log source.
    pub fn evaluate_all(&self, event: &Map<String, Value>, least: Level) -> Vec<Hit<'_>> {
        let numbers: Vec<usize> = (0..self.rules.len()).collect();
        self.fulfilled(&numbers, event, least)
    }

    /// How many rules are about this log.
    pub fn covering(&self, source: &EventSource) -> usize {
        self.by_source
            .iter()
            .filter(|(logsource, _)| logsource.covers(source))
            .map(|(_, numbers)| numbers.len())
            .sum()
    }

    fn fulfilled(&self, numbers: &[usize], event: &Map<String, Value>, least: Level) -> Vec<Hit<'_>> {
        if numbers.is_empty() {
            return Vec::new();
        }
        let event = Event::new(&self.fields, event);
        let candidates = numbers.iter().filter_map(|number| self.rules.get(*number));
        candidates
            .filter(|loaded| loaded.rule.level >= least && loaded.rule.matches(&event))
            .map(|loaded| Hit { loaded, matched: explain(&loaded.rule, &event, &self.fields) })
            .collect()
    }
}
