use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::config::Settings;
use crate::{Finished, children, command::binary};

/// How long a process may take to end after it was asked to: its own deadline is 25 s.
const DRAIN: Duration = Duration::from_secs(30);
/// How long it may take to answer a question over HTTP.
const ANSWER: Duration = Duration::from_secs(5);

/// One process of a deployment, whether it runs or not.
pub(super) struct Process {
    dir: PathBuf,
    name: String,
    /// The one service that it runs; none for the suite.
    service: Option<&'static str>,
    grpc: SocketAddr,
    admin: SocketAddr,
    child: Option<Child>,
}

impl Process {
    pub fn suite(dir: &Path) -> Self {
        Self::new(dir, "suite".to_owned(), None)
    }

    pub fn service(dir: &Path, service: &'static str, replica: usize) -> Self {
        Self::new(dir, format!("{service}-{replica}"), Some(service))
    }

    fn new(dir: &Path, name: String, service: Option<&'static str>) -> Self {
        let address =
            || SocketAddr::from((Ipv4Addr::LOCALHOST, septet_servers::free_port().expect("a free port")));
        let (grpc, admin) = (address(), address());
        Self { dir: dir.to_owned(), name, service, grpc, admin, child: None }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn serves(&self, service: &str) -> bool {
        self.service.is_none_or(|own| own == service)
    }

    pub fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    pub fn config(&self) -> PathBuf {
        self.dir.join(format!("{}.toml", self.name))
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }

    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Settings that no other process of the deployment shares.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.set_path("data_dir", &self.dir.join(format!("{}-data", self.name)));
        settings.set_text("grpc.listen", &self.grpc.to_string());
        settings.set_text("admin.listen", &self.admin.to_string());
        // So a replica that comes back has its partitions at once.
        settings.set_text("log.kafka.group_instance_id", &self.name);
        settings
    }

    /// A command of the process's binary on its configuration.
    pub fn command(&self, command: &str) -> Command {
        let program = self.service.map_or_else(|| "septet".to_owned(), |service| format!("septet-{service}"));
        let mut process = children::mortal(binary(&program));
        process.arg(command).arg("--config").arg(self.config());
        // Not where a `septet.toml` may lie.
        process.current_dir(&self.dir).stdin(Stdio::null());
        process
    }

    pub fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let mut command = self.command(if self.service.is_some() { "serve" } else { "up" });
        let log = fs::File::options().create(true).append(true).open(self.log_file()).expect("a log file");
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.child = Some(children::spawn(command).unwrap_or_else(|error| panic!("{}: {error}", self.name)));
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("it has ended");
        }
    }

    pub async fn terminate(&mut self) -> Finished {
        let pid = self.pid().unwrap_or_else(|| panic!("{} does not run", self.name));
        let sent = Command::new("kill").args(["-TERM", &pid.to_string()]).status().expect("kill runs");
        assert!(sent.success(), "{} had ended already:\n{}", self.name, self.log());
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            assert!(asked.elapsed() < DRAIN, "{} still runs {DRAIN:?} after it was asked to end", self.name);
            sleep(Duration::from_millis(20)).await;
        };
        Finished { status, stdout: String::new(), stderr: self.log() }
    }

    /// True if a violation of memory has ended it.
    ///
    /// # Panics
    /// If it ended in another way.
    pub fn has_crashed(&mut self) -> bool {
        const SEGMENTATION_FAULT: i32 = 11;
        let Some(status) = self.ended() else { return false };
        assert!(
            status.signal() == Some(SEGMENTATION_FAULT),
            "{} has ended ({status}):\n{}",
            self.name,
            self.log()
        );
        true
    }

    /// How it ended; `None` while it runs.
    fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().expect("its state is known")?;
        self.child = None;
        Some(status)
    }

    /// What `/readyz` says; `None` where nothing answers.
    ///
    /// # Panics
    /// If the process has ended.
    pub async fn readiness(&mut self) -> Option<Result<(), String>> {
        if let Some(status) = self.ended() {
            panic!("{} has ended ({status}):\n{}", self.name, self.log());
        }
        let reply = timeout(ANSWER, get(self.admin, "/readyz")).await.ok()?.ok()?;
        let (head, body) = reply.split_once("\r\n\r\n")?;
        let ok = head.split(' ').nth(1) == Some("200");
        Some(if ok { Ok(()) } else { Err(body.to_owned()) })
    }

    /// What `/metrics` says.
    ///
    /// # Panics
    /// If it says nothing.
    pub async fn metrics(&self) -> String {
        let reply = timeout(ANSWER, get(self.admin, "/metrics")).await;
        reply.expect("an answer in time").unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    pub fn runs(&self) -> bool {
        self.child.is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The whole reply of an HTTP server.
async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}
