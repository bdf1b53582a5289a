//! A devops process of the test's own, and repositories to import.

use std::collections::{HashMap, HashSet};

use septet_chassis::{Channel, Started, contract::Record};
use septet_proto_common::v1::PageRequest;
use septet_proto_devops::v1::{
    Change, ChangePushed, GetChangeRequest, ListChangesRequest, ListRepositoriesRequest,
    RegisterRepositoryRequest, Repository, devops_service_client::DevopsServiceClient,
    register_repository_request::Since,
};
use septet_testkit::{
    eventually,
    service::{self, Bed},
};
use serde_json::Value;

use crate::fixture::Repo;

pub struct Running {
    pub started: Started,
}

/// Starts with short intervals, so that tests need not wait.
pub async fn start(bed: &Bed) -> Running {
    start_with(bed, "devops.poll_ms", 50).await
}

pub async fn start_with(bed: &Bed, key: &str, value: impl Into<Value>) -> Running {
    start_settings(bed, &[(key, value.into())]).await
}

pub async fn start_settings(bed: &Bed, settings: &[(&str, Value)]) -> Running {
    let settings = [&[("devops.poll_ms", 50.into())], settings].concat();
    Running {
        started: bed.start("devops", |process| process.with(septet_devops::service()), &settings).await,
    }
}

impl Running {
    pub fn client(&self) -> DevopsServiceClient<Channel> {
        DevopsServiceClient::new(self.started.channel())
    }

    pub async fn register(&self, repo: &Repo, since: Option<Since>) -> Repository {
        self.register_at(repo.path.to_str().unwrap(), since).await
    }

    pub async fn register_at(&self, location: &str, since: Option<Since>) -> Repository {
        let request =
            RegisterRepositoryRequest { location: location.to_owned(), since, ..Default::default() };
        self.client().register_repository(request).await.unwrap().into_inner().repository.unwrap()
    }

    pub async fn repository(&self, id: &str) -> Repository {
        let request = ListRepositoriesRequest::default();
        let found = self.client().list_repositories(request).await.unwrap().into_inner().repositories;
        found.into_iter().find(|repository| repository.id == id).unwrap()
    }

    /// Waits until history is imported, or failed to be.
    pub async fn settled(&self, id: &str) -> Repository {
        eventually("history is imported", async || {
            let repository = self.repository(id).await;
            (!repository.importing).then_some(repository)
        })
        .await
    }

    /// Waits until the store has so many changes of a repository.
    pub async fn changes(&self, id: &str, count: u64) {
        eventually(format!("{count} changes"), async || {
            (self.repository(id).await.changes == count).then_some(())
        })
        .await;
    }

    pub async fn idle(&self) {
        service::idle(&self.started).await;
    }

    /// Every change, newest first, by small pages.
    pub async fn list(&self, repository_id: &str) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut page = PageRequest { page_size: 70, page_token: String::new() };
        loop {
            let request =
                ListChangesRequest { repository_id: repository_id.to_owned(), page: Some(page.clone()) };
            let reply = self.client().list_changes(request).await.unwrap().into_inner();
            assert!(reply.changes.len() <= 70);
            changes.extend(reply.changes);
            page.page_token = reply.page.unwrap().next_page_token;
            if page.page_token.is_empty() {
                return changes;
            }
        }
    }

    pub async fn change(&self, id: &str) -> Change {
        let request = GetChangeRequest { change_id: id.to_owned(), ..Default::default() };
        self.client().get_change(request).await.unwrap().into_inner().change.unwrap()
    }

    pub async fn records(&self, topic: &str) -> Vec<Record> {
        service::records(&self.started, topic).await
    }

    /// Every published change, once all are sent.
    pub async fn published(&self) -> Vec<(String, ChangePushed)> {
        service::published(&self.started).await
    }

    /// Every published commit; fails if one was published twice, also where an event was only sent twice.
    pub async fn published_commits(&self) -> HashSet<String> {
        let mut by_commit: HashMap<String, String> = HashMap::new();
        for (id, event) in self.published().await {
            let commit = event.change.unwrap().commit;
            if let Some(other) = by_commit.insert(commit.clone(), id.clone()) {
                assert_eq!(other, id, "commit {commit} has two events");
            }
        }
        by_commit.into_keys().collect()
    }
}

/// A repository with so many commits on one branch, each with a small file of its own, made quickly.
pub fn repository_of(commits: usize) -> Repo {
    use std::io::Write as _;
    let repo = Repo::new();
    let mut stream = String::new();
    for number in 1..=commits {
        let time = 1_700_000_000 + number * 60;
        let body = format!("line {number}\n");
        stream += &format!(
            "commit refs/heads/main\nmark :{number}\nauthor Ada Lovelace <ada@example.org> {time} +0000\n\
             committer Grace Hopper <grace@example.org> {time} +0000\ndata 9\nnumbered\n\nM 100644 inline file-{number}\n\
             data {}\n{body}\n",
            body.len(),
        );
    }
    let mut child = std::process::Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&repo.path)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    repo
}

pub fn commits_of(repo: &Repo) -> HashSet<String> {
    repo.all_commits().into_iter().map(|id| id.to_string()).collect()
}
