//! From rule files to what runs: patterns compiled once, and everything checked that could fail later.

use std::collections::{BTreeMap, HashSet};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use regex::Regex;

use super::{
    Rules, RulesError, Stack,
    format::{ClaimEntry, RuleEntry, StackFile, Toolchain, When},
    name_of,
};
use crate::stack::{claim::Task, document::Format, fill};

/// A compiled pattern may take so much memory.
const PATTERN_BYTES: usize = 1 << 20;
/// Captures that every rule may name.
const KNOWN: [&str; 6] = ["key", "name", "value", "path", "file", "version"];

/// A rule, ready to run.
pub(crate) struct Rule {
    pub id: String,
    pub project: bool,
    pub confidence: u8,
    pub when: Vec<Condition>,
    pub unless: Vec<Condition>,
    /// By the capture `key` in lower case, what `name` is.
    pub names: BTreeMap<String, String>,
    pub claims: Vec<Template>,
}

impl Rule {
    /// True if it asks what other rules said.
    pub fn asks_claims(&self) -> bool {
        self.when.iter().chain(&self.unless).any(Condition::asks_claims)
    }
}

/// What a rule says, with names of captures in braces.
pub(crate) enum Template {
    Language { name: String },
    PackageManager { name: String, version: Option<String> },
    Framework { name: String, version: Option<String> },
    Command { task: Task, run: String },
    Runtime { name: String, version: String },
    Port { number: String },
    Service { name: String, version: Option<String> },
    Container,
    Chart,
    Infrastructure { name: String },
}

/// Which files a condition looks at.
pub(crate) struct Place {
    pub globs: GlobSet,
    /// Only directly in the folder.
    pub direct: bool,
    /// In the folders above as well, nearest first.
    pub up: bool,
}

/// A condition, ready to run.
pub(crate) enum Condition {
    /// A file is there.
    File(Place),
    /// A file has a value under a key, which a pattern may have to match.
    Key {
        place: Place,
        format: Option<Format>,
        key: Vec<String>,
        value: Option<Regex>,
    },
    /// A line of a file matches.
    Line {
        place: Place,
        pattern: Regex,
    },
    /// Another rule claimed it.
    Claimed {
        kind: u8,
        name: Option<String>,
    },
    Any(Vec<Condition>),
}

impl Condition {
    fn asks_claims(&self) -> bool {
        match self {
            Self::Claimed { .. } => true,
            Self::Any(choices) => choices.iter().any(Self::asks_claims),
            _ => false,
        }
    }
}

/// Everything that is gathered over all files.
#[derive(Default)]
struct Gathered {
    projects: Vec<String>,
    reads: Vec<String>,
    ids: HashSet<String>,
}

pub(super) fn rules(
    files: impl Iterator<Item = (String, StackFile)>,
    version: String,
) -> Result<Rules, RulesError> {
    let mut gathered = Gathered::default();
    let (mut stacks, mut ignored, mut examples, mut images) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, mut file) in files {
        ignored.append(&mut file.ignore);
        examples.append(&mut file.examples);
        images.append(&mut file.image);
        stacks.push(stack(file, &mut gathered).map_err(|reason| RulesError::new(name, reason))?);
    }
    let set = |patterns: &[String]| {
        globs(patterns).map_err(|reason| RulesError::new("of all stacks".to_owned(), reason))
    };
    Ok(Rules {
        version,
        projects: set(&gathered.projects)?,
        reads: set(&gathered.reads)?,
        stacks,
        ignored,
        examples,
        images,
    })
}

fn stack(file: StackFile, gathered: &mut Gathered) -> Result<Stack, String> {
    let is_name = |name: &str| fill::is_word(name) && !name.contains('/') && name.len() <= 30;
    if !is_name(&file.stack) {
        return Err("`stack` must be a word of letters, digits, dots and hyphens".to_owned());
    }
    let (mut endings, mut names) = (BTreeMap::new(), BTreeMap::new());
    for language in file.language {
        endings.extend(language.endings.into_iter().map(|ending| (ending, language.name.clone())));
        names.extend(language.files.into_iter().map(|name| (name, language.name.clone())));
    }
    let rules = file.rule.into_iter().map(|entry| {
        let id = entry.id.clone();
        rule(entry, gathered).map_err(|reason| format!("rule `{id}`: {reason}"))
    });
    let rules = rules.collect::<Result<_, _>>()?;
    let workspace = conditions(file.workspace, gathered, &mut HashSet::new())
        .map_err(|reason| format!("`workspace`: {reason}"))?;
    for toolchain in &file.toolchain {
        check_toolchain(toolchain).map_err(|reason| format!("`toolchain`: {reason}"))?;
    }
    Ok(Stack {
        name: file.stack,
        title: file.title,
        endings,
        names,
        workspace,
        rules,
        toolchains: file.toolchain,
    })
}

fn check_toolchain(toolchain: &Toolchain) -> Result<(), String> {
    let texts = toolchain.github.with.values().chain(&toolchain.github.run).chain(&toolchain.gitlab.run);
    for text in texts.chain([&toolchain.gitlab.image]) {
        if let Some(unknown) = fill::names(text).find(|name| *name != "version") {
            return Err(format!("`{{{unknown}}}` is not known here; there is `{{version}}`"));
        }
    }
    Ok(())
}

