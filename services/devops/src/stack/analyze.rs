//! From files to components and claims.

use std::collections::{BTreeSet, HashMap};

use super::{
    claim::{Claim, Evidence, Fact},
    component::{Component, Folder, above, folder_of, folders},
    fill::{Captures, fill, fill_command, version},
    matching::{Directly, Match, Scope},
    rules::{Rule, Rules, Stack, Template, name_of},
    source::{Contents, Limits, Wanted},
};

/// Claims of a component at most.
const CLAIMS: usize = 300;
/// Characters of a name at most.
const NAME: usize = 100;

/// What a tree is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// By path; the root first. A folder without anything to say is left out, unless it is the root.
    pub components: Vec<Component>,
    /// Files that were looked at, and their bytes.
    pub files: usize,
    /// Bytes of those.
    pub bytes: u64,
    /// Files whose content was read.
    pub files_read: usize,
    /// What was not looked at, and why.
    pub left_out: Vec<LeftOut>,
    /// SHA-256 of the rules, lower-case hexadecimal.
    pub rules_version: String,
}

/// What was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// From the root; empty where it is more than one file.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Rules {
    /// What a tree is made of. `contents` has those of `wanted.paths` that could be read.
    #[must_use]
    pub fn analyze(&self, wanted: Wanted, contents: &Contents, limits: &Limits) -> Analysis {
        let Wanted { files, mut left_out, .. } = wanted;
        let mut directly = Directly::new();
        for file in &files {
            directly.entry(folder_of(&file.path)).or_default().push(&file.path);
        }
        let (folders, more) = folders(&files, self, limits.components);
        if more > 0 {
            let reason = format!("{more} projects are beyond the limit of {}", limits.components);
            left_out.push(LeftOut { path: String::new(), reason });
        }
        let mut components: Vec<Component> = Vec::new();
        let mut speaking: HashMap<&str, Vec<&str>> = HashMap::new();
        for folder in &folders {
            let mut component = self.component(folder, &directly, contents);
            let claims = component.claims.clone();
            let scope = Scope { folder, directly: &directly, contents, claims: &claims };
            for stack in &self.stacks {
                if component.stacks.contains(&stack.name) && stack.workspace.iter().any(|is| scope.holds(is))
                {
                    speaking.entry(&stack.name).or_default().push(&folder.prefix);
                }
            }
            component.member_of = component
                .stacks
                .iter()
                .filter(|stack| {
                    let roots = speaking.get(stack.as_str()).map_or(&[][..], Vec::as_slice);
                    above(&folder.prefix).any(|folder| roots.contains(&folder))
                })
                .cloned()
                .collect();
            if folder.prefix.is_empty() || !component.claims.is_empty() {
                components.push(component);
            }
        }
        left_out.extend(contents.unreadable());
        Analysis {
            components,
            files: files.len(),
            bytes: files.iter().map(|file| file.size).sum(),
            files_read: contents.len(),
            left_out,
            rules_version: self.version().to_owned(),
        }
    }

    fn component<'a>(
        &'a self,
        folder: &'a Folder<'a>,
        directly: &'a Directly<'a>,
        contents: &'a Contents,
    ) -> Component {
        let mut claims = self.languages(folder);
        let mut stacks = BTreeSet::new();
        // Rules that ask what others said come after all of those.
        for asking in [false, true] {
            for stack in &self.stacks {
                for rule in stack.rules.iter().filter(|rule| rule.asks_claims() == asking) {
                    let said = {
                        let scope = Scope { folder, directly, contents, claims: &claims };
                        apply(stack, rule, &scope)
                    };
                    let Some(said) = said else { continue };
                    if rule.project {
                        stacks.insert(stack.name.clone());
                    }
                    for claim in said {
                        if claims.len() < CLAIMS {
                            claim.add(&mut claims);
                        }
                    }
                }
            }
        }
        claims.sort_by_key(order);
        Component {
            path: folder.path().to_owned(),
            stacks,
            member_of: BTreeSet::new(),
            example: self.is_example(&folder.prefix),
            claims,
        }
    }

    fn languages(&self, folder: &Folder<'_>) -> Vec<Claim> {
        let mut claims: Vec<Claim> = Vec::new();
        for file in &folder.files {
            let name = name_of(&file.path);
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            for stack in &self.stacks {
                let Some(language) = stack.names.get(name).or_else(|| stack.endings.get(ending)) else {
                    continue;
                };
                let evidence =
                    Evidence { path: file.path.clone(), line: 0, rule: format!("{}-files", stack.name) };
                let claim = Claim {
                    fact: Fact::Language { name: language.clone(), files: 1, bytes: file.size },
                    stack: stack.name.clone(),
                    confidence: 80,
                    evidence: vec![evidence],
                };
                claim.add(&mut claims);
            }
        }
        claims
    }
}

