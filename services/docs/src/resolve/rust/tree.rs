use std::collections::{HashMap, HashSet};

use crate::{
    api::Kind,
    resolve::{Files, paths},
    source::{Facts, Item, RustModule, RustSource, RustUse},
};

/// Imports that are followed for one name at most.
const MAX_STEPS: usize = 64;
/// Modules in each other at most.
const MAX_DEPTH: usize = 128;

/// A crate's modules.
pub(super) struct Crate<'a> {
    pub name: &'a str,
    /// The root is the first.
    pub modules: Vec<Module<'a>>,
}

/// A module of a crate.
pub(super) struct Module<'a> {
    pub parent: Option<usize>,
    pub name: &'a str,
    /// Declared with `pub`.
    pub open: bool,
    pub file: &'a str,
    pub line: u32,
    /// Documentation at the declaration.
    pub docs: &'a str,
    pub source: &'a RustSource,
    pub children: HashMap<&'a str, usize>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Module(usize),
    /// Item number so many of a module.
    Item(usize, usize),
    /// A variant of an enum.
    Variant(usize, usize, usize),
    /// Macro number so many of a module; it belongs to the root.
    Macro(usize, usize),
    /// Of another crate, or not found.
    External(String),
}

impl<'a> Crate<'a> {
    /// The crate with this root file, if it is there.
    pub fn load(name: &'a str, root: &str, files: &'a Files) -> Option<Self> {
        let (path, facts) = files.get_key_value(root)?;
        let Facts::Rust(source) = &**facts else { return None };
        let mut of = Self { name, modules: Vec::new() };
        of.modules.push(Module {
            parent: None,
            name,
            open: true,
            file: path,
            line: 1,
            docs: "",
            source,
            children: HashMap::new(),
        });
        of.load_children(0, paths::folder(path), files, 0);
        Some(of)
    }

    /// `folder` is where files of the module's children are.
    fn load_children(&mut self, of: usize, folder: &str, files: &'a Files, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let (source, file) = (self.modules[of].source, self.modules[of].file);
        for declared in &source.modules {
            let Some((file, source, below)) = find(declared, file, folder, files) else { continue };
            let at = self.modules.len();
            self.modules.push(Module {
                parent: Some(of),
                name: &declared.name,
                open: declared.open,
                file,
                line: declared.line,
                docs: &declared.docs,
                source,
                children: HashMap::new(),
            });
            self.modules[of].children.insert(&declared.name, at);
            self.load_children(at, &below, files, depth + 1);
        }
    }

    /// The path by which the crate itself knows a module.
    pub fn path(&self, module: usize) -> String {
        match self.modules[module].parent {
            None => self.name.to_owned(),
            Some(parent) => format!("{}::{}", self.path(parent), self.modules[module].name),
        }
    }

    /// An item by its number.
    pub fn item(&self, module: usize, item: usize) -> &'a Item {
        &self.modules[module].source.items[item]
    }

    /// All that a path of a `use` declaration means.
    pub fn resolve(&self, module: usize, of: &RustUse) -> Vec<Target> {
        if of.external {
            return vec![Target::External(of.path.join("::"))];
        }
        Lookup { of: self, seen: HashSet::new() }.path(module, &of.path)
    }

    /// The type that an `impl` block is for.
    pub fn resolve_type(&self, module: usize, path: &[String]) -> Option<(usize, usize)> {
        let targets = Lookup { of: self, seen: HashSet::new() }.path(module, path);
        targets.into_iter().find_map(|target| match target {
            Target::Item(module, item) if is_type(self.item(module, item).kind) => Some((module, item)),
            _ => None,
        })
    }
}

fn is_type(kind: Kind) -> bool {
    matches!(kind, Kind::Struct | Kind::Enum | Kind::Union | Kind::Type | Kind::Trait)
}

