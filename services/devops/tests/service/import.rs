//! From a registered repository to one event for each commit.

use std::{collections::HashMap, time::Instant};

use septet_proto_devops::v1::{FileStatus, register_repository_request::Since};
use septet_testkit::{Deadline, eventually, within};

use septet_testkit::{on_both_stores, service::Bed};

use crate::{
    bed::{commits_of, repository_of, start, start_with},
    fixture::Repo,
};

#[allow(clippy::print_stdout, reason = "the figure is for people")]
async fn every_commit_is_published_once(bed: Bed) {
    let repo = repository_of(500);
    let running = start(&bed).await;
    let began = Instant::now();
    let repository = running.register(&repo, Some(Since::All(true))).await;
    assert!(repository.importing);
    eventually("500 events in the log", async || {
        (running.records("devops.change.v1").await.len() == 500).then_some(())
    })
    .await;
    println!("500 commits, from registering to the last event in the log: {:?}", began.elapsed());
    assert_eq!(running.published_commits().await, commits_of(&repo));
    assert_eq!(running.published().await.len(), 500);

    let settled = running.settled(&repository.id).await;
    assert_eq!((settled.changes, settled.last_error.as_str()), (500, ""));
    let listed = running.list(&repository.id).await;
    assert_eq!(listed, running.list("").await);
    let order: HashMap<&str, usize> =
        listed.iter().rev().enumerate().map(|(at, change)| (change.commit.as_str(), at)).collect();
    assert_eq!(order.len(), 500);
    for change in &listed {
        for parent in &change.parents {
            assert!(order[parent.as_str()] < order[change.commit.as_str()], "a parent came after its child");
        }
    }
    running.started.drain().await.unwrap();
}

async fn an_event_says_what_git_says(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("a.txt", "one\ntwo\n");
    repo.write("b.bin", [0, 159, 146, 150]);
    repo.commit("First");
    repo.git(&["mv", "a.txt", "c.txt"]);
    repo.write("d.txt", "new\n");
    repo.remove("b.bin");
    let second = repo.commit("Second: \u{e9}").to_string();
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    let logged = running.published().await;
    let event = &logged.iter().find(|logged| logged.1.change.as_ref().unwrap().commit == second);
    let event = &event.unwrap().1;
    let change = event.change.clone().unwrap();
    assert_eq!(event.change_id, change.id);
    assert_eq!(change.subject, "Second: \u{e9}");
    assert_eq!((change.repository_name.as_str(), change.r#ref.as_str()), ("work", "refs/heads/main"));
    assert_eq!(change.parents, [repo.id("HEAD~1").to_string()]);
    assert_eq!(change.author.clone().unwrap().email, "ada@example.org");
    let of = |format: &str| repo.text(&["show", "-s", &format!("--format={format}")]).parse::<i64>().unwrap();
    assert_eq!(change.authored_time.unwrap().seconds, of("%at"));
    assert_eq!(change.committed_time.unwrap().seconds, of("%ct"));
    let files: Vec<_> = change
        .files
        .iter()
        .map(|file| {
            (file.path.as_str(), file.previous_path.as_str(), file.status(), file.lines_added, file.binary)
        })
        .collect();
    assert_eq!(
        files,
        [
            ("b.bin", "", FileStatus::Deleted, 0, true),
            ("c.txt", "a.txt", FileStatus::Renamed, 0, false),
            ("d.txt", "", FileStatus::Added, 1, false),
        ]
    );
    assert_eq!(change.files_total, 3);
    let diff = event.diff.clone().unwrap();
    let theirs = repo.git(&["diff-tree", "-r", "-M", "-p", "--full-index", "HEAD~1", "HEAD"]);
    assert_eq!(diff.inline, theirs);
    assert!(diff.complete);
    assert_eq!(diff.size, theirs.len() as u64);

    // The same by the id, and by the beginning of the hash.
    assert_eq!(running.change(&change.id).await, change);
    let request = septet_proto_devops::v1::GetChangeRequest {
        repository_id: repository.id,
        commit: change.commit[..7].to_uppercase(),
        ..Default::default()
    };
    assert_eq!(running.client().get_change(request).await.unwrap().into_inner().change, Some(change));
}

async fn a_killed_import_goes_on_where_it_was(bed: Bed) {
    let repo = repository_of(300);
    for _ in 0..3 {
        let running = start_with(&bed, "devops.import_chunk", 7).await;
        let repository = running.register(&repo, Some(Since::All(true))).await;
        let before = repository.changes;
        eventually("some progress", async || {
            let now = running.repository(&repository.id).await;
            (now.changes >= (before + 21).min(300)).then_some(())
        })
        .await;
        assert!(running.repository(&repository.id).await.changes < 300, "nothing was left to do");
        // Without a drain: every task ends where it is.
        drop(running);
    }
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.changes(&repository.id, 300).await;
    running.settled(&repository.id).await;
    assert_eq!(running.published_commits().await, commits_of(&repo));
}

async fn a_drain_stops_an_import_where_it_is(bed: Bed) {
    let repo = repository_of(300);
    let running = start_with(&bed, "devops.import_chunk", 2).await;
    let id = running.register(&repo, Some(Since::All(true))).await.id;
    eventually("some progress", async || (running.repository(&id).await.changes >= 4).then_some(())).await;
    within(Deadline::SHORT, "the drain", running.started.drain()).await.unwrap();

    let running = start(&bed).await;
    let left = running.repository(&id).await;
    assert!(left.importing && left.changes < 300, "nothing was left to do");
    running.changes(&id, 300).await;
    running.settled(&id).await;
    assert_eq!(running.published().await.len(), 300);
}

async fn a_second_start_does_nothing_twice(bed: Bed) {
    let mut repo = repository_of(20);
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    running.idle().await;
    running.started.drain().await.unwrap();
    repo.at(1_800_000_000);
    repo.git(&["reset", "-q", "--hard"]);
    repo.commit("While nobody watched");

    let running = start(&bed).await;
    running.changes(&repository.id, 21).await;
    running.register(&repo, None).await;
    running.idle().await;
    assert_eq!(running.published().await.len(), 21);
    assert_eq!(running.published_commits().await, commits_of(&repo));
}

async fn two_imports_of_one_repository_publish_once(bed: Bed) {
    let repo = repository_of(120);
    let running = start_with(&bed, "devops.import_chunk", 5).await;
    let location = repo.path.to_str().unwrap();
    let mut id = String::new();
    for _ in 0..8 {
        id = running.register_at(location, Some(Since::All(true))).await.id;
    }
    running.changes(&id, 120).await;
    running.settled(&id).await;
    assert_eq!(running.published().await.len(), 120);
    assert_eq!(running.published_commits().await, commits_of(&repo));
}

on_both_stores!(
    every_commit_is_published_once,
    an_event_says_what_git_says,
    a_killed_import_goes_on_where_it_was,
    a_drain_stops_an_import_where_it_is,
    a_second_start_does_nothing_twice,
    two_imports_of_one_repository_publish_once,
);
