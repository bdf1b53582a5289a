//! Events of the suite: they trigger runs, end waits, and ask for the tests of a release.

use std::any::Any;

use septet_chassis::{
    Cx, Handle, HandleError,
    contract::{Event, json},
};
use septet_proto_devops::v1::{ReleaseDecided, ReleaseState};
use septet_proto_pipeline::v1::{EventEmitted, RunFinished};
use serde_json::{Map, Value};

use crate::{
    Pipelines,
    definition::{Action, Pipeline, Trigger, Wait},
    error::Error,
    expression::Scope,
    scene::Scene,
    store::{self, Waiting},
    submit::{self, Origin},
};

/// Runs that may lead to each other: pipelines that trigger each other would go on for ever.
const MAX_DEPTH: i64 = 8;

impl<E: Event> Handle<E> for Pipelines {
    async fn handle(&self, cx: &mut Cx, event: E) -> Result<(), HandleError> {
        if let Some(decided) = (&event as &dyn Any).downcast_ref::<ReleaseDecided>() {
            self.decided(cx, decided).await?;
        }
        let definitions = store::by_event(cx.tx().await?, E::TYPE).await?;
        let waiting = store::waiting(cx.tx().await?, E::TYPE).await?;
        if definitions.is_empty() && waiting.is_empty() {
            return Ok(());
        }
        let json = json::message_to_json(&event)
            .map_err(|error| HandleError::reject("PIPELINE-0006", error.to_string()))?;
        for waiting in &waiting {
            self.arrive(cx, waiting, &json).await?;
        }
        let (depth, by) = led_by(cx, &event).await?;
        for definition in definitions {
            self.trigger(cx, &definition, E::TYPE, &json, depth, &by).await?;
        }
        Ok(())
    }
}

impl Pipelines {
    async fn decided(&self, cx: &mut Cx, decided: &ReleaseDecided) -> Result<(), Error> {
        let Some(release) = &decided.release else { return Ok(()) };
        let wants = release.settings.as_ref().is_some_and(|settings| settings.run_tests);
        if !wants || release.state() != ReleaseState::Eligible {
            return Ok(());
        }
        submit::submit_tests(cx, release, self.tasks.processes().err()).await
    }

    /// Starts a run for each trigger whose filter holds. What is wrong with one pipeline holds up no other.
    async fn trigger(
        &self,
        cx: &mut Cx,
        definition: &str,
        event_type: &str,
        event: &Value,
        depth: i64,
        by: &str,
    ) -> Result<(), Error> {
        let Ok(pipeline) = Pipeline::parse(definition) else { return Ok(()) };
        let triggers = pipeline.triggers.iter().filter(|trigger| trigger.event_type == event_type);
        for trigger in triggers {
            if depth >= MAX_DEPTH || by == pipeline.name {
                tracing::warn!(
                    pipeline = pipeline.name,
                    "not triggered: its own runs would trigger it again"
                );
                continue;
            }
            let given = match given(trigger, event) {
                Ok(Some(given)) => given,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(pipeline = pipeline.name, %error, "not triggered");
                    continue;
                }
            };
            let origin = Origin { event_type: event_type.to_owned(), event: event.clone(), depth };
            match submit::submit(cx, &pipeline, definition, given, origin).await {
                Ok(run) => tracing::debug!(run = run.id, pipeline = pipeline.name, "triggered"),
                Err(error @ (Error::Invalid { .. } | Error::Definition(_))) => {
                    tracing::warn!(pipeline = pipeline.name, %error, "not triggered");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives a step the event that it waits for, if it is that one.
    async fn arrive(&self, cx: &mut Cx, waiting: &Waiting, event: &Value) -> Result<(), Error> {
        let Some(run) = store::by_id(cx.tx().await?, &waiting.run_id).await? else { return Ok(()) };
        let steps = store::steps(cx.tx().await?, &waiting.run_id).await?;
        let Ok(pipeline) = Pipeline::parse(&run.definition) else { return Ok(()) };
        let place = usize::try_from(waiting.position).unwrap_or(usize::MAX);
        let Some(Action::Wait(Wait::Event { when, .. })) = pipeline.tasks.get(place).map(|task| &task.action)
        else {
            return Ok(());
        };
        if let Some(when) = when {
            let scene = Scene {
                inputs: serde_json::from_str(&run.inputs).unwrap_or_default(),
                run: serde_json::json!({ "id": run.id, "name": run.name, "change_id": run.change_id }),
                event: event.clone(),
            };
            let scope = scene.of(&pipeline, place, |above| {
                steps.get(above).map_or_else(
                    || (Default::default(), "", Value::Null),
                    |step| (step.state(), step.reason.as_str(), step.outputs()),
                )
            });
            match when.holds(&scope) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    tracing::warn!(run = run.id, %error, "a wait cannot look at an event");
                    return Ok(());
                }
            }
        }
        store::arrive(cx.tx().await?, waiting, &event.to_string()).await?;
        Ok(())
    }
}

/// The inputs of the run, if the trigger's filter holds.
fn given(
    trigger: &Trigger,
    event: &Value,
) -> Result<Option<Map<String, Value>>, crate::expression::ExpressionError> {
    let scope = Scope::default().with("event", event.clone());
    if !trigger.when.as_ref().map_or(Ok(true), |when| when.holds(&scope))? {
        return Ok(None);
    }
    let mut given = Map::new();
    for (name, template) in &trigger.inputs {
        given.insert(name.clone(), template.render(&scope)?);
    }
    Ok(Some(given))
}

/// How many runs led to this event, and the pipeline that published it.
async fn led_by<E: Event>(cx: &mut Cx, event: &E) -> Result<(i64, String), Error> {
    let event = event as &dyn Any;
    let run_id = match (event.downcast_ref::<RunFinished>(), event.downcast_ref::<EventEmitted>()) {
        (Some(finished), _) => &finished.run_id,
        (None, Some(emitted)) => &emitted.run_id,
        (None, None) => return Ok((0, String::new())),
    };
    let found = store::depth_of(cx.tx().await?, run_id).await?;
    Ok(found.map_or((0, String::new()), |(depth, name)| (depth + 1, name)))
}
