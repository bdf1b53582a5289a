//! Markdown pages whose inline code names what a change removed or renamed.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::{
    api::{Api, Kind, Symbol},
    compare::{Change, Difference},
    resolve::Files,
    source::{Facts, Page},
};

/// A place that names what is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaleMention {
    /// The Markdown file.
    pub page: String,
    /// From 1.
    pub line: u32,
    /// Path of the symbol.
    pub symbol: String,
    /// What the page says.
    pub text: String,
    /// Path of the symbol now, where it was renamed.
    pub renamed_to: Option<String>,
}

/// Mentions of what is gone, page by page. A page that this change made name it more often than before speaks of the change
/// itself, as does a record of changes.
pub fn mentions(differences: &[Difference], base: &Files, head: &Files, head_api: &Api) -> Vec<StaleMention> {
    let gone: Vec<&Difference> = differences
        .iter()
        .filter(|of| matches!(of.change, Change::Removed | Change::Hidden | Change::Renamed))
        .filter(|of| of.symbol().kind != Kind::Module)
        .collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let mut by_name: HashMap<&str, Vec<&Difference>> = HashMap::new();
    for of in gone {
        by_name.entry(of.symbol().name()).or_default().push(of);
    }
    let there = Names::of(head_api);
    let mut stale = Vec::new();
    for (path, facts) in head {
        let Facts::Page(page) = &**facts else { continue };
        if is_record(path) {
            continue;
        }
        let before = match base.get(path).map(|facts| &**facts) {
            Some(Facts::Page(page)) => Some(page),
            _ => None,
        };
        for mention in &page.mentions {
            let Some(named) = parts(&mention.text) else { continue };
            let Some(last) = named.last() else { continue };
            let found = by_name.get(last.as_str()).into_iter().flatten().find(|of| {
                let symbol = of.symbol();
                names(&named, &mention.text, symbol)
                    && !there.has(&named)
                    && before.is_some_and(|before| count(before, symbol) >= count(page, symbol))
            });
            if let Some(of) = found {
                stale.push(StaleMention {
                    page: path.clone(),
                    line: mention.line,
                    symbol: of.symbol().path.clone(),
                    text: mention.text.clone(),
                    renamed_to: of.after.as_ref().map(|after| after.path.clone()),
                });
            }
        }
    }
    stale
}

/// True if a page names a symbol, or what the symbol belongs to in full.
pub fn is_named(page: &Page, symbol: &Symbol) -> bool {
    count(page, symbol) > 0
}

fn count(page: &Page, symbol: &Symbol) -> usize {
    let is = |text: &str| parts(text).is_some_and(|named| names(&named, text, symbol));
    page.mentions.iter().filter(|mention| is(&mention.text)).count()
}

/// Records of changes name what is gone on purpose.
fn is_record(path: &str) -> bool {
    const RECORDS: [&str; 8] =
        ["changelog", "changes", "history", "news", "releases", "release-notes", "migration", "upgrading"];
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    RECORDS.iter().any(|record| name.starts_with(record))
}

/// The names in a piece of inline code that is one path, such as `Cart::add()`, `shop.Cart` or `add(item)`.
fn parts(text: &str) -> Option<Vec<String>> {
    let text = text.trim().trim_start_matches(['&', '*', '@', '!']).trim_end_matches([';', '!', '?']);
    let path = text.split(['(', '<', '[']).next().unwrap_or_default().trim();
    let parts: Vec<&str> = path.split(['.', ':', '#', '/']).filter(|part| !part.is_empty()).collect();
    let word = |part: &&str| part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '@'));
    (!parts.is_empty() && parts.iter().all(word)).then(|| parts.into_iter().map(str::to_owned).collect())
}

/// True if names are the end of a symbol's path. One word alone names a member only where it is written like a call, or like
/// nothing that is also an English word.
fn names(named: &[String], text: &str, symbol: &Symbol) -> bool {
    let path = segments(&symbol.path);
    if named.len() > path.len() || !path.iter().rev().zip(named.iter().rev()).all(|(a, b)| a == b) {
        return false;
    }
    let [word] = named else { return true };
    let is_code = word.contains('_') || word.chars().skip(1).any(char::is_uppercase) || text.contains('(');
    let is_member =
        matches!(symbol.kind, Kind::Method | Kind::Field | Kind::Variant | Kind::Property | Kind::Attribute);
    is_code || !is_member
}

fn segments(path: &str) -> Vec<&str> {
    path.split(['.', ':', '/']).filter(|part| !part.is_empty()).collect()
}

/// What can still be named.
struct Names<'a> {
    ends: HashSet<Vec<&'a str>>,
}

impl<'a> Names<'a> {
    fn of(api: &'a Api) -> Self {
        let mut ends = HashSet::new();
        for symbol in api.public() {
            let path = segments(&symbol.path);
            // Nobody writes longer paths than these in a sentence.
            for length in 1..=path.len().min(6) {
                ends.insert(path[path.len() - length..].to_vec());
            }
        }
        Self { ends }
    }

    fn has(&self, named: &[String]) -> bool {
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        self.ends.contains(&named)
    }
}
