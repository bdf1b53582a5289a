use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{Finished, command::binary};

/// Roles that a test may want to call with.
const ROLES: [&str; 4] = ["admin", "operator", "service", "viewer"];

/// API keys, one for each role, made as an operator makes them.
#[derive(Default)]
pub(super) struct Keys {
    by_role: BTreeMap<&'static str, String>,
}

impl Keys {
    /// Makes them, and writes the file of those that are accepted and the one that services call each other with.
    pub fn make(dir: &Path) -> Self {
        let mut accepted = String::new();
        let mut by_role = BTreeMap::new();
        for role in ROLES {
            let mut command = std::process::Command::new(binary("septet"));
            command.args(["keys", "new", "--subject", role, "--role", role]).current_dir(dir);
            let made = Finished::of(command);
            assert!(made.status.success(), "septet keys new: {}", made.stderr);
            accepted.push_str(&made.stderr);
            by_role.insert(role, made.stdout.trim().to_owned());
        }
        fs::write(Self::accepted(dir), accepted).expect("the accepted keys are written");
        fs::write(Self::of_services(dir), &by_role["service"]).expect("the services' key is written");
        Self { by_role }
    }

    pub fn of(&self, role: &str) -> &str {
        self.by_role.get(role).unwrap_or_else(|| panic!("there is no key of {role} before `up`"))
    }

    /// For `auth.api_keys.file`.
    pub fn accepted(dir: &Path) -> PathBuf {
        dir.join("keys.toml")
    }

    /// For `clients.token_file`.
    pub fn of_services(dir: &Path) -> PathBuf {
        dir.join("service.key")
    }
}
