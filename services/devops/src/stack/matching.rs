//! Where a condition holds in a component.

use std::collections::HashMap;

use super::{
    claim::{Claim, Evidence},
    component::{Folder, above},
    document::Format,
    fill::Captures,
    rules::{Condition, Place, name_of},
    source::Contents,
};

/// Matches of one condition at most: a rule needs no more to say what it says.
const MATCHES: usize = 200;

/// A place where a condition holds.
pub(super) struct Match {
    pub path: String,
    /// 0 for the file as a whole.
    pub line: u32,
    pub captures: Captures,
}

/// Paths of all files by the folder that they are in.
pub(super) type Directly<'a> = HashMap<&'a str, Vec<&'a str>>;

/// What conditions are held against.
pub(super) struct Scope<'a> {
    pub folder: &'a Folder<'a>,
    pub directly: &'a Directly<'a>,
    pub contents: &'a Contents,
    /// What was said so far.
    pub claims: &'a [Claim],
}

impl Scope<'_> {
    /// Where a condition holds, in the order of files and lines.
    pub fn matches(&self, condition: &Condition) -> Vec<Match> {
        let mut found = match condition {
            Condition::File(place) => self.nearest(place, |path, found| {
                found.push(Match { path: path.to_owned(), line: 0, captures: Captures::new() });
            }),
            Condition::Key { place, format, key, value } => {
                self.nearest(place, |path, found| self.keys(path, *format, key, value.as_ref(), found))
            }
            Condition::Line { place, pattern } => {
                self.nearest(place, |path, found| self.lines(path, pattern, found))
            }
            Condition::Claimed { kind, name } => {
                let claims = self.claims.iter().filter(|claim| {
                    let key = claim.fact.key();
                    key.0 == *kind && name.as_ref().is_none_or(|name| name == key.1)
                });
                claims.filter_map(claimed).collect()
            }
            Condition::Any(choices) => choices.iter().flat_map(|choice| self.matches(choice)).collect(),
        };
        for found in &mut found {
            found.captures.insert("path".to_owned(), found.path.clone());
            found.captures.insert("file".to_owned(), name_of(&found.path).to_owned());
        }
        found.truncate(MATCHES);
        found
    }

    /// True if a condition holds anywhere.
    pub fn holds(&self, condition: &Condition) -> bool {
        !self.matches(condition).is_empty()
    }

    /// What is found in the files of a place: where it looks up, in those of the nearest folder that has any of it.
    fn nearest(&self, place: &Place, mut look: impl FnMut(&str, &mut Vec<Match>)) -> Vec<Match> {
        let prefix = &self.folder.prefix;
        let mut found = Vec::new();
        if place.direct {
            let here = self.folder.direct.iter().filter(|path| place.globs.is_match(&path[prefix.len()..]));
            here.take(MATCHES).for_each(|path| look(path, &mut found));
        } else {
            let inside = self.folder.files.iter().map(|file| file.path.as_str());
            let inside = inside.filter(|path| place.globs.is_match(&path[prefix.len()..]));
            inside.take(MATCHES).for_each(|path| look(path, &mut found));
        }
        for folder in above(prefix).take_while(|_| place.up) {
            if !found.is_empty() {
                break;
            }
            let there = self.directly.get(folder).into_iter().flatten();
            let there = there.filter(|path| place.globs.is_match(&path[folder.len()..]));
            there.take(MATCHES).for_each(|path| look(path, &mut found));
        }
        found
    }

    fn lines(&self, path: &str, pattern: &regex::Regex, found: &mut Vec<Match>) {
        let text = self.contents.text(path).unwrap_or_default();
        for (line, text) in (1..).zip(text.lines()) {
            if found.len() < MATCHES
                && let Some(captures) = capture(pattern, text)
            {
                found.push(Match { path: path.to_owned(), line, captures });
            }
        }
    }

    fn keys(
        &self,
        path: &str,
        format: Option<Format>,
        key: &[String],
        value: Option<&regex::Regex>,
        found: &mut Vec<Match>,
    ) {
        let Some(format) = format.or_else(|| Format::of(path)) else { return };
        let Some(parsed) = self.contents.document(path, format) else { return };
        let Ok(document) = parsed.as_ref() else { return };
        for reached in document.reach(key, MATCHES) {
            let text = reached.node.text();
            let mut captures = match (value, text) {
                (None, _) => Captures::new(),
                (Some(_), None) => continue,
                (Some(pattern), Some(text)) => match capture(pattern, text) {
                    Some(captures) => captures,
                    None => continue,
                },
            };
            if let Some(key) = reached.key {
                captures.entry("key".to_owned()).or_insert_with(|| key.to_owned());
            }
            if let Some(text) = text {
                captures.entry("value".to_owned()).or_insert_with(|| text.to_owned());
            }
            if found.len() < MATCHES {
                found.push(Match { path: path.to_owned(), line: reached.node.line, captures });
            }
        }
    }
}

fn capture(pattern: &regex::Regex, text: &str) -> Option<Captures> {
    let matched = pattern.captures(text)?;
    let names = pattern.capture_names().flatten();
    let named = names.filter_map(|name| {
        let value = matched.name(name)?.as_str();
        Some((name.to_owned(), value.to_owned()))
    });
    Some(named.collect())
}

fn claimed(claim: &Claim) -> Option<Match> {
    let Evidence { path, line, .. } = claim.evidence.first()?.clone();
    let (_, name, _, _) = claim.fact.key();
    let mut captures =
        Captures::from([("name".to_owned(), name.to_owned()), ("key".to_owned(), name.to_owned())]);
    captures.extend(claim.fact.version().map(|version| ("version".to_owned(), version.to_owned())));
    Some(Match { path, line, captures })
}
