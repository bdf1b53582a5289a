//! Repositories behind a URL, over git's own protocol on the loopback interface.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use septet_testkit::eventually;

use septet_testkit::{on_both_stores, service::Bed};

use crate::{
    bed::{commits_of, repository_of, start_with},
    fixture::Repo,
};

/// `git daemon`. Only this child is ended, by its handle.
struct Daemon {
    child: Child,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn daemon(repo: &Repo, port: u16) -> Daemon {
    let exec = String::from_utf8(repo.git(&["--exec-path"])).unwrap();
    // Not through `git daemon`, which would leave the server behind when it is ended itself.
    let child = Command::new(std::path::Path::new(exec.trim()).join("git-daemon"))
        .args(["--export-all", "--reuseaddr", "--listen=127.0.0.1", &format!("--port={port}")])
        .arg(format!("--base-path={}", repo.path.parent().unwrap().display()))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tests need git-daemon");
    let daemon = Daemon { child };
    eventually("git daemon listens", async || TcpStream::connect(("127.0.0.1", port)).ok().map(drop)).await;
    daemon
}

async fn a_url_is_mirrored_and_watched(bed: Bed) {
    let mut repo = repository_of(5);
    repo.git(&["reset", "-q", "--hard"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("git://127.0.0.1:{port}/work");
    let running = start_with(&bed, "devops.fetch_secs", 5).await;

    // Nobody answers yet: that is told, and is no dead letter, since it may pass.
    let id = running.register_at(&url, None).await.id;
    eventually("the failure is told", async || {
        let repository = running.repository(&id).await;
        (repository.last_error.contains(&url) && !repository.importing).then_some(())
    })
    .await;
    let daemon = daemon(&repo, port).await;
    running.changes(&id, 5).await;
    // The error is cleared when the import ends, which is after its last change was recorded.
    eventually("the import has ended well", async || {
        let repository = running.repository(&id).await;
        (repository.last_error.is_empty() && !repository.importing).then_some(())
    })
    .await;

    repo.at(1_800_000_000);
    repo.write("new", "x\n");
    let new = repo.commit("New");
    running.changes(&id, 6).await;
    assert_eq!(running.published_commits().await, commits_of(&repo));

    // The diff comes from the mirror, so the server may be away.
    drop(daemon);
    let change = running.list(&id).await.remove(0);
    assert_eq!(change.commit, new.to_string());
    let request = septet_proto_devops::v1::GetDiffRequest { change_id: change.id };
    let mut stream = running.client().get_diff(request).await.unwrap().into_inner();
    let piece = stream.message().await.unwrap().unwrap().data;
    assert_eq!(piece, repo.git(&["diff-tree", "-r", "-M", "-p", "--full-index", "HEAD~1", "HEAD"]));
}

on_both_stores!(a_url_is_mirrored_and_watched);
