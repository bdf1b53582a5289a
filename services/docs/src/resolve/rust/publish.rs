use std::collections::{HashMap, HashSet, VecDeque};

use super::tree::{Crate, Target};
use crate::{
    api::{Language, Symbol},
    resolve::members::Maker,
    source::Item,
};

/// Adds a crate's symbols: each definition once, at the first path by which users reach it, and its other paths as aliases.
pub(super) fn publish(of: &Crate, symbols: &mut Vec<Symbol>) {
    let mut publication = Publication {
        of,
        impls: impls(of),
        placed: HashMap::new(),
        names: HashSet::new(),
        queue: VecDeque::new(),
        symbols,
    };
    publication.module(0, of.name, "");
    publication.macros();
    // Definitions come at their own paths before re-exports can take them elsewhere.
    while let Some(module) = publication.queue.pop_front() {
        publication.reexports(module);
    }
    publication.rest();
}

/// What `impl` blocks anywhere in the crate add to types.
fn impls<'a>(of: &Crate<'a>) -> HashMap<(usize, usize), Vec<(&'a Item, &'a str)>> {
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    for (module, at) in of.modules.iter().enumerate() {
        for block in &at.source.impls {
            if let Some(of) = of.resolve_type(module, &block.target) {
                all.entry(of).or_default().extend(block.items.iter().map(|item| (item, at.file)));
            }
        }
    }
    all
}

struct Publication<'c, 'a> {
    of: &'c Crate<'a>,
    impls: HashMap<(usize, usize), Vec<(&'a Item, &'a str)>>,
    /// The path of everything that has one.
    placed: HashMap<Target, String>,
    /// Paths that are taken, with the name of what takes them: a function and a type may share one.
    names: HashSet<(String, Option<Target>)>,
    /// Modules whose re-exports are still to be followed.
    queue: VecDeque<usize>,
    symbols: &'c mut Vec<Symbol>,
}

