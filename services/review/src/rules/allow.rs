//! Allow-lists: what looks like a secret and is none.

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;

use super::format::AllowEntry;
use super::go_regex;

/// A compiled allow-list.
#[derive(Clone)]
pub(crate) struct Allowlist {
    /// All checks that the list has must hold (`condition = "AND"`), not just one.
    all: bool,
    commits: Vec<String>,
    paths: Vec<Regex>,
    target: Target,
    regexes: Vec<Regex>,
    stopwords: Option<AhoCorasick>,
}

#[derive(Clone, Copy)]
enum Target {
    Secret,
    Match,
    Line,
}

/// Where a possible finding is.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub commit: Option<&'a str>,
    pub path: &'a str,
}

/// The texts of a possible finding. Holds a secret, so it is not printable.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    pub secret: &'a [u8],
    pub matched: &'a [u8],
    pub line: &'a [u8],
}

impl Allowlist {
    pub(super) fn compile(entry: &AllowEntry) -> Result<Allowlist, String> {
        let all = match entry.condition.to_ascii_uppercase().as_str() {
            "" | "OR" | "||" => false,
            "AND" | "&&" => true,
            other => return Err(format!("allow-list condition `{other}` is neither AND nor OR")),
        };
        let target = match entry.regex_target.as_str() {
            "" | "secret" => Target::Secret,
            "match" => Target::Match,
            "line" => Target::Line,
            other => {
                return Err(format!("allow-list regexTarget `{other}` is none of secret, match and line"));
            }
        };
        let patterns = |patterns: &[String]| {
            patterns.iter().map(|pattern| go_regex::compile(pattern)).collect::<Result<Vec<_>, _>>()
        };
        let stopwords = match entry.stopwords.is_empty() {
            true => None,
            false => Some(
                AhoCorasick::builder()
                    .ascii_case_insensitive(true)
                    .build(&entry.stopwords)
                    .map_err(|error| format!("allow-list stopwords: {error}"))?,
            ),
        };
        if entry.stopwords.iter().any(String::is_empty) {
            return Err("an allow-list stopword is empty and would allow everything; remove it".to_owned());
        }
        let list = Allowlist {
            all,
            commits: entry.commits.iter().map(|commit| commit.trim().to_ascii_lowercase()).collect(),
            paths: patterns(&entry.paths)?,
            target,
            regexes: patterns(&entry.regexes)?,
            stopwords,
        };
        if list.commits.is_empty() && list.paths.is_empty() && !list.looks_at_text() {
            return Err(
                "an allow-list needs at least one of commits, paths, regexes and stopwords".to_owned()
            );
        }
        Ok(list)
    }

    fn looks_at_text(&self) -> bool {
        !self.regexes.is_empty() || self.stopwords.is_some()
    }

    /// Everything at this place is allowed, whatever the text.
    pub(crate) fn allows_place(&self, place: Place<'_>) -> bool {
        match self.all {
            true => !self.looks_at_text() && self.place_checks(place).all(|holds| holds),
            false => self.place_checks(place).any(|holds| holds),
        }
    }

    /// This possible finding is allowed.
    pub(crate) fn allows(&self, place: Place<'_>, texts: Texts<'_>) -> bool {
        let target = match self.target {
            Target::Secret => texts.secret,
            Target::Match => texts.matched,
            Target::Line => texts.line,
        };
        let regexes =
            (!self.regexes.is_empty()).then(|| self.regexes.iter().any(|regex| regex.is_match(target)));
        let stopwords = self.stopwords.as_ref().map(|words| words.is_match(texts.secret));
        let mut checks = self.place_checks(place).chain(regexes).chain(stopwords);
        if self.all { checks.all(|holds| holds) } else { checks.any(|holds| holds) }
    }

    /// One answer for each kind of check that the list has.
    fn place_checks(&self, place: Place<'_>) -> impl Iterator<Item = bool> {
        let commit = (!self.commits.is_empty()).then(|| {
            place.commit.is_some_and(|commit| self.commits.iter().any(|one| one.eq_ignore_ascii_case(commit)))
        });
        let path = (!self.paths.is_empty())
            .then(|| self.paths.iter().any(|path| path.is_match(place.path.as_bytes())));
        commit.into_iter().chain(path)
    }
}
