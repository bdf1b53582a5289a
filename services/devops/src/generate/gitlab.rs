//! The pipeline as GitLab's CI file.

use super::{
    GenerateError,
    pins::Pins,
    pipeline::{Action, Job, JobKind, Pipeline},
    tools::{cache_folder, get_septet, placed, settings, toolchain, versioned},
    yaml::Yaml,
};
use crate::stack::Rules;

/// Where GitLab looks for it.
pub(super) const PATH: &str = ".gitlab-ci.yml";

/// Stages, in their order.
pub(super) const STAGES: [&str; 5] = ["cache", "test", "build", "scan", "deploy"];

const HEADER: &str = "# Written by `septet devops generate`; a further run replaces it.\n\
# Variables of the project: SEPTET_URL and SEPTET_SHA256 (the septet program and its digest, for the scan) and\n\
# SEPTET_DEPLOY (`true` where the default branch is delivered).\n";

pub(super) fn render(pipeline: &Pipeline, rules: &Rules, pins: &Pins) -> Result<String, GenerateError> {
    let rule = |condition: &str| Yaml::map([("if", Yaml::text(condition))]);
    let never = Yaml::map([
        ("if", Yaml::text("$CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS")),
        ("when", Yaml::text("never")),
    ]);
    let rules_of_runs =
        vec![rule("$CI_PIPELINE_SOURCE == \"merge_request_event\""), never, rule("$CI_COMMIT_BRANCH")];
    let mut entries = vec![
        ("workflow".to_owned(), Yaml::map([("rules", Yaml::List(rules_of_runs))])),
        ("stages".to_owned(), Yaml::texts(STAGES)),
    ];
    for job in &pipeline.jobs {
        entries.push((job.id.clone(), self::job(job, rules, pins)));
    }
    Ok(format!("{HEADER}{}", Yaml::Map(entries).document()))
}

fn stage(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Cache => STAGES[0],
        JobKind::Test => STAGES[1],
        JobKind::Build => STAGES[2],
        JobKind::Scan => STAGES[3],
        JobKind::Deploy => STAGES[4],
    }
}

fn job(job: &Job, rules: &Rules, pins: &Pins) -> Yaml {
    let toolchain = toolchain(job, rules);
    let image = match &toolchain {
        Some((tools, version)) => {
            versioned(&tools.gitlab.image, version.as_deref().unwrap_or(&tools.gitlab.default))
        }
        None if job.docker => pins.machines.docker.clone(),
        None if job.helm => pins.machines.helm.clone(),
        None => pins.machines.scan.clone(),
    };
    // Images whose entrypoint is a program of theirs would not run a script.
    let image = Yaml::map([("name", Yaml::Text(image)), ("entrypoint", Yaml::texts([""]))]);
    let mut entries = vec![
        ("stage", Yaml::text(stage(job.kind))),
        ("image", image),
        ("needs", Yaml::texts(&job.needs)),
        ("timeout", Yaml::Text(format!("{} minutes", job.timeout_minutes))),
        ("interruptible", Yaml::Flag(job.kind != JobKind::Deploy)),
    ];
    if job.kind == JobKind::Deploy {
        let condition = "$SEPTET_DEPLOY == \"true\" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH";
        entries.push(("rules", Yaml::List(vec![Yaml::map([("if", Yaml::text(condition))])])));
        entries.push(("environment", Yaml::text("production")));
        entries.push(("resource_group", Yaml::text(&job.id)));
    }
    let variables = variables(job, rules);
    if !variables.is_empty() {
        entries.push(("variables", Yaml::Map(variables)));
    }
    let services = services(job, pins);
    if !services.is_empty() {
        entries.push(("services", Yaml::List(services)));
    }
    if let Some((tools, _)) = &toolchain
        && let (Some(cache), Some(folder)) = (&tools.cache, cache_folder(tools))
    {
        let prefix = match job.directory.as_str() {
            "" => String::new(),
            directory => format!("{directory}/"),
        };
        // GitLab takes two files for a key, and no patterns.
        let files = cache.files.iter().filter(|file| !file.contains('*')).take(2);
        let files: Vec<String> = files.map(|file| format!("{prefix}{file}")).collect();
        let key = Yaml::map([("prefix", Yaml::text(&tools.runtime)), ("files", Yaml::texts(files))]);
        let policy = if job.kind == JobKind::Cache { "pull-push" } else { "pull" };
        entries.push((
            "cache",
            Yaml::map([("key", key), ("paths", Yaml::texts([folder])), ("policy", Yaml::text(policy))]),
        ));
    }
    entries.push(("script", Yaml::texts(script(job, rules))));
    Yaml::map(entries)
}

fn variables(job: &Job, rules: &Rules) -> Vec<(String, Yaml)> {
    let settings = settings(job, rules, "$CI_PROJECT_DIR", str::to_owned);
    let mut variables: Vec<(String, Yaml)> =
        settings.into_iter().map(|(name, value)| (name, Yaml::Text(value))).collect();
    if job.docker {
        variables.push(("DOCKER_HOST".to_owned(), Yaml::text("tcp://docker:2376")));
        variables.push(("DOCKER_TLS_CERTDIR".to_owned(), Yaml::text("/certs")));
        variables.push(("DOCKER_CERT_PATH".to_owned(), Yaml::text("/certs/client")));
        variables.push(("DOCKER_TLS_VERIFY".to_owned(), Yaml::text("1")));
    }
    variables
}

fn services(job: &Job, pins: &Pins) -> Vec<Yaml> {
    let mut services = Vec::new();
    if job.docker {
        services.push(Yaml::map([
            ("name", Yaml::text(&pins.machines.docker_daemon)),
            ("alias", Yaml::text("docker")),
        ]));
    }
    for server in &job.servers {
        let mut entries = vec![("name", Yaml::text(&server.image)), ("alias", Yaml::text(&server.name))];
        if !server.env.is_empty() {
            let env = server.env.iter();
            let env = env.map(|(name, value)| (name, Yaml::Text(placed(value, &server.name, server.port))));
            entries.push(("variables", Yaml::map(env)));
        }
        services.push(Yaml::map(entries));
    }
    services
}

fn script(job: &Job, rules: &Rules) -> Vec<String> {
    let mut lines = Vec::new();
    if !job.directory.is_empty() {
        lines.push(format!("cd {}", job.directory));
    }
    if let Some((tools, version)) = toolchain(job, rules) {
        let version = version.unwrap_or_else(|| tools.gitlab.default.clone());
        lines.extend(tools.gitlab.run.iter().map(|line| versioned(line, &version)));
    }
    for step in &job.steps {
        match &step.action {
            Action::Run(run) => lines.extend(run.lines().map(str::to_owned)),
            Action::GetSeptet => {
                lines.extend(get_septet("/tmp/septet").lines().map(str::to_owned));
                lines.push("export PATH=\"/tmp/septet:$PATH\"".to_owned());
            }
            Action::SignIn => {
                lines.push("echo \"$CI_REGISTRY_PASSWORD\" | docker login \"$CI_REGISTRY\" --username \"$CI_REGISTRY_USER\" --password-stdin".to_owned());
                lines.push(NAME_IMAGE.to_owned());
            }
            Action::ReachCluster => {
                lines.push(
                    ": \"${KUBECONFIG:?Set the file variable KUBECONFIG to the configuration of kubectl}\""
                        .to_owned(),
                );
                lines.push(NAME_IMAGE.to_owned());
            }
        }
    }
    lines
}

const NAME_IMAGE: &str = "export IMAGE=\"$CI_REGISTRY_IMAGE\" TAG=\"$CI_COMMIT_SHA\"";
