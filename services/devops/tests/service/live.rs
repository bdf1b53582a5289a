//! A repository that moves while it is watched, and the streams that tell of it.

use septet_chassis::Channel;
use septet_proto_devops::v1::{
    Change, WatchChangesRequest, WatchChangesResponse, devops_service_client::DevopsServiceClient,
};
use septet_testkit::{Deadline, within};
use tonic::Streaming;

use septet_testkit::{on_both_stores, service::Bed};

use crate::{
    bed::{Running, commits_of, repository_of, start, start_with},
    fixture::Repo,
};

async fn watch(
    running: &Running,
    repository_id: &str,
    include_existing: bool,
) -> Streaming<WatchChangesResponse> {
    let mut client: DevopsServiceClient<Channel> = running.client();
    let request = WatchChangesRequest { repository_id: repository_id.to_owned(), include_existing };
    client.watch_changes(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<WatchChangesResponse>) -> Change {
    let reply = within(Deadline::SHORT, "the next change", stream.message()).await.unwrap();
    reply.expect("the stream goes on").change.unwrap()
}

async fn what_is_pushed_appears(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("file", "1\n");
    repo.commit("First");
    repo.write("file", "1\n2\n");
    repo.commit("Second");
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;

    let mut new = watch(&running, &repository.id, false).await;
    let mut all = watch(&running, "", true).await;
    let existing = [next(&mut all).await.subject, next(&mut all).await.subject];
    assert_eq!(existing, ["First", "Second"]);

    repo.write("file", "1\n2\n3\n");
    let third = repo.commit("Third");
    let change = next(&mut new).await;
    assert_eq!((change.commit, change.subject.as_str()), (third.to_string(), "Third"));
    assert_eq!(next(&mut all).await.subject, "Third");

    // A branch from further back brings only what is new on it.
    repo.git(&["checkout", "-q", "-b", "side", "HEAD~2"]);
    repo.write("other", "1\n");
    repo.commit("On the side");
    let change = next(&mut new).await;
    assert_eq!((change.subject.as_str(), change.r#ref.as_str()), ("On the side", "refs/heads/side"));

    // A forced push takes a commit away and brings another; what was published stays.
    repo.git(&["checkout", "-q", "main"]);
    let before = commits_of(&repo);
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    repo.write("file", "1\n2\nthree\n");
    let forced = repo.commit("Third again");
    assert_eq!(next(&mut new).await.commit, forced.to_string());

    // A branch to what is known already brings nothing.
    repo.git(&["branch", "old", "HEAD~1"]);
    repo.write("file", "end\n");
    repo.commit("Fourth");
    assert_eq!(next(&mut new).await.subject, "Fourth");
    let mut expected: std::collections::HashSet<_> = before;
    expected.extend(commits_of(&repo));
    assert_eq!(running.published_commits().await, expected);
}

async fn what_is_collected_after_a_forced_push_is_not_imported_again(bed: Bed) {
    let mut repo = repository_of(30);
    repo.git(&["reset", "-q", "--hard"]);
    let running = start(&bed).await;
    let since = septet_proto_devops::v1::register_repository_request::Since::Last(5);
    let repository = running.register(&repo, Some(since)).await;
    assert_eq!(running.settled(&repository.id).await.changes, 5);
    running.idle().await;
    running.started.drain().await.unwrap();
    let before = commits_of(&repo);

    // Its only tip is gone for good: nothing but the imported commits tells where new ones begin.
    repo.at(1_800_000_000);
    repo.git(&["commit", "-q", "--amend", "-m", "Amended"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "-q", "--prune=now"]);
    let running = start(&bed).await;
    running.changes(&repository.id, 6).await;
    running.idle().await;
    let published = running.published_commits().await;
    assert_eq!(published.len(), 6);
    assert_eq!(published.difference(&before).count(), 1);
}

async fn a_repository_without_commits_is_watched(bed: Bed) {
    let mut repo = Repo::new();
    let running = start(&bed).await;
    let since = septet_proto_devops::v1::register_repository_request::Since::Last(1);
    let repository = running.register(&repo, Some(since)).await;
    assert_eq!(running.settled(&repository.id).await.changes, 0);
    let mut stream = watch(&running, &repository.id, true).await;
    for subject in ["One", "Two", "Three"] {
        repo.write("file", subject);
        repo.commit(subject);
    }
    // All of them are new, however little history was asked for.
    for subject in ["One", "Two", "Three"] {
        assert_eq!(next(&mut stream).await.subject, subject);
    }
}

async fn streams_end_with_the_process(bed: Bed) {
    let repo = repository_of(3);
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    let mut stream = watch(&running, &repository.id, false).await;
    let ended = tokio::spawn(async move { stream.message().await });
    within(Deadline::SHORT, "the drain", running.started.drain()).await.unwrap();
    let ended = within(Deadline::SHORT, "the end of the stream", ended).await.unwrap();
    assert_eq!(ended.unwrap_err().code(), tonic::Code::Unavailable);
}

async fn streams_over_the_limit_are_refused(bed: Bed) {
    let running = start_with(&bed, "devops.watch_streams", 2).await;
    let first = watch(&running, "", false).await;
    let _second = watch(&running, "", false).await;
    let refused = running.client().watch_changes(WatchChangesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    assert!(refused.message().starts_with("DEVOPS-0014"), "{}", refused.message());
    drop(first);
    septet_testkit::eventually("a place is free", async || {
        running.client().watch_changes(WatchChangesRequest::default()).await.ok().map(drop)
    })
    .await;
}

on_both_stores!(
    what_is_pushed_appears,
    what_is_collected_after_a_forced_push_is_not_imported_again,
    a_repository_without_commits_is_watched,
    streams_end_with_the_process,
    streams_over_the_limit_are_refused,
);
