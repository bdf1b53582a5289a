//! Jobs for container images and charts: built for every change, delivered from the default branch.

use super::{
    names::Names,
    pipeline::{Action, Job, JobKind, Pipeline, Step},
    plan::shown,
};
use crate::stack::{Analysis, Fact, is_word};

/// Images, and charts, at most.
const EACH: usize = 5;

/// Adds the jobs. Deploying needs every job before.
pub(super) fn jobs(analysis: &Analysis, names: &mut Names, pipeline: &mut Pipeline) {
    let containers = paths(analysis, pipeline, "image", |fact| match fact {
        Fact::Container { path } => Some(path),
        _ => None,
    });
    let charts = paths(analysis, pipeline, "chart", |fact| match fact {
        // A chart within another is part of it.
        Fact::Chart { path } if !path.contains("/charts/") => Some(path),
        _ => None,
    });
    let one = containers.len() == 1;
    let mut deploys = Vec::new();
    for file in &containers {
        let word = names.word("image", folder(file));
        let name = if one { "$IMAGE".to_owned() } else { format!("$IMAGE/{word}") };
        let build = format!("docker build --file {file} --tag \"{name}:$TAG\" {}", context(file));
        let mut job = image_job(format!("build-{word}"), format!("Build image ({file})"), JobKind::Build);
        job.steps = vec![Step::run("Build", build.replace(&format!("{name}:$TAG"), "septet-check"))];
        pipeline.jobs.push(job);
        let mut job = image_job(format!("deploy-{word}"), format!("Publish image ({file})"), JobKind::Deploy);
        job.writes = vec!["packages"];
        job.steps = vec![
            Step { name: "Sign in", action: Action::SignIn },
            Step::run("Build", build),
            Step::run("Publish", format!("docker push \"{name}:$TAG\"")),
        ];
        deploys.push(job);
    }
    let images: Vec<String> = deploys.iter().map(|job| job.id.clone()).collect();
    for chart in &charts {
        let path = match folder(chart) {
            "" => ".",
            path => path,
        };
        let word = names.word("chart", path);
        let mut job = chart_job(format!("build-{word}"), format!("Check chart ({path})"), JobKind::Build);
        job.steps = vec![Step::run("Check", format!("helm dependency update {path}\nhelm lint {path}"))];
        pipeline.jobs.push(job);
        // What a chart's values are called where there is one image is a convention; with more nobody can know.
        let image = if one {
            " --set-string \"image.repository=$IMAGE\" --set-string \"image.tag=$TAG\""
        } else {
            ""
        };
        let mut job = chart_job(format!("deploy-{word}"), format!("Deploy chart ({path})"), JobKind::Deploy);
        job.needs.clone_from(&images);
        let release = word.strip_prefix("chart-").unwrap_or("app");
        job.steps = vec![
            Step { name: "Reach the cluster", action: Action::ReachCluster },
            Step::run(
                "Deploy",
                format!(
                    "helm dependency update {path}\nhelm upgrade --install {release} {path} --atomic --wait --timeout 10m{image}"
                ),
            ),
        ];
        deploys.push(job);
    }
    let checks = pipeline.jobs.iter().filter(|job| job.kind != JobKind::Cache);
    let checks: Vec<String> = checks.map(|job| job.id.clone()).collect();
    for mut job in deploys {
        job.needs.splice(0..0, checks.iter().cloned());
        pipeline.jobs.push(job);
    }
}

fn image_job(id: String, name: String, kind: JobKind) -> Job {
    Job { docker: true, ..Job::new(id, name, kind) }
}

fn chart_job(id: String, name: String, kind: JobKind) -> Job {
    Job { helm: true, ..Job::new(id, name, kind) }
}

/// Paths of what is delivered, those that a shell cannot misread; the others are noted.
fn paths<'a>(
    analysis: &'a Analysis,
    pipeline: &mut Pipeline,
    thing: &str,
    of: impl Fn(&'a Fact) -> Option<&'a String>,
) -> Vec<&'a str> {
    let components = analysis.components.iter().filter(|component| !component.example);
    let claims = components.flat_map(|component| &component.claims);
    let found: Vec<&str> = claims.filter_map(|claim| of(&claim.fact)).map(String::as_str).collect();
    let (mut kept, bad): (Vec<&str>, Vec<&str>) = found.into_iter().partition(|path| is_word(path));
    for path in bad {
        let path = shown(path);
        pipeline.notes.push(format!("{path} has characters in its path that a shell could misread"));
    }
    kept.sort_unstable();
    if kept.len() > EACH {
        let (more, s) = (kept.len() - EACH, if kept.len() == EACH + 1 { "" } else { "s" });
        pipeline.notes.push(format!("{more} {thing}{s} beyond the limit of {EACH}"));
        kept.truncate(EACH);
    }
    kept
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What is sent to the builder: the file's folder, or what is above where the folder is only for such files.
fn context(file: &str) -> &str {
    let folder = folder(file);
    let name = folder.rsplit('/').next().unwrap_or_default();
    match (folder, name) {
        ("", _) => ".",
        (_, "docker" | ".docker" | "build" | "deploy") => match folder.rsplit_once('/') {
            Some((above, _)) => above,
            None => ".",
        },
        _ => folder,
    }
}
