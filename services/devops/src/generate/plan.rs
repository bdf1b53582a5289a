//! Which jobs a repository needs.

use std::collections::BTreeSet;

use super::{
    deliver,
    names::Names,
    pipeline::{Action, Job, JobKind, Pipeline, Server, Step, Tools},
};
use crate::stack::{Analysis, Claim, Component, Fact, Image, Rules, Task, is_word};

/// Projects that get jobs of their own at most; platforms limit what a job may need.
const UNITS: usize = 15;
/// Commands that are less sure than this are only used where there is nothing better.
const SURE: u8 = 80;

/// The jobs for a repository.
#[must_use]
pub fn plan(analysis: &Analysis, rules: &Rules) -> Pipeline {
    let mut pipeline = Pipeline::default();
    let mut names = Names::default();
    let (mut units, mut more) = (0, 0);
    for component in &analysis.components {
        if component.example {
            pipeline.notes.push(format!("{} is an example", shown(&component.path)));
            continue;
        }
        if !component.path.is_empty() && !is_word(&component.path) {
            let path = shown(&component.path);
            pipeline.notes.push(format!("{path} has characters in its path that a shell could misread"));
            continue;
        }
        for stack in stacks(component).filter(|stack| !spoken_for(analysis, component, stack)) {
            let unit = Unit { analysis, rules, component, stack };
            if !unit.has_work() {
                pipeline.notes.push(format!(
                    "{} ({}) has neither tests nor a build that is known",
                    shown(&component.path),
                    rules.title(stack)
                ));
            } else if units == UNITS {
                more += 1;
            } else {
                units += 1;
                let word = names.word(stack, &component.path);
                pipeline.jobs.extend(unit.jobs(&word));
            }
        }
    }
    if more > 0 {
        pipeline.notes.push(format!("{more} projects are beyond the limit of {UNITS}"));
    }
    pipeline.jobs.push(scan());
    deliver::jobs(analysis, &mut names, &mut pipeline);
    pipeline.jobs.sort_by_key(|job| job.kind);
    pipeline
}

/// A path for people, without what could move their cursor.
pub(super) fn shown(path: &str) -> String {
    match path {
        "" => "the root".to_owned(),
        path => path.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect(),
    }
}

/// The stacks that a component has commands of.
fn stacks(component: &Component) -> impl Iterator<Item = &str> {
    let commands = component.claims.iter().filter(|claim| matches!(claim.fact, Fact::Command { .. }));
    let named: BTreeSet<&str> = commands.map(|claim| claim.stack.as_str()).collect();
    named.into_iter()
}

/// True where a folder above tests this one with itself.
fn spoken_for(analysis: &Analysis, component: &Component, stack: &str) -> bool {
    let is_above = |other: &&Component| {
        let below = component.path.strip_prefix(&other.path);
        other.path.len() < component.path.len()
            && below.is_some_and(|rest| other.path.is_empty() || rest.starts_with('/'))
    };
    component.member_of.contains(stack)
        && analysis.components.iter().filter(is_above).any(|other| {
            other.claims.iter().any(|claim| {
                claim.stack == stack && matches!(claim.fact, Fact::Command { task: Task::Test, .. })
            })
        })
}

/// Looks for secrets, and fails where there are any.
fn scan() -> Job {
    let mut job = Job::new("scan".to_owned(), "Scan for secrets".to_owned(), JobKind::Scan);
    job.steps = vec![
        Step { name: "Get septet", action: Action::GetSeptet },
        Step::run("Scan", "septet review scan ."),
    ];
    job
}

/// One stack of one component.
struct Unit<'a> {
    analysis: &'a Analysis,
    rules: &'a Rules,
    component: &'a Component,
    stack: &'a str,
}

impl<'a> Unit<'a> {
    fn claims(&self) -> impl Iterator<Item = &'a Claim> + use<'a> {
        let stack = self.stack;
        self.component.claims.iter().filter(move |claim| claim.stack == stack)
    }

    /// Commands for a task with their confidence, the surest first.
    fn commands(&self, task: Task) -> Vec<(&'a str, u8)> {
        let commands = self.claims().filter_map(|claim| match &claim.fact {
            Fact::Command { task: other, run } if *other == task => Some((run.as_str(), claim.confidence)),
            _ => None,
        });
        commands.collect()
    }

