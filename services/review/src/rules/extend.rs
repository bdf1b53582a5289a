//! `[extend]`: a user's file on top of the built-in rules.

use super::RulesError;
use super::format::{RuleEntry, RuleFile};

/// Lays `file` over `base`: a rule of a known id changes what it states and adds its keywords, tags and allow-lists.
pub(super) fn extend(file: &mut RuleFile, base: RuleFile) -> Result<(), RulesError> {
    let disabled = &file.extend.disabled_rules;
    if let Some(unknown) = disabled.iter().find(|id| base.rules.iter().all(|rule| rule.id != **id)) {
        let reason = format!("disabledRules names `{unknown}`, which is no built-in rule");
        return Err(RulesError::section("[extend]", reason));
    }
    let mut rules: Vec<RuleEntry> =
        base.rules.into_iter().filter(|rule| !disabled.contains(&rule.id)).collect();
    for rule in std::mem::take(&mut file.rules) {
        match rules.iter_mut().find(|known| known.id == rule.id) {
            Some(known) => overlay(known, rule)?,
            None => rules.push(rule),
        }
    }
    file.rules = rules;
    // Built-in lists that target a disabled rule have nothing left to say about it.
    file.allowlists.extend(base.allowlists.into_iter().filter_map(|mut list| {
        let targeted = !list.target_rules.is_empty();
        list.target_rules.retain(|id| !file.extend.disabled_rules.contains(id));
        (!targeted || !list.target_rules.is_empty()).then_some(list)
    }));
    Ok(())
}

fn overlay(known: &mut RuleEntry, rule: RuleEntry) -> Result<(), RulesError> {
    for (mine, theirs) in [
        (&mut known.description, rule.description),
        (&mut known.regex, rule.regex),
        (&mut known.path, rule.path),
    ] {
        if !theirs.is_empty() {
            *mine = theirs;
        }
    }
    if rule.entropy != 0.0 {
        known.entropy = rule.entropy;
    }
    if rule.secret_group != 0 {
        known.secret_group = rule.secret_group;
    }
    if rule.allowlist.is_some() && !rule.allowlists.is_empty() {
        return Err(RulesError::rule(
            rule.id,
            "has both [rules.allowlist] and [[rules.allowlists]]; keep the latter",
        ));
    }
    known.skip_report |= rule.skip_report;
    known.required = known.required.take().or(rule.required);
    known.keywords.extend(rule.keywords);
    known.tags.extend(rule.tags);
    known.allowlists.extend(rule.allowlist.into_iter().chain(rule.allowlists));
    Ok(())
}
