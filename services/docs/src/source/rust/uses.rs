use syn::{ItemExternCrate, ItemUse, UseTree};

use super::items::{is_public, lines, name};
use crate::source::RustUse;

/// All names that a declaration brings in.
pub(super) fn flatten(declared: &ItemUse, uses: &mut Vec<RustUse>) {
    let base = RustUse {
        path: Vec::new(),
        name: None,
        open: is_public(&declared.vis),
        external: declared.leading_colon.is_some(),
        line: lines(declared).0,
    };
    walk(&declared.tree, &base, uses);
}

/// `extern crate a as b`.
pub(super) fn of_crate(declared: &ItemExternCrate) -> RustUse {
    let here = declared.rename.as_ref().map_or(&declared.ident, |(_, rename)| rename);
    RustUse {
        path: vec![name(&declared.ident)],
        name: Some(name(here)),
        open: is_public(&declared.vis),
        external: true,
        line: lines(declared).0,
    }
}

fn walk(tree: &UseTree, base: &RustUse, uses: &mut Vec<RustUse>) {
    match tree {
        UseTree::Path(path) => {
            let mut base = base.clone();
            base.path.push(name(&path.ident));
            walk(&path.tree, &base, uses);
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, base, uses)),
        UseTree::Glob(_) => uses.push(base.clone()),
        UseTree::Name(of) => named(base, name(&of.ident), None, uses),
        UseTree::Rename(of) => named(base, name(&of.ident), Some(name(&of.rename)), uses),
    }
}

/// `use a::{self}` is `use a`; `use a as _` brings in no name.
fn named(base: &RustUse, of: String, rename: Option<String>, uses: &mut Vec<RustUse>) {
    let mut base = base.clone();
    if of != "self" || base.path.is_empty() {
        base.path.push(of);
    }
    base.name = rename.or_else(|| base.path.last().cloned()).filter(|name| name != "_");
    if base.name.is_some() {
        uses.push(base);
    }
}
