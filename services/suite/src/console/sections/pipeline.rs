//! The runs of the change's tests.

use askama::Template;
use futures_util::future::join_all;
use septet_chassis::Channel;
use septet_proto_common::v1::PageRequest;
use septet_proto_pipeline::v1::{
    GetRunRequest, GetRunResponse, ListRunsRequest, Run, RunState,
    pipeline_service_client::PipelineServiceClient,
};
use tonic::Status;

use super::{
    super::{
        format::{Moment, took},
        part::{Part, ask},
        row::{Mark, Mood, line},
    },
    About,
};

/// Runs that are shown.
const RUNS: u32 = 5;
/// Characters of a log that are shown: its end.
const LOG: usize = 8_000;

/// The section.
#[derive(Template)]
#[template(path = "sections/pipeline.html")]
pub struct Pipeline {
    mark: Mark,
    part: Part<Vec<Shown>>,
}

struct Shown {
    id: String,
    name: String,
    state: State,
    reason: String,
    submitted: Moment,
    took: String,
    steps: Vec<Step>,
}

struct Step {
    name: String,
    kind: String,
    state: State,
    reason: String,
    took: String,
    /// What its last attempt wrote; empty where it wrote nothing.
    log: String,
}

struct State {
    mood: Mood,
    word: &'static str,
}

/// Of a change.
pub async fn load(channel: &Channel, about: &About) -> Pipeline {
    let runs = runs(channel, &about.change.id).await;
    let runs = runs.map(|runs| (!runs.is_empty()).then_some(runs));
    Pipeline {
        mark: about.mark("pipeline"),
        part: Part::of("pipeline", "Nothing was run for this change.", runs),
    }
}

async fn runs(channel: &Channel, change_id: &str) -> Result<Vec<Shown>, Status> {
    let request = ListRunsRequest {
        change_id: change_id.to_owned(),
        page: Some(PageRequest { page_size: RUNS, page_token: String::new() }),
        ..ListRunsRequest::default()
    };
    let mut client = PipelineServiceClient::new(channel.clone());
    let runs = ask(client.list_runs(request)).await?.runs;
    Ok(join_all(runs.into_iter().map(|run| with_steps(channel, run))).await)
}

async fn with_steps(channel: &Channel, run: Run) -> Shown {
    let mut client = PipelineServiceClient::new(channel.clone());
    // A run is worth showing without its steps.
    let whole = ask(client.get_run(GetRunRequest { run_id: run.id.clone(), ..GetRunRequest::default() }))
        .await
        .unwrap_or_default();
    Shown {
        name: line(&run.name),
        state: state(run.state()),
        reason: line(&run.reason),
        submitted: Moment::of(run.submitted_time),
        took: took(run.started_time, run.finished_time),
        steps: steps(&whole),
        id: run.id,
    }
}

fn steps(run: &GetRunResponse) -> Vec<Step> {
    let log = |step: &str| {
        run.attempts.iter().rfind(|attempt| attempt.step == step).map(|attempt| end(&attempt.log))
    };
    let steps = run.steps.iter().map(|step| Step {
        name: line(&step.name),
        kind: line(&step.kind),
        state: state(step.state()),
        reason: line(&step.reason),
        took: took(step.started_time, step.finished_time),
        log: log(&step.name).unwrap_or_default(),
    });
    steps.collect()
}

/// The end of a log without what would move a cursor.
fn end(log: &str) -> String {
    let skipped = log.chars().count().saturating_sub(LOG);
    let kept = log.chars().skip(skipped);
    kept.map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c }).collect()
}

fn state(state: RunState) -> State {
    let (mood, word) = match state {
        RunState::Queued => (Mood::Pending, "queued"),
        RunState::Running => (Mood::Pending, "running"),
        RunState::Succeeded => (Mood::Passed, "succeeded"),
        RunState::Failed => (Mood::Failed, "failed"),
        RunState::Cancelled => (Mood::Skipped, "cancelled"),
        RunState::Skipped => (Mood::Skipped, "skipped"),
        RunState::Unspecified => (Mood::Noted, "unknown"),
    };
    State { mood, word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_shown_from_its_end_without_control_characters() {
        let log = format!("{}last\u{1b}[0m line\r\n", "x".repeat(LOG));
        let shown = end(&log);
        assert_eq!(shown.chars().count(), LOG);
        assert!(shown.ends_with("last [0m line \n"), "{}", &shown[LOG - 20..]);
    }
}
