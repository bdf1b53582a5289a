//! The pipelines that are written.

use septet_devops::{
    generate::{self, JobKind},
    stack::Limits,
};

use crate::sample::{all, analyze, builtin, tree};

#[test]
fn every_sample_gets_its_jobs() {
    let rules = builtin();
    for sample in all() {
        let generated = sample.generate(&rules);
        let jobs: Vec<&str> = generated.pipeline.jobs.iter().map(|job| job.id.as_str()).collect();
        let expected = sample.expected.iter().find_map(|line| line.strip_prefix("jobs ")).unwrap();
        assert_eq!(jobs.join(" "), expected, "{}", sample.name);
    }
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    for sample in all() {
        let first = sample.generate(&builtin()).files;
        let mut shuffled = sample.files.clone();
        shuffled.reverse();
        let rules = builtin();
        let analysis = analyze(&shuffled, &rules, &Limits::default());
        assert_eq!(generate::generate(&analysis, &rules).unwrap().files, first, "{}", sample.name);
    }
}

#[test]
fn nothing_of_a_repository_becomes_code() {
    let sample = all().into_iter().find(|sample| sample.name == "hostile").unwrap();
    let generated = sample.generate(&builtin());
    for file in &generated.files {
        for piece in ["; id", "$(id)", "github.token }}/", "--privileged", "-o/", "secrets.TOKEN"] {
            assert!(!file.content.contains(piece), "{piece} in {}", file.path);
        }
    }
    let notes = generated.pipeline.notes.join("\n");
    assert!(notes.contains("a b; id has characters in its path"), "{notes}");
    assert!(notes.contains("$(id)/Dockerfile has characters in its path"), "{notes}");
}

#[test]
fn only_delivery_may_write_and_only_with_what_was_checked() {
    let sample = all().into_iter().find(|sample| sample.name == "infrastructure").unwrap();
    let generated = sample.generate(&builtin());
    let checks: Vec<&str> = generated
        .pipeline
        .jobs
        .iter()
        .filter(|job| matches!(job.kind, JobKind::Test | JobKind::Build | JobKind::Scan))
        .map(|job| job.id.as_str())
        .collect();
    for job in &generated.pipeline.jobs {
        if job.kind == JobKind::Deploy {
            assert!(checks.iter().all(|check| job.needs.iter().any(|need| need == check)), "{}", job.id);
        } else {
            assert!(job.writes.is_empty(), "{}", job.id);
        }
    }
    let workflow = &generated.files[0].content;
    assert!(workflow.contains("permissions:\n  contents: read\n"));
    assert_eq!(workflow.matches("packages: write").count(), 1);
    assert_eq!(workflow.matches("persist-credentials: false").count(), generated.pipeline.jobs.len());
    assert_eq!(workflow.matches("timeout-minutes:").count(), generated.pipeline.jobs.len());
}

#[test]
fn tests_get_the_servers_that_they_need() {
    let rules = builtin();
    let sample = all().into_iter().find(|sample| sample.name == "node-npm").unwrap();
    let files = sample.generate(&rules).files;
    assert!(files[0].content.contains("image: \"redis:7.4-alpine\""), "{}", files[0].content);
    assert!(files[0].content.contains("REDIS_URL: \"redis://127.0.0.1:6379\""));
    assert!(files[1].content.contains("REDIS_URL: \"redis://redis:6379\""));
}

#[test]
fn many_projects_are_limited_and_named() {
    let rules = builtin();
    let paths: Vec<String> = (0..40).map(|number| format!("m{number}/go.mod")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "module m\n")).collect();
    let generated = generate::generate(&analyze(&tree(&files), &rules, &Limits::default()), &rules).unwrap();
    assert_eq!(generated.pipeline.jobs.iter().filter(|job| job.kind == JobKind::Test).count(), 15);
    assert!(generated.pipeline.notes.contains(&"25 projects are beyond the limit of 15".to_owned()));
}
