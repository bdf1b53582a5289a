use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{Condition, SavedGroups, Test, is_operators, version::sortable};
use crate::flag::value::{compare, is_identical, to_text};

/// Bytes of a compiled expression at most: an expression comes from outside.
const MAX_REGEX: usize = 1 << 20;

/// One `$operator` with its operand.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    Is(Value, bool),
    Order(Wanted, Value),
    Version(Wanted, String),
    Exists(bool),
    In {
        members: Vec<Value>,
        any_case: bool,
        wanted: bool,
    },
    InGroup {
        id: String,
        wanted: bool,
    },
    Not(Test),
    Size(Test),
    Element(Element),
    All {
        tests: Vec<Value>,
        any_case: bool,
    },
    Regex(Regex),
    Type(String),
    /// Matches nothing.
    Wrong(String),
}

/// Which order of the value and the operand is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// What one element of a list must be.
#[derive(Clone, Debug)]
pub(super) enum Element {
    Value(Test),
    Object(Condition),
}

impl Operator {
    pub fn new(name: &str, operand: &Value) -> Self {
        let members = |any_case, wanted| match operand {
            Value::Array(members) => Self::In { members: members.clone(), any_case, wanted },
            _ => Self::Wrong(format!("the operand of `{name}` is not a list")),
        };
        let version = |wanted| Self::Version(wanted, sortable(operand));
        match name {
            "$eq" => Self::Is(operand.clone(), true),
            "$ne" => Self::Is(operand.clone(), false),
            "$lt" => Self::Order(Wanted::Less, operand.clone()),
            "$lte" => Self::Order(Wanted::LessOrEqual, operand.clone()),
            "$gt" => Self::Order(Wanted::Greater, operand.clone()),
            "$gte" => Self::Order(Wanted::GreaterOrEqual, operand.clone()),
            "$vlt" => version(Wanted::Less),
            "$vlte" => version(Wanted::LessOrEqual),
            "$vgt" => version(Wanted::Greater),
            "$vgte" => version(Wanted::GreaterOrEqual),
            "$veq" => version(Wanted::Equal),
            "$vne" => version(Wanted::NotEqual),
            "$exists" => Self::Exists(crate::flag::value::is_truthy(operand)),
            "$in" => members(false, true),
            "$nin" => members(false, false),
            "$ini" => members(true, true),
            "$nini" => members(true, false),
            "$inGroup" => Self::InGroup { id: to_text(operand), wanted: true },
            "$notInGroup" => Self::InGroup { id: to_text(operand), wanted: false },
            "$not" => Self::Not(Test::new(operand)),
            "$size" => Self::Size(Test::new(operand)),
            "$elemMatch" => match operand {
                Value::Object(members) if is_operators(members) => {
                    Self::Element(Element::Value(Test::new(operand)))
                }
                _ => Self::Element(Element::Object(Condition::new(operand))),
            },
            "$all" | "$alli" => match operand {
                Value::Array(tests) => Self::All { tests: tests.clone(), any_case: name == "$alli" },
                _ => Self::Wrong(format!("the operand of `{name}` is not a list")),
            },
            "$regex" | "$regexi" => regex(name, operand),
            "$type" => Self::Type(to_text(operand)),
            _ => Self::Wrong(format!("there is no operator `{name}`")),
        }
    }

    pub fn is_met(&self, actual: &Value, groups: &SavedGroups) -> bool {
        match self {
            Self::Is(expected, wanted) => is_identical(actual, expected) == *wanted,
            Self::Order(wanted, expected) => compare(actual, expected).is_some_and(|order| wanted.is(order)),
            Self::Version(wanted, expected) => {
                wanted.is(sortable(actual).encode_utf16().cmp(expected.encode_utf16()))
            }
            Self::Exists(wanted) => actual.is_null() != *wanted,
            Self::In { members, any_case, wanted } => is_in(actual, members, *any_case) == *wanted,
            Self::InGroup { id, wanted } => {
                groups.get(id).is_some_and(|members| is_in(actual, members, false)) == *wanted
            }
            Self::Not(test) => !test.is_met(actual, groups),
            Self::Size(test) => {
                actual.as_array().is_some_and(|items| test.is_met(&Value::from(items.len()), groups))
            }
            Self::Element(element) => actual.as_array().is_some_and(|items| {
                items.iter().any(|item| match element {
                    Element::Value(test) => test.is_met(item, groups),
                    Element::Object(condition) => condition.is_met(item, groups),
                })
            }),
            Self::All { tests, any_case } => actual.as_array().is_some_and(|items| {
                tests.iter().all(|test| items.iter().any(|item| is_alike(test, item, *any_case, groups)))
            }),
            Self::Regex(regex) => regex.is_match(&to_text(actual)),
            Self::Type(expected) => type_of(actual) == expected,
            Self::Wrong(_) => false,
        }
    }

    pub fn visit(&self, tell: &mut dyn FnMut(&str)) {
        match self {
            Self::Wrong(problem) => tell(problem),
            Self::Not(test) | Self::Size(test) | Self::Element(Element::Value(test)) => test.visit(tell),
            Self::Element(Element::Object(condition)) => condition.visit(tell),
            _ => {}
        }
    }
}

impl Wanted {
    fn is(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
        }
    }
}

fn regex(name: &str, operand: &Value) -> Operator {
    let built = RegexBuilder::new(&to_text(operand))
        .case_insensitive(name == "$regexi")
        .size_limit(MAX_REGEX)
        .dfa_size_limit(MAX_REGEX)
        .build();
    match built {
        Ok(regex) => Operator::Regex(regex),
        Err(regex::Error::CompiledTooBig(_)) => {
            Operator::Wrong(format!("the expression of `{name}` is too large"))
        }
        Err(_) => Operator::Wrong(format!(
            "the expression of `{name}` cannot be read (look-around is not supported)"
        )),
    }
}

fn is_in(actual: &Value, members: &[Value], any_case: bool) -> bool {
    let is_member = |item: &Value| {
        members.iter().any(|member| match (item, member) {
            (Value::String(item), Value::String(member)) if any_case => lower(item) == lower(member),
            _ => is_identical(item, member),
        })
    };
    match actual {
        Value::Array(items) => items.iter().any(is_member),
        _ => is_member(actual),
    }
}

fn is_alike(test: &Value, item: &Value, any_case: bool, groups: &SavedGroups) -> bool {
    match test {
        Value::String(text) if any_case => lower(text) == lower(&to_text(item)),
        _ => Test::new(test).is_met(item, groups),
    }
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
