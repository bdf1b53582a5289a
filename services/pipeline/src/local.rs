//! A run in memory, for a terminal: the same definitions, plans and tasks, and nothing that outlives it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use septet_chassis::contract::Timestamp;
use septet_proto_pipeline::v1::RunState;
use serde_json::{Map, Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    HttpConfig, ProcessConfig,
    definition::{Action, DefinitionError, Pipeline, Wait},
    plan::{self, Next},
    scene::{self, Scene},
    tasks::{Awaited, Done, Failure, Order, Tasks, Ticket, order},
};

/// What a run in memory may do.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Addresses that are not of the public internet.
    pub private_addresses: bool,
    /// Any program; `Some` says how it is kept apart, and which may run is not asked.
    pub processes: Option<ProcessConfig>,
}

/// A step as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The task's name.
    pub name: String,
    /// Its kind's word.
    pub kind: &'static str,
    /// How far it is.
    pub state: RunState,
    /// One line.
    pub reason: String,
    /// Attempts so far.
    pub attempts: u32,
    /// What it gave.
    pub outputs: Value,
    /// The end of what a process wrote.
    pub log: String,
    /// When it began, and how long it took once it has ended.
    pub started: Option<Instant>,
    /// How long it took.
    pub took: Option<Duration>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Succeeded, failed or skipped.
    pub state: RunState,
    /// One line.
    pub reason: String,
    /// In the order of the definition.
    pub steps: Vec<Step>,
}

impl Step {
    /// The word for its state.
    pub fn word(&self) -> &'static str {
        scene::word(self.state)
    }
}

/// What cannot be done without the service: its first task, and why.
///
/// # Errors
/// One line that names the task.
pub fn check(pipeline: &Pipeline) -> Result<(), DefinitionError> {
    for task in &pipeline.tasks {
        let problem = match &task.action {
            Action::Grpc { service, .. } => {
                format!(
                    "`grpc` calls {service}, and a run in a terminal has no services; submit it with `septet call pipeline.SubmitRun`"
                )
            }
            Action::Wait(Wait::Event { .. }) => {
                "it waits for an event, and a run in a terminal hears none".to_owned()
            }
            Action::Process(process) if process.checkout.is_some() => {
                "`process.checkout` asks devops, and a run in a terminal has no services".to_owned()
            }
            _ => continue,
        };
        return Err(DefinitionError(format!("task {}: {problem}", task.name)));
    }
    Ok(())
}

/// Runs a pipeline to its end. `show` is called whenever a step has moved.
///
/// # Errors
/// An input is missing or unknown, or [`check`] finds something.
pub async fn run(
    pipeline: Pipeline,
    given: Map<String, Value>,
    allowed: Allowed,
    mut show: impl FnMut(&[Step]),
) -> Result<Ended, DefinitionError> {
    check(&pipeline)?;
    let id = uuid::Uuid::now_v7().to_string();
    let scene = Scene {
        inputs: pipeline.inputs(given)?,
        run: json!({ "id": id, "name": pipeline.name }),
        event: Value::Null,
    };
    let steps = pipeline.tasks.iter().map(|task| Step {
        name: task.name.clone(),
        kind: task.action.kind(),
        state: RunState::Queued,
        reason: String::new(),
        attempts: 0,
        outputs: Value::Null,
        log: String::new(),
        started: None,
        took: None,
    });
    let mut run = Run {
        steps: steps.collect(),
        tasks: Arc::new(tasks(allowed, &pipeline)),
        attempts: JoinSet::new(),
        pipeline: Arc::new(pipeline),
        scene,
        id,
    };
    // Nobody needs to have installed one before; a second one changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let until = Instant::now() + run.pipeline.timeout;
    loop {
        run.begin();
        show(&run.steps);
        let states: Vec<RunState> = run.steps.iter().map(|step| step.state).collect();
        if let Some((state, reason)) = plan::outcome(&run.pipeline, &states) {
            return Ok(Ended { state, reason, steps: run.steps });
        }
        match tokio::time::timeout_at(until, run.attempts.join_next()).await {
            Ok(Some(Ok((place, ended)))) => run.record(place, ended),
            Ok(Some(Err(error))) if error.is_panic() => {
                return Ok(Ended {
                    state: RunState::Failed,
                    reason: "a task ended unexpectedly".to_owned(),
                    steps: run.steps,
                });
            }
            Ok(_) => {}
            Err(_) => {
                let reason = format!("no end within {}s", run.pipeline.timeout.as_secs());
                return Ok(Ended { state: RunState::Failed, reason, steps: run.steps });
            }
        }
    }
}

