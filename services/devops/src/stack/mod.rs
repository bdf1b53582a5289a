//! What a tree is made of, told from its files without running any of them.
//!
//! The engine knows no language and no framework: rule files do, a file for each stack. It is told which files there are
//! ([`Rules::wanted`] says which of them it wants to read) and their contents, and answers with components and claims, each
//! with the evidence for it. The same tree and rules give the same answer.

mod analyze;
mod claim;
mod component;
mod config;
mod directory;
mod document;
mod fill;
mod matching;
mod reply;
mod repository;
mod rules;
mod source;

pub use analyze::{Analysis, LeftOut};
pub use claim::{Claim, Evidence, Fact, Task};
pub use component::Component;
pub use config::StackConfig;
pub use directory::{ReadError, analyze_directory};
pub(crate) use fill::is_word;
pub use reply::reply;
pub(crate) use rules::{Cache, Image, Toolchain};
pub use rules::{Rules, RulesError};
pub use source::{Contents, Entry, Limits, Wanted};
