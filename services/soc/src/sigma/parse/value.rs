use ipnet::IpNet;

use super::{
    Placeholders, RuleError,
    detection::{Reading, and, or},
    field::{Change, Field, Kind},
    regex,
    text::Text,
    yaml::{Node, Yaml},
};
use crate::sigma::{
    event::FieldId,
    ir::{Comparison, Expr, Number, Pattern, Place, Predicate, Test, TimePart},
};

/// Bytes of a value.
const MAX_VALUE: usize = 16 << 10;
/// Values that one value with placeholders becomes.
const MAX_EXPANDED: usize = 10_000;

/// A word that is looked for in the whole event.
pub(super) fn keyword(node: &Node, reading: &mut Reading<'_>) -> Result<Expr, RuleError> {
    let field = Field::read("").map_err(|reason| RuleError::new(node.line, reason))?;
    self::field(&field, node, reading)
}

/// What the values of a map's key ask of an event.
pub(super) fn field(field: &Field, node: &Node, reading: &mut Reading<'_>) -> Result<Expr, RuleError> {
    let nodes = match &node.value {
        Yaml::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let wrong = |reason: &str| RuleError::new(node.line, format!("`{}`: {reason}", field.name));
    match (&node.value, nodes) {
        (_, []) => return Err(wrong("an empty list would never match")),
        (_, [_]) if field.all => return Err(wrong("`all` needs a list of at least two values")),
        (Yaml::List(_), _) if nodes.iter().any(|node| matches!(node.value, Yaml::Null)) => {
            return Err(wrong(
                "null cannot stand in a list of values; give it a search identifier of its own",
            ));
        }
        _ => {}
    }
    let id = (!field.name.is_empty()).then(|| reading.fields.id(&field.name));
    let mut values = Vec::new();
    for node in nodes {
        let wrong = |reason| RuleError::new(node.line, format!("`{}`: {reason}", field.name));
        let tests = tests(field, node, reading).map_err(wrong)?;
        reading.count(tests.len(), node.line)?;
        let is = |test| Expr::Is(Box::new(Predicate { field: id, test }));
        values.push(or(tests.into_iter().map(is).collect()));
    }
    let values = if field.all { and(values) } else { or(values) };
    Ok(if field.differs { Expr::Not(Box::new(values)) } else { values })
}

/// What one value asks; any of the tests will do.
fn tests(field: &Field, node: &Node, reading: &mut Reading<'_>) -> Result<Vec<Test>, String> {
    if let Yaml::List(_) | Yaml::Map(_) = node.value {
        return Err(format!("a value cannot be {}", node.kind()));
    }
    match field.kind {
        Kind::Plain => plain(field, node, reading.placeholders),
        Kind::Regex(flags) => {
            let patterns = expanded(field, text_of(node)?, reading.placeholders)?;
            patterns
                .iter()
                .map(|pattern| regex::compile(pattern, flags).map(|regex| Test::Matches(Box::new(regex))))
                .collect()
        }
        Kind::Network => {
            let networks = expanded(field, text_of(node)?, reading.placeholders)?;
            networks.iter().map(|text| network(text)).collect()
        }
        Kind::Exists => match node.value {
            Yaml::Bool(wanted) => Ok(vec![Test::Exists(wanted)]),
            _ => Err(format!("`exists` needs true or false, and has {}", node.kind())),
        },
        Kind::Compare(comparison) => match node.value {
            Yaml::Int(int) => Ok(vec![Test::Compare(comparison, Number::Int(int))]),
            Yaml::Float(float) => Ok(vec![Test::Compare(comparison, Number::Float(float))]),
            _ => Err(format!("a comparison needs a number, and has {}", node.kind())),
        },
        Kind::OtherField => other_field(field, node, reading).map(|test| vec![test]),
        Kind::Time(part, comparison) => time(part, comparison, node).map(|test| vec![test]),
    }
}

fn plain(field: &Field, node: &Node, placeholders: &Placeholders) -> Result<Vec<Test>, String> {
    let is_keyword = field.name.is_empty();
    let unchanged = field.changes.is_empty() && !field.expand && !is_keyword;
    match &node.value {
        Yaml::Null if unchanged => Ok(vec![Test::Null]),
        Yaml::Null => Err("null takes no modifier and is no word to look for".to_owned()),
        Yaml::Int(int) if unchanged => Ok(vec![Test::Number(Number::Int(*int))]),
        Yaml::Float(float) if unchanged => Ok(vec![Test::Number(Number::Float(*float))]),
        Yaml::Bool(wanted) if unchanged => Ok(vec![Test::Bool(*wanted)]),
        _ => {
            let mut tests = Vec::new();
            for value in expanded(field, text_of(node)?, placeholders)? {
                for text in changed(Text::read(&value), &field.changes)? {
                    let text = if is_keyword { text.at(Place::Anywhere) } else { text };
                    tests.push(Test::Text(Pattern::new(&text.into_pieces()?, field.cased, &value)));
                }
            }
            Ok(tests)
        }
    }
}

fn changed(text: Text, changes: &[Change]) -> Result<Vec<Text>, String> {
    changes.iter().try_fold(vec![text], |texts, change| {
        let mut changed = Vec::with_capacity(texts.len());
        for text in texts {
            match change {
                Change::At(place) => changed.push(text.at(*place)),
                Change::Dashes => changed.push(text.with_dashes()?),
                Change::Base64 => changed.push(text.base64()?),
                Change::Base64Offset => changed.extend(text.base64_offsets()?),
                Change::Utf16(form) => changed.push(text.utf16(*form)?),
            }
        }
        // One `base64offset` makes three; a chain of them would make far too many.
        if changed.len() > 9 { Err("has too many encodings".to_owned()) } else { Ok(changed) }
    })
}

fn text_of(node: &Node) -> Result<String, String> {
    let text = match &node.value {
        Yaml::Text(text) => text.clone(),
        Yaml::Int(int) => int.to_string(),
        Yaml::Float(float) => float.to_string(),
        Yaml::Bool(value) => value.to_string(),
        _ => return Err(format!("needs text, and has {}", node.kind())),
    };
    if text.len() > MAX_VALUE {
        return Err(format!("a value has more than {MAX_VALUE} bytes"));
    }
    Ok(text)
}

fn network(text: &str) -> Result<Test, String> {
    let read =
        text.parse::<IpNet>().ok().or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)));
    let network = read.ok_or_else(|| format!("`{text}` is no network such as 10.0.0.0/8"))?;
    Ok(Test::InNetwork(network.trunc()))
}

