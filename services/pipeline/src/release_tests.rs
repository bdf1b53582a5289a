//! The tests of a release: which of the jobs that devops generates for a change run here, as a pipeline. Pure.

use septet_proto_devops::v1::{self as devops, PipelineJobKind};
use serde_json::{Value, json};

use crate::words;

/// The name of such runs.
pub(crate) const NAME: &str = "release-tests";
/// Jobs of a release at most.
const MAX_JOBS: usize = 50;
/// Minutes of a job that names no time.
const MINUTES: u32 = 30;

/// What is to run.
pub(crate) enum Planned {
    /// A definition in YAML.
    Run(String),
    /// Nothing, for this reason.
    Nothing(String),
}

/// The pipeline of a change's tests. `may_run` says of a program why it may not run here.
pub(crate) fn plan(pipeline: &devops::Pipeline, may_run: impl Fn(&str) -> Result<(), String>) -> Planned {
    let tests: Vec<_> = pipeline.jobs.iter().filter(|job| job.kind() == PipelineJobKind::Test).collect();
    if tests.is_empty() {
        return Planned::Nothing("devops found no test command in the repository".to_owned());
    }
    let mut tasks = serde_json::Map::new();
    for (number, job) in tests.into_iter().take(MAX_JOBS).enumerate() {
        match task(job, &may_run) {
            Ok(task) => tasks.insert(format!("test_{}", number + 1), task),
            // All or nothing: half of the tests would look like all of them.
            Err(reason) => return Planned::Nothing(format!("{}: {reason}", job.name)),
        };
    }
    let document = json!({
        "name": NAME, "description": "Tests of a release, from the pipeline that devops generates", "tasks": tasks,
        "timeout": "1d",
    });
    // JSON is YAML.
    Planned::Run(document.to_string())
}

fn task(job: &devops::PipelineJob, may_run: impl Fn(&str) -> Result<(), String>) -> Result<Value, String> {
    if let Some(service) = job.services.first() {
        return Err(format!("it needs the server `{}` beside it, which is not started here", service.name));
    }
    let mut commands = Vec::new();
    for step in &job.steps {
        for line in step.run.lines().filter(|line| !line.trim().is_empty()) {
            let argv = words::split(line)
                .ok_or_else(|| format!("`{line}` needs a shell, which does not run here"))?;
            may_run(&argv[0])?;
            commands.push(argv.iter().map(|word| verbatim(word)).collect::<Vec<_>>());
        }
    }
    if commands.is_empty() {
        return Err("it has no commands".to_owned());
    }
    let minutes = if job.timeout_minutes == 0 { MINUTES } else { job.timeout_minutes.min(24 * 60) };
    let mut process = json!({ "commands": commands, "checkout": "${{ run.change_id }}" });
    if !job.directory.is_empty() {
        process["directory"] = verbatim(&job.directory).into();
    }
    Ok(json!({ "process": process, "timeout": format!("{minutes}m") }))
}

/// A text that no expression is looked for in.
fn verbatim(text: &str) -> String {
    text.replace("${{", "$${{")
}
