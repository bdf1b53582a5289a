//! Trees and contents, against what git says.

use septet_proto_devops::v1::{GetBlobsRequest, GetBlobsResponse, GetTreeRequest, TreeFile};
use tonic::{Code, Status};

use septet_testkit::{on_both_stores, service::Bed};

use crate::{
    bed::{Running, start},
    fixture::Repo,
    release::imported,
};

async fn tree(running: &Running, request: GetTreeRequest) -> Result<Vec<TreeFile>, Status> {
    let mut stream = running.client().get_tree(request).await?.into_inner();
    let mut files = Vec::new();
    while let Some(piece) = stream.message().await? {
        assert!((1..=500).contains(&piece.files.len()));
        files.extend(piece.files);
    }
    Ok(files)
}

async fn pieces(
    running: &Running,
    repository_id: &str,
    blobs: Vec<String>,
) -> Result<Vec<GetBlobsResponse>, Status> {
    let request = GetBlobsRequest { repository_id: repository_id.to_owned(), blobs };
    let mut stream = running.client().get_blobs(request).await?.into_inner();
    let mut pieces = Vec::new();
    while let Some(piece) = stream.message().await? {
        pieces.push(piece);
    }
    Ok(pieces)
}

/// As `git ls-tree` has it.
fn listed(repo: &Repo, revision: &str) -> Vec<(String, String, u64, bool, bool)> {
    let output = repo.git(&["ls-tree", "-r", "-l", "-z", revision]);
    let text = String::from_utf8(output).unwrap();
    let lines = text.split_terminator('\0').filter(|line| !line.starts_with("160000"));
    lines
        .map(|line| {
            let (fields, path) = line.split_once('\t').unwrap();
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let size = fields[3].parse().unwrap();
            (path.to_owned(), fields[2].to_owned(), size, fields[0] == "100755", fields[0] == "120000")
        })
        .collect()
}

fn as_listed(files: Vec<TreeFile>) -> Vec<(String, String, u64, bool, bool)> {
    files.into_iter().map(|file| (file.path, file.blob, file.size, file.executable, file.link)).collect()
}

fn sample() -> Repo {
    let mut repo = Repo::new();
    repo.write("run.sh", "#!/bin/sh\n");
    repo.git(&["add", "-A"]);
    repo.git(&["update-index", "--chmod=+x", "run.sh"]);
    repo.commit_index("First");
    for number in 0..1_203 {
        repo.write(&format!("many/{:02}/file-{number}", number % 40), format!("content {number}\n"));
    }
    repo.write("caf\u{e9}/\u{1f642}.txt", "");
    repo.write("large", vec![b'x'; 700_000]);
    std::os::unix::fs::symlink("run.sh", repo.path.join("link")).unwrap();
    repo.git(&["add", "-A"]);
    repo.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        "160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,module",
    ]);
    repo.commit_index("Second");
    repo
}

