//! One import of a repository at a time.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Who has their turn in this process.
#[derive(Clone, Default)]
pub(crate) struct Turns {
    taken: Arc<Mutex<HashSet<String>>>,
}

/// A turn; dropping it gives it up.
pub(crate) struct Turn {
    turns: Turns,
    name: String,
}

impl Turns {
    /// The turn of that name, unless somebody has it.
    pub fn take(&self, name: &str) -> Option<Turn> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(name.to_owned()).then(|| Turn { turns: self.clone(), name: name.to_owned() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
