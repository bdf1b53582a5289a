use uuid::Uuid;

use super::{
    Placeholders, Refused, RuleError, condition, detection,
    yaml::{Node, Yaml},
};
use crate::sigma::{
    event::Fields,
    ir::{Level, Rule},
    logsource::LogSource,
};

/// Namespace of the ids of rules that give themselves none. Never change it: ids of alerts follow from it.
const RULES: Uuid = Uuid::from_u128(0x2c1f_84e7_5b0d_4a36_8f7e_93d1_6a52_c4b8);
/// Bytes of a title, as the specification has it, counted in bytes.
const MAX_TITLE: usize = 1_024;
/// Bytes of a description that are kept.
const MAX_DESCRIPTION: usize = 4_096;
/// Tags of a rule that are kept.
const MAX_TAGS: usize = 100;

/// The rule of a document.
pub(super) fn read(
    document: &Node,
    placeholders: &Placeholders,
    fields: &mut Fields,
) -> Result<Rule, Refused> {
    let plain = |key| match document.get(key).map(|node| &node.value) {
        Some(Yaml::Text(text)) if text.len() <= MAX_TITLE => text.clone(),
        _ => String::new(),
    };
    rule(document, placeholders, fields).map_err(|error| Refused {
        id: plain("id"),
        title: plain("title"),
        error,
    })
}

fn rule(document: &Node, placeholders: &Placeholders, fields: &mut Fields) -> Result<Rule, RuleError> {
    if !matches!(document.value, Yaml::Map(_)) {
        return Err(RuleError::new(
            document.line,
            format!("a rule is a map, and this is {}", document.kind()),
        ));
    }
    refuse_other_kinds(document)?;
    let title = text(document, "title")?
        .filter(|title| !title.trim().is_empty())
        .ok_or_else(|| RuleError::new(document.line, "`title` is missing"))?;
    if title.len() > MAX_TITLE {
        return Err(RuleError::new(document.line, format!("`title` is longer than {MAX_TITLE} bytes")));
    }
    let id = match text(document, "id")? {
        Some(id) if id.is_empty() || id.len() > 64 || id.chars().any(char::is_control) => {
            return Err(RuleError::new(line(document, "id"), "`id` must have 1 to 64 bytes; a UUID is best"));
        }
        Some(id) => id.to_lowercase(),
        None => Uuid::new_v5(&RULES, title.as_bytes()).to_string(),
    };
    let detection =
        document.get("detection").ok_or_else(|| RuleError::new(document.line, "`detection` is missing"))?;
    let (names, selections) = detection::read(detection, placeholders, fields)?;
    let condition = condition::read(detection, &names)?;
    Ok(Rule {
        id,
        title: title.to_owned(),
        description: bounded(text(document, "description")?.unwrap_or_default()),
        level: level(document)?,
        tags: tags(document),
        logsource: logsource(document)?,
        line: document.line,
        selections,
        condition,
    })
}

/// What is written in Sigma but is no rule for single events, or says that it is not to be used.
fn refuse_other_kinds(document: &Node) -> Result<(), RuleError> {
    for (key, what) in [
        ("correlation", "a correlation rule; only rules for single events are evaluated"),
        ("filter", "a filter; only rules for single events are evaluated"),
        ("action", "`action` is of Sigma 1; write each rule as a document of its own"),
    ] {
        if let Some(node) = document.get(key) {
            return Err(RuleError::new(node.line, what));
        }
    }
    let status = text(document, "status")?.unwrap_or_default();
    if ["unsupported", "deprecated"].contains(&status) {
        return Err(RuleError::new(line(document, "status"), format!("its status is `{status}`")));
    }
    match text(document, "taxonomy")? {
        None | Some("sigma") => Ok(()),
        Some(other) => {
            let reason = format!("the taxonomy `{other}` is not known; only `sigma` is");
            Err(RuleError::new(line(document, "taxonomy"), reason))
        }
    }
}

fn level(document: &Node) -> Result<Level, RuleError> {
    let Some(name) = text(document, "level")? else { return Ok(Level::Low) };
    Level::from_name(name).ok_or_else(|| {
        let names = Level::ALL.map(Level::name).join(", ");
        RuleError::new(line(document, "level"), format!("`level` must be one of {names}"))
    })
}

fn logsource(document: &Node) -> Result<LogSource, RuleError> {
    let node =
        document.get("logsource").ok_or_else(|| RuleError::new(document.line, "`logsource` is missing"))?;
    if !matches!(node.value, Yaml::Map(_)) {
        return Err(RuleError::new(node.line, "`logsource` must be a map"));
    }
    let part = |key| Ok::<_, RuleError>(text(node, key)?.unwrap_or_default().to_lowercase());
    let source =
        LogSource { product: part("product")?, service: part("service")?, category: part("category")? };
    if source == LogSource::default() {
        let reason = "`logsource` has none of `product`, `service` and `category`";
        return Err(RuleError::new(node.line, reason));
    }
    Ok(source)
}

fn tags(document: &Node) -> Vec<String> {
    let Some(Node { value: Yaml::List(items), .. }) = document.get("tags") else { return Vec::new() };
    let texts = items.iter().filter_map(|item| match &item.value {
        Yaml::Text(tag) if tag.len() <= 128 => Some(tag.clone()),
        _ => None,
    });
    texts.take(MAX_TAGS).collect()
}

fn text<'n>(map: &'n Node, key: &str) -> Result<Option<&'n str>, RuleError> {
    match map.get(key).map(|node| (node, &node.value)) {
        None | Some((_, Yaml::Null)) => Ok(None),
        Some((_, Yaml::Text(text))) => Ok(Some(text)),
        Some((node, _)) => {
            Err(RuleError::new(node.line, format!("`{key}` must be text, and is {}", node.kind())))
        }
    }
}

fn line(map: &Node, key: &str) -> u32 {
    map.get(key).map_or(map.line, |node| node.line)
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_DESCRIPTION);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim().to_owned()
}
