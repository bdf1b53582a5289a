//! From the rule file to what the scanner runs: patterns compiled once, ids and tags checked.

use std::collections::HashMap;

use regex::bytes::Regex;
use sha2::{Digest, Sha256};

use super::allow::Allowlist;
use super::extend::extend;
use super::format::{AllowEntry, RuleEntry, RuleFile};
use super::{DEFAULT_RULES, RulesError, go_regex};
use crate::finding::Severity;

/// A compiled rule.
#[derive(Clone)]
pub(crate) struct Rule {
    pub id: String,
    pub description: String,
    pub severity: Severity,
    /// The rule knows a secret by its surroundings and gives way to one that knows it by its form.
    pub generic: bool,
    /// None for a rule that looks at paths only.
    pub regex: Option<Regex>,
    pub secret_group: usize,
    /// Bits per character that a secret must exceed; 0 for any.
    pub entropy: f64,
    pub path: Option<Regex>,
    /// In lower case. A rule without any always runs.
    pub keywords: Vec<String>,
    pub allowlists: Vec<Allowlist>,
}

/// Rules that are ready to run.
#[derive(Clone)]
pub struct RuleSet {
    version: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) allowlists: Vec<Allowlist>,
}

impl RuleSet {
    /// The rules built into this crate.
    ///
    /// # Errors
    ///
    /// None in a released build: a test compiles the built-in rules.
    pub fn builtin() -> Result<RuleSet, RulesError> {
        Self::from_toml(DEFAULT_RULES)
    }

    /// Compiles a rule file, on top of the built-in rules where it says `[extend] useDefault = true`.
    ///
    /// # Errors
    ///
    /// Anything in the file that is unknown, contradicts itself or does not compile.
    pub fn from_toml(text: &str) -> Result<RuleSet, RulesError> {
        let mut hash = Sha256::new_with_prefix(text);
        let mut file = RuleFile::parse(text)?;
        if !file.extend.path.is_empty() || !file.extend.url.is_empty() {
            let reason =
                "`path` and `url` are not supported; use `useDefault = true` or put the rules in this file";
            return Err(RulesError::section("[extend]", reason));
        }
        if file.extend.use_default {
            hash.update(DEFAULT_RULES);
            extend(&mut file, RuleFile::parse(DEFAULT_RULES)?)?;
        } else if !file.extend.disabled_rules.is_empty() {
            return Err(RulesError::section("[extend]", "disabledRules needs `useDefault = true`"));
        }
        let mut version = format!("{:x}", hash.finalize());
        version.truncate(12);
        let mut set = RuleSet { version, rules: Vec::new(), allowlists: Vec::new() };
        let mut positions = HashMap::new();
        for entry in file.rules {
            if positions.insert(entry.id.clone(), set.rules.len()).is_some() {
                return Err(RulesError::rule(entry.id, "is there twice; rename one"));
            }
            set.rules.push(rule(&entry).map_err(|reason| RulesError::rule(&entry.id, reason))?);
        }
        for entry in file.allowlists {
            let refuse = |reason| RulesError::section("[[allowlists]]", reason);
            let list = Allowlist::compile(&entry.allow).map_err(refuse)?;
            if entry.target_rules.is_empty() {
                set.allowlists.push(list);
                continue;
            }
            for id in &entry.target_rules {
                let position = positions.get(id);
                let position =
                    position.ok_or_else(|| refuse(format!("targetRules names `{id}`, which is no rule")))?;
                set.rules[*position].allowlists.push(list.clone());
            }
        }
        Ok(set)
    }

    /// First 12 hexadecimal digits of the SHA-256 of the rule file (followed by the built-in one where that is extended).
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Ids and severities, in the order of the file.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = (&str, Severity)> {
        self.rules.iter().map(|rule| (rule.id.as_str(), rule.severity))
    }
}

/// Shows how many rules there are and which version, not thousands of lines of automata.
impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet").field("version", &self.version).field("rules", &self.rules.len()).finish()
    }
}

fn rule(entry: &RuleEntry) -> Result<Rule, String> {
    if entry.required.is_some() || entry.skip_report {
        return Err(
            "`required` and `skipReport` (composite rules) are not supported; remove the rule".to_owned()
        );
    }
    if entry.allowlist.is_some() && !entry.allowlists.is_empty() {
        return Err("has both [rules.allowlist] and [[rules.allowlists]]; keep the latter".to_owned());
    }
    if entry.regex.is_empty() && entry.path.is_empty() {
        return Err("has neither `regex` nor `path` and would find nothing".to_owned());
    }
    // A string of 256 different characters has 8 bits per character; nothing exceeds more.
    if !(0.0..=8.0).contains(&entry.entropy) {
        return Err(format!("entropy {} is not between 0 and 8 bits per character", entry.entropy));
    }
    if entry.keywords.iter().any(String::is_empty) {
        return Err("a keyword is empty; remove it".to_owned());
    }
    let pattern = |key: &str, text: &str| match text.is_empty() {
        true => Ok(None),
        false => go_regex::compile(text).map(Some).map_err(|reason| format!("{key}: {reason}")),
    };
    let regex = pattern("regex", &entry.regex)?;
    let groups = regex.as_ref().map_or(0, |regex| regex.captures_len() - 1);
    if entry.secret_group > groups {
        return Err(format!("secretGroup is {}, but the regex has {groups} groups", entry.secret_group));
    }
    let lists = entry.allowlist.iter().chain(&entry.allowlists);
    let generic = entry.id.to_ascii_lowercase().contains("generic");
    Ok(Rule {
        id: entry.id.clone(),
        description: entry.description.clone(),
        severity: severity(&entry.tags, generic)?,
        generic,
        regex,
        secret_group: entry.secret_group,
        entropy: entry.entropy,
        path: pattern("path", &entry.path)?,
        keywords: entry.keywords.iter().map(|keyword| keyword.to_ascii_lowercase()).collect(),
        allowlists: lists.map(|list: &AllowEntry| Allowlist::compile(list)).collect::<Result<_, _>>()?,
    })
}

/// The severity of the last `severity:` tag: a file that extends another has the last word.
fn severity(tags: &[String], generic: bool) -> Result<Severity, String> {
    let Some(name) = tags.iter().rev().find_map(|tag| tag.strip_prefix("severity:")) else {
        return Ok(if generic { Severity::Medium } else { Severity::High });
    };
    Severity::from_name(name)
        .ok_or_else(|| format!("tag `severity:{name}`: write low, medium, high or critical after the colon"))
}
