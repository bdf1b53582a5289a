mod config;
mod database;
mod keys;
mod process;
mod start;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Channel, Finished, Servers, command::binary, grpc};
use config::{Backends, Settings};
use keys::Keys;
use process::Process;
use tonic::transport::Channel as Network;

/// The services that there are, those first that [`Deployment::services_on`] begins with.
pub const SERVICES: [&str; 7] = ["devops", "review", "docs", "cost", "pipeline", "cx", "soc"];

/// Septet as it is deployed: one process, or one for each service and replica. They are children of the test and end with
/// it; what they say is in `<name>.log` in the deployment's directory. Ports and databases stay over restarts.
///
/// Made by [`Deployment::suite`], [`Deployment::suite_on`] or [`Deployment::services_on`], changed where a test needs it, and
/// started by [`Deployment::up`].
pub struct Deployment {
    dir: PathBuf,
    backends: Backends,
    settings: Settings,
    keys: Keys,
    services: Vec<&'static str>,
    processes: Vec<Process>,
    /// Each service's database, where it is PostgreSQL's.
    databases: BTreeMap<&'static str, String>,
}

impl Deployment {
    /// One process on embedded backends.
    pub fn suite(dir: &Path) -> Self {
        Self::new(dir, Backends::Embedded, &SERVICES, vec![Process::suite(dir)])
    }

    /// One process on real servers.
    pub fn suite_on(dir: &Path, servers: &Servers) -> Self {
        Self::new(dir, Backends::of(servers), &SERVICES, vec![Process::suite(dir)])
    }

    /// devops and review, one process for each replica, on real servers: the shortest way of a change through several
    /// services. The processes' names are `devops-0`, `devops-1`, `review-0` and so on.
    pub fn services_on(dir: &Path, servers: &Servers, replicas: usize) -> Self {
        let services = &SERVICES[..2];
        let processes = services
            .iter()
            .flat_map(|service| (0..replicas).map(|replica| Process::service(dir, service, replica)))
            .collect();
        Self::new(dir, Backends::of(servers), services, processes)
    }

    /// One service alone, one process, on real servers. Its process is `<service>-0`.
    ///
    /// # Panics
    /// If there is no such service.
    pub fn alone_on(dir: &Path, servers: &Servers, service: &str) -> Self {
        let service = *SERVICES.iter().find(|known| **known == service).expect("one of the seven");
        Self::new(dir, Backends::of(servers), &[service], vec![Process::service(dir, service, 0)])
    }

    /// The other services besides, one process each.
    #[must_use]
    pub fn and_the_others(mut self) -> Self {
        let others = SERVICES.iter().filter(|service| !self.services.contains(service));
        let others: Vec<_> = others.copied().collect();
        self.processes.extend(others.iter().map(|service| Process::service(&self.dir, service, 0)));
        self.services.extend(others);
        self
    }

    fn new(dir: &Path, backends: Backends, services: &[&'static str], processes: Vec<Process>) -> Self {
        Self {
            dir: dir.to_owned(),
            backends,
            settings: Settings::default(),
            keys: Keys::default(),
            services: services.to_vec(),
            processes,
            databases: BTreeMap::new(),
        }
    }

    /// Reaches Kafka at another address than its own, such as a fault proxy's.
    #[must_use]
    pub fn kafka(mut self, address: SocketAddr) -> Self {
        self.backends.real().kafka = address.to_string();
        self
    }

    /// Reaches PostgreSQL at another address than its own.
    #[must_use]
    pub fn postgres(mut self, address: SocketAddr) -> Self {
        self.backends.real().postgres = address;
        self
    }

    /// Reaches RabbitMQ at another address than its own.
    #[must_use]
    pub fn rabbitmq(mut self, address: SocketAddr) -> Self {
        self.backends.real().rabbitmq = address;
        self
    }

    /// A setting of every process: a key of the configuration file and its value as TOML.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.set(key, value);
        self
    }

    /// Names of the processes: `suite`, or those of the services' replicas.
    pub fn names(&self) -> Vec<String> {
        self.processes.iter().map(|process| process.name().to_owned()).collect()
    }

