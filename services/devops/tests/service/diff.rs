//! Whole diffs, by reference.

use std::fmt::Write as _;

use septet_proto_devops::v1::GetDiffRequest;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use septet_testkit::{on_both_stores, service::Bed};

use crate::{
    bed::{Running, start, start_with},
    fixture::Repo,
};

async fn diff(running: &Running, change_id: &str) -> Result<Vec<Vec<u8>>, tonic::Status> {
    let request = GetDiffRequest { change_id: change_id.to_owned() };
    let mut stream = running.client().get_diff(request).await?.into_inner();
    let mut pieces = Vec::new();
    while let Some(piece) = stream.message().await? {
        pieces.push(piece.data.to_vec());
    }
    Ok(pieces)
}

async fn a_large_diff_is_what_git_says(bed: Bed) {
    let mut repo = Repo::new();
    let lines = |from: u32| {
        (from..from + 60_000).fold(String::new(), |mut text, number| {
            writeln!(text, "line {number} of many").unwrap();
            text
        })
    };
    repo.write("large", lines(0));
    repo.commit("Large");
    repo.write("large", lines(30_000));
    repo.write("small", "x\n");
    repo.commit("Changed");
    let empty = repo.commit("Empty").to_string();
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    for logged in running.published().await {
        let change = logged.1.change.unwrap();
        let said = logged.1.diff.unwrap();
        let parent = change.parents.first();
        let mut args = vec!["diff-tree", "-r", "-M", "-p", "--full-index"];
        match parent {
            Some(parent) => args.extend([parent.as_str(), change.commit.as_str()]),
            None => args.extend(["--root", "--no-commit-id", change.commit.as_str()]),
        }
        let theirs = repo.git(&args);
        let pieces = diff(&running, &change.id).await.unwrap();
        assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= 256 * 1024));
        let ours = pieces.concat();
        assert!(ours == theirs, "the diff of {} differs", change.subject);
        assert_eq!(said.size, ours.len() as u64);
        let digest: String = Sha256::digest(&ours).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(said.sha256, digest);
        let small = change.commit == empty;
        assert_eq!((said.complete, said.inline.is_empty(), ours.is_empty()), (small, true, small));
        assert!(small || pieces.len() > 1);
    }
}

async fn what_is_gone_says_so(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("file", "x\n");
    repo.commit("First");
    let running = start(&bed).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    let id = running.list("").await[0].id.clone();
    assert_eq!(diff(&running, &id).await.unwrap().len(), 1);
    std::fs::rename(&repo.path, repo.dir.path().join("away")).unwrap();
    let refused = diff(&running, &id).await.unwrap_err();
    assert_eq!((refused.code(), &refused.message()[..11]), (Code::FailedPrecondition, "DEVOPS-0011"));
    let refused = diff(&running, "00000000-0000-0000-0000-000000000000").await.unwrap_err();
    assert_eq!((refused.code(), &refused.message()[..11]), (Code::NotFound, "DEVOPS-0007"));
}

async fn a_caller_that_goes_away_frees_its_place(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("large", "a line of some length\n".repeat(180_000));
    repo.commit("Large");
    let running = start_with(&bed, "devops.readers", 1).await;
    let repository = running.register(&repo, None).await;
    running.settled(&repository.id).await;
    let id = running.list("").await[0].id.clone();
    for _ in 0..5 {
        let request = GetDiffRequest { change_id: id.clone() };
        let mut stream = running.client().get_diff(request).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
    }
    assert!(diff(&running, &id).await.unwrap().len() > 10);
}

on_both_stores!(a_large_diff_is_what_git_says, what_is_gone_says_so, a_caller_that_goes_away_frees_its_place,);
