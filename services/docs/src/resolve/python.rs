//! Python: which names of a package's modules are meant for others.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Files, members::Maker, paths};
use crate::{
    api::{Language, Symbol},
    source::{AllPart, Facts, Item, Manifest, PythonImport, PythonSource},
};

/// Imports that are followed for one name at most.
const MAX_STEPS: usize = 32;

/// A module of a package.
struct Module<'a> {
    file: &'a str,
    source: &'a PythonSource,
    is_package: bool,
}

/// Symbols of all packages. Tests and loose scripts are no API.
pub(super) fn symbols(files: &Files) -> Vec<Symbol> {
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let single = single_modules(files);
    for (path, facts) in files {
        let Facts::Python(source) = &**facts else { continue };
        let Some(name) = module_name(path, files, &single) else { continue };
        let is_package = paths::file_name(path).starts_with("__init__.");
        // A stub says more than the code that it stands for.
        if !path.ends_with(".pyi") && modules.contains_key(&name) {
            continue;
        }
        modules.insert(name, Module { file: path, source, is_package });
    }
    let mut packages = Packages { modules: &modules, placed: HashMap::new(), symbols: Vec::new() };
    packages.definitions();
    packages.imports();
    packages.symbols
}

/// Modules that are single files, by folder and name, as `pyproject.toml` names them.
fn single_modules(files: &Files) -> HashSet<(String, String)> {
    let mut single = HashSet::new();
    for (path, facts) in files {
        let Facts::Manifest(Manifest::PyProject(names)) = &**facts else { continue };
        for name in names {
            let folder = paths::folder(path);
            single.insert((folder.to_owned(), name.clone()));
            single.insert((paths::join(folder, "src").unwrap_or_default(), name.clone()));
        }
    }
    single
}

/// The dotted name of a file's module; none if no package has it.
fn module_name(path: &str, files: &Files, single: &HashSet<(String, String)>) -> Option<String> {
    let stem = paths::file_name(path).rsplit_once('.')?.0;
    let mut folder = paths::folder(path);
    let mut parts = if stem == "__init__" { Vec::new() } else { vec![stem] };
    let is_package = |folder: &str| {
        !folder.is_empty()
            && ["py", "pyi"].iter().any(|end| files.contains_key(&format!("{folder}/__init__.{end}")))
    };
    if !is_package(folder) {
        return single.contains(&(folder.to_owned(), stem.to_owned())).then(|| stem.to_owned());
    }
    while is_package(folder) {
        parts.push(paths::file_name(folder));
        folder = paths::folder(folder);
    }
    parts.reverse();
    let top = parts.first()?;
    let is_test = paths::is_for_tests(&format!("{folder}/{top}/x")) || *top == "conftest";
    (!is_test).then(|| parts.join("."))
}

/// What a name leads to.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Target {
    Module(String),
    Item(String, usize),
}

struct Packages<'m, 'a> {
    modules: &'m BTreeMap<String, Module<'a>>,
    /// The path of everything that has a public one.
    placed: HashMap<Target, String>,
    symbols: Vec<Symbol>,
}