    fn best(&self, task: Task) -> Option<&'a str> {
        self.commands(task).first().map(|(run, _)| *run)
    }

    /// All commands that are sure, or else the best one.
    fn sure(&self, task: Task) -> Vec<&'a str> {
        let commands = self.commands(task);
        let sure: Vec<&str> =
            commands.iter().filter(|(_, sure)| *sure >= SURE).map(|(run, _)| *run).collect();
        if sure.is_empty() { commands.into_iter().take(1).map(|(run, _)| run).collect() } else { sure }
    }

    fn has_work(&self) -> bool {
        [Task::Test, Task::Build, Task::Lint].into_iter().any(|task| self.best(task).is_some())
    }

    fn jobs(&self, word: &str) -> Vec<Job> {
        let title = self.rules.title(self.stack);
        let place = match self.component.path.as_str() {
            "" => title,
            path => format!("{title}, {path}"),
        };
        let install = self.sure(Task::Install).join("\n");
        let install = (!install.is_empty()).then(|| Step::run("Install", install));
        let job = |id: &str, name: &str, kind: JobKind, steps: Vec<Step>| {
            let mut job = Job::new(format!("{id}-{word}"), format!("{name} ({place})"), kind);
            job.directory.clone_from(&self.component.path);
            job.tools = Some(self.tools());
            job.steps = install.clone().into_iter().chain(steps).collect();
            job
        };
        let mut jobs = Vec::new();
        let cache = job("cache", "Dependencies", JobKind::Cache, Vec::new());
        let needs: Vec<String> = install.iter().map(|_| cache.id.clone()).collect();
        if install.is_some() {
            jobs.push(cache);
        }
        let lint = self.sure(Task::Lint).join("\n");
        let lint = (!lint.is_empty()).then(|| Step::run("Lint", lint));
        let test = self.best(Task::Test).map(|run| Step::run("Test", run));
        let steps: Vec<Step> = lint.into_iter().chain(test).collect();
        if !steps.is_empty() {
            let mut job = job("test", "Test", JobKind::Test, steps);
            job.servers = self.servers();
            job.needs.clone_from(&needs);
            jobs.push(job);
        }
        if let Some(run) = self.best(Task::Build) {
            let mut job = job("build", "Build", JobKind::Build, vec![Step::run("Build", run)]);
            job.needs = needs;
            jobs.push(job);
        }
        jobs
    }

    fn tools(&self) -> Tools {
        let manager = self.claims().find_map(|claim| match &claim.fact {
            Fact::PackageManager { name, .. } => Some(name.clone()),
            _ => None,
        });
        let runtime = self.rules.toolchain(self.stack, manager.as_deref()).map(|tools| &tools.runtime);
        let version = self.claims().find_map(|claim| match &claim.fact {
            Fact::Runtime { name, version } if Some(name) == runtime => Some(version.clone()),
            _ => None,
        });
        Tools { stack: self.stack.to_owned(), manager, version }
    }

    /// The servers that its tests need: those that its folder names, in the version of whoever names one.
    fn servers(&self) -> Vec<Server> {
        let root = self.analysis.components.first().filter(|root| root.path.is_empty());
        let mut servers: Vec<Server> = Vec::new();
        for claim in &self.component.claims {
            let Fact::Service { name, version } = &claim.fact else { continue };
            let Some(image) = self.rules.images.iter().find(|image| image.service == *name) else { continue };
            if servers.iter().any(|server| server.name == *name) {
                continue;
            }
            let elsewhere = || {
                let claims = root.into_iter().flat_map(|root| &root.claims).chain(&self.component.claims);
                let same = claims.filter(
                    |claim| matches!(&claim.fact, Fact::Service { name: other, .. } if other == name),
                );
                same.filter_map(|claim| claim.fact.version()).next()
            };
            servers.push(server(image, version.as_deref().or_else(elsewhere)));
        }
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        servers
    }
}

fn server(image: &Image, version: Option<&str>) -> Server {
    Server {
        name: image.service.clone(),
        image: format!("{}:{}", image.image, version.unwrap_or(&image.version)),
        port: image.port,
        env: image.env.clone(),
        exports: image.exports.clone(),
        health: image.health.clone(),
    }
}