impl<'a> Publication<'_, 'a> {
    fn maker(&self, file: &'a str) -> Maker<'a> {
        Maker { language: Language::Rust, file, separator: "::" }
    }

    /// A public module with everything public in it.
    fn module(&mut self, module: usize, path: &str, owner: &str) {
        let of = self.of;
        let at = &of.modules[module];
        let docs = if at.source.docs.is_empty() { at.docs } else { &at.source.docs };
        let text = if module == 0 { format!("crate {}", at.name) } else { format!("mod {}", at.name) };
        let mut symbol = self.maker(at.file).module(path, owner, text, docs, at.source.lines, true);
        symbol.line = if at.source.lines == 0 { at.line } else { 1 };
        self.symbols.push(symbol);
        self.placed.insert(Target::Module(module), path.to_owned());
        self.queue.push_back(module);
        for (number, item) in at.source.items.iter().enumerate().filter(|(_, item)| item.open) {
            self.item(module, number, &format!("{path}::{}", item.name), path);
        }
        let mut children: Vec<usize> = at.children.values().copied().collect();
        children.sort_unstable();
        for child in children {
            let below = &of.modules[child];
            if below.open && !self.placed.contains_key(&Target::Module(child)) {
                self.module(child, &format!("{path}::{}", below.name), path);
            }
        }
    }

    fn item(&mut self, module: usize, number: usize, path: &str, owner: &str) {
        let of = self.of;
        let item = of.item(module, number);
        self.maker(of.modules[module].file).definition(item, path, owner, true, self.symbols);
        self.added(module, number, path, true);
        self.placed.insert(Target::Item(module, number), path.to_owned());
        self.names.insert((path.to_owned(), Some(Target::Item(module, number))));
    }

    /// Members from `impl` blocks.
    fn added(&mut self, module: usize, number: usize, path: &str, public: bool) {
        for (member, file) in self.impls.get(&(module, number)).cloned().unwrap_or_default() {
            let path_of = format!("{path}::{}", member.name);
            self.maker(file).definition(member, &path_of, path, public && member.open, self.symbols);
        }
    }

    /// Macros of `#[macro_export]` are at the root, wherever they are written.
    fn macros(&mut self) {
        let of = self.of;
        for (module, at) in of.modules.iter().enumerate() {
            for (number, item) in at.source.macros.iter().enumerate() {
                let path = format!("{}::{}", of.name, item.name);
                self.maker(at.file).definition(item, &path, of.name, item.open, self.symbols);
                self.placed.insert(Target::Macro(module, number), path);
            }
        }
    }

    fn reexports(&mut self, module: usize) {
        let of = self.of;
        let Some(path) = self.placed.get(&Target::Module(module)).cloned() else { return };
        let at = &of.modules[module];
        for import in at.source.uses.iter().filter(|import| import.open) {
            let line = import.line;
            for target in of.resolve(module, import) {
                match &import.name {
                    Some(name) => self.place(&target, &format!("{path}::{name}"), &path, at.file, line),
                    None => self.glob(&target, &path, at.file, line, 0),
                }
            }
        }
    }

    /// Everything public of a module or enum, which `pub use …::*` brings into the module at `path`.
    fn glob(&mut self, target: &Target, path: &str, file: &'a str, line: u32, depth: usize) {
        let of = self.of;
        match target {
            Target::Module(module) if depth < 16 => {
                let source = of.modules[*module].source;
                for (number, item) in source.items.iter().enumerate().filter(|(_, item)| item.open) {
                    let target = Target::Item(*module, number);
                    self.place(&target, &format!("{path}::{}", item.name), path, file, line);
                }
                let mut children: Vec<_> = of.modules[*module].children.values().copied().collect();
                children.sort_unstable();
                for child in children.into_iter().filter(|child| of.modules[*child].open) {
                    let name = of.modules[child].name;
                    self.place(&Target::Module(child), &format!("{path}::{name}"), path, file, line);
                }
                for import in source.uses.iter().filter(|import| import.open) {
                    for target in of.resolve(*module, import) {
                        match &import.name {
                            Some(name) => self.place(&target, &format!("{path}::{name}"), path, file, line),
                            None => self.glob(&target, path, file, line, depth + 1),
                        }
                    }
                }
            }
            Target::Item(module, item) => {
                for (number, variant) in of.item(*module, *item).members.iter().enumerate() {
                    let target = Target::Variant(*module, *item, number);
                    self.place(&target, &format!("{path}::{}", variant.name), path, file, line);
                }
            }
            Target::External(from) => {
                self.alias(&format!("{path}::*"), path, format!("pub use {from}::*"), file, line);
            }
            _ => {}
        }
    }

    /// A re-export: of what has no public path yet, the definition itself; else a second name.
    fn place(&mut self, target: &Target, path: &str, owner: &str, file: &'a str, line: u32) {
        let of = self.of;
        if self.placed.get(target).is_some_and(|known| known == path) {
            return;
        }
        match target {
            Target::Item(module, number) if !self.placed.contains_key(target) => {
                if of.item(*module, *number).open {
                    self.item(*module, *number, path, owner);
                }
                return;
            }
            Target::Module(module) if !self.placed.contains_key(target) => {
                if of.modules[*module].open {
                    self.module(*module, path, owner);
                }
                return;
            }
            _ => {}
        }
        let text = match target {
            Target::External(from) => from.clone(),
            Target::Variant(module, item, number) => {
                let enumeration = of.item(*module, *item);
                let at = self.placed.get(&Target::Item(*module, *item)).unwrap_or(&enumeration.name);
                format!("{at}::{}", enumeration.members[*number].name)
            }
            known => self.placed.get(known).cloned().unwrap_or_default(),
        };
        self.alias(path, owner, format!("pub use {text}"), file, line);
    }

    fn alias(&mut self, path: &str, owner: &str, text: String, file: &'a str, line: u32) {
        let taken = self.names.iter().any(|(taken, target)| taken == path && target.is_some());
        if !taken && self.names.insert((path.to_owned(), None)) {
            let symbol = self.maker(file).alias(path, owner, text, line);
            self.symbols.push(symbol);
        }
    }

    /// What nobody outside can reach, at its own path.
    fn rest(&mut self) {
        let of = self.of;
        for (module, at) in of.modules.iter().enumerate() {
            let path = of.path(module);
            for (number, item) in at.source.items.iter().enumerate() {
                if self.placed.contains_key(&Target::Item(module, number)) {
                    continue;
                }
                let own = format!("{path}::{}", item.name);
                self.maker(at.file).definition(item, &own, &path, false, self.symbols);
                self.added(module, number, &own, false);
            }
        }
    }
}
