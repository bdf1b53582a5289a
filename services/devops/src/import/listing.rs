//! Refs as the store keeps them.

use sha2::{Digest, Sha256};

use crate::git::{Branch, Refs};

/// Identifies what all branches point to.
pub(crate) fn digest(refs: &Refs) -> String {
    hex::encode(Sha256::digest(listing(refs)))
}

/// Refs as the store keeps them: one line for each, hash and name.
pub(super) fn listing(refs: &Refs) -> String {
    refs.branches.iter().map(|branch| format!("{} {}\n", branch.tip, branch.name)).collect()
}

pub(super) fn from_listing(listing: &str) -> Refs {
    let branch = |line: &str| {
        let (tip, name) = line.split_once(' ')?;
        Some(Branch { name: name.to_owned(), tip: tip.parse().ok()? })
    };
    Refs { branches: listing.lines().filter_map(branch).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::ObjectId;

    #[test]
    fn refs_read_back_from_their_listing() {
        let tip: ObjectId = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap();
        let refs = Refs {
            branches: vec![
                Branch { name: "refs/heads/main".to_owned(), tip },
                Branch { name: "HEAD".to_owned(), tip },
            ],
        };
        assert_eq!(from_listing(&listing(&refs)), refs);
        assert_eq!(from_listing(&listing(&Refs::default())), Refs::default());
        assert_ne!(digest(&refs), digest(&Refs::default()));
    }
}
