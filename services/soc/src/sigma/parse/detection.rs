use super::{
    Placeholders, RuleError,
    field::Field,
    value,
    yaml::{Node, Yaml},
};
use crate::sigma::{event::Fields, ir::Expr};

/// Values of one rule.
const MAX_VALUES: usize = 20_000;
/// Search identifiers of one rule.
const MAX_IDENTIFIERS: usize = 200;

/// What reading values needs, and how many there were.
pub(super) struct Reading<'r> {
    pub placeholders: &'r Placeholders,
    pub fields: &'r mut Fields,
    values: usize,
}

impl Reading<'_> {
    /// Counts values.
    pub fn count(&mut self, values: usize, line: u32) -> Result<(), RuleError> {
        self.values += values;
        if self.values > MAX_VALUES {
            return Err(RuleError::new(line, format!("the rule has more than {MAX_VALUES} values")));
        }
        Ok(())
    }
}

/// Names and expressions of a detection's search identifiers.
pub(super) fn read(
    detection: &Node,
    placeholders: &Placeholders,
    fields: &mut Fields,
) -> Result<(Vec<String>, Vec<Expr>), RuleError> {
    let Yaml::Map(entries) = &detection.value else {
        return Err(RuleError::new(detection.line, "`detection` must be a map"));
    };
    let mut reading = Reading { placeholders, fields, values: 0 };
    let (mut names, mut selections) = (Vec::new(), Vec::new());
    for (name, node) in entries.iter().filter(|(name, _)| name != "condition") {
        if name == "timeframe" {
            let reason = "`timeframe` belongs to aggregations, which Sigma 2 writes as correlation rules";
            return Err(RuleError::new(node.line, reason));
        }
        names.push(name.clone());
        selections.push(selection(node, &mut reading)?);
    }
    if names.is_empty() {
        return Err(RuleError::new(detection.line, "`detection` has no search identifier"));
    }
    if names.len() > MAX_IDENTIFIERS {
        let reason = format!("`detection` has more than {MAX_IDENTIFIERS} search identifiers");
        return Err(RuleError::new(detection.line, reason));
    }
    Ok((names, selections))
}

fn selection(node: &Node, reading: &mut Reading<'_>) -> Result<Expr, RuleError> {
    match &node.value {
        Yaml::Map(entries) => map(node, entries, reading),
        Yaml::List(items) if items.is_empty() => {
            Err(RuleError::new(node.line, "an empty list would never match"))
        }
        Yaml::List(items) => {
            let any = items.iter().map(|item| match &item.value {
                Yaml::Map(entries) => map(item, entries, reading),
                Yaml::List(_) => {
                    Err(RuleError::new(item.line, "a list in a list of a search identifier means nothing"))
                }
                _ => value::keyword(item, reading),
            });
            Ok(or(any.collect::<Result<_, _>>()?))
        }
        _ => value::keyword(node, reading),
    }
}

fn map(node: &Node, entries: &[(String, Node)], reading: &mut Reading<'_>) -> Result<Expr, RuleError> {
    if entries.is_empty() {
        return Err(RuleError::new(node.line, "an empty map would always match"));
    }
    let all = entries.iter().map(|(key, node)| {
        let field = Field::read(key).map_err(|reason| RuleError::new(node.line, reason))?;
        value::field(&field, node, reading)
    });
    Ok(and(all.collect::<Result<_, _>>()?))
}

/// All of these; one alone needs no list.
pub(super) fn and(mut all: Vec<Expr>) -> Expr {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        Some(last) => {
            all.push(last);
            Expr::And(all)
        }
        None => Expr::And(all),
    }
}

/// Any of these; one alone needs no list.
pub(super) fn or(mut any: Vec<Expr>) -> Expr {
    match any.pop() {
        Some(only) if any.is_empty() => only,
        Some(last) => {
            any.push(last);
            Expr::Or(any)
        }
        None => Expr::Or(any),
    }
}
