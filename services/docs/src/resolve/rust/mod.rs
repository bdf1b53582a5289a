//! Rust: which items of a crate's library its users can reach.

mod publish;
mod tree;

use super::{Files, paths};
use crate::{
    api::Symbol,
    source::{Facts, Manifest},
};
use tree::Crate;

/// Symbols of all libraries. A crate of binaries alone has no public API.
pub(super) fn symbols(files: &Files) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    for (path, facts) in files {
        let Facts::Manifest(Manifest::Cargo(Some(manifest))) = &**facts else { continue };
        let root = manifest.lib.as_deref().unwrap_or("src/lib.rs");
        let Some(root) = paths::join(paths::folder(path), root) else { continue };
        if let Some(of) = Crate::load(&manifest.name, &root, files) {
            publish::publish(&of, &mut symbols);
        }
    }
    symbols
}
