//! The pipeline as a workflow of GitHub Actions.
//!
//! Expressions are constants of this file or made of names in rules; nothing of a repository's is ever part of one.

use super::{
    GenerateError,
    pins::Pins,
    pipeline::{Action, Job, JobKind, Pipeline},
    tools::{cache_folder, get_septet, placed, settings, toolchain, versioned},
    yaml::Yaml,
};
use crate::stack::{Cache, Rules, is_word};

/// Where GitHub looks for it.
pub(super) const PATH: &str = ".github/workflows/septet.yml";

/// Expressions that a workflow may have, beside `hashFiles`.
pub(super) const EXPRESSIONS: [&str; 8] = [
    "github.workspace",
    "github.workflow",
    "github.ref",
    "github.event_name == 'pull_request'",
    "github.token",
    "runner.os",
    "vars.SEPTET_URL",
    "vars.SEPTET_SHA256",
];
/// Expressions with a secret, for the steps that need one.
pub(super) const SECRETS: [&str; 1] = ["secrets.KUBE_CONFIG"];
/// When something is delivered.
pub(super) const ON_DEFAULT_BRANCH: &str = "github.event_name == 'push' && github.ref_name == github.event.repository.default_branch && vars.SEPTET_DEPLOY == 'true'";

const HEADER: &str = "# Written by `septet devops generate`; a further run replaces it.\n\
# Variables of the repository: SEPTET_URL and SEPTET_SHA256 (the septet program and its digest, for the scan) and\n\
# SEPTET_DEPLOY (`true` where the default branch is delivered).\n";

pub(super) fn render(pipeline: &Pipeline, rules: &Rules, pins: &Pins) -> Result<String, GenerateError> {
    let mut jobs = Vec::new();
    for job in &pipeline.jobs {
        jobs.push((job.id.clone(), self::job(job, rules, pins)?));
    }
    let workflow = Yaml::map([
        ("name", Yaml::text("septet")),
        (
            "on",
            Yaml::map([
                ("push", Yaml::map([("branches", Yaml::texts(["**"]))])),
                ("pull_request", Yaml::map::<&str>([])),
            ]),
        ),
        ("permissions", Yaml::map([("contents", Yaml::text("read"))])),
        (
            "concurrency",
            Yaml::map([
                ("group", Yaml::text("${{ github.workflow }}-${{ github.ref }}")),
                ("cancel-in-progress", Yaml::text("${{ github.event_name == 'pull_request' }}")),
            ]),
        ),
        ("jobs", Yaml::Map(jobs)),
    ]);
    Ok(format!("{HEADER}{}", workflow.document()))
}

fn job(job: &Job, rules: &Rules, pins: &Pins) -> Result<Yaml, GenerateError> {
    let mut entries: Vec<(&str, Yaml)> = vec![("name", Yaml::text(&job.name))];
    if !job.needs.is_empty() {
        entries.push(("needs", Yaml::texts(&job.needs)));
    }
    if job.kind == JobKind::Deploy {
        entries.push(("if", Yaml::text(ON_DEFAULT_BRANCH)));
        entries.push(("environment", Yaml::text("production")));
        // Two deliveries at a time could end in the older one.
        let group = Yaml::map([("group", Yaml::text(&job.id)), ("cancel-in-progress", Yaml::Flag(false))]);
        entries.push(("concurrency", group));
    }
    entries.push(("runs-on", Yaml::text(&pins.machines.runner)));
    entries.push(("timeout-minutes", Yaml::Number(job.timeout_minutes.into())));
    if !job.writes.is_empty() {
        let mut permissions = vec![("contents", Yaml::text("read"))];
        permissions.extend(job.writes.iter().map(|scope| (*scope, Yaml::text("write"))));
        entries.push(("permissions", Yaml::map(permissions)));
    }
    let settings = settings(job, rules, "${{ github.workspace }}", |_| "127.0.0.1".to_owned());
    if !settings.is_empty() {
        entries.push(("env", Yaml::map(settings.into_iter().map(|(name, value)| (name, Yaml::Text(value))))));
    }
    if !job.directory.is_empty() {
        let run = Yaml::map([("working-directory", Yaml::text(&job.directory))]);
        entries.push(("defaults", Yaml::map([("run", run)])));
    }
    if !job.servers.is_empty() {
        entries.push(("services", services(job)));
    }
    entries.push(("steps", Yaml::List(steps(job, rules, pins)?)));
    Ok(Yaml::map(entries))
}

fn services(job: &Job) -> Yaml {
    Yaml::map(job.servers.iter().map(|server| {
        let mut entries = vec![("image", Yaml::text(&server.image))];
        if !server.env.is_empty() {
            let env = server.env.iter();
            let env = env.map(|(name, value)| (name, Yaml::Text(placed(value, "127.0.0.1", server.port))));
            entries.push(("env", Yaml::map(env)));
        }
        entries.push(("ports", Yaml::texts([format!("{0}:{0}", server.port)])));
        if let Some(health) = &server.health {
            let options = format!(
                "--health-cmd \"{health}\" --health-interval 5s --health-timeout 5s --health-retries 20"
            );
            entries.push(("options", Yaml::text(options)));
        }
        (&server.name, Yaml::map(entries))
    }))
}

