//! Ids of jobs, from paths.

use std::collections::BTreeSet;

/// Characters of a path in an id.
const LENGTH: usize = 40;

/// Ids that are taken.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A word for a path that no other has: its letters and digits, and hyphens between them. Empty for the root.
    pub fn word(&mut self, start: &str, path: &str) -> String {
        let mut word = start.to_owned();
        for part in path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
            if word.len() + part.len() > LENGTH {
                break;
            }
            if !word.is_empty() {
                word.push('-');
            }
            word.push_str(&part.to_ascii_lowercase());
        }
        let taken = |word: &str| self.0.contains(word);
        let mut free = word.clone();
        let mut number = 2;
        while taken(&free) {
            free = format!("{word}-{number}");
            number += 1;
        }
        self.0.insert(free.clone());
        free
    }
}
