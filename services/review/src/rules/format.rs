//! The rule file as written: gitleaks' TOML format, key by key, before anything is compiled.
//!
//! Keys are case-insensitive, as in gitleaks. A key that is not known is refused: a mistyped `keyword` would silently
//! turn a filter off.

use serde::Deserialize;
use toml::{Table, Value};

use super::RulesError;

/// Bytes that a rule file may have.
const MAX_BYTES: usize = 2 << 20;
/// Rules that a file may have.
const MAX_RULES: usize = 2_000;

/// A whole rule file.
#[derive(Default)]
pub(super) struct RuleFile {
    pub extend: Extend,
    pub rules: Vec<RuleEntry>,
    pub allowlists: Vec<GlobalAllowEntry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", default)]
pub(super) struct Extend {
    pub path: String,
    pub url: String,
    #[serde(rename = "usedefault")]
    pub use_default: bool,
    #[serde(rename = "disabledrules")]
    pub disabled_rules: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RuleEntry {
    pub id: String,
    pub description: String,
    pub regex: String,
    #[serde(rename = "secretgroup")]
    pub secret_group: usize,
    pub entropy: f64,
    pub keywords: Vec<String>,
    pub path: String,
    pub tags: Vec<String>,
    #[serde(rename = "skipreport")]
    pub skip_report: bool,
    /// gitleaks' composite rules. Read only to refuse them with a reason.
    pub required: Option<Value>,
    pub allowlist: Option<AllowEntry>,
    pub allowlists: Vec<AllowEntry>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AllowEntry {
    /// For people; read so that it is a known key.
    #[serde(rename = "description")]
    pub _description: String,
    pub condition: String,
    pub commits: Vec<String>,
    pub paths: Vec<String>,
    #[serde(rename = "regextarget")]
    pub regex_target: String,
    pub regexes: Vec<String>,
    pub stopwords: Vec<String>,
}

/// An allow-list for all rules, or for those that `targetRules` names.
pub(super) struct GlobalAllowEntry {
    pub target_rules: Vec<String>,
    pub allow: AllowEntry,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TopLevel {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "description")]
    _description: String,
    #[serde(rename = "minversion")]
    _min_version: String,
}

impl RuleFile {
    pub(super) fn parse(text: &str) -> Result<RuleFile, RulesError> {
        if text.len() > MAX_BYTES {
            return Err(RulesError::TooLarge { count: text.len(), unit: "bytes", limit: MAX_BYTES });
        }
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            RulesError::Syntax(format!("{}{}", position(text, &error), error.message()))
        })?;
        let mut table = lowercase(table);
        let mut file = RuleFile::default();
        if let Some(extend) = table.remove("extend") {
            file.extend = read(extend).map_err(|reason| RulesError::section("[extend]", reason))?;
        }
        for (index, rule) in tables("[[rules]]", table.remove("rules"))?.into_iter().enumerate() {
            if index >= MAX_RULES {
                return Err(RulesError::TooLarge { count: index + 1, unit: "rules", limit: MAX_RULES });
            }
            let name = match rule.get("id").and_then(Value::as_str) {
                Some(id) if !id.trim().is_empty() => id.to_owned(),
                _ => {
                    return Err(RulesError::rule(
                        format!("number {}", index + 1),
                        "has no `id`; give it one",
                    ));
                }
            };
            file.rules.push(read(rule).map_err(|reason| RulesError::rule(name, reason))?);
        }
        let old = table.remove("allowlist").map(|value| vec![value]);
        let new = tables("[[allowlists]]", table.remove("allowlists"))?;
        if old.is_some() && !new.is_empty() {
            return Err(RulesError::section(
                "[allowlist]",
                "write it as one more [[allowlists]]; both is one too many",
            ));
        }
        for mut entry in old.unwrap_or(new) {
            let refuse = |reason| RulesError::section("[[allowlists]]", reason);
            let targets = entry.as_table_mut().and_then(|table| table.remove("targetrules"));
            let target_rules = targets.map(read).transpose().map_err(refuse)?.unwrap_or_default();
            file.allowlists.push(GlobalAllowEntry { target_rules, allow: read(entry).map_err(refuse)? });
        }
        let TopLevel { .. } =
            read(Value::Table(table)).map_err(|reason| RulesError::section("top level", reason))?;
        Ok(file)
    }
}

fn position(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map(|text| format!("line {}: ", text.matches('\n').count() + 1)).unwrap_or_default()
}

fn tables(section: &str, value: Option<Value>) -> Result<Vec<Value>, RulesError> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(RulesError::section(section, "is one table; write it with two brackets on each side")),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.message().to_owned())
}

fn lowercase(table: Table) -> Table {
    table.into_iter().map(|(key, entry)| (key.to_ascii_lowercase(), lowercase_keys(entry))).collect()
}

fn lowercase_keys(value: Value) -> Value {
    match value {
        Value::Table(table) => Value::Table(lowercase(table)),
        Value::Array(entries) => Value::Array(entries.into_iter().map(lowercase_keys).collect()),
        other => other,
    }
}