fn uses(pins: &Pins, action: &str, with: Vec<(&str, Yaml)>) -> Result<Yaml, GenerateError> {
    let pin = pins.action(action)?;
    let mut entries = vec![("uses", Yaml::Noted(format!("{action}@{}", pin.commit), pin.version.clone()))];
    if !with.is_empty() {
        entries.push(("with", Yaml::map(with)));
    }
    Ok(Yaml::map(entries))
}

fn run(name: &str, run: String, env: &[(&str, &str)]) -> Yaml {
    let mut entries = vec![("name", Yaml::text(name))];
    if !env.is_empty() {
        entries.push(("env", Yaml::map(env.iter().map(|(name, value)| (*name, Yaml::text(*value))))));
    }
    entries.push(("run", Yaml::Text(run)));
    Yaml::map(entries)
}

fn steps(job: &Job, rules: &Rules, pins: &Pins) -> Result<Vec<Yaml>, GenerateError> {
    let mut steps = vec![uses(pins, "actions/checkout", vec![("persist-credentials", Yaml::Flag(false))])?];
    if let Some((toolchain, version)) = toolchain(job, rules) {
        let version = version.unwrap_or_else(|| toolchain.github.default.clone());
        if let Some(action) = &toolchain.github.uses {
            let with = toolchain.github.with.iter();
            let with = with.map(|(name, value)| (name.as_str(), Yaml::Text(versioned(value, &version))));
            steps.push(uses(pins, action, with.collect())?);
        }
        if let (Some(cache), Some(folder)) = (&toolchain.cache, cache_folder(toolchain)) {
            let key = format!("septet-{}-${{{{ runner.os }}}}-{}", job_word(job), hash_of(cache)?);
            let with = vec![("path", Yaml::text(folder)), ("key", Yaml::text(key))];
            steps.push(uses(pins, "actions/cache", with)?);
        }
        if !toolchain.github.run.is_empty() {
            let lines = toolchain.github.run.iter().map(|line| versioned(line, &version));
            steps.push(run("Set up", lines.collect::<Vec<_>>().join("\n"), &[]));
        }
    }
    for step in &job.steps {
        steps.push(match &step.action {
            Action::Run(lines) => run(step.name, lines.clone(), &[]),
            Action::GetSeptet => {
                let lines = get_septet("$RUNNER_TEMP/septet")
                    + "\necho \"$RUNNER_TEMP/septet\" >> \"$GITHUB_PATH\"";
                let env = [
                    ("SEPTET_SHA256", "${{ vars.SEPTET_SHA256 }}"),
                    ("SEPTET_URL", "${{ vars.SEPTET_URL }}"),
                ];
                run(step.name, lines, &env)
            }
            Action::SignIn => {
                let lines = format!(
                    "echo \"$TOKEN\" | docker login ghcr.io --username \"$GITHUB_ACTOR\" --password-stdin\n{NAME_IMAGE}"
                );
                run(step.name, lines, &[("TOKEN", "${{ github.token }}")])
            }
            Action::ReachCluster => {
                let lines = format!(
                    ": \"${{KUBE_CONFIG:?Set the secret KUBE_CONFIG to the configuration of kubectl}}\"\n\
                     umask 077\nprintf '%s' \"$KUBE_CONFIG\" > \"$RUNNER_TEMP/kubeconfig\"\n\
                     echo \"KUBECONFIG=$RUNNER_TEMP/kubeconfig\" >> \"$GITHUB_ENV\"\n{NAME_IMAGE}"
                );
                run(step.name, lines, &[("KUBE_CONFIG", "${{ secrets.KUBE_CONFIG }}")])
            }
        });
    }
    Ok(steps)
}

/// Names of images are in lower case, also where the repository's is not.
const NAME_IMAGE: &str = "echo \"IMAGE=ghcr.io/${GITHUB_REPOSITORY,,}\" >> \"$GITHUB_ENV\"\necho \"TAG=$GITHUB_SHA\" >> \"$GITHUB_ENV\"";

/// The part of an id that jobs of one project share.
fn job_word(job: &Job) -> &str {
    job.id.split_once('-').map_or(job.id.as_str(), |(_, word)| word)
}

fn hash_of(cache: &Cache) -> Result<String, GenerateError> {
    let plain = |name: &String| is_word(&name.replace('*', "x"));
    if !cache.files.iter().all(plain) {
        return Err(GenerateError::CacheFile(cache.folder.clone()));
    }
    let files: Vec<String> = cache.files.iter().map(|file| format!("'**/{file}'")).collect();
    Ok(format!("${{{{ hashFiles({}) }}}}", files.join(", ")))
}
