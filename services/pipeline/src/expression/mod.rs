//! Expressions in CEL, and texts with `${{ expressions }}` in them. Pure.

mod json;
mod template;

use std::collections::BTreeMap;

use cel::{Context, ExecutionError, Program};
use serde_json::Value;

use crate::stack;
pub use template::Template;

/// Bytes of an expression at most.
const MAX_EXPRESSION: usize = 2_048;
/// Brackets inside each other, and choices one after the other, at most: the parser goes down a level of its stack for each.
const MAX_DEPTH: usize = 32;

/// Why an expression cannot be read, or gives nothing. Names places and types, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub(crate) String);

/// An expression that was read once without a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(String);

impl Expression {
    /// Reads it.
    ///
    /// # Errors
    /// It is not CEL, or too long.
    pub fn new(text: &str) -> Result<Self, ExpressionError> {
        stack::large(|| compile(text).map(drop)).unwrap_or_else(no_end)?;
        Ok(Self(text.trim().to_owned()))
    }

    /// What it gives.
    ///
    /// # Errors
    /// A variable, member or operator that is not there.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, ExpressionError> {
        stack::large(|| self.value(scope)).unwrap_or_else(no_end)
    }

    fn value(&self, scope: &Scope) -> Result<Value, ExpressionError> {
        let program = compile(&self.0)?;
        let references = program.references();
        let mut context = Context::default();
        // A variable may be large, and most expressions look at one.
        for (name, value) in scope.variables.iter().filter(|(name, _)| references.has_variable(name.as_str()))
        {
            context.add_variable_from_value(name.as_str(), json::to_cel(value));
        }
        let value = program.execute(&context).map_err(|error| self.fault(&without_values(&error)))?;
        value.json().map_err(|_| self.fault("it gives something that JSON has no form for"))
    }

    /// What it gives, which must be true or false.
    ///
    /// # Errors
    /// As [`Expression::evaluate`], or it gives something else.
    pub fn holds(&self, scope: &Scope) -> Result<bool, ExpressionError> {
        match self.evaluate(scope)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(self.fault("it gives neither true nor false")),
        }
    }

    fn fault(&self, problem: &str) -> ExpressionError {
        ExpressionError(format!("`{}`: {problem}", self.0))
    }
}

/// What expressions see, by name.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    variables: BTreeMap<String, Value>,
}

impl Scope {
    /// The same with one variable more.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.variables.insert(name.to_owned(), value);
        self
    }
}

fn compile(text: &str) -> Result<Program, ExpressionError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ExpressionError("an expression is empty".to_owned()));
    }
    if text.len() > MAX_EXPRESSION {
        return Err(ExpressionError(format!("an expression is longer than {MAX_EXPRESSION} bytes")));
    }
    if depth(text) > MAX_DEPTH {
        return Err(ExpressionError(format!("an expression is nested deeper than {MAX_DEPTH} levels")));
    }
    Program::compile(text).map_err(|errors| {
        let problem = errors.errors.first().map_or_else(String::new, |first| {
            format!("{} at line {}, column {}", first.msg, first.pos.0, first.pos.1)
        });
        ExpressionError(format!("`{text}` is not CEL: {problem}"))
    })
}

fn no_end<T>() -> Result<T, ExpressionError> {
    Err(ExpressionError("an expression ended unexpectedly; the log says more".to_owned()))
}

/// How deep it is nested, or more: what stands in a text counts as well.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest, mut choices) = (0_usize, 0, 0);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest + choices
}

/// Some of the errors quote what they stumbled over, which may be a secret.
fn without_values(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("there is no `{name}`"),
        ExecutionError::UndeclaredReference(name) => format!("nothing here is called `{name}`"),
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::UnexpectedType { got, want } => format!("{got} stands where {want} is needed"),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("{actual} arguments are given where {expected} are needed")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number becomes too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "an index is out of bounds".to_owned(),
        ExecutionError::FunctionError { function, .. } => format!("the function `{function}` failed"),
        _ => "its operands do not fit".to_owned(),
    }
}
