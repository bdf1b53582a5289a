//! The neutral representation: jobs and what they do, independent of who runs them.

use std::collections::BTreeMap;

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    /// Installs dependencies into the cache.
    Cache,
    /// Lints and tests.
    Test,
    /// Makes what is delivered, to see that it can be made.
    Build,
    /// Looks for secrets.
    Scan,
    /// Delivers, on the default branch only.
    Deploy,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lines for `sh`.
    Run(String),
    /// Gets `septet` onto the path.
    GetSeptet,
    /// Signs in to the platform's image registry; `$IMAGE` and `$TAG` then say how images are named.
    SignIn,
    /// Makes `$IMAGE` and `$TAG` say how images are named, and `kubectl` and `helm` reach the cluster.
    ReachCluster,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// For people.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
}

impl Step {
    pub(super) fn run(name: &'static str, run: impl Into<String>) -> Self {
        Self { name, action: Action::Run(run.into()) }
    }
}

/// A server beside a job. In values, `{host}` and `{port}` stand for where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// For example `postgres`.
    pub name: String,
    /// With its tag.
    pub image: String,
    /// The port that it listens on.
    pub port: u16,
    /// What it is told.
    pub env: BTreeMap<String, String>,
    /// What the job is told.
    pub exports: BTreeMap<String, String>,
    /// A command in it that succeeds when it is ready.
    pub health: Option<String>,
}

/// What runs a job's commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// For example `node`.
    pub stack: String,
    /// For example `pnpm`.
    pub manager: Option<String>,
    /// As the repository names it.
    pub version: Option<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Letters, digits and hyphens.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub kind: JobKind,
    /// Ids of jobs that must succeed before.
    pub needs: Vec<String>,
    /// Folder that its steps run in; empty for the root.
    pub directory: String,
    /// What runs its commands; nothing where the platform has it.
    pub tools: Option<Tools>,
    /// What it does after the checkout.
    pub steps: Vec<Step>,
    /// Servers that run beside it.
    pub servers: Vec<Server>,
    /// Minutes after which it is ended.
    pub timeout_minutes: u32,
    /// Permissions to write. Each job may read the repository's contents.
    pub writes: Vec<&'static str>,
    /// True where it builds images.
    pub docker: bool,
    /// True where it uses Helm.
    pub helm: bool,
}

impl Job {
    /// A job of the whole repository that does nothing yet.
    pub(super) fn new(id: String, name: String, kind: JobKind) -> Self {
        let timeout_minutes = match kind {
            JobKind::Scan => 10,
            JobKind::Cache | JobKind::Deploy => 20,
            JobKind::Test | JobKind::Build => 30,
        };
        Self {
            id,
            name,
            kind,
            needs: Vec::new(),
            directory: String::new(),
            tools: None,
            steps: Vec::new(),
            servers: Vec::new(),
            timeout_minutes,
            writes: Vec::new(),
            docker: false,
            helm: false,
        }
    }
}

/// Jobs, each after those that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// In the order of kinds.
    pub jobs: Vec<Job>,
    /// What the repository has and the pipeline leaves out, and why.
    pub notes: Vec<String>,
}
