//! The rule files built into this crate.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/", $name)))),*]
    };
}

/// By name, with their texts.
pub(super) const FILES: &[(&str, &str)] = files!(
    "common.toml",
    "docker.toml",
    "dotnet.toml",
    "go.toml",
    "helm.toml",
    "java.toml",
    "node.toml",
    "php.toml",
    "python.toml",
    "ruby.toml",
    "rust.toml",
    "terraform.toml",
);
