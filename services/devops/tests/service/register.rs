//! Registering: once, again, and with more history.

use septet_proto_devops::v1::{
    ListRepositoriesRequest, RegisterRepositoryRequest, register_repository_request::Since,
};
use tonic::Code;

use septet_testkit::{on_both_stores, service::Bed};

use crate::{
    bed::{commits_of, repository_of, start, start_with},
    fixture::Repo,
};

async fn a_retry_gets_the_same_reply(bed: Bed) {
    let repo = repository_of(2);
    let other = repository_of(2);
    let running = start(&bed).await;
    let request = RegisterRepositoryRequest {
        request_id: "the-first".to_owned(),
        location: repo.path.display().to_string(),
        since: None,
    };
    let register = async |request| running.client().register_repository(request).await;
    let first = register(request.clone()).await.unwrap().into_inner();
    running.changes(&first.repository.clone().unwrap().id, 2).await;
    assert_eq!(register(request.clone()).await.unwrap().into_inner(), first);
    // Even where the repository is gone meanwhile.
    std::fs::rename(&repo.path, repo.dir.path().join("away")).unwrap();
    assert_eq!(register(request.clone()).await.unwrap().into_inner(), first);
    let reused = RegisterRepositoryRequest { location: other.path.display().to_string(), ..request.clone() };
    assert_eq!(register(reused).await.unwrap_err().code(), Code::InvalidArgument);
    let long = RegisterRepositoryRequest { request_id: "x".repeat(65), ..request };
    let refused = register(long).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("DEVOPS-0001"), "{}", refused.message());
}

async fn one_place_is_one_repository(bed: Bed) {
    let repo = repository_of(3);
    repo.git(&["reset", "-q", "--hard"]);
    repo.write("deep/file", "x");
    let running = start(&bed).await;
    let path = repo.path.display().to_string();
    let id = running.register_at(&path, None).await.id;
    for spelling in [format!("{path}/deep"), format!("file://{path}"), format!("{path}/.git/")] {
        assert_eq!(running.register_at(&spelling, None).await.id, id);
    }
    running.settled(&id).await;
    assert_eq!(running.published().await.len(), 3);
}

async fn more_history_is_imported_and_less_changes_nothing(bed: Bed) {
    let repo = repository_of(12);
    let running = start(&bed).await;
    let id = running.register(&repo, Some(Since::Last(3))).await.id;
    for (since, changes) in [
        (None, 3),
        (Some(Since::Last(2)), 3),
        (Some(Since::Last(0)), 3),
        (Some(Since::Last(6)), 6),
        (Some(Since::Commit(repo.id("HEAD~8").to_string())), 8),
        (Some(Since::Commit(repo.id("HEAD~9").to_string()[..8].to_owned())), 9),
        // Commits are a minute apart, the first at 1,700,000,060.
        (Some(Since::Time(prost_types::Timestamp { seconds: 1_700_000_120, nanos: 0 })), 11),
        (Some(Since::Time(prost_types::Timestamp { seconds: 1_700_000_120, nanos: 1 })), 11),
        (Some(Since::All(false)), 11),
        (Some(Since::All(true)), 12),
        (Some(Since::Last(4)), 12),
    ] {
        assert_eq!(running.register(&repo, since.clone()).await.id, id);
        let settled = running.settled(&id).await;
        assert_eq!(settled.changes, changes, "{since:?}");
    }
    running.idle().await;
    assert_eq!(running.published().await.len(), 12);
    assert_eq!(running.published_commits().await, commits_of(&repo));
}

async fn history_widened_during_an_import_is_imported(bed: Bed) {
    let repo = repository_of(200);
    let running = start_with(&bed, "devops.import_chunk", 3).await;
    let id = running.register(&repo, Some(Since::Last(50))).await.id;
    running.register(&repo, Some(Since::All(true))).await;
    running.changes(&id, 200).await;
    running.settled(&id).await;
    assert_eq!(running.published().await.len(), 200);
}

async fn the_default_is_the_last_200(bed: Bed) {
    let repo = repository_of(230);
    let running = start(&bed).await;
    let id = running.register(&repo, None).await.id;
    assert_eq!(running.settled(&id).await.changes, 200);
    let oldest = running.list(&id).await.pop().unwrap();
    assert_eq!(oldest.commit, repo.id("HEAD~199").to_string());
}

async fn what_is_no_repository_is_refused(bed: Bed) {
    let empty = tempfile::tempdir().unwrap();
    let repo = Repo::new();
    let missing = empty.path().join("missing").display().to_string();
    let running = start(&bed).await;
    for (location, code, name) in [
        (empty.path().to_str().unwrap(), Code::FailedPrecondition, "DEVOPS-0005"),
        (missing.as_str(), Code::NotFound, "DEVOPS-0004"),
        ("some/where", Code::InvalidArgument, "DEVOPS-0002"),
        ("", Code::InvalidArgument, "DEVOPS-0002"),
        ("ftp://example.org/x", Code::InvalidArgument, "DEVOPS-0002"),
        (&"/x".repeat(3_000), Code::InvalidArgument, "DEVOPS-0002"),
        ("https://user:sesame@example.org/p.git", Code::InvalidArgument, "DEVOPS-0003"),
        ("https://sesame@example.org/p.git", Code::InvalidArgument, "DEVOPS-0003"),
        ("https://example.org/p.git?token=sesame", Code::InvalidArgument, "DEVOPS-0003"),
        ("https//sesame@example.org/p.git", Code::InvalidArgument, "DEVOPS-0002"),
        ("https//u:sesame@example.org/p.git", Code::InvalidArgument, "DEVOPS-0002"),
    ] {
        let request = RegisterRepositoryRequest { location: location.to_owned(), ..Default::default() };
        let refused = running.client().register_repository(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{location}: {}", refused.message());
        assert!(refused.message().starts_with(name), "{location}: {}", refused.message());
        assert!(!format!("{refused:?}").contains("sesame"), "{refused:?}");
    }
    let absent = RegisterRepositoryRequest {
        location: repo.path.display().to_string(),
        since: Some(Since::Commit("0123456789".to_owned())),
        ..Default::default()
    };
    let refused = running.client().register_repository(absent).await.unwrap_err();
    assert_eq!((refused.code(), &refused.message()[..11]), (Code::NotFound, "DEVOPS-0009"));
    let listed = running.client().list_repositories(ListRepositoriesRequest::default()).await.unwrap();
    assert!(listed.into_inner().repositories.is_empty());
}

async fn only_open_directories_are_read(bed: Bed) {
    let repo = repository_of(1);
    let running = start_with(&bed, "devops.local_roots", ["/nonexistent", "/proc"]).await;
    let request =
        RegisterRepositoryRequest { location: repo.path.display().to_string(), ..Default::default() };
    let refused = running.client().register_repository(request).await.unwrap_err();
    assert_eq!((refused.code(), &refused.message()[..11]), (Code::PermissionDenied, "DEVOPS-0013"));
}

on_both_stores!(
    a_retry_gets_the_same_reply,
    one_place_is_one_repository,
    more_history_is_imported_and_less_changes_nothing,
    history_widened_during_an_import_is_imported,
    the_default_is_the_last_200,
    what_is_no_repository_is_refused,
    only_open_directories_are_read,
);