impl<'m, 'a> Packages<'m, 'a> {
    fn maker(module: &Module<'a>) -> Maker<'a> {
        Maker { language: Language::Python, file: module.file, separator: "." }
    }

    fn definitions(&mut self) {
        for (name, module) in self.modules {
            let public = name.split('.').all(|part| !part.starts_with('_'));
            let owner = name.rsplit_once('.').map_or("", |(owner, _)| owner);
            let source = module.source;
            let text = format!("module {name}");
            self.symbols.push(Self::maker(module).module(
                name,
                owner,
                text,
                &source.docs,
                source.lines,
                public,
            ));
            if public {
                self.placed.insert(Target::Module(name.clone()), name.clone());
            }
            let all = self.all(name, 0);
            for (number, item) in source.items.iter().enumerate() {
                let public = public && is_public(item, all.as_ref());
                let path = format!("{name}.{}", item.name);
                if public {
                    self.placed.insert(Target::Item(name.clone(), number), path.clone());
                    Self::maker(module).definition(item, &path, name, true, &mut self.symbols);
                }
            }
        }
    }

    /// What modules pass on, and then what is left for nobody.
    fn imports(&mut self) {
        for (name, module) in self.modules {
            if name.split('.').any(|part| part.starts_with('_')) {
                continue;
            }
            let all = self.all(name, 0);
            let own: HashSet<&str> = module.source.items.iter().map(|item| item.name.as_str()).collect();
            for import in &module.source.imports {
                if import.name.as_deref() == Some("*") {
                    self.star(name, module, import, all.as_ref());
                } else if !own.contains(import.local.as_str()) {
                    let target = self.import(name, import, 0);
                    let public = match &all {
                        Some(all) => all.contains(&import.local),
                        None => self.passes_on(module, import, target.as_ref()),
                    };
                    if public {
                        self.place(name, module, &import.local, target.as_ref(), import);
                    }
                }
            }
        }
        for (name, module) in self.modules {
            for (number, item) in module.source.items.iter().enumerate() {
                if !self.placed.contains_key(&Target::Item(name.clone(), number)) {
                    let path = format!("{name}.{}", item.name);
                    Self::maker(module).definition(item, &path, name, false, &mut self.symbols);
                }
            }
        }
    }

    /// Without `__all__`, an import is for the module itself unless it says `x as x`, or a package takes from its own private
    /// modules what nobody could reach otherwise.
    fn passes_on(&self, module: &Module, import: &PythonImport, target: Option<&Target>) -> bool {
        if import.local.starts_with('_') {
            return false;
        }
        let hidden = || match target {
            Some(target @ Target::Item(..)) => !self.placed.contains_key(target),
            _ => false,
        };
        import.explicit || (module.is_package && hidden())
    }

    fn star(
        &mut self,
        name: &str,
        module: &Module<'a>,
        import: &PythonImport,
        all: Option<&HashSet<String>>,
    ) {
        let Some(from) = self.absolute(name, import) else { return };
        let Some(source) = self.modules.get(&from) else { return };
        let theirs = self.all(&from, 0);
        let mut names: Vec<String> = match &theirs {
            Some(names) => names.iter().cloned().collect(),
            None => {
                let own = source.source.items.iter().map(|item| &item.name);
                own.filter(|name| !name.starts_with('_')).cloned().collect()
            }
        };
        names.sort_unstable();
        for local in names {
            if all.is_some_and(|all| !all.contains(&local)) {
                continue;
            }
            let target = self.name(&from, &local, 0);
            self.place(name, module, &local, target.as_ref(), import);
        }
    }

    fn place(
        &mut self,
        name: &str,
        module: &Module<'a>,
        local: &str,
        target: Option<&Target>,
        import: &PythonImport,
    ) {
        let path = format!("{name}.{local}");
        let known = target.and_then(|target| self.placed.get(target)).cloned();
        if known.as_ref() == Some(&path) {
            return;
        }
        if let (None, Some(Target::Item(of, number))) = (&known, target)
            && let Some(home) = self.modules.get(of)
            && let Some(item) = home.source.items.get(*number)
        {
            Self::maker(home).definition(item, &path, name, true, &mut self.symbols);
            self.placed.insert(Target::Item(of.clone(), *number), path);
            return;
        }
        let from = known.unwrap_or_else(|| {
            let dots = ".".repeat(import.level as usize);
            let name = import.name.as_deref().filter(|name| *name != "*").unwrap_or(local);
            if import.name.is_some() {
                format!("{dots}{}.{name}", import.module)
            } else {
                import.module.clone()
            }
        });
        let symbol = Self::maker(module).alias(&path, name, format!("{local} = {from}"), import.line);
        self.symbols.push(symbol);
    }

    /// `__all__` of a module, put together; none where it has none, or an empty one.
    fn all(&self, name: &str, steps: usize) -> Option<HashSet<String>> {
        let module = self.modules.get(name)?;
        let parts = module.source.all.as_ref()?;
        let mut names = HashSet::new();
        for part in parts {
            match part {
                AllPart::Name(name) => {
                    names.insert(name.clone());
                }
                AllPart::Of(of) if steps < MAX_STEPS => {
                    if let Some(Target::Module(of)) = self.dotted(name, of) {
                        names.extend(self.all(&of, steps + 1).unwrap_or_default());
                    }
                }
                AllPart::Of(_) => {}
            }
        }
        (!names.is_empty()).then_some(names)
    }

    fn dotted(&self, module: &str, path: &str) -> Option<Target> {
        let mut parts = path.split('.');
        let mut at = self.name(module, parts.next()?, 0)?;
        for part in parts {
            let Target::Module(module) = at else { return None };
            at = self.name(&module, part, 0)?;
        }
        Some(at)
    }

    /// What a name means in a module.
    fn name(&self, module: &str, name: &str, steps: usize) -> Option<Target> {
        let of = self.modules.get(module)?;
        if let Some(number) = of.source.items.iter().position(|item| item.name == name) {
            return Some(Target::Item(module.to_owned(), number));
        }
        if steps < MAX_STEPS {
            for import in of.source.imports.iter().rev().filter(|import| import.local == name) {
                if let Some(target) = self.import(module, import, steps + 1) {
                    return Some(target);
                }
            }
        }
        let below = format!("{module}.{name}");
        if self.modules.contains_key(&below) {
            return Some(Target::Module(below));
        }
        if steps < MAX_STEPS {
            for star in of.source.imports.iter().filter(|import| import.name.as_deref() == Some("*")) {
                let from = self.absolute(module, star)?;
                if let Some(target) = self.name(&from, name, steps + 1) {
                    return Some(target);
                }
            }
        }
        None
    }

    fn import(&self, module: &str, import: &PythonImport, steps: usize) -> Option<Target> {
        let from = self.absolute(module, import)?;
        match &import.name {
            None => self.modules.contains_key(&from).then_some(Target::Module(from)),
            // `from . import name` in a package means the module of that name, not what is being imported here.
            Some(name) if from == module => {
                let below = format!("{from}.{name}");
                self.modules.contains_key(&below).then_some(Target::Module(below))
            }
            Some(name) => self.name(&from, name, steps),
        }
    }

    /// The full name of the module that an import is from.
    fn absolute(&self, module: &str, import: &PythonImport) -> Option<String> {
        if import.level == 0 {
            return Some(import.module.clone());
        }
        let mut base: Vec<&str> = module.split('.').collect();
        let up = import.level as usize - usize::from(self.modules.get(module)?.is_package);
        base.truncate(base.len().checked_sub(up)?);
        base.extend(import.module.split('.').filter(|part| !part.is_empty()));
        Some(base.join("."))
    }
}

fn is_public(item: &Item, all: Option<&HashSet<String>>) -> bool {
    all.map_or(item.open, |all| all.contains(&item.name))
}
