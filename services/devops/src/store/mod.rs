//! All SQL of this service.

mod change;
mod repository;
mod step;
#[cfg(test)]
mod tests;
mod tips;

pub(crate) use change::{
    Change, Found, after, after_of, before, before_of, begin_numbering, by_commit, by_id, end_numbering,
    files, insert, is_known, known_commits, last_number,
};
pub(crate) use repository::{
    Import, NewRepository, Repository, finish, note_failure, note_look, page, progress, queue, register,
    release, repositories, repository, widen,
};
pub(crate) use step::{Step, add_step, steps};
pub(crate) use tips::{State, Tips, set_tips, tips};
