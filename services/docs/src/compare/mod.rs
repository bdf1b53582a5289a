//! What differs between two public APIs, and what of it breaks those who use the old one.

mod callable;
mod python;
mod rename;
mod rust;
mod script;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::api::{Api, Kind, Language, Symbol, Visibility};

/// What happened to a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its signature differs.
    Changed,
    /// It is still there, but not public any more.
    Hidden,
    /// It has another name or place, and the same signature.
    Renamed,
}

/// A difference between two public APIs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What happened.
    pub change: Change,
    /// True if code that used the old API may fail with the new one.
    pub breaking: bool,
    /// Why, or why not: one line.
    pub reason: String,
    /// The symbol before; none where added.
    pub before: Option<Symbol>,
    /// The symbol after; none where removed.
    pub after: Option<Symbol>,
}

impl Difference {
    /// The symbol: as it was, or as it is where it is new.
    pub fn symbol(&self) -> &Symbol {
        match (&self.before, &self.after) {
            (Some(symbol), _) | (None, Some(symbol)) => symbol,
            (None, None) => unreachable!("a difference is one of a symbol"),
        }
    }
}

/// Whether a change breaks, and why or why not.
struct Judgement {
    breaking: bool,
    reason: String,
}

impl Judgement {
    fn breaks(reason: impl Into<String>) -> Self {
        Self { breaking: true, reason: reason.into() }
    }

    fn fits(reason: impl Into<String>) -> Self {
        Self { breaking: false, reason: reason.into() }
    }
}

/// Identity of a symbol between two commits. A function and a type may share a path.
type Key<'a> = (Language, &'a str, bool);

fn key(symbol: &Symbol) -> Key<'_> {
    let is_value =
        matches!(symbol.kind, Kind::Function | Kind::Method | Kind::Constant | Kind::Static | Kind::Macro);
    (symbol.language, &symbol.path, symbol.language == Language::Rust && is_value)
}

/// All differences: those that break first, then by path. Members of what was added or removed as a whole are not told.
pub fn differences(base: &Api, head: &Api) -> Vec<Difference> {
    let before = by_key(base);
    let after = by_key(head);
    let still: HashSet<Key> =
        head.symbols.iter().filter(|symbol| symbol.visibility == Visibility::Private).map(key).collect();
    let mut all = Vec::new();
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for (key, olds) in &before {
        let news = after.get(key).map_or(&[][..], Vec::as_slice);
        let (olds, news) = without_equals(olds, news);
        for (old, new) in olds.iter().zip(&news) {
            all.extend(changed(old, new, base));
        }
        gone.extend(olds.into_iter().skip(news.len()));
    }
    for (key, news) in &after {
        let olds = before.get(key).map_or(&[][..], Vec::as_slice);
        let (olds, news) = without_equals(olds, news);
        new.extend(news.into_iter().skip(olds.len()));
    }
    let (gone, new) = (tops(&gone), tops(&new));
    let renamed = rename::pairs(base, head, &gone, &new);
    for old in &gone {
        let (change, after, judgement) = match renamed.get(&key(old)) {
            Some(new) => {
                let reason = format!("{} is now {}", old.path, new.path);
                (Change::Renamed, Some((*new).clone()), Judgement::breaks(reason))
            }
            None if still.contains(&key(old)) => (
                Change::Hidden,
                None,
                Judgement::breaks(format!("the {} is not public any more", old.kind.name())),
            ),
            None => {
                (Change::Removed, None, Judgement::breaks(format!("the {} was removed", old.kind.name())))
            }
        };
        all.push(Difference {
            change,
            breaking: judgement.breaking,
            reason: judgement.reason,
            before: Some((*old).clone()),
            after,
        });
    }
    let taken: HashSet<&str> = renamed.values().map(|new| new.path.as_str()).collect();
    let owners: HashMap<(Language, &str), &Symbol> =
        before.values().flatten().map(|symbol| ((symbol.language, symbol.path.as_str()), *symbol)).collect();
    for symbol in new.into_iter().filter(|symbol| !taken.contains(symbol.path.as_str())) {
        let owner = owners.get(&(symbol.language, symbol.owner.as_str())).copied();
        let judgement = match symbol.language {
            Language::Rust => rust::added(symbol, owner),
            Language::Python => python::added(symbol, owner),
            Language::TypeScript => script::added(symbol, owner),
        };
        all.push(Difference {
            change: Change::Added,
            breaking: judgement.breaking,
            reason: judgement.reason,
            before: None,
            after: Some(symbol.clone()),
        });
    }
    all.sort_by(|a, b| {
        let place =
            |of: &Difference| (!of.breaking, of.symbol().language, of.symbol().path.clone(), of.change);
        place(a).cmp(&place(b))
    });
    all
}

fn by_key(api: &Api) -> BTreeMap<Key<'_>, Vec<&Symbol>> {
    let mut all: BTreeMap<Key, Vec<&Symbol>> = BTreeMap::new();
    for symbol in api.public() {
        all.entry(key(symbol)).or_default().push(symbol);
    }
    all
}

/// Symbols of one path that are on one side only. Definitions for several platforms share a path.
fn without_equals<'a>(olds: &[&'a Symbol], news: &[&'a Symbol]) -> (Vec<&'a Symbol>, Vec<&'a Symbol>) {
    let same = |a: &Symbol, b: &Symbol| a.kind == b.kind && a.signature == b.signature;
    let mut news = news.to_vec();
    let mut left = Vec::new();
    for old in olds {
        match news.iter().position(|new| same(old, new)) {
            Some(at) => {
                news.remove(at);
            }
            None => left.push(*old),
        }
    }
    (left, news)
}

/// Those whose owner is not among them.
fn tops<'a>(symbols: &[&'a Symbol]) -> Vec<&'a Symbol> {
    let paths: HashSet<(Language, &str)> =
        symbols.iter().map(|symbol| (symbol.language, symbol.path.as_str())).collect();
    symbols
        .iter()
        .copied()
        .filter(|symbol| !paths.contains(&(symbol.language, symbol.owner.as_str())))
        .collect()
}

fn changed(old: &Symbol, new: &Symbol, base: &Api) -> Option<Difference> {
    let judgement = if old.kind == new.kind {
        match old.language {
            Language::Rust => rust::changed(old, new, base)?,
            Language::Python => python::changed(old, new)?,
            Language::TypeScript => script::changed(old, new)?,
        }
    } else {
        match (old.kind, new.kind) {
            // The name still gives the same thing, or one cannot know.
            (Kind::Alias, _) => Judgement::fits("what was a re-export is defined here"),
            (_, Kind::Alias) => Judgement::fits(format!("the definition moved: {}", new.signature.text)),
            (old, new) => Judgement::breaks(format!("the {} became a {}", old.name(), new.name())),
        }
    };
    Some(Difference {
        change: Change::Changed,
        breaking: judgement.breaking,
        reason: judgement.reason,
        before: Some(old.clone()),
        after: Some(new.clone()),
    })
}
