//! All SQL of this service.

mod checks;
mod coverage;
mod facts;
mod mentions;

pub(crate) use checks::{Checked, by_change, is_checked, latest_measured, save};
pub(crate) use coverage::{CoverageRow, files, keep_coverage, totals};
pub(crate) use facts::{MAX_BLOBS, facts, forget_facts, keep_facts};
pub(crate) use mentions::{MentionsFilter, keep_mentions, list_mentions};
