//! Targeting conditions: a query in the manner of MongoDB over the attributes.

mod operator;
mod version;

use std::collections::HashMap;

use serde_json::{Map, Value};

use self::operator::Operator;
use super::value;

/// Lists of values that conditions name, by id.
pub type SavedGroups = HashMap<String, Vec<Value>>;

/// A condition, read once. What it does not understand matches nothing, as in GrowthBook; [`Condition::problems`] tells.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    clauses: Vec<Clause>,
}

#[derive(Clone, Debug)]
enum Clause {
    Any(Vec<Condition>),
    None(Vec<Condition>),
    All(Vec<Condition>),
    Not(Condition),
    /// What stands at a path.
    At(Vec<String>, Test),
    /// Not a condition at all.
    Wrong(String),
}

/// What a value is tested for.
#[derive(Clone, Debug)]
enum Test {
    Text(String),
    Number(f64),
    Flag(bool),
    Null,
    /// The same content.
    Same(Value),
    /// All of them.
    Operators(Vec<Operator>),
}

impl Condition {
    /// Reads a condition.
    pub fn new(condition: &Value) -> Self {
        let Value::Object(members) = condition else {
            return Self { clauses: vec![Clause::Wrong("a condition is not an object".to_owned())] };
        };
        Self { clauses: members.iter().map(|(key, value)| Clause::new(key, value)).collect() }
    }

    /// True if the attributes meet it.
    pub fn is_met(&self, attributes: &Value, groups: &SavedGroups) -> bool {
        self.clauses.iter().all(|clause| clause.is_met(attributes, groups))
    }

    /// What in it can match nothing: unknown operators, operands of a wrong type, expressions that are none.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.visit(&mut |problem| problems.push(problem.to_owned()));
        problems
    }

    fn visit(&self, tell: &mut dyn FnMut(&str)) {
        for clause in &self.clauses {
            match clause {
                Clause::Any(conditions) | Clause::None(conditions) | Clause::All(conditions) => {
                    conditions.iter().for_each(|condition| condition.visit(tell));
                }
                Clause::Not(condition) => condition.visit(tell),
                Clause::At(_, test) => test.visit(tell),
                Clause::Wrong(problem) => tell(problem),
            }
        }
    }
}

impl Clause {
    fn new(key: &str, value: &Value) -> Self {
        match key {
            "$or" => conditions(key, value, Self::Any),
            "$nor" => conditions(key, value, Self::None),
            "$and" => conditions(key, value, Self::All),
            "$not" => Self::Not(Condition::new(value)),
            path => Self::At(path.split('.').map(str::to_owned).collect(), Test::new(value)),
        }
    }

    fn is_met(&self, attributes: &Value, groups: &SavedGroups) -> bool {
        let is_met = |condition: &Condition| condition.is_met(attributes, groups);
        match self {
            Self::Any(conditions) => conditions.is_empty() || conditions.iter().any(is_met),
            // An empty list of alternatives is met, and this is its opposite.
            Self::None(conditions) => !conditions.is_empty() && !conditions.iter().any(is_met),
            Self::All(conditions) => conditions.iter().all(is_met),
            Self::Not(condition) => !is_met(condition),
            Self::At(path, test) => test.is_met(at(attributes, path), groups),
            Self::Wrong(_) => false,
        }
    }
}

fn conditions(key: &str, value: &Value, clause: impl FnOnce(Vec<Condition>) -> Clause) -> Clause {
    match value {
        Value::Array(items) => clause(items.iter().map(Condition::new).collect()),
        _ => Clause::Wrong(format!("the operand of `{key}` is not a list")),
    }
}

impl Test {
    fn new(condition: &Value) -> Self {
        match condition {
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Null => Self::Null,
            Value::Object(members) if is_operators(members) => {
                Self::Operators(members.iter().map(|(name, operand)| Operator::new(name, operand)).collect())
            }
            Value::Array(_) | Value::Object(_) => Self::Same(condition.clone()),
        }
    }

    fn is_met(&self, actual: &Value, groups: &SavedGroups) -> bool {
        match self {
            Self::Text(text) => value::to_text(actual) == *text,
            Self::Number(number) => value::to_number(actual) == *number,
            Self::Flag(flag) => !actual.is_null() && value::is_truthy(actual) == *flag,
            Self::Null => actual.is_null(),
            Self::Same(expected) => value::is_equal(actual, expected),
            Self::Operators(operators) => operators.iter().all(|operator| operator.is_met(actual, groups)),
        }
    }

    fn visit(&self, tell: &mut dyn FnMut(&str)) {
        if let Self::Operators(operators) = self {
            operators.iter().for_each(|operator| operator.visit(tell));
        }
    }
}

fn is_operators(members: &Map<String, Value>) -> bool {
    !members.is_empty() && members.keys().all(|key| key.starts_with('$'))
}

/// What stands at a path; null where nothing does.
fn at<'a>(attributes: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(attributes, |value, part| {
        let inner = match value {
            Value::Object(members) => members.get(part),
            Value::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        inner.unwrap_or(&Value::Null)
    })
}
