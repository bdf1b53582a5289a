//! The rules that come along, over the suite's own events.

use crate::sigma::{Placeholders, RuleSet};

macro_rules! rules {
    ($($name:literal),+ $(,)?) => {
        &[$((concat!("built-in/", $name, ".yml"), include_str!(concat!("../rules/", $name, ".yml")))),+]
    };
}

/// Files with their names.
const FILES: &[(&str, &str)] = rules![
    "access_denied_often",
    "access_denied_operator",
    "change_binary",
    "change_ci",
    "change_code_owners",
    "change_credential_file",
    "change_deceptive_name",
    "change_forged_time",
    "change_left_out",
    "change_lock_file_alone",
    "change_manifest_without_lock",
    "change_mass_deletion",
    "change_runs_on_checkout",
    "change_scanner_exceptions",
    "change_submodules",
    "change_unknown_author",
    "release_blocked_by_soc",
    "review_could_not_look",
    "review_failed_on_main",
    "review_secret_critical",
    "review_secret_high",
    "review_secret_in_samples",
];

/// Adds the rules that come along. Those whose ids are there already are rejected.
pub fn add_to(rules: &mut RuleSet) {
    for (name, text) in FILES {
        rules.add(name, text, &Placeholders::new());
    }
}
