//! What the kinds of tasks do to the world outside.

mod address;
mod checkout;
mod grpc;
mod http;
mod order;
mod output;
mod process;
mod sandbox;
mod transform;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use septet_chassis::Channel;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::config::{HttpConfig, ProcessConfig};
pub(crate) use order::{Awaited, Emitted, Order, order};

/// Bytes of a result or of a step's outputs at most, as JSON.
pub(crate) const MAX_RESULT: usize = 256 << 10;
/// Filters that run at a time, those that are past their time included.
const FILTERS: usize = 4;

/// Does what tasks ask for.
pub(crate) struct Tasks {
    http: HttpConfig,
    process: ProcessConfig,
    /// The ways to the sisters; empty outside of a service.
    sisters: BTreeMap<&'static str, Channel>,
    /// Where processes get their directories.
    work_dir: PathBuf,
    filters: Arc<Semaphore>,
    sandbox: sandbox::Sandbox,
}

/// Which attempt something is done for.
pub(crate) struct Ticket {
    pub run_id: String,
    pub step: String,
    pub attempt: u32,
}

impl Ticket {
    /// The same at every attempt: whoever got an earlier one can tell.
    fn idempotency_key(&self) -> String {
        format!("{}/{}", self.run_id, self.step)
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub result: Value,
    /// The end of what a process wrote.
    pub log: String,
}

/// Why nothing came of it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One line.
    pub reason: String,
    /// The same may succeed later.
    pub may_pass: bool,
    pub log: String,
}

impl Failure {
    /// The same will fail again.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), may_pass: false, log: String::new() }
    }

    /// The same may succeed later.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), may_pass: true, log: String::new() }
    }
}

impl Tasks {
    pub fn new(
        http: HttpConfig,
        process: ProcessConfig,
        sisters: BTreeMap<&'static str, Channel>,
        work_dir: PathBuf,
    ) -> Self {
        let sandbox = sandbox::Sandbox::new(&process);
        Self { http, process, sisters, work_dir, filters: Arc::new(Semaphore::new(FILTERS)), sandbox }
    }

    /// Whether processes may run here; if not, why.
    pub fn processes(&self) -> Result<(), String> {
        if self.process.enabled {
            Ok(())
        } else {
            Err("`pipeline.process.enabled` is off, so no program runs here".to_owned())
        }
    }

    /// Whether this program may run; if not, why.
    pub fn program(&self, name: &str) -> Result<(), String> {
        self.processes()?;
        if self.process.allow.iter().any(|allowed| allowed == name) {
            return Ok(());
        }
        Err(format!("`{name}` is not in `pipeline.process.allow`"))
    }

    /// Does it, once, within a time. Dropping this gives it up: a process is killed with all that it started.
    pub async fn perform(&self, order: Order, ticket: &Ticket, timeout: Duration) -> Result<Done, Failure> {
        let done = match order {
            // It minds the time itself, so that what was written until then is kept.
            Order::Process(order) => self.run(order, ticket, timeout).await?,
            other => match tokio::time::timeout(timeout, self.other(other, ticket)).await {
                Ok(done) => done?,
                Err(_) => return Err(Failure::passing(format!("no end within {timeout:?}"))),
            },
        };
        if done.result.to_string().len() > MAX_RESULT {
            let reason = format!("the result is larger than {MAX_RESULT} bytes");
            return Err(Failure { log: done.log, ..Failure::lasting(reason) });
        }
        Ok(done)
    }

    async fn other(&self, order: Order, ticket: &Ticket) -> Result<Done, Failure> {
        match order {
            Order::Http(request) => http::request(&self.http, request, ticket).await,
            Order::Grpc { service, path, body } => match self.sisters.get(service.as_str()) {
                Some(channel) => grpc::call(channel.clone(), &path, body, ticket).await,
                None => Err(Failure::lasting(format!(
                    "there is no {service} here: `grpc` tasks run in the pipeline service"
                ))),
            },
            Order::Transform { input, filter } => transform::run(&self.filters, filter, input).await,
            // What the others do is done where the step is kept.
            Order::Publish(emitted) => Ok(Done { result: emitted.result(), log: String::new() }),
            Order::Process(_) | Order::Wait(_) => Ok(Done::default()),
        }
    }
}
