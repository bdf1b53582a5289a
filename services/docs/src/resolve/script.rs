//! TypeScript and JavaScript: what packages export.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Files, members::Maker, paths};
use crate::{
    api::{Language, Symbol},
    source::{Exported, Facts, Manifest, PackageManifest, ScriptSource},
};

/// Files that a re-export is followed through at most.
const MAX_STEPS: usize = 32;
const ENDS: [&str; 11] =
    [".ts", ".tsx", ".mts", ".cts", ".d.ts", ".d.mts", ".d.cts", ".js", ".jsx", ".mjs", ".cjs"];

/// Symbols of all packages: what their entries export, or, where a package names no entry that is in the tree, what each of
/// its modules exports. A private package without entries is a program, which has no API.
pub(super) fn symbols(files: &Files) -> Vec<Symbol> {
    let scripts: BTreeMap<&str, &ScriptSource> = files
        .iter()
        .filter_map(|(path, facts)| match &**facts {
            Facts::Script(source) => Some((path.as_str(), source)),
            _ => None,
        })
        .collect();
    let packages: HashMap<&str, &PackageManifest> = files
        .iter()
        .filter_map(|(path, facts)| match &**facts {
            Facts::Manifest(Manifest::Npm(package)) => Some((paths::folder(path), package)),
            _ => None,
        })
        .collect();
    let mut modules = Modules { scripts: &scripts, placed: HashMap::new(), symbols: Vec::new() };
    let mut with_entries: HashSet<&str> = HashSet::new();
    for (folder, package) in ordered(&packages) {
        for (name, candidates) in &package.entries {
            let Some(file) = candidates.iter().find_map(|file| modules.entry(folder, file)) else { continue };
            with_entries.insert(folder);
            let base = if package.name.is_empty() { folder } else { &package.name };
            let path = paths::join(base, name).unwrap_or_default();
            modules.publish(file, &path);
        }
    }
    for file in scripts.keys() {
        let home = home(file, &packages);
        let package = home.and_then(|folder| packages.get(folder));
        let is_program = package.is_some_and(|package| package.private);
        if is_program || home.is_some_and(|folder| with_entries.contains(folder)) || is_for_tests(file) {
            continue;
        }
        let folder = home.unwrap_or_default();
        let name =
            package.map_or(folder, |package| if package.name.is_empty() { folder } else { &package.name });
        let inner = file.strip_prefix(folder).unwrap_or(file).trim_start_matches('/');
        let path = paths::join(name, without_end(inner)).unwrap_or_default();
        modules.publish(file, &path);
    }
    modules.rest();
    modules.symbols
}

fn ordered<'a>(packages: &HashMap<&'a str, &'a PackageManifest>) -> BTreeMap<&'a str, &'a PackageManifest> {
    packages.iter().map(|(folder, package)| (*folder, *package)).collect()
}

/// The folder of the package that a file belongs to.
fn home<'a>(file: &'a str, packages: &HashMap<&str, &PackageManifest>) -> Option<&'a str> {
    let mut folder = paths::folder(file);
    loop {
        if packages.contains_key(folder) {
            return Some(folder);
        }
        if folder.is_empty() {
            return None;
        }
        folder = paths::folder(folder);
    }
}

fn is_for_tests(file: &str) -> bool {
    let name = paths::file_name(file);
    paths::is_for_tests(file)
        || [".test.", ".spec.", ".stories.", ".config."].iter().any(|part| name.contains(part))
}

fn without_end(file: &str) -> &str {
    ENDS.iter().filter_map(|end| file.strip_suffix(end)).min_by_key(|name| name.len()).unwrap_or(file)
}