    /// Where a service's replicas answer gRPC, whether they run or not.
    pub fn addresses(&self, service: &str) -> Vec<SocketAddr> {
        let serving = self.processes.iter().filter(|process| process.serves(service));
        let addresses: Vec<_> = serving.map(Process::grpc).collect();
        assert!(!addresses.is_empty(), "no process serves {service}");
        addresses
    }

    /// An API key of a caller who may do everything.
    pub fn token(&self) -> String {
        self.token_of("admin")
    }

    /// An API key with this role alone.
    pub fn token_of(&self, role: &str) -> String {
        self.keys.of(role).to_owned()
    }

    /// The way to a service's replicas, in turn, as [`Deployment::token`]'s owner.
    pub fn channel(&self, service: &str) -> Channel {
        grpc::channel(&self.addresses(service), &self.token())
    }

    /// The way to one address, with this token.
    pub fn channel_to(&self, address: SocketAddr, token: &str) -> Channel {
        grpc::channel(&[address], token)
    }

    /// The way to one address, as a caller who says nothing about who it is.
    pub fn channel_without_token(&self, address: SocketAddr) -> Network {
        grpc::network(&[address])
    }

    /// Kafka's own address, not a proxy's.
    ///
    /// # Panics
    /// Without real servers.
    pub fn brokers(&self) -> &str {
        &self.backends.known().brokers
    }

    /// The URL of a service's database, not behind a proxy.
    ///
    /// # Panics
    /// Without real servers, and before [`Deployment::up`].
    pub fn database(&self, service: &str) -> &str {
        self.databases.get(service).unwrap_or_else(|| panic!("{service} has no database on a server"))
    }

    /// `septet` with these arguments, on the configuration of the process `suite`.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary("septet"));
        command.args(args).arg("--config").arg(self.process("suite").config());
        // Not where a `septet.toml` may lie.
        command.current_dir(&self.dir).stdin(Stdio::null());
        command
    }

    /// What a process has said so far, over all its lives.
    pub fn log(&self, name: &str) -> String {
        self.process(name).log()
    }

    /// What a process that runs measures, in Prometheus' text format.
    ///
    /// # Panics
    /// If it says nothing.
    pub async fn metrics(&self, name: &str) -> String {
        self.process(name).metrics().await
    }

    /// The number of a process that runs.
    ///
    /// # Panics
    /// If it does not run.
    pub fn pid(&self, name: &str) -> u32 {
        self.process(name).pid().unwrap_or_else(|| panic!("{name} does not run"))
    }

    /// Starts a process that does not run. [`Deployment::ready`] waits for it.
    pub fn start(&mut self, name: &str) {
        self.process_mut(name).start();
    }

    /// Ends a process at once, as a crash would.
    pub fn kill(&mut self, name: &str) {
        self.process_mut(name).kill();
    }

    /// Asks a process to end, and waits for its drain.
    pub async fn terminate(&mut self, name: &str) -> Finished {
        self.process_mut(name).terminate().await
    }

    /// Ends a process as it ends in an orderly stop, and starts it again.
    ///
    /// # Panics
    /// If it does not end well.
    pub async fn restart(&mut self, name: &str) {
        let finished = self.terminate(name).await;
        assert!(finished.status.success(), "{name}: {}\n{}", finished.status, finished.stderr);
        self.start(name);
    }

    /// Starts the processes again that a violation of memory has ended, as whoever supervises them would; gives how many. There is no
    /// `unsafe` in Septet: it is librdkafka that may read beyond its bounds when a broker answers without a leader
    /// (<https://github.com/confluentinc/librdkafka/issues/5280>).
    pub fn start_crashed(&mut self) -> usize {
        let mut crashed = 0;
        for process in &mut self.processes {
            if process.has_crashed() {
                process.start();
                crashed += 1;
            }
        }
        crashed
    }

    fn process(&self, name: &str) -> &Process {
        let found = self.processes.iter().find(|process| process.name() == name);
        found.unwrap_or_else(|| panic!("there is no process {name}; there are {:?}", self.names()))
    }

    fn process_mut(&mut self, name: &str) -> &mut Process {
        let names = self.names();
        let found = self.processes.iter_mut().find(|process| process.name() == name);
        found.unwrap_or_else(|| panic!("there is no process {name}; there are {names:?}"))
    }
}
