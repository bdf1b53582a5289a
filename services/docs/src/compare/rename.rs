//! Finds what has only another name or place.

use std::collections::HashMap;

use super::{Key, key};
use crate::api::{Api, Kind, Language, Symbol};

/// A symbol without its own name, and what it has.
type Shape = (Language, Kind, String, Vec<String>);

/// For what is gone, the one new symbol that is the same under another name beside it, or under the same name elsewhere.
pub(super) fn pairs<'a>(
    base: &Api,
    head: &Api,
    gone: &[&'a Symbol],
    new: &[&'a Symbol],
) -> HashMap<Key<'a>, &'a Symbol> {
    let (old_members, new_members) = (members(base, gone), members(head, new));
    let shaped = |symbol: &'a Symbol, members: &HashMap<(Language, &str), Vec<String>>| -> Option<Shape> {
        let name = symbol.name();
        let text = words_without(&symbol.signature.text, name);
        let inner = members.get(&(symbol.language, symbol.path.as_str())).cloned().unwrap_or_default();
        // A bare constant or an empty class is like any other.
        let speaks =
            !inner.is_empty() || symbol.signature.parameters.as_ref().is_some_and(|all| !all.is_empty());
        let whole = !matches!(symbol.kind, Kind::Module | Kind::Alias | Kind::Namespace);
        (speaks && whole).then_some((symbol.language, symbol.kind, text, inner))
    };
    let mut candidates: HashMap<Shape, Vec<&Symbol>> = HashMap::new();
    for symbol in new {
        if let Some(shape) = shaped(symbol, &new_members) {
            candidates.entry(shape).or_default().push(symbol);
        }
    }
    let mut olds: HashMap<Shape, Vec<&Symbol>> = HashMap::new();
    for symbol in gone {
        if let Some(shape) = shaped(symbol, &old_members) {
            olds.entry(shape).or_default().push(symbol);
        }
    }
    let mut pairs = HashMap::new();
    for (shape, olds) in &olds {
        let Some(news) = candidates.get(shape) else { continue };
        for old in olds {
            let near = |new: &&&Symbol| new.owner == old.owner || new.name() == old.name();
            let mut fitting = news.iter().filter(near);
            if let (Some(new), None) = (fitting.next(), fitting.next())
                && olds.iter().filter(|rival| rival.owner == new.owner || rival.name() == new.name()).count()
                    == 1
            {
                pairs.insert(key(old), *new);
            }
        }
    }
    pairs
}

/// What symbols have: names and signatures of their members.
fn members<'a>(api: &'a Api, of: &[&'a Symbol]) -> HashMap<(Language, &'a str), Vec<String>> {
    let mut all: HashMap<(Language, &str), Vec<String>> =
        of.iter().map(|symbol| ((symbol.language, symbol.path.as_str()), Vec::new())).collect();
    for symbol in api.public() {
        if let Some(members) = all.get_mut(&(symbol.language, symbol.owner.as_str())) {
            members.push(symbol.signature.text.clone());
        }
    }
    all
}

fn words_without(text: &str, name: &str) -> String {
    let mut rest = String::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        rest.push_str(if word == name { "·" } else { &word });
        word.clear();
        rest.push(c);
    }
    rest
}
