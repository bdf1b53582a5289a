//! What is to be done next in a run, from its tasks and how far each is. Pure.

use septet_proto_pipeline::v1::RunState;

use crate::definition::{After, Pipeline};

/// What is to be done about a task that has not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Everything before it has ended so that it may run; its `when` is to be asked.
    Begin(usize),
    /// It will not run, for this reason.
    LeaveOut(usize, String),
}

/// True once nothing can change any more.
pub fn has_ended(state: RunState) -> bool {
    matches!(state, RunState::Succeeded | RunState::Failed | RunState::Cancelled | RunState::Skipped)
}

/// What is to be done about the tasks that have not begun, and could end it.
pub fn next(pipeline: &Pipeline, states: &[RunState]) -> Vec<Next> {
    let waiting = |place: &usize| states.get(*place) == Some(&RunState::Queued);
    let places: Vec<usize> = (0..pipeline.tasks.len()).filter(waiting).collect();
    places
        .into_iter()
        .filter(|place| pipeline.tasks[*place].needs.iter().all(|need| has_ended(states[*need])))
        .map(|place| {
            let failed = failed_above(pipeline, states, place);
            match (pipeline.tasks[place].after, failed) {
                (After::Success, Some(failed)) => {
                    Next::LeaveOut(place, format!("`{}` failed", pipeline.tasks[failed].name))
                }
                (After::Failure, None) => Next::LeaveOut(place, "nothing before it failed".to_owned()),
                _ => Next::Begin(place),
            }
        })
        .collect()
}

/// How a run ended and why, once all of its tasks have.
pub fn outcome(pipeline: &Pipeline, states: &[RunState]) -> Option<(RunState, String)> {
    if !states.iter().all(|state| has_ended(*state)) {
        return None;
    }
    let failed: Vec<&str> = (0..states.len())
        .filter(|place| has_failed(pipeline, states, *place))
        .map(|place| pipeline.tasks[place].name.as_str())
        .collect();
    let count = |state: RunState| states.iter().filter(|of| **of == state).count();
    Some(if !failed.is_empty() {
        (RunState::Failed, format!("failed: {}", failed.join(", ")))
    } else if count(RunState::Skipped) == states.len() {
        (RunState::Skipped, "none of its tasks was to run".to_owned())
    } else {
        let (done, all) = (count(RunState::Succeeded), states.len());
        (RunState::Succeeded, format!("{done} of {all} tasks succeeded"))
    })
}

fn failed_above(pipeline: &Pipeline, states: &[RunState], place: usize) -> Option<usize> {
    pipeline.tasks[place].above.iter().copied().find(|above| has_failed(pipeline, states, *above))
}

fn has_failed(pipeline: &Pipeline, states: &[RunState], place: usize) -> bool {
    matches!(states[place], RunState::Failed | RunState::Cancelled) && !pipeline.tasks[place].allow_failure
}
