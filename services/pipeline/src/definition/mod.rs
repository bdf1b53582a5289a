//! What a pipeline is: a graph of tasks, read from YAML and checked as a whole. Pure.

mod check;
mod duration;
mod form;
mod read;

use std::time::Duration;

use serde_json::{Map, Value};

use crate::expression::{Expression, Template};

/// Bytes of a definition at most.
pub const MAX_DEFINITION: usize = 256 << 10;

/// Why a definition cannot be used: one line that names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DefinitionError(pub(crate) String);

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// For people.
    pub description: String,
    /// What a run may be given.
    pub inputs: Vec<Input>,
    /// Events that start a run.
    pub triggers: Vec<Trigger>,
    /// How long a run may take.
    pub timeout: Duration,
    /// In the order of the document. Each task's needs may stand before or after it.
    pub tasks: Vec<Task>,
}

/// Something that a run may be given.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// An identifier, for `inputs.<name>`.
    pub name: String,
    /// For people.
    pub description: String,
    /// Absent: it must be given.
    pub default: Option<Value>,
}

/// What starts a run by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Full name of the event type.
    pub event_type: String,
    /// Must hold of `event`.
    pub when: Option<Expression>,
    /// The run's inputs, from `event`.
    pub inputs: Vec<(String, Template)>,
}

/// Which ends of the tasks before it let a task run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// None of them failed.
    Success,
    /// One of them failed.
    Failure,
    /// Any.
    Always,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// An identifier, for `tasks.<name>`.
    pub name: String,
    /// Places of the tasks that must have ended before.
    pub needs: Vec<usize>,
    /// Places of all tasks before it, near and far, in order.
    pub above: Vec<usize>,
    /// Which ends of those let it run.
    pub after: After,
    /// Must hold, else the task is left out.
    pub when: Option<Expression>,
    /// How often it is tried.
    pub retry: Retry,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Its failure fails neither the run nor the tasks after it.
    pub allow_failure: bool,
    /// What it gives to later tasks, from `result`; absent: the result itself.
    pub outputs: Option<Vec<(String, Template)>>,
    /// What it does.
    pub action: Action,
}

/// How often a task is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// At least 1.
    pub attempts: u32,
    /// Pause before the second attempt; doubles with each.
    pub backoff: Duration,
    /// Longest pause.
    pub max_backoff: Duration,
}

impl Retry {
    /// The pause after so many attempts.
    pub fn pause(&self, attempts: u32) -> Duration {
        let doubled = self.backoff.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        doubled.min(self.max_backoff)
    }
}

/// What a task does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A request over HTTP.
    Http(Http),
    /// A call of a sister service.
    Grpc {
        /// Service's short name, for example `cost`.
        service: String,
        /// HTTP path of the RPC.
        path: String,
        /// The request as JSON.
        body: Template,
    },
    /// Programs.
    Process(Process),
    /// A jq filter over JSON.
    Transform {
        /// What it reads; null where absent.
        input: Template,
        /// In jq's language, without functions of its own.
        filter: String,
    },
    /// A fact of the pipeline's own.
    Publish {
        /// Its name.
        event: String,
        /// What it is about; absent: the run.
        key: Option<Template>,
        /// An object.
        data: Template,
    },
    /// Nothing, until something is the case.
    Wait(Wait),
}

/// A request over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// `http` or `https`.
    pub url: Template,
    /// Upper case.
    pub method: String,
    /// By name.
    pub headers: Vec<(String, Template)>,
    /// A text as it is, anything else as JSON.
    pub body: Option<Template>,
    /// Statuses that are a success; empty: 200 to 299.
    pub expect: Vec<u16>,
}

/// Programs, one after the other in one directory, until one fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Each a program and its arguments.
    pub commands: Vec<Vec<Template>>,
    /// Id of a change whose tree is put there first.
    pub checkout: Option<Template>,
    /// Where in the directory they start.
    pub directory: Option<Template>,
    /// Variables of their environment.
    pub env: Vec<(String, Template)>,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// A time span.
    For(Duration),
    /// A time in RFC 3339.
    Until(Template),
    /// An event, for the task's timeout at most.
    Event {
        /// Full name of its type.
        event_type: String,
        /// Must hold of `event`, beside what the task sees.
        when: Option<Expression>,
    },
}

impl Action {
    /// Its word in a definition.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Grpc { .. } => "grpc",
            Self::Process(_) => "process",
            Self::Transform { .. } => "transform",
            Self::Publish { .. } => "publish",
            Self::Wait(_) => "wait",
        }
    }
}

impl Pipeline {
    /// Reads a definition.
    ///
    /// # Errors
    /// One line that names the place, and what is wrong there.
    pub fn parse(yaml: &str) -> Result<Self, DefinitionError> {
        read::read(yaml)
    }

    /// The inputs of a run: those given, and the defaults of the others.
    ///
    /// # Errors
    /// One that must be given is not, or one is given that the pipeline does not know.
    pub fn inputs(&self, given: Map<String, Value>) -> Result<Map<String, Value>, DefinitionError> {
        if let Some(unknown) = given.keys().find(|name| !self.inputs.iter().any(|input| input.name == **name))
        {
            let known: Vec<_> = self.inputs.iter().map(|input| input.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(DefinitionError(format!(
                "{} has no input `{unknown}`; its inputs: {known}",
                self.name
            )));
        }
        let mut all = given;
        for input in &self.inputs {
            if all.contains_key(&input.name) {
                continue;
            }
            let Some(default) = &input.default else {
                return Err(DefinitionError(format!("{} needs the input `{}`", self.name, input.name)));
            };
            all.insert(input.name.clone(), default.clone());
        }
        Ok(all)
    }
}
