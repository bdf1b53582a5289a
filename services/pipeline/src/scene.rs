//! What the expressions of a run see. Pure.

use septet_proto_pipeline::v1::RunState;
use serde_json::{Map, Value, json};

use crate::{
    definition::{Pipeline, Task},
    expression::{ExpressionError, Scope},
};

/// What is the same for all tasks of a run.
pub(crate) struct Scene {
    /// The run's inputs.
    pub inputs: Map<String, Value>,
    /// `id`, `name`, `change_id`, `repository_id`, `repository_name` and `commit`.
    pub run: Value,
    /// The event that triggered it, or null.
    pub event: Value,
}

impl Scene {
    /// What a task sees: beside the scene, the ends of the tasks above it.
    pub fn of<'a>(
        &self,
        pipeline: &Pipeline,
        place: usize,
        end: impl Fn(usize) -> (RunState, &'a str, Value),
    ) -> Scope {
        let mut tasks = Map::new();
        for above in &pipeline.tasks[place].above {
            let (state, reason, outputs) = end(*above);
            let seen = json!({ "state": word(state), "reason": reason, "outputs": outputs });
            tasks.insert(pipeline.tasks[*above].name.clone(), seen);
        }
        Scope::default()
            .with("inputs", Value::Object(self.inputs.clone()))
            .with("run", self.run.clone())
            .with("event", self.event.clone())
            .with("tasks", Value::Object(tasks))
    }
}

/// What a task gives to later ones.
pub(crate) fn outputs(task: &Task, scope: Scope, result: Value) -> Result<Value, ExpressionError> {
    let Some(outputs) = &task.outputs else { return Ok(result) };
    let scope = scope.with("result", result);
    let mut members = Map::new();
    for (name, template) in outputs {
        members.insert(name.clone(), template.render(&scope)?);
    }
    Ok(Value::Object(members))
}

/// The word for a state.
pub(crate) fn word(state: RunState) -> &'static str {
    match state {
        RunState::Unspecified => "unknown",
        RunState::Queued => "queued",
        RunState::Running => "running",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
        RunState::Skipped => "skipped",
    }
}
