//! Actions by commit, and images of jobs: data that is updated by hand.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::GenerateError;

/// What generated files may name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pins {
    actions: BTreeMap<String, Pin>,
    pub machines: Machines,
}

/// A release of an action.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    pub version: String,
    pub commit: String,
}

/// Where jobs run that need no toolchain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Machines {
    pub runner: String,
    pub scan: String,
    pub docker: String,
    pub docker_daemon: String,
    pub helm: String,
}

impl Pins {
    pub fn builtin() -> Result<Self, GenerateError> {
        let pins: Self = toml::from_str(include_str!("pins.toml"))
            .map_err(|error| GenerateError::Pins(error.message().to_owned()))?;
        let whole = |pin: &Pin| pin.commit.len() == 40 && pin.commit.bytes().all(|b| b.is_ascii_hexdigit());
        match pins.actions.iter().find(|(_, pin)| !whole(pin)) {
            Some((name, _)) => Err(GenerateError::Pins(format!("{name} is not at a whole commit"))),
            None => Ok(pins),
        }
    }

    pub fn action(&self, name: &str) -> Result<&Pin, GenerateError> {
        self.actions.get(name).ok_or_else(|| GenerateError::Unpinned(name.to_owned()))
    }

    /// True for `owner/name@commit` of a pin.
    pub fn has(&self, uses: &str) -> bool {
        let named = uses.split_once('@');
        named.is_some_and(|(name, commit)| self.actions.get(name).is_some_and(|pin| pin.commit == commit))
    }
}