/// What a name leads to.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Target<'a> {
    /// Item number so many of a file.
    Item(&'a str, usize),
    /// A whole file.
    Namespace(&'a str),
    /// Of another package, or not found.
    External(String),
}

struct Modules<'m, 'a> {
    scripts: &'m BTreeMap<&'a str, &'a ScriptSource>,
    placed: HashMap<Target<'a>, String>,
    symbols: Vec<Symbol>,
}

impl<'a> Modules<'_, 'a> {
    fn maker(file: &'a str) -> Maker<'a> {
        Maker { language: Language::TypeScript, file, separator: "." }
    }

    /// All that a module exports, below a path.
    fn publish(&mut self, file: &'a str, path: &str) {
        let mut exports = BTreeMap::new();
        self.exports(file, &mut exports, &mut HashSet::new(), 0);
        let Some(source) = self.scripts.get(file) else { return };
        if exports.is_empty() {
            return;
        }
        let text = format!("module {path}");
        self.symbols.push(Self::maker(file).module(path, "", text, &source.docs, source.lines, true));
        for (name, (targets, line)) in exports {
            for target in targets {
                self.place(file, path, &name, &target, line);
            }
        }
    }

    fn place(&mut self, file: &'a str, owner: &str, name: &str, target: &Target<'a>, line: u32) {
        let path = format!("{owner}:{name}");
        if let (None, Target::Item(home, number)) = (self.placed.get(target), target)
            && let Some(item) = self.scripts.get(home).and_then(|source| source.items.get(*number))
        {
            Self::maker(home).definition(item, &path, owner, true, &mut self.symbols);
            self.placed.insert(target.clone(), path);
            return;
        }
        let of = match target {
            Target::External(from) => from.clone(),
            Target::Namespace(file) => format!("* of {}", without_end(file)),
            known @ Target::Item(..) => self.placed.get(known).cloned().unwrap_or_default(),
        };
        if of != path {
            self.symbols.push(Self::maker(file).alias(&path, owner, format!("export {name} = {of}"), line));
        }
    }

    /// Exports of a file by name. Those of its own go before those of `export *`.
    fn exports(
        &self,
        file: &'a str,
        all: &mut BTreeMap<String, (Vec<Target<'a>>, u32)>,
        seen: &mut HashSet<&'a str>,
        steps: usize,
    ) {
        let Some(source) = self.scripts.get(file).copied() else { return };
        if steps > MAX_STEPS || !seen.insert(file) {
            return;
        }
        for export in &source.exports {
            if let Some(name) = &export.name
                && (steps == 0 || name != "default")
                && !all.contains_key(name)
            {
                all.insert(name.clone(), (self.exported(file, &export.what, 0), export.line));
            }
        }
        for export in source.exports.iter().filter(|export| export.name.is_none()) {
            let Exported::From { source, .. } = &export.what else { continue };
            match self.find(file, source) {
                Some(from) => self.exports(from, all, seen, steps + 1),
                None => {
                    let target = Target::External(format!("* of {source}"));
                    all.entry(format!("* of {source}")).or_insert_with(|| (vec![target], export.line));
                }
            }
        }
    }

    fn exported(&self, file: &'a str, what: &Exported, steps: usize) -> Vec<Target<'a>> {
        match what {
            Exported::Local(name) => self.local(file, name, steps),
            Exported::From { source, name } => self.imported(file, source, name.as_deref(), steps),
        }
    }

    /// What a name means within a file: types and values may share one.
    fn local(&self, file: &'a str, name: &str, steps: usize) -> Vec<Target<'a>> {
        let Some(source) = self.scripts.get(file).copied() else { return Vec::new() };
        let own = source.items.iter().enumerate().filter(|(_, item)| item.name == name);
        let own: Vec<Target> = own.map(|(number, _)| Target::Item(file, number)).collect();
        if !own.is_empty() {
            return own;
        }
        match source.imports.iter().find(|import| import.local == name) {
            Some(import) => self.imported(file, &import.source, import.name.as_deref(), steps),
            None => vec![Target::External(name.to_owned())],
        }
    }

    fn imported(&self, file: &'a str, source: &str, name: Option<&str>, steps: usize) -> Vec<Target<'a>> {
        let external = || {
            let name = name.unwrap_or("*");
            vec![Target::External(format!("{name} of {source}"))]
        };
        let Some(from) = self.find(file, source).filter(|_| steps < MAX_STEPS) else { return external() };
        let Some(name) = name else { return vec![Target::Namespace(from)] };
        let Some(of) = self.scripts.get(from).copied() else { return external() };
        if let Some(export) = of.exports.iter().find(|export| export.name.as_deref() == Some(name)) {
            return self.exported(from, &export.what, steps + 1);
        }
        for export in of.exports.iter().filter(|export| export.name.is_none()) {
            if let Exported::From { source, .. } = &export.what {
                let found = self.imported(from, source, Some(name), steps + 1);
                if !matches!(found.as_slice(), [Target::External(_)]) {
                    return found;
                }
            }
        }
        external()
    }

    /// The file that a relative import means.
    fn find(&self, file: &str, source: &str) -> Option<&'a str> {
        if !source.starts_with('.') {
            return None;
        }
        self.resolve(&paths::join(paths::folder(file), source)?)
    }

    fn resolve(&self, path: &str) -> Option<&'a str> {
        let known = |path: &str| self.scripts.get_key_value(path).map(|(path, _)| *path);
        // Sources import each other by the names that the build will give them.
        let bare =
            [".js", ".jsx", ".mjs", ".cjs"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
        let stems = if bare == path { vec![path] } else { vec![bare, path] };
        stems
            .iter()
            .flat_map(|stem| ENDS.iter().map(move |end| format!("{stem}{end}")))
            .find_map(|candidate| known(&candidate))
            .or_else(|| known(path))
            .or_else(|| ENDS.iter().find_map(|end| known(&format!("{path}/index{end}"))))
    }

    /// The source of an entry, which often names what the build makes of it.
    fn entry(&self, folder: &str, entry: &str) -> Option<&'a str> {
        let path = paths::join(folder, entry)?;
        if let Some(file) = self.resolve(without_end(&path)) {
            return Some(file);
        }
        let inner = path.strip_prefix(folder)?.trim_start_matches('/');
        let (first, rest) = inner.split_once('/')?;
        if !["dist", "lib", "build", "out", "esm", "cjs", "types"].contains(&first) {
            return None;
        }
        let mut rest = rest;
        loop {
            let source = paths::join(folder, &format!("src/{}", without_end(rest)))?;
            if let Some(file) = self.resolve(&source) {
                return Some(file);
            }
            rest = rest.split_once('/')?.1;
        }
    }

    /// What nobody outside can reach.
    fn rest(&mut self) {
        for (file, source) in self.scripts {
            for (number, item) in source.items.iter().enumerate() {
                if !self.placed.contains_key(&Target::Item(file, number)) {
                    let owner = without_end(file);
                    let path = format!("{owner}:{}", item.name);
                    Self::maker(file).definition(item, &path, owner, false, &mut self.symbols);
                }
            }
        }
    }
}