fn other_field(field: &Field, node: &Node, reading: &mut Reading<'_>) -> Result<Test, String> {
    let Yaml::Text(name) = &node.value else {
        return Err(format!("`fieldref` needs the name of a field, and has {}", node.kind()));
    };
    let name = Text::read(name).into_plain()?;
    if name.is_empty() || name.len() > 256 {
        return Err("`fieldref` needs the name of a field of at most 256 bytes".to_owned());
    }
    let other: FieldId = reading.fields.id(&name);
    let place = match field.changes.last() {
        Some(Change::At(place)) => *place,
        _ => Place::Whole,
    };
    Ok(Test::SameAs { other, place, cased: field.cased })
}

fn time(part: TimePart, comparison: Comparison, node: &Node) -> Result<Test, String> {
    let (least, most) = part.range();
    match node.value {
        Yaml::Int(int) if (i128::from(least)..=i128::from(most)).contains(&int) => {
            // Within the range by the guard.
            Ok(Test::Time(part, comparison, i64::try_from(int).unwrap_or(least)))
        }
        _ => Err(format!("`{}` needs a number from {least} to {most}", part.name())),
    }
}

/// The values that a value with placeholders stands for: itself, unless it has `expand`.
fn expanded(field: &Field, value: String, placeholders: &Placeholders) -> Result<Vec<String>, String> {
    if !field.expand {
        return Ok(vec![value]);
    }
    let mut values = vec![String::new()];
    let mut rest = value.as_str();
    while let Some(at) = rest.find(['%', '\\']) {
        let (before, from) = rest.split_at(at);
        values.iter_mut().for_each(|value| value.push_str(before));
        if let Some(after) = from.strip_prefix("\\%") {
            values.iter_mut().for_each(|value| value.push('%'));
            rest = after;
            continue;
        }
        let name = from.strip_prefix('%').and_then(|from| from.split_once('%'));
        let Some((name, after)) = name.filter(|(name, _)| is_name(name)) else {
            values.iter_mut().for_each(|value| value.push_str(&from[..1]));
            rest = &from[1..];
            continue;
        };
        let of = placeholders.get(name).filter(|values| !values.is_empty());
        let of = of.ok_or_else(|| format!("the placeholder %{name}% has no values (`soc.placeholders`)"))?;
        if values.len() * of.len() > MAX_EXPANDED {
            return Err(format!("placeholders make more than {MAX_EXPANDED} values"));
        }
        values = values.iter().flat_map(|value| of.iter().map(move |of| format!("{value}{of}"))).collect();
        rest = after;
    }
    values.iter_mut().for_each(|value| value.push_str(rest));
    Ok(values)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
