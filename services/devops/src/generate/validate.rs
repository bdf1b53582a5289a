//! Looks at a generated file as a stranger would: it is parsed again, and what makes it safe is checked on what was read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    github::{EXPRESSIONS, ON_DEFAULT_BRANCH, SECRETS},
    gitlab::STAGES,
    pins::Pins,
};

/// What GitHub and GitLab take as the id of a job.
fn check_id(id: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let starts = id.starts_with(|first: char| first.is_ascii_alphabetic());
    if starts && id.len() <= 100 && id.bytes().all(plain) { Ok(()) } else { Err(format!("`{id}` is no id")) }
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    match serde_saphyr::from_str(text).map_err(|error| error.to_string())? {
        Value::Object(map) => Ok(map),
        _ => Err("it is no map".to_owned()),
    }
}

fn object<'a>(value: Option<&'a Value>, what: &str) -> Result<&'a Map<String, Value>, String> {
    value.and_then(Value::as_object).ok_or_else(|| format!("{what} is missing or no map"))
}

fn list<'a>(value: Option<&'a Value>, what: &str) -> Result<&'a [Value], String> {
    value.and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| format!("{what} is missing or no list"))
}

/// Every need is a job, none needs itself over others.
fn check_needs(needs: &BTreeMap<&str, Vec<&str>>) -> Result<(), String> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for (id, others) in needs {
        if let Some(unknown) = others.iter().find(|other| !needs.contains_key(*other)) {
            return Err(format!("{id} needs {unknown}, which is no job"));
        }
    }
    while done.len() < needs.len() {
        let ready = |id: &&str| !done.contains(id) && needs[id].iter().all(|other| done.contains(other));
        let next: Vec<&str> = needs.keys().copied().filter(ready).collect();
        if next.is_empty() {
            let left = needs.keys().filter(|id| !done.contains(*id)).copied();
            return Err(format!("{} need each other", left.collect::<Vec<_>>().join(", ")));
        }
        done.extend(next);
    }
    Ok(())
}

fn needs_of(job: &Map<String, Value>) -> Vec<&str> {
    job.get("needs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Checks a workflow of GitHub Actions.
pub(super) fn github(text: &str, pins: &Pins) -> Result<(), String> {
    let workflow = parse(text)?;
    let permissions = object(workflow.get("permissions"), "permissions")?;
    if permissions.iter().any(|(scope, access)| scope != "contents" || access != "read") {
        return Err("permissions allow more than to read the contents".to_owned());
    }
    object(workflow.get("on"), "on")?;
    object(workflow.get("concurrency"), "concurrency")?;
    check_expressions(&Value::Object(workflow.clone()))?;
    let jobs = object(workflow.get("jobs"), "jobs")?;
    let mut needs = BTreeMap::new();
    for (id, job) in jobs {
        check_id(id)?;
        let job = object(Some(job), id)?;
        needs.insert(id.as_str(), needs_of(job));
        github_job(job, pins).map_err(|reason| format!("{id}: {reason}"))?;
    }
    check_needs(&needs)
}

fn github_job(job: &Map<String, Value>, pins: &Pins) -> Result<(), String> {
    if !job.get("timeout-minutes").is_some_and(Value::is_u64) {
        return Err("it has no timeout".to_owned());
    }
    let delivers = job.get("if").is_some_and(|condition| condition == ON_DEFAULT_BRANCH);
    if job.contains_key("permissions") && !delivers {
        return Err("it may write without being on the default branch".to_owned());
    }
    for step in list(job.get("steps"), "steps")? {
        let step = object(Some(step), "a step")?;
        match (step.get("uses").and_then(Value::as_str), step.get("run").and_then(Value::as_str)) {
            (Some(uses), None) if pins.has(uses) => {}
            (Some(uses), None) => return Err(format!("{uses} is not pinned")),
            (None, Some(run)) if run.trim().is_empty() => return Err("a step runs nothing".to_owned()),
            (None, Some(run)) if run.contains("${{") => {
                return Err("an expression is part of a script".to_owned());
            }
            (None, Some(_)) => {}
            _ => return Err("a step neither uses nor runs".to_owned()),
        }
        let secret = step.get("env").is_some_and(|env| env.to_string().contains("secrets."));
        if secret && !delivers {
            return Err("a secret is used without being on the default branch".to_owned());
        }
    }
    Ok(())
}

/// Every expression anywhere is one of ours.
fn check_expressions(value: &Value) -> Result<(), String> {
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            check_text(key)?;
            check_expressions(value)
        }),
        Value::Array(items) => items.iter().try_for_each(check_expressions),
        Value::String(text) => check_text(text),
        _ => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), String> {
    for part in text.split("${{").skip(1) {
        let expression = part.split_once("}}").map(|(expression, _)| expression.trim());
        let known = expression.is_some_and(|expression| {
            EXPRESSIONS.contains(&expression) || SECRETS.contains(&expression) || is_hash(expression)
        });
        if !known {
            return Err(format!("`{}` is no expression of ours", expression.unwrap_or(part)));
        }
    }
    Ok(())
}