fn tasks(allowed: Allowed, pipeline: &Pipeline) -> Tasks {
    let mut http = HttpConfig::default();
    if allowed.private_addresses {
        http.allow_private = vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()];
    }
    let mut process = allowed.processes.unwrap_or_default();
    if process.enabled {
        // Whoever allows programs allows those that the file names.
        process.allow = programs(pipeline);
    }
    Tasks::new(http, process, BTreeMap::new(), std::env::temp_dir())
}

fn programs(pipeline: &Pipeline) -> Vec<String> {
    let mut programs = Vec::new();
    for task in &pipeline.tasks {
        if let Action::Process(process) = &task.action {
            let first = process.commands.iter().filter_map(|argv| argv.first());
            // What is filled in only later is not one that the file names.
            programs.extend(first.filter_map(|word| word.render_text(&Default::default()).ok()));
        }
    }
    programs
}

struct Run {
    id: String,
    pipeline: Arc<Pipeline>,
    scene: Scene,
    steps: Vec<Step>,
    tasks: Arc<Tasks>,
    attempts: JoinSet<(usize, Result<Done, Failure>)>,
}

impl Run {
    fn begin(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            let states: Vec<RunState> = self.steps.iter().map(|step| step.state).collect();
            let pipeline = Arc::clone(&self.pipeline);
            for next in plan::next(&pipeline, &states) {
                let place = match next {
                    Next::LeaveOut(place, reason) => {
                        self.end(place, RunState::Skipped, reason);
                        place
                    }
                    Next::Begin(place) => {
                        let wanted = pipeline.tasks[place].when.as_ref();
                        match wanted.map_or(Ok(true), |when| when.holds(&self.scope(place))) {
                            Ok(true) => self.attempt(place, Duration::ZERO),
                            Ok(false) => {
                                self.end(place, RunState::Skipped, "its `when` does not hold".to_owned());
                            }
                            Err(error) => self.end(place, RunState::Failed, error.to_string()),
                        }
                        place
                    }
                };
                moved |= plan::has_ended(self.steps[place].state);
            }
        }
    }

    fn scope(&self, place: usize) -> crate::expression::Scope {
        self.scene.of(&self.pipeline, place, |above| {
            let step = &self.steps[above];
            (step.state, step.reason.as_str(), step.outputs.clone())
        })
    }

    fn attempt(&mut self, place: usize, pause: Duration) {
        let pipeline = Arc::clone(&self.pipeline);
        let task = &pipeline.tasks[place];
        let order = match order(&task.action, &self.scope(place), Timestamp::now()) {
            Ok(order) => order,
            Err(error) => return self.end(place, RunState::Failed, error.to_string()),
        };
        let step = &mut self.steps[place];
        step.state = RunState::Running;
        step.attempts += 1;
        step.started.get_or_insert_with(Instant::now);
        let ticket = Ticket { run_id: self.id.clone(), step: task.name.clone(), attempt: step.attempts };
        let (tasks, timeout) = (Arc::clone(&self.tasks), task.timeout);
        self.attempts.spawn(async move {
            tokio::time::sleep(pause).await;
            if let Order::Wait(Awaited::Time(time)) = order {
                tokio::time::sleep(Timestamp::from_micros(time).since(Timestamp::now())).await;
                return (place, Ok(Done::default()));
            }
            (place, tasks.perform(order, &ticket, timeout).await)
        });
    }

    fn record(&mut self, place: usize, ended: Result<Done, Failure>) {
        let pipeline = Arc::clone(&self.pipeline);
        let task = &pipeline.tasks[place];
        match ended {
            Ok(done) => match scene::outputs(task, self.scope(place), done.result) {
                Ok(outputs) => {
                    self.steps[place].outputs = outputs;
                    self.steps[place].log = done.log;
                    self.end(place, RunState::Succeeded, String::new());
                }
                Err(error) => self.end(place, RunState::Failed, format!("outputs: {error}")),
            },
            Err(failure) => {
                let attempts = self.steps[place].attempts;
                self.steps[place].log = failure.log;
                if failure.may_pass && attempts < task.retry.attempts {
                    self.steps[place].reason =
                        format!("attempt {attempts} of {}: {}", task.retry.attempts, failure.reason);
                    self.attempt(place, task.retry.pause(attempts));
                } else {
                    self.end(place, RunState::Failed, failure.reason);
                }
            }
        }
    }

    fn end(&mut self, place: usize, state: RunState, reason: String) {
        let step = &mut self.steps[place];
        step.state = state;
        step.reason = reason;
        step.took = step.started.map(|started| started.elapsed());
    }
}
