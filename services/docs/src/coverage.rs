//! How much of a public API is documented.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::api::{Api, Language};

/// Documented symbols among those that can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Public symbols; re-exports do not count.
    pub symbols: u32,
    /// Those among them with documentation.
    pub documented: u32,
}

impl Count {
    /// Documented symbols of a hundred; none where there is nothing to document.
    pub fn percent(self) -> Option<f64> {
        (self.symbols > 0).then(|| f64::from(self.documented) * 100.0 / f64::from(self.symbols))
    }

    fn add(&mut self, documented: bool) {
        self.symbols += 1;
        self.documented += u32::from(documented);
    }
}

/// Coverage of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Over all.
    pub total: Count,
    /// By language.
    pub languages: BTreeMap<Language, Count>,
    /// By language and file.
    pub files: BTreeMap<(Language, String), Count>,
}

/// Counts.
pub fn of(api: &Api) -> Coverage {
    let mut coverage = Coverage::default();
    for symbol in api.symbols.iter().filter(|symbol| symbol.wants_docs()) {
        let documented = !symbol.docs.trim().is_empty();
        coverage.total.add(documented);
        coverage.languages.entry(symbol.language).or_default().add(documented);
        coverage.files.entry((symbol.language, symbol.file.clone())).or_default().add(documented);
    }
    coverage
}
