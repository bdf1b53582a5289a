use septet_chassis::contract::Timestamp;
use septet_proto_soc::v1::Alert;

use crate::{
    Config,
    alert::{self, Occasion},
    builtin,
    sigma::{EventSource, Hit, Level, RuleSet, load::add_directory},
    signal::Signal,
};

/// Evaluates the rules.
pub(crate) struct Detector {
    rules: RuleSet,
}

/// The rules that a configuration names.
pub(crate) fn load(config: &Config) -> anyhow::Result<RuleSet> {
    let mut rules = RuleSet::default();
    if let Some(directory) = &config.rules_dir {
        // First, so that a rule of one's own takes the place of a built-in one with the same id.
        add_directory(&mut rules, directory, &config.placeholders)
            .map_err(|error| anyhow::anyhow!("soc.rules_dir {}: {error}", directory.display()))?;
    }
    if config.builtin_rules {
        builtin::add_to(&mut rules);
    }
    Ok(rules)
}

impl Detector {
    pub fn new(rules: RuleSet) -> Self {
        Self { rules }
    }

    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// How many rules look at events of this log.
    pub fn covering(&self, source: &EventSource) -> usize {
        self.rules.covering(source)
    }

    /// One alert for each rule that a signal of the event fulfils.
    pub fn alerts(&self, occasion: &Occasion, signals: &[Signal], now: Timestamp) -> Vec<Alert> {
        let mut hits: Vec<(Hit<'_>, usize)> = Vec::new();
        for signal in signals {
            for hit in self.rules.evaluate(&signal.source, &signal.fields, Level::Low) {
                match hits.iter_mut().find(|(earlier, _)| earlier.loaded.rule.id == hit.loaded.rule.id) {
                    Some((_, more)) => *more += 1,
                    None => hits.push((hit, 0)),
                }
            }
        }
        hits.iter().map(|(hit, more)| alert::of(hit, *more, occasion, now)).collect()
    }
}