fn rule(entry: RuleEntry, gathered: &mut Gathered) -> Result<Rule, String> {
    if !gathered.ids.insert(entry.id.clone()) {
        return Err("there are two of this id".to_owned());
    }
    if entry.when.is_empty() {
        return Err("`when` is empty; say what must hold".to_owned());
    }
    if !(1..=100).contains(&entry.confidence) {
        return Err("`confidence` must be from 1 to 100".to_owned());
    }
    let mut captures: HashSet<String> = KNOWN.iter().map(|&name| name.to_owned()).collect();
    let first = entry.when.first().map(|when| match &when.path {
        super::format::Paths::One(path) => vec![path.clone()],
        super::format::Paths::Many(paths) => paths.clone(),
    });
    let when = conditions(entry.when, gathered, &mut captures)?;
    let unless = conditions(entry.unless, gathered, &mut HashSet::new())?;
    if entry.project {
        let patterns = first.unwrap_or_default();
        if patterns.is_empty() || patterns.iter().any(|pattern| pattern.contains('/')) {
            return Err(
                "the first condition of a project must be files by name, such as `path = \"go.mod\"`"
                    .to_owned(),
            );
        }
        gathered.projects.extend(patterns);
    }
    let claims =
        entry.claims.into_iter().map(|claim| template(claim, &captures)).collect::<Result<_, _>>()?;
    let names = entry.names.into_iter().map(|(key, name)| (key.to_lowercase(), name)).collect();
    Ok(Rule {
        id: entry.id,
        project: entry.project,
        confidence: entry.confidence,
        when,
        unless,
        names,
        claims,
    })
}

fn template(entry: ClaimEntry, captures: &HashSet<String>) -> Result<Template, String> {
    let texts: Vec<&String> = match &entry {
        ClaimEntry::Language { name } | ClaimEntry::Infrastructure { name } => vec![name],
        ClaimEntry::PackageManager { name, version }
        | ClaimEntry::Framework { name, version }
        | ClaimEntry::Service { name, version } => [name].into_iter().chain(version).collect(),
        ClaimEntry::Runtime { name, version } => vec![name, version],
        ClaimEntry::Command { run, .. } => vec![run],
        ClaimEntry::Port { number } => vec![number],
        ClaimEntry::Container {} | ClaimEntry::Chart {} => Vec::new(),
    };
    for text in texts {
        if let Some(unknown) = fill::names(text).find(|name| !captures.contains(*name)) {
            return Err(format!("a claim names `{{{unknown}}}`, which no condition captures"));
        }
    }
    Ok(match entry {
        ClaimEntry::Language { name } => Template::Language { name },
        ClaimEntry::PackageManager { name, version } => Template::PackageManager { name, version },
        ClaimEntry::Framework { name, version } => Template::Framework { name, version },
        ClaimEntry::Command { task, run } => Template::Command { task, run },
        ClaimEntry::Runtime { name, version } => Template::Runtime { name, version },
        ClaimEntry::Port { number } => Template::Port { number },
        ClaimEntry::Service { name, version } => Template::Service { name, version },
        ClaimEntry::Container {} => Template::Container,
        ClaimEntry::Chart {} => Template::Chart,
        ClaimEntry::Infrastructure { name } => Template::Infrastructure { name },
    })
}

fn conditions(
    entries: Vec<When>,
    gathered: &mut Gathered,
    captures: &mut HashSet<String>,
) -> Result<Vec<Condition>, String> {
    entries.into_iter().map(|when| condition(when, gathered, captures)).collect()
}

fn condition(
    when: When,
    gathered: &mut Gathered,
    captures: &mut HashSet<String>,
) -> Result<Condition, String> {
    let paths = when.path.list();
    let mut pattern = |text: &str| {
        let regex = regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES).build();
        let regex = regex.map_err(|error| format!("pattern `{text}`: {error}"))?;
        captures.extend(regex.capture_names().flatten().map(str::to_owned));
        Ok::<Regex, String>(regex)
    };
    if !when.any.is_empty() || when.has.is_some() {
        if !paths.is_empty() || when.up || !when.key.is_empty() || when.value.is_some() || when.line.is_some()
        {
            return Err("`any` and `has` stand alone in a condition".to_owned());
        }
        return match when.has {
            Some(has) => claimed(&has),
            None => Ok(Condition::Any(conditions(when.any, gathered, captures)?)),
        };
    }
    if paths.is_empty() {
        return Err("a condition needs `path`, `has` or `any`".to_owned());
    }
    let direct = paths.iter().all(|path| !path.contains('/'));
    if when.up && !direct {
        return Err("with `up`, a path is a file's name".to_owned());
    }
    let place = Place { globs: globs(&paths)?, direct, up: when.up };
    let condition = match (when.key.is_empty(), when.value, when.line) {
        (true, None, None) => return Ok(Condition::File(place)),
        (true, None, Some(line)) => Condition::Line { place, pattern: pattern(&line)? },
        (false, value, None) => {
            let value = value.map(|value| pattern(&value)).transpose()?;
            Condition::Key { place, format: when.format, key: when.key, value }
        }
        _ => return Err("a condition has `key` (and `value` with it), or `line`, or neither".to_owned()),
    };
    gathered.reads.extend(paths.iter().map(|path| name_of(path).to_owned()));
    Ok(condition)
}

fn claimed(has: &str) -> Result<Condition, String> {
    let (kind, name) = has.split_once(':').map_or((has, None), |(kind, name)| (kind, Some(name.to_owned())));
    let kinds = ["language", "package_manager", "framework", "runtime", "command", "port", "service"];
    let kind = kinds.iter().position(|known| *known == kind).and_then(|at| u8::try_from(at).ok());
    let kind = kind.ok_or_else(|| format!("`has = \"{has}\"`: the kinds are {}", kinds.join(", ")))?;
    Ok(Condition::Claimed { kind, name })
}

fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob: Result<Glob, _> =
            GlobBuilder::new(pattern).literal_separator(true).empty_alternates(true).build();
        set.add(glob.map_err(|error| format!("path `{pattern}`: {error}"))?);
    }
    set.build().map_err(|error| error.to_string())
}