/// By kind, then by what is most sure or most there; the rest by the order of rules.
fn order(claim: &Claim) -> (u8, u64, u8) {
    let (kind, ..) = claim.fact.key();
    let bytes = match claim.fact {
        Fact::Language { bytes, .. } => bytes,
        _ => 0,
    };
    (kind, u64::MAX - bytes, 100 - claim.confidence)
}

/// What a rule says of a component; nothing where it does not hold.
fn apply(stack: &Stack, rule: &Rule, scope: &Scope<'_>) -> Option<Vec<Claim>> {
    let (first, others) = rule.when.split_first()?;
    let matched = scope.matches(first);
    if matched.is_empty() {
        return None;
    }
    let mut supporting = Vec::new();
    for condition in others {
        supporting.push(scope.matches(condition).into_iter().next()?);
    }
    if rule.unless.iter().any(|condition| scope.holds(condition)) {
        return None;
    }
    let mut claims = Vec::new();
    for found in &matched {
        let Some(captures) = captures(rule, found, &supporting) else { continue };
        let places = std::iter::once(found).chain(&supporting);
        let mut evidence: Vec<Evidence> = Vec::new();
        for place in places {
            let piece = Evidence { path: place.path.clone(), line: place.line, rule: rule.id.clone() };
            if evidence.len() < Claim::EVIDENCE && !evidence.contains(&piece) {
                evidence.push(piece);
            }
        }
        for fact in
            rule.claims.iter().filter_map(|template| fact(template, &captures, !rule.names.is_empty()))
        {
            let (stack, evidence) = (stack.name.clone(), evidence.clone());
            claims.push(Claim { fact, stack, confidence: rule.confidence, evidence });
        }
    }
    Some(claims)
}

/// What all conditions found, the first one's first; nothing where the rule has names and none of them is meant.
fn captures(rule: &Rule, found: &Match, supporting: &[Match]) -> Option<Captures> {
    let mut captures = found.captures.clone();
    for other in supporting {
        for (name, value) in &other.captures {
            captures.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    if !rule.names.is_empty() {
        let name = rule.names.get(&captures.get("key")?.to_lowercase())?;
        captures.insert("name".to_owned(), name.clone());
    }
    Some(captures)
}

fn fact(template: &Template, captures: &Captures, name_is_ours: bool) -> Option<Fact> {
    let name = |text: &String| {
        let name = fill(text, captures)?;
        let fits = !name.is_empty() && name.chars().count() <= NAME && !name.chars().any(char::is_control);
        fits.then_some(name)
    };
    let said = |text: &Option<String>| text.as_ref().and_then(|text| version(&fill(text, captures)?));
    let path = || captures.get("path").cloned();
    Some(match template {
        Template::Language { name: text } => Fact::Language { name: name(text)?, files: 0, bytes: 0 },
        Template::PackageManager { name: text, version } => {
            Fact::PackageManager { name: name(text)?, version: said(version) }
        }
        Template::Framework { name: text, version } => {
            Fact::Framework { name: name(text)?, version: said(version) }
        }
        Template::Command { task, run } => {
            Fact::Command { task: *task, run: fill_command(run, captures, name_is_ours)? }
        }
        Template::Runtime { name: text, version: number } => {
            Fact::Runtime { name: name(text)?, version: version(&fill(number, captures)?)? }
        }
        Template::Port { number } => {
            let number = fill(number, captures)?.parse().ok().filter(|number| *number > 0)?;
            Fact::Port { number }
        }
        Template::Service { name: text, version } => {
            Fact::Service { name: name(text)?, version: said(version) }
        }
        Template::Container => Fact::Container { path: path()? },
        Template::Chart => Fact::Chart { path: path()? },
        Template::Infrastructure { name: text } => Fact::Infrastructure { name: name(text)? },
    })
}
