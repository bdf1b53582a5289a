//! The rules, without a service around them.

mod manifests;
mod release;
mod settings;