/// Where a declared module is, and where its children are.
fn find<'a>(
    declared: &'a RustModule,
    file: &'a str,
    folder: &str,
    files: &'a Files,
) -> Option<(&'a str, &'a RustSource, String)> {
    let below = paths::join(folder, &declared.name)?;
    if let Some(content) = &declared.content {
        return Some((file, content, below));
    }
    let candidates = match &declared.file {
        Some(path) => vec![paths::join(paths::folder(file), path)?],
        None => vec![format!("{below}.rs"), format!("{below}/mod.rs")],
    };
    candidates.iter().find_map(|path| {
        let (path, facts) = files.get_key_value(path.as_str())?;
        let Facts::Rust(source) = &**facts else { return None };
        let below = match &declared.file {
            Some(_) => paths::folder(path).to_owned(),
            None => below.clone(),
        };
        Some((path.as_str(), source, below))
    })
}

/// One search, which goes through each name of each module once.
struct Lookup<'c, 'a> {
    of: &'c Crate<'a>,
    seen: HashSet<(usize, String)>,
}

impl Lookup<'_, '_> {
    fn path(&mut self, module: usize, path: &[String]) -> Vec<Target> {
        let external = || vec![Target::External(path.join("::"))];
        let mut at = module;
        let mut rest = path;
        let mut anchored = false;
        while let Some((first, after)) = rest.split_first() {
            at = match first.as_str() {
                "crate" | "$crate" => 0,
                "self" => at,
                "super" => match self.of.modules[at].parent {
                    Some(parent) => parent,
                    None => return external(),
                },
                _ => break,
            };
            (rest, anchored) = (after, true);
        }
        let Some((first, after)) = rest.split_first() else { return vec![Target::Module(at)] };
        let mut found = self.name(at, first);
        if found.is_empty() && !anchored && first == self.of.name {
            found.push(Target::Module(0));
        }
        for segment in after {
            found = found.into_iter().flat_map(|target| self.within(&target, segment)).collect();
        }
        if found.is_empty() { external() } else { found }
    }

    fn within(&mut self, target: &Target, name: &str) -> Vec<Target> {
        match target {
            Target::Module(module) => self.name(*module, name),
            Target::Item(module, item) => {
                let variants = &self.of.item(*module, *item).members;
                let found =
                    variants.iter().position(|variant| variant.kind == Kind::Variant && variant.name == name);
                found.map(|variant| Target::Variant(*module, *item, variant)).into_iter().collect()
            }
            Target::External(path) => vec![Target::External(format!("{path}::{name}"))],
            Target::Variant(..) | Target::Macro(..) => Vec::new(),
        }
    }

    /// What a name means in a module: its own definitions, then its imports, then what globs bring in.
    fn name(&mut self, module: usize, name: &str) -> Vec<Target> {
        if self.seen.len() > MAX_STEPS || !self.seen.insert((module, name.to_owned())) {
            return Vec::new();
        }
        let of = &self.of.modules[module];
        let source = of.source;
        let mut found: Vec<Target> = source
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.name == name)
            .map(|(at, _)| Target::Item(module, at))
            .collect();
        found.extend(of.children.get(name).map(|child| Target::Module(*child)));
        if module == 0 {
            for (at, other) in self.of.modules.iter().enumerate() {
                let macros = other.source.macros.iter().enumerate().filter(|(_, item)| item.name == name);
                found.extend(macros.map(|(number, _)| Target::Macro(at, number)));
            }
        }
        for import in source.uses.iter().filter(|import| import.name.as_deref() == Some(name)) {
            if import.external {
                found.push(Target::External(import.path.join("::")));
            } else {
                found.extend(self.path(module, &import.path));
            }
        }
        if found.is_empty() {
            for glob in source.uses.iter().filter(|import| import.name.is_none() && !import.external) {
                for target in self.path(module, &glob.path) {
                    if !matches!(target, Target::External(_)) {
                        found.extend(self.within(&target, name));
                    }
                }
            }
        }
        // Of several imports, those that lead nowhere say nothing.
        if found.iter().any(|target| !matches!(target, Target::External(_))) {
            found.retain(|target| !matches!(target, Target::External(_)));
        }
        found
    }
}