/// `hashFiles` of plain names.
fn is_hash(expression: &str) -> bool {
    let inside = expression.strip_prefix("hashFiles('").and_then(|rest| rest.strip_suffix("')"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/*-".contains(&byte);
    inside.is_some_and(|inside| inside.split("', '").all(|file| file.bytes().all(plain)))
}

/// Checks a CI file of GitLab.
pub(super) fn gitlab(text: &str) -> Result<(), String> {
    let file = parse(text)?;
    object(file.get("workflow"), "workflow")?;
    let stages: Vec<&str> = list(file.get("stages"), "stages")?.iter().filter_map(Value::as_str).collect();
    if stages != STAGES {
        return Err("the stages are not ours".to_owned());
    }
    let mut needs = BTreeMap::new();
    let mut stage_of = BTreeMap::new();
    for (id, job) in file.iter().filter(|(id, _)| !matches!(id.as_str(), "workflow" | "stages")) {
        check_id(id)?;
        let job = object(Some(job), id)?;
        let stage = job.get("stage").and_then(Value::as_str).unwrap_or_default();
        let stage = STAGES.iter().position(|known| *known == stage);
        stage_of.insert(id.as_str(), stage.ok_or_else(|| format!("{id} is of no stage"))?);
        needs.insert(id.as_str(), needs_of(job));
        gitlab_job(job).map_err(|reason| format!("{id}: {reason}"))?;
    }
    check_needs(&needs)?;
    for (id, others) in &needs {
        if let Some(later) = others.iter().find(|other| stage_of[*other] > stage_of[id]) {
            return Err(format!("{id} needs {later}, which is of a later stage"));
        }
    }
    Ok(())
}

fn gitlab_job(job: &Map<String, Value>) -> Result<(), String> {
    let image = object(job.get("image"), "image")?.get("name").and_then(Value::as_str).unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':')).map_or("", |(_, tag)| tag);
    if tag.is_empty() || tag == "latest" {
        return Err(format!("the image `{image}` names no version"));
    }
    if !job.get("timeout").is_some_and(Value::is_string) {
        return Err("it has no timeout".to_owned());
    }
    let script = list(job.get("script"), "script")?;
    if script.is_empty() || script.iter().any(|line| line.as_str().is_none_or(|line| line.trim().is_empty()))
    {
        return Err("its script is empty, or has an empty line".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "    timeout-minutes: 5\n    steps:\n";

    fn workflow(jobs: &str) -> String {
        format!(
            "on: {{push: {{}}}}\npermissions: {{contents: read}}\nconcurrency: {{group: x}}\njobs:\n{jobs}"
        )
    }

    fn refused(jobs: &str) -> String {
        github(&workflow(jobs), &Pins::builtin().unwrap()).unwrap_err()
    }

    #[test]
    fn a_workflow_that_is_not_safe_is_refused() {
        let pins = Pins::builtin().unwrap();
        let fine = format!("  a:\n{JOB}      - run: x\n");
        assert_eq!(github(&workflow(&fine), &pins), Ok(()));
        for (jobs, said) in [
            (format!("  a:\n{JOB}      - uses: actions/checkout@v7\n"), "is not pinned"),
            (format!("  a:\n{JOB}      - uses: actions/checkout@{}\n", "0".repeat(40)), "is not pinned"),
            (format!("  a:\n{JOB}      - run: \"echo ${{{{ github.ref }}}}\"\n"), "part of a script"),
            (
                format!("  a:\n    name: \"${{{{ github.head_ref }}}}\"\n{JOB}      - run: x\n"),
                "no expression of ours",
            ),
            (
                format!("  a:\n    name: \"${{{{ hashFiles('x', secrets.A) }}}}\"\n{JOB}      - run: x\n"),
                "no expression of ours",
            ),
            ("  a:\n    steps:\n      - run: x\n".to_owned(), "no timeout"),
            (format!("  a:\n    needs: [b]\n{JOB}      - run: x\n"), "which is no job"),
            (
                format!(
                    "  a:\n    needs: [b]\n{JOB}      - run: x\n  b:\n    needs: [a]\n{JOB}      - run: x\n"
                ),
                "need each other",
            ),
            (format!("  a:\n    permissions: {{packages: write}}\n{JOB}      - run: x\n"), "may write"),
            (
                format!("  a:\n{JOB}      - {{run: x, env: {{A: \"${{{{ secrets.KUBE_CONFIG }}}}\"}}}}\n"),
                "a secret is used",
            ),
            (format!("  a b:\n{JOB}      - run: x\n"), "is no id"),
        ] {
            let reason = refused(&jobs);
            assert!(reason.contains(said), "{reason}, not {said}");
        }
        let open = workflow(&fine).replace("contents: read", "contents: write");
        assert!(github(&open, &pins).unwrap_err().contains("permissions"));
        assert!(github("jobs: [", &pins).is_err());
    }

    #[test]
    fn a_file_of_gitlab_that_is_not_whole_is_refused() {
        let head = "workflow: {}\nstages: [cache, test, build, scan, deploy]\n";
        let job = |id: &str, more: &str| {
            format!(
                "{id}:\n  stage: test\n  image: {{name: a:1}}\n  timeout: 5 minutes\n  script: [x]\n{more}"
            )
        };
        assert_eq!(gitlab(&format!("{head}{}", job("a", ""))), Ok(()));
        for (text, said) in [
            (job("a", "  needs: [b]\n"), "which is no job"),
            (job("a", "").replace("a:1", "a:latest"), "names no version"),
            (job("a", "").replace("[x]", "[]"), "script is empty"),
            (job("a", "").replace("stage: test", "stage: none"), "of no stage"),
            (
                job("a", "  needs: [b]\n") + &job("b", "").replace("stage: test", "stage: scan"),
                "of a later stage",
            ),
        ] {
            let reason = gitlab(&format!("{head}{text}")).unwrap_err();
            assert!(reason.contains(said), "{reason}, not {said}");
        }
    }
}
