//! Trees of a test's own.

use std::sync::Arc;

use septet_docs::{
    api::{Api, Language},
    compare::{Difference, differences},
    resolve::{self, Files},
    source::{Dialect, Reader},
};

/// Reads a tree whose files can all be read.
pub fn files(tree: &[(&str, &str)]) -> Files {
    let texts: Vec<(Dialect, &[u8])> =
        tree.iter().map(|(path, text)| (Dialect::of(path).expect("a known file"), text.as_bytes())).collect();
    let read = Reader { max_file_bytes: 1 << 20 }.read_all(&texts).expect("a thread");
    let facts = read.into_iter().zip(tree).map(|(facts, (path, _))| {
        let facts = facts.unwrap_or_else(|error| panic!("{path}: {error}"));
        // What is kept must come back as it was.
        let json = serde_json::to_vec(&facts).expect("JSON");
        let back = serde_json::from_slice(&json).expect("facts");
        assert_eq!(facts, back, "{path}");
        ((*path).to_owned(), Arc::new(back))
    });
    facts.collect()
}

pub fn api(tree: &[(&str, &str)]) -> Api {
    resolve::api(&files(tree))
}

/// Public paths with their kinds.
pub fn public(tree: &[(&str, &str)]) -> Vec<String> {
    api(tree).public().map(|symbol| format!("{} {}", symbol.kind.name(), symbol.path)).collect()
}

const CARGO: (&str, &str) = ("Cargo.toml", "[package]\nname = \"shop\"\n");

/// Differences between two texts of one file, which is a whole library.
pub fn between(language: Language, base: &str, head: &str) -> Vec<Difference> {
    let api = |text: &str| match language {
        Language::Rust => api(&[CARGO, ("src/lib.rs", text)]),
        Language::Python => api(&[("shop/__init__.py", text)]),
        Language::TypeScript => api(&[("index.ts", text)]),
    };
    differences(&api(base), &api(head))
}
