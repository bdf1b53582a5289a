//! All SQL of this service.

mod attempts;
mod claim;
mod pipelines;
mod retention;
mod runs;
mod steps;
mod waits;

pub(crate) use attempts::{Attempt, Ended, attempts, begin_attempt, end_attempt, interrupt};
pub(crate) use claim::{Fence, Lost, claim, fenced, is_due, park, release, renew};
pub(crate) use pipelines::{by_event, definition, delete, list as list_pipelines, put};
pub(crate) use retention::forget;
pub(crate) use runs::{
    Run, RunsFilter, adopt, ask_to_cancel, begin, by_id, depth_of, end, insert, list, version,
};
pub(crate) use steps::{Step, insert as insert_steps, save, steps, waive};
pub(crate) use waits::{Waiting, arrive, waiting};

#[cfg(test)]
mod tests;
