//! New runs.

use septet_chassis::{Cx, contract::Cause};
use septet_proto_devops::v1::Release;
use septet_proto_pipeline::v1::{RunFinished, RunState};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    definition::Pipeline,
    error::Error,
    release_tests,
    store::{self, Run, Step},
};

/// Bytes of a run's inputs at most, as JSON.
pub(crate) const MAX_INPUTS: usize = 64 << 10;

/// What started a run.
pub(crate) struct Origin {
    /// Full name of an event type; empty for a call.
    pub event_type: String,
    /// The event as JSON, or null.
    pub event: Value,
    /// Runs that led to it.
    pub depth: i64,
}

/// Queues a run of a pipeline.
pub(crate) async fn submit(
    cx: &mut Cx,
    pipeline: &Pipeline,
    definition: &str,
    given: Map<String, Value>,
    origin: Origin,
) -> Result<Run, Error> {
    let inputs = Value::Object(pipeline.inputs(given)?).to_string();
    if inputs.len() > MAX_INPUTS {
        return Err(Error::Invalid {
            field: "inputs",
            problem: format!("are longer than {MAX_INPUTS} bytes"),
        });
    }
    let change_id = origin.event.get("changeId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let run = Run {
        name: pipeline.name.clone(),
        definition: definition.to_owned(),
        inputs,
        event_type: origin.event_type,
        event: origin.event.to_string(),
        depth: origin.depth,
        change_id,
        ..queued(cx)
    };
    store::insert(cx.tx().await?, &run).await?;
    store::insert_steps(cx.tx().await?, &run.id, &Step::all(pipeline)).await?;
    Ok(run)
}

/// Queues the tests of a release, or says at once why they do not run. Once for each change.
pub(crate) async fn submit_tests(
    cx: &mut Cx,
    release: &Release,
    refused: Option<String>,
) -> Result<(), Error> {
    let mut run = Run {
        name: release_tests::NAME.to_owned(),
        event_type: "septet.devops.v1.ReleaseDecided".to_owned(),
        release_of: Some(release.change_id.clone()),
        change_id: release.change_id.clone(),
        repository_id: release.repository_id.clone(),
        repository_name: release.repository_name.clone(),
        commit_hash: release.commit.clone(),
        ..queued(cx)
    };
    if let Some(reason) = refused {
        run.state = i64::from(RunState::Skipped as i32);
        run.reason = reason;
        run.finished_at = run.submitted_at;
    }
    let is_first = store::insert(cx.tx().await?, &run).await?;
    if is_first && run.state() == RunState::Skipped {
        cx.publish(&RunFinished { run_id: run.id.clone(), run: Some(run.message()) })?;
    }
    Ok(())
}

fn queued(cx: &Cx) -> Run {
    let id = Uuid::now_v7().to_string();
    let Cause { id: causation_id, correlation_id, traceparent } = cx.cause().clone();
    Run {
        inputs: "{}".to_owned(),
        event: "null".to_owned(),
        state: i64::from(RunState::Queued as i32),
        // Everything that follows from a run belongs together, whoever began it.
        correlation_id: correlation_id.unwrap_or_else(|| id.clone()),
        causation_id,
        traceparent,
        submitted_at: cx.now().micros(),
        version: 1,
        id,
        ..Run::default()
    }
}