async fn a_tree_is_what_git_says(bed: Bed) {
    let repo = sample();
    let running = start(&bed).await;
    let (repository_id, changes) = imported(&running, &repo).await;
    let by_change = GetTreeRequest { change_id: changes[0].clone(), ..Default::default() };
    let files = tree(&running, by_change.clone()).await.unwrap();
    assert!(files.len() > 1_000);
    assert_eq!(as_listed(files), listed(&repo, "HEAD"));
    let of_parent = GetTreeRequest { of_parent: true, ..by_change.clone() };
    assert_eq!(as_listed(tree(&running, of_parent).await.unwrap()), listed(&repo, "HEAD~1"));
    let of_root = GetTreeRequest { change_id: changes[1].clone(), of_parent: true, ..Default::default() };
    assert!(tree(&running, of_root).await.unwrap().is_empty());
    let hash = repo.id("HEAD~1").to_string();
    for commit in [&hash[..9], &hash] {
        let request = GetTreeRequest {
            repository_id: repository_id.clone(),
            commit: commit.to_owned(),
            ..Default::default()
        };
        assert_eq!(as_listed(tree(&running, request).await.unwrap()), listed(&repo, "HEAD~1"));
    }

    let made_up = |repository_id: &str, commit: &str| GetTreeRequest {
        repository_id: repository_id.to_owned(),
        commit: commit.to_owned(),
        ..Default::default()
    };
    let nobody = "0".repeat(39) + "1";
    for (request, code, name) in [
        (made_up(&repository_id, &nobody), Code::NotFound, "DEVOPS-0009"),
        (made_up("0193", &nobody), Code::NotFound, "DEVOPS-0006"),
        (made_up(&repository_id, "main"), Code::InvalidArgument, "DEVOPS-0001"),
        (GetTreeRequest::default(), Code::InvalidArgument, "DEVOPS-0001"),
        (
            GetTreeRequest { change_id: "0193".to_owned(), ..Default::default() },
            Code::NotFound,
            "DEVOPS-0007",
        ),
    ] {
        let refused = tree(&running, request).await.unwrap_err();
        assert_eq!((refused.code(), &refused.message()[..11]), (code, name), "{}", refused.message());
    }
}

async fn contents_are_what_git_says(bed: Bed) {
    let repo = sample();
    let running = start(&bed).await;
    let (repository_id, _) = imported(&running, &repo).await;
    let hash = |path: &str| repo.text(&["rev-parse", &format!("HEAD:{path}")]);
    let absent = "0123456789".repeat(4);
    // A tree is no content, though there is such an object.
    let (large, empty, link, folder) =
        (hash("large"), hash("caf\u{e9}/\u{1f642}.txt"), hash("link"), hash("many"));
    let asked =
        vec![large.clone(), absent.clone(), empty.clone(), folder.clone(), link.clone(), large.clone()];
    let pieces = pieces(&running, &repository_id, asked.clone()).await.unwrap();
    assert!(pieces.iter().all(|piece| piece.data.len() <= 256 * 1024));
    let mut whole: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    let mut content = Vec::new();
    for piece in pieces {
        content.extend_from_slice(&piece.data);
        if piece.last {
            let content = std::mem::take(&mut content);
            whole.push((piece.blob, (!piece.absent).then_some(content)));
        }
    }
    assert!(content.is_empty());
    let expected = asked.into_iter().map(|blob| {
        let there = blob != absent && blob != folder;
        let content = there.then(|| repo.git(&["cat-file", "blob", &blob]));
        (blob, content)
    });
    assert_eq!(whole, expected.collect::<Vec<_>>());

    let refused = async |repository_id: &str, blobs: Vec<String>| {
        let error = self::pieces(&running, repository_id, blobs).await.unwrap_err();
        (error.code(), error.message()[..11].to_owned())
    };
    let invalid = (Code::InvalidArgument, "DEVOPS-0001".to_owned());
    assert_eq!(refused(&repository_id, vec!["abc".to_owned()]).await, invalid);
    assert_eq!(refused(&repository_id, vec![absent.clone(); 1_001]).await, invalid);
    assert_eq!(refused("", vec![]).await, invalid);
    assert_eq!(refused("0193", vec![]).await, (Code::NotFound, "DEVOPS-0006".to_owned()));
}

async fn a_content_over_the_limit_is_an_error(bed: Bed) {
    let mut repo = Repo::new();
    repo.write("huge", vec![0; (32 << 20) + 1]);
    repo.commit("Huge");
    let running = start(&bed).await;
    let (repository_id, _) = imported(&running, &repo).await;
    let refused = pieces(&running, &repository_id, vec![repo.text(&["rev-parse", "HEAD:huge"])]).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code(), &refused.message()[..11]), (Code::FailedPrecondition, "DEVOPS-0016"));
}

on_both_stores!(a_tree_is_what_git_says, contents_are_what_git_says, a_content_over_the_limit_is_an_error);
