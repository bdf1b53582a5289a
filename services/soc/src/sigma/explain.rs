//! Why a rule matched, for people: which predicates, and what the event has there. Values may carry secrets, which are not
//! repeated.

use std::{borrow::Cow, fmt::Write, sync::LazyLock};

use regex::{Captures, Regex};

use super::{
    event::{Event, Fields},
    ir::{Expr, Pattern, Place, Predicate, Rule, Test},
};

/// Predicates of one explanation.
const MAX_MATCHED: usize = 32;
/// Characters of an explanation.
const MAX_EXPLANATION: usize = 1_000;
/// Characters of a value.
const MAX_VALUE: usize = 200;
/// Characters of a predicate.
const MAX_PREDICATE: usize = 200;

/// One predicate that an event fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Empty where the whole event was searched.
    pub field: String,
    /// What was asked, for example `ends with "\cmd.exe"`.
    pub predicate: String,
    /// What is there, on one line, bounded, without secrets.
    pub value: String,
}

impl std::fmt::Display for Matched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let field = if self.field.is_empty() { "the event" } else { &self.field };
        write!(f, "{field} {}", self.predicate)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, " ({})", self.value) }
    }
}

/// The predicates by which the event fulfils the rule. What must not be, and is not, is left out.
pub(super) fn explain(rule: &Rule, event: &Event<'_>, fields: &Fields) -> Vec<Matched> {
    let mut matched = Vec::new();
    collect(rule, &rule.condition, event, fields, &mut matched);
    matched
}

fn collect(rule: &Rule, expr: &Expr, event: &Event<'_>, fields: &Fields, matched: &mut Vec<Matched>) {
    if matched.len() >= MAX_MATCHED || !rule.holds(expr, event) {
        return;
    }
    match expr {
        Expr::And(inner) | Expr::Or(inner) | Expr::AtLeast(_, inner) => {
            inner.iter().for_each(|expr| collect(rule, expr, event, fields, matched));
        }
        Expr::Not(_) => {}
        Expr::Selection(number) => {
            if let Some(expr) = rule.selections.get(*number) {
                collect(rule, expr, event, fields, matched);
            }
        }
        Expr::Is(predicate) => {
            let found = of(predicate, event, fields);
            if !matched.contains(&found) {
                matched.push(found);
            }
        }
    }
}

fn of(predicate: &Predicate, event: &Event<'_>, fields: &Fields) -> Matched {
    let field = predicate.field.map_or("", |field| fields.name(field));
    let value = match predicate.test {
        Test::Null | Test::Exists(_) => String::new(),
        _ => predicate.fulfilling(event).and_then(|item| item.text()).map_or_else(String::new, |text| {
            if SECRET_NAME.is_match(field) { REDACTED.to_owned() } else { one_line(&redact(text), MAX_VALUE) }
        }),
    };
    let predicate = one_line(&words(&predicate.test, fields, predicate.field.is_none()), MAX_PREDICATE);
    Matched { field: field.to_owned(), predicate, value }
}

fn words(test: &Test, fields: &Fields, is_keyword: bool) -> String {
    match test {
        Test::Text(pattern) => text_words(pattern, is_keyword),
        Test::Number(number) => format!("is {number}"),
        Test::Bool(value) => format!("is {value}"),
        Test::Null => "is null".to_owned(),
        Test::Exists(true) => "exists".to_owned(),
        Test::Exists(false) => "does not exist".to_owned(),
        Test::Compare(comparison, than) => format!("{comparison} {than}"),
        Test::Matches(regex) => format!("matches /{}/", regex.as_str()),
        Test::InNetwork(network) => format!("is in {network}"),
        Test::SameAs { other, place, .. } => {
            let verb = match place {
                Place::Whole => "is the same as",
                Place::Start => "starts with",
                Place::End => "ends with",
                Place::Anywhere => "contains",
            };
            format!("{verb} the field {}", fields.name(*other))
        }
        Test::Time(part, comparison, than) => format!("has {} {comparison} {than}", part.name()),
    }
}

