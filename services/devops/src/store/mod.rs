//! All SQL of this service.

mod alert;
mod change;
mod release;
mod repository;
mod step;
#[cfg(test)]
mod tests;
mod tips;

pub(crate) use alert::{Alert, alerts, keep_alert};
pub(crate) use change::{
    Change, Found, after, after_of, before, before_of, begin_numbering, by_commit, by_id, end_numbering,
    files, insert, is_known, known_commits, last_number,
};
pub(crate) use release::{
    Listing, Release, add_release, behind_flag, is_latest, lock_release, release as release_of, releases,
    save_release, undecided,
};
pub(crate) use repository::{
    Import, NewRepository, Repository, finish, note_failure, note_look, page, progress, queue, register,
    release, repositories, repository, widen,
};
pub(crate) use step::{Step, add_step, arrivals, steps};
pub(crate) use tips::{State, Tips, set_tips, tips};
