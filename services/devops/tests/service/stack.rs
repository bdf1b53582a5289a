//! What a commit is made of, and a pipeline for it, by reference.

use septet_proto_devops::v1::{
    AnalyzeRepositoryRequest, ClaimKind, GeneratePipelineRequest, PipelineJobKind,
};
use septet_testkit::{on_both_stores, service::Bed};
use tonic::Code;

use crate::{
    bed::{start, start_with},
    fixture::Repo,
};

async fn a_commit_is_told_and_gets_a_pipeline(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("go.mod", "module example.org/x\n\ngo 1.23\n");
    repo.write("vendor/y/go.mod", "module example.org/y\n");
    let first = repo.commit("Go").to_string();
    repo.write("web/package.json", "{\"name\": \"web\", \"scripts\": {\"test\": \"x\"}}");
    let second = repo.commit("Node").to_string();
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    let analyze = async |commit: &str| {
        let request = AnalyzeRepositoryRequest {
            repository_id: repository.id.clone(),
            commit: commit.to_owned(),
            ..Default::default()
        };
        running.client().analyze_repository(request).await.map(|reply| reply.into_inner().analysis.unwrap())
    };
    let analysis = analyze(&first).await.unwrap();
    let paths: Vec<&str> = analysis.components.iter().map(|component| component.path.as_str()).collect();
    assert_eq!(paths, [""]);
    let runtime =
        analysis.components[0].claims.iter().find(|claim| claim.kind() == ClaimKind::Runtime).unwrap();
    assert_eq!((runtime.name.as_str(), runtime.version.as_str()), ("go", "1.23"));
    assert_eq!((runtime.evidence[0].path.as_str(), runtime.evidence[0].line), ("go.mod", 3));
    let analysis = analyze(&second[..10]).await.unwrap();
    assert_eq!(analysis.components.len(), 2);
    let refused = analyze(&"0".repeat(40)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{}", refused.message());

    let change = running.list("").await.into_iter().find(|change| change.commit == second).unwrap();
    let generate = async || {
        let request = GeneratePipelineRequest { change_id: change.id.clone(), ..Default::default() };
        running.client().generate_pipeline(request).await.unwrap().into_inner()
    };
    let generated = generate().await;
    let paths: Vec<&str> = generated.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".github/workflows/septet.yml", ".gitlab-ci.yml"]);
    let jobs = generated.pipeline.clone().unwrap().jobs;
    let test = jobs.iter().find(|job| job.directory == "web" && job.kind() == PipelineJobKind::Test).unwrap();
    assert_eq!(test.steps.last().unwrap().run, "npm run test");
    assert_eq!(generate().await.files, generated.files);
}

async fn rules_of_a_directory_count(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("moon.pkg", "x");
    let commit = repo.commit("Moon").to_string();
    let directory = tempfile::tempdir().unwrap();
    let rules = "stack = \"moon\"\ntitle = \"Moon\"\n[[rule]]\nid = \"moon\"\nproject = true\nwhen = [{ path = \"moon.pkg\" }]\n\
                 claims = [{ kind = \"language\", name = \"Moon\" }]\n";
    std::fs::write(directory.path().join("moon.toml"), rules).unwrap();
    let running = start_with(&bed, "devops.stack.rules_dir", directory.path().to_str().unwrap()).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    let request = AnalyzeRepositoryRequest { repository_id: repository.id, commit, ..Default::default() };
    let reply = running.client().analyze_repository(request).await.unwrap().into_inner();
    assert_eq!(reply.analysis.unwrap().components[0].claims[0].name, "Moon");
}

on_both_stores!(a_commit_is_told_and_gets_a_pipeline, rules_of_a_directory_count);
