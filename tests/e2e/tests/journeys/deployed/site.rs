use std::path::{Path, PathBuf};

use septet_e2e::{Deployment, Servers};
use septet_testkit::evidence::Workspace;
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How Septet is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One process on embedded backends.
    Suite,
    /// The same process on real servers.
    SuiteOnServers,
    /// Two replicas of devops and review and one of each other service, on real servers.
    ServicesOnServers,
}

/// Septet in one topology, shared by all its journeys of this test process.
pub struct Site {
    /// Which one.
    pub topology: Topology,
    workspace: Workspace,
    septet: RwLock<Deployment>,
    /// They live as long as what stands on them.
    _servers: Option<Servers>,
}

impl Topology {
    /// Runs a journey; says where its evidence is if it fails. Nothing but a skip where a server is not installed.
    pub async fn travel(self, journey: impl AsyncFnOnce(&Site)) {
        let Some(site) = self.site().await else { return };
        let _evidence = Evidence(site.workspace.path());
        journey(site).await;
    }

    async fn site(self) -> Option<&'static Site> {
        static SITES: [OnceCell<Site>; 3] = [const { OnceCell::const_new() }; 3];
        // Asked for again where it was skipped, so that each test says so.
        SITES[self as usize].get_or_try_init(|| async { Site::new(self).await.ok_or(()) }).await.ok()
    }
}

impl Site {
    async fn new(topology: Topology) -> Option<Self> {
        let workspace = Workspace::new(&format!("deployed::{topology:?}"));
        let dir = workspace.path().join("septet");
        // Tests of releases run in pipeline's sandbox.
        let with_programs = |septet: Deployment| septet.setting("pipeline.process.enabled", "true");
        if topology == Topology::Suite {
            let septet = with_programs(Deployment::suite(&dir)).up().await;
            return Some(Self { topology, workspace, septet: RwLock::new(septet), _servers: None });
        }
        let servers = Servers::start(&workspace)?;
        let septet = match topology {
            Topology::ServicesOnServers => Deployment::services_on(&dir, &servers, 2)
                .and_the_others()
                // Kafka gives a silent replica's partitions to the others after this time instead of 45 s.
                .setting("log.kafka.extra.\"session.timeout.ms\"", "\"8000\""),
            _ => Deployment::suite_on(&dir, &servers),
        };
        let septet = with_programs(septet).up().await;
        Some(Self { topology, workspace, septet: RwLock::new(septet), _servers: Some(servers) })
    }

    /// Septet, while all its processes run.
    pub async fn septet(&self) -> RwLockReadGuard<'_, Deployment> {
        self.septet.read().await
    }

    /// Septet for one journey alone, which may stop its processes and starts them again before it ends.
    pub async fn septet_alone(&self) -> RwLockWriteGuard<'_, Deployment> {
        self.septet.write().await
    }

    /// A path for a journey's files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.workspace.path().join(name)
    }
}

/// The processes outlive the journey, so their logs are kept whether it fails or not.
struct Evidence<'a>(&'a Path);

impl Drop for Evidence<'_> {
    #[expect(clippy::print_stderr, reason = "a test's output is where a failure is looked for")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("evidence kept in {}", self.0.display());
        }
    }
}
