//! Reads git repositories: what to watch, which commits are new, what each one changed.
//!
//! Everything here is synchronous and does I/O on the calling thread, so the service calls it from a blocking task. A
//! watched repository is only ever read: no index refresh, no lock file, no garbage collection, and nothing that its
//! configuration could make run. Repositories behind a URL are read through a bare [`Mirror`] in the data directory.
//!
//! ```text
//! Location::parse ──> Local  ───────────────> Checkout::open ──> refs ──> history ──> describe
//!                └──> Remote ──> Mirror::fetch ──────┘
//! ```

mod change;
mod checkout;
mod commit;
mod describe;
mod error;
mod files;
mod history;
mod limits;
mod line_diff;
mod location;
mod mirror;
mod objects;
mod order;
mod patch;
mod quote;
mod refs;
mod rename;
mod similarity;
mod tree;

pub use change::{CommitInfo, Described, FileChange, FileStatus, Person};
pub use checkout::Checkout;
pub use error::GitError;
pub use files::{Contents, FileKind, TreeFile};
pub use gix::ObjectId;
pub use history::{Listed, Selection, Since};
pub use limits::{DiffLimits, FetchLimits};
pub use location::{Location, RemoteUrl};
pub use mirror::{Fetched, Mirror};
pub use refs::{Branch, Refs};
