//! All SQL of this service.

mod findings;
mod key;
mod reviews;
mod stored;

pub(crate) use findings::{FindingsFilter, Place, list_findings};
pub(crate) use key::fingerprint_key;
pub(crate) use reviews::{ReviewsFilter, by_change, by_id, list_reviews, save, totals};
pub(crate) use stored::{Stored, Subject};
