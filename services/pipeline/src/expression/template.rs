use serde_json::{Map, Value};

use super::{Expression, ExpressionError, Scope};

const OPEN: &str = "${{";
const CLOSE: &str = "}}";
/// Expressions in one text at most.
const MAX_PARTS: usize = 100;

/// JSON whose texts may hold `${{ expressions }}`. A text that is one expression and nothing else becomes what that gives,
/// of whatever type; elsewhere the result is put into the text, what is no text as JSON. `$${{` stands for `${{` itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Plain(Value),
    Whole(Expression),
    Text(Vec<Part>),
    List(Vec<Node>),
    Members(Vec<(String, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Expression(Expression),
}

impl Template {
    /// Reads it.
    ///
    /// # Errors
    /// One of its expressions cannot be read.
    pub fn new(value: Value) -> Result<Self, ExpressionError> {
        node(value).map(Self)
    }

    /// The JSON that it becomes.
    ///
    /// # Errors
    /// One of its expressions gives nothing.
    pub fn render(&self, scope: &Scope) -> Result<Value, ExpressionError> {
        render(&self.0, scope)
    }

    /// The text that it becomes; what is no text, as JSON.
    ///
    /// # Errors
    /// One of its expressions gives nothing.
    pub fn render_text(&self, scope: &Scope) -> Result<String, ExpressionError> {
        self.render(scope).map(text_of)
    }
}

fn node(value: Value) -> Result<Node, ExpressionError> {
    Ok(match value {
        Value::String(text) => text_node(&text)?,
        Value::Array(items) => Node::List(items.into_iter().map(node).collect::<Result<_, _>>()?),
        Value::Object(members) => Node::Members(
            members
                .into_iter()
                .map(|(name, value)| Ok((name, node(value)?)))
                .collect::<Result<_, ExpressionError>>()?,
        ),
        plain => Node::Plain(plain),
    })
}

fn text_node(text: &str) -> Result<Node, ExpressionError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, from) = rest.split_at(at);
        let inside = &from[OPEN.len()..];
        if let Some(before) = before.strip_suffix('$') {
            plain.push_str(before);
            plain.push_str(OPEN);
            rest = inside;
            continue;
        }
        plain.push_str(before);
        let (expression, after) = expression(inside)?;
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Expression(expression));
        if parts.len() > MAX_PARTS {
            return Err(ExpressionError(format!("a text has more than {MAX_PARTS} parts")));
        }
        rest = after;
    }
    plain.push_str(rest);
    if parts.is_empty() {
        return Ok(Node::Plain(Value::String(plain)));
    }
    if plain.is_empty()
        && let [Part::Expression(_)] = parts.as_slice()
        && let Some(Part::Expression(expression)) = parts.pop()
    {
        return Ok(Node::Whole(expression));
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(Node::Text(parts))
}

/// The expression at the beginning, and what comes after it. An expression may itself hold `}}`: it ends at the first place
/// where what stands before can be read.
fn expression(inside: &str) -> Result<(Expression, &str), ExpressionError> {
    let mut fault = ExpressionError(format!("`{OPEN}` has no `{CLOSE}` after it"));
    for (number, (at, _)) in inside.match_indices(CLOSE).enumerate() {
        match Expression::new(&inside[..at]) {
            Ok(expression) => return Ok((expression, &inside[at + CLOSE.len()..])),
            // The shortest is what was meant, most likely.
            Err(error) if number == 0 => fault = error,
            Err(_) if number < 8 => {}
            Err(_) => break,
        }
    }
    Err(fault)
}

fn render(node: &Node, scope: &Scope) -> Result<Value, ExpressionError> {
    Ok(match node {
        Node::Plain(value) => value.clone(),
        Node::Whole(expression) => expression.evaluate(scope)?,
        Node::Text(parts) => {
            let mut text = String::new();
            for part in parts {
                match part {
                    Part::Text(plain) => text.push_str(plain),
                    Part::Expression(expression) => text.push_str(&text_of(expression.evaluate(scope)?)),
                }
            }
            Value::String(text)
        }
        Node::List(items) => {
            Value::Array(items.iter().map(|item| render(item, scope)).collect::<Result<_, _>>()?)
        }
        Node::Members(members) => {
            let mut object = Map::new();
            for (name, member) in members {
                object.insert(name.clone(), render(member, scope)?);
            }
            Value::Object(object)
        }
    })
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
