//! Load by git: repositories that devops imports, each by a chain of jobs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rand::{Rng, rngs::StdRng};
use septet_e2e::{Channel, Repository};
use septet_proto_devops::v1::{
    RegisterRepositoryRequest, devops_service_client::DevopsServiceClient, register_repository_request::Since,
};
use septet_testkit::history::{History, Outcome};
use tokio::{
    task::{JoinHandle, block_in_place},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);
/// Repositories; once there are so many, only commits are added.
const REPOSITORIES: usize = 40;

/// Repositories that come and grow for as long as the load runs.
pub struct Histories {
    task: JoinHandle<u64>,
    stop: CancellationToken,
}

impl Histories {
    /// Makes repositories in this directory, registers them one after the other, and adds commits to them. Every commit
    /// of a registered one must become a change.
    pub fn start(dir: PathBuf, channel: &Channel, history: &Arc<History>, random: StdRng) -> Self {
        let stop = CancellationToken::new();
        let git = Git {
            dir,
            client: DevopsServiceClient::new(channel.clone()),
            history: Arc::clone(history),
            repositories: Vec::new(),
            commits: 0,
        };
        Self { task: tokio::spawn(git.run(random, stop.clone())), stop }
    }

    /// Ends; gives the number of commits.
    ///
    /// # Panics
    /// If git or a call failed for good.
    pub async fn finish(self) -> u64 {
        self.stop.cancel();
        self.task.await.expect("repositories are made and registered")
    }
}

struct Git {
    dir: PathBuf,
    client: DevopsServiceClient<Channel>,
    history: Arc<History>,
    repositories: Vec<(String, Repository, u64)>,
    commits: u64,
}

impl Git {
    async fn run(mut self, mut random: StdRng, stop: CancellationToken) -> u64 {
        while !stop.is_cancelled() {
            let known = self.repositories.len();
            let commits = random.random_range(3..30);
            if known == 0 || known < REPOSITORIES && random.random_bool(0.5) {
                self.register(known, commits).await;
            } else {
                let chosen = random.random_range(0..known);
                let added = block_in_place(|| self.commit(chosen, commits));
                added.iter().for_each(|id| self.history.outcome(id, Outcome::Acked));
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
        self.commits
    }

    async fn register(&mut self, number: usize, commits: u64) {
        let name = format!("repository-{number}");
        let location = self.dir.join(&name);
        let added = block_in_place(|| {
            let mut repository = Repository::new(&location);
            // So that no two repositories have a commit in common.
            repository.commit("README", &format!("This is {name}.\n"), "Begin");
            self.repositories.push((name.clone(), repository, 0));
            self.commit(number, commits)
        });
        let request = RegisterRepositoryRequest {
            request_id: name,
            location: location.to_str().expect("a path that is text").to_owned(),
            since: Some(Since::All(true)),
        };
        loop {
            let mut attempt = Request::new(request.clone());
            attempt.set_timeout(ATTEMPT);
            match tokio::time::timeout(ATTEMPT * 2, self.client.register_repository(attempt)).await {
                Ok(Ok(_)) => break,
                Ok(Err(_)) | Err(_) => sleep(PAUSE).await,
            }
        }
        added.iter().for_each(|id| self.history.outcome(id, Outcome::Acked));
    }

    /// Adds commits, and writes down all that are not yet; gives their hashes.
    fn commit(&mut self, number: usize, commits: u64) -> Vec<String> {
        let (name, repository, known) = &mut self.repositories[number];
        repository.fill(commits);
        let all = repository.git(&["rev-list", "--reverse", "main"]);
        let new: Vec<String> = all.lines().skip(*known as usize).map(str::to_owned).collect();
        for id in &new {
            self.history.intend(id, name, *known);
            *known += 1;
        }
        self.commits += new.len() as u64;
        new
    }
}
