//! Repositories that cannot be read.

use septet_proto_common::v1::{DeadLetter, ListDeadLettersRequest, admin_service_client::AdminServiceClient};
use septet_testkit::eventually;

use septet_testkit::{on_both_stores, service::Bed};

use crate::{
    bed::{Running, commits_of, repository_of, start},
    fixture::Repo,
};

async fn dead_letters(running: &Running) -> Vec<DeadLetter> {
    let mut client = AdminServiceClient::new(running.started.channel());
    client.list_dead_letters(ListDeadLettersRequest::default()).await.unwrap().into_inner().dead_letters
}

async fn error_of(running: &Running, id: &str) -> String {
    eventually("an error is noted", async || {
        let repository = running.repository(id).await;
        (!repository.last_error.is_empty()).then_some(repository.last_error)
    })
    .await
}

async fn one_that_is_gone_says_so_and_stops_no_other(bed: Bed) {
    let gone = repository_of(3);
    let mut other = repository_of(3);
    other.git(&["reset", "-q", "--hard"]);
    let running = start(&bed).await;
    let gone_id = running.register(&gone, None).await.id;
    let other_id = running.register(&other, None).await.id;
    running.changes(&gone_id, 3).await;
    running.changes(&other_id, 3).await;
    running.idle().await;
    let away = gone.dir.path().join("away");
    std::fs::rename(&gone.path, &away).unwrap();
    let error = error_of(&running, &gone_id).await;
    assert!(error.contains(gone.path.to_str().unwrap()), "{error}");
    assert!(!running.repository(&gone_id).await.importing);
    other.at(1_800_000_000);
    other.commit("Meanwhile");
    running.changes(&other_id, 4).await;
    // The watch did not even queue an import, so there is nothing to dead-letter.
    assert!(dead_letters(&running).await.is_empty());

    std::fs::rename(&away, &gone.path).unwrap();
    eventually("it is well again", async || {
        running.repository(&gone_id).await.last_error.is_empty().then_some(())
    })
    .await;
}

async fn one_that_is_damaged_is_dead_lettered_once_and_mended_by_registering(bed: Bed) {
    let mut repo = Repo::new();
    for subject in ["One", "Two", "Three"] {
        repo.write(subject, subject);
        repo.commit(subject);
    }
    // The second commit's own tree, without which nobody can tell what it changed.
    let tree = repo.text(&["rev-parse", "HEAD~1^{tree}"]);
    let object = repo.path.join(".git/objects").join(&tree[..2]).join(&tree[2..]);
    let away = repo.dir.path().join("object");
    std::fs::rename(&object, &away).unwrap();
    let running = start(&bed).await;
    let id = running.register(&repo, None).await.id;
    let error = error_of(&running, &id).await;
    assert!(error.contains(&tree), "{error}");
    let letters = eventually("a dead letter", async || {
        let letters = dead_letters(&running).await;
        (!letters.is_empty()).then_some(letters)
    })
    .await;
    assert!(format!("{letters:?}").contains("DEVOPS-0011"), "{letters:?}");
    // What comes before the damage is imported.
    let repository = running.repository(&id).await;
    assert_eq!((repository.changes, repository.importing), (1, false));
    running.register(&repo, None).await;
    running.idle().await;
    assert_eq!(dead_letters(&running).await.len(), 1);

    std::fs::rename(&away, &object).unwrap();
    running.register(&repo, None).await;
    running.changes(&id, 3).await;
    running.idle().await;
    assert_eq!(running.repository(&id).await.last_error, "");
    assert_eq!(running.published_commits().await, commits_of(&repo));
}

on_both_stores!(
    one_that_is_gone_says_so_and_stops_no_other,
    one_that_is_damaged_is_dead_lettered_once_and_mended_by_registering,
);
