//! Ids that anyone can derive again: registering a repository anew, or importing a commit again, meets the same row.

use uuid::Uuid;

use crate::git::{Location, ObjectId};

/// Namespace of repository ids. Never change it: ids are in events and in other services' databases.
const REPOSITORIES: Uuid = Uuid::from_u128(0x6f1d_9c52_3b0e_4d0b_9a55_2c8f_41e7_d0a3);

/// The id of the repository at a canonical location.
pub(crate) fn repository_id(location: &Location) -> Uuid {
    Uuid::new_v5(&REPOSITORIES, location.to_string().as_bytes())
}

/// The id of the change that a commit of a repository is.
pub(crate) fn change_id(repository: Uuid, commit: ObjectId) -> Uuid {
    Uuid::new_v5(&repository, commit.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_change() {
        let location = Location::parse("https://example.org/group/project.git").unwrap();
        let repository = repository_id(&location);
        let commit = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap();
        // Made with Python's uuid.uuid5.
        assert_eq!(repository.to_string(), "c0fd1da1-86c3-564e-a346-25655d9dd46b");
        assert_eq!(change_id(repository, commit).to_string(), "8b11373f-e86a-5179-bd50-3842110d57f9");
    }
}