fn text_words(pattern: &Pattern, is_keyword: bool) -> String {
    let verb = match pattern.place() {
        Some(Place::Whole) => "is",
        Some(Place::Start) => "starts with",
        Some(Place::End) => "ends with",
        Some(Place::Anywhere) => "contains",
        None if is_keyword => "contains",
        None => "is like",
    };
    format!("{verb} \"{}\"", pattern.shown())
}

/// What matched, on one line of at most 1,000 characters; `more` is how many other parts of the same event matched as well.
pub fn explanation(matched: &[Matched], more: usize) -> String {
    let mut line = String::new();
    for matched in matched {
        let separator = if line.is_empty() { "" } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(line, "{separator}{matched}");
    }
    if line.is_empty() {
        line.push_str("nothing of what the rule excludes is there");
    }
    let tail = if more > 0 { format!(" (and {more} more like it)") } else { String::new() };
    let room = MAX_EXPLANATION - tail.chars().count();
    if line.chars().count() > room {
        line = line.chars().take(room - 1).chain(['…']).collect();
    }
    line + &tail
}

/// On one line without control characters, at most so many characters.
fn one_line(text: &str, max: usize) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

const REDACTED: &str = "[redacted]";

/// Names of fields whose values are never shown.
static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"(?i)(?:password|passwd|passphrase|secret|apikey|api_key|accesskey|private_?key|token|authorization|cookie)$",
    )
});

/// What follows a word for a secret, whole or as the user information of a URL.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r#"(?ix)
        ( (?: pass(?:word|wd|phrase)? | pwd | secret | token | credentials? | authorization
            | (?:api|access|account|secret|private|client|shared)[_-]?(?:access)?[_-]?(?:key|secret) )
          ["']? (?: \s*[:=]\s* | \s+ ) ["']? (?: (?:bearer|basic|token)\s+ )? )
        ( [^\s"'&,;|]{4,} )
        | ( [a-z][a-z0-9+.-]* :// [^\s:@/]* : ) ( [^\s@/]+ ) @ "#,
    )
});

/// What is a secret by its own form.
static FORMED: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"(?x)
        \b (?: (?:AKIA|ASIA)[0-9A-Z]{16} | gh[pousr]_[0-9A-Za-z]{20,} | github_pat_[0-9A-Za-z_]{20,} | glpat-[0-9A-Za-z_-]{16,}
          | xox[abeoprs]-[0-9A-Za-z-]{10,} | sk[-_](?:live|test|proj|ant)[-_][0-9A-Za-z_-]{10,} | AIza[0-9A-Za-z_-]{30,}
          | npm_[0-9A-Za-z]{30,} | eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]* )
        | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY----- (?s:.)* ",
    )
});

fn fixed(pattern: &str) -> Regex {
    // The patterns are constants, and a test compiles each of them.
    Regex::new(pattern).expect("a pattern of this file")
}

/// A text with what looks like a secret replaced by `[redacted]`.
pub fn redact(text: &str) -> Cow<'_, str> {
    let formed = FORMED.replace_all(text, REDACTED);
    let named = NAMED.replace_all(&formed, |found: &Captures<'_>| match (found.get(1), found.get(3)) {
        (Some(name), _) => format!("{}{REDACTED}", name.as_str()),
        (_, Some(before)) => format!("{}{REDACTED}@", before.as_str()),
        (None, None) => REDACTED.to_owned(),
    });
    match named {
        Cow::Borrowed(_) => formed,
        Cow::Owned(named) => Cow::Owned(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_are_bounded() {
        let matched = Matched { field: "f".to_owned(), predicate: "is".to_owned(), value: "ä".repeat(900) };
        let long = explanation(&[matched.clone(), matched], 3);
        assert_eq!(long.chars().count(), MAX_EXPLANATION);
        assert!(long.ends_with("… (and 3 more like it)"), "{long}");
        assert_eq!(explanation(&[], 0), "nothing of what the rule excludes is there");
    }
}
