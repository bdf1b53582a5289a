//! A process with the service under test.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use prost::Message;
use septet_chassis::{
    Channel, ClientTls, LocalServer, Migrations, Mode, Process, ProcessConfig, Service, Started, remote,
};
use septet_proto_common::v1::{ErrorDetail, admin_service_client::AdminServiceClient};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::{
    ReviewDiffRequest, ReviewDiffResponse, review_service_client::ReviewServiceClient,
    review_service_server::ReviewServiceServer,
};
use septet_testkit::{Deadline, evidence::Workspace, within};
use sha2::{Digest, Sha256};
use tonic::Status;

use crate::probe::{Probe, Script};

/// The key of a developer; see [`api_keys`].
pub const KEY: &str = "septet_0123456789abcdef0123456789abcdef";

/// A running process.
pub struct Server {
    pub started: Option<Started>,
    pub grpc: SocketAddr,
    pub admin: SocketAddr,
    pub script: Arc<Script>,
    pub workspace: Workspace,
}

/// The process's services, not started.
pub fn process(script: &Arc<Script>) -> Process {
    let script = Arc::clone(script);
    let migrator = || sqlx::migrate!("./tests/migrations");
    let migrations = Migrations::new("probe", migrator(), migrator());
    let service =
        Service::new(
            &septet_proto_review::CONTRACT,
            migrations,
            move |_boot| async move { Ok(Probe { script }) },
        );
    Process::new("suite", ProcessConfig::defaults(0, 0, true))
        .with(service.grpc(ReviewServiceServer::from_arc).on::<ChangePushed>())
}

/// Writes a configuration file: the workspace's data directory, then `more`.
pub fn configured(workspace: &Workspace, more: &str) -> PathBuf {
    let path = workspace.path().join("septet.toml");
    let data = workspace.path().join("data");
    fs::write(&path, format!("data_dir = {data:?}\n{more}\n")).expect("written");
    path
}

impl Server {
    pub async fn start(test: &str, more: &str) -> Self {
        Self::again(Workspace::new(&format!("chassis::{test}")), more).await
    }

    /// On what is in the workspace already.
    pub async fn again(workspace: Workspace, more: &str) -> Self {
        let script = Arc::default();
        let file = configured(&workspace, more);
        let process = process(&script);
        let source = process.source(Some(&file)).expect("a configuration");
        let started = process.start(source, Mode::Serve).await.expect("started");
        let (grpc, admin) = (started.config().grpc.listen, started.config().admin.listen);
        Self { started: Some(started), grpc, admin, script, workspace }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.workspace.path().join("data")
    }

    /// As a command on this machine finds it.
    pub fn channel(&self) -> Channel {
        let found = LocalServer::find(&self.data_dir(), &ClientTls::default()).expect("readable");
        found.expect("it runs").build().expect("a channel")
    }

    /// With this token.
    pub fn as_caller(&self, token: &str) -> Channel {
        remote(&format!("http://{}", self.grpc), token).expect("a channel")
    }

    pub fn reviews(&self) -> ReviewServiceClient<Channel> {
        ReviewServiceClient::new(self.channel())
    }

    pub fn operator(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel())
    }

    /// Drains it; panics if that takes longer than it may.
    pub async fn drain(&mut self) -> anyhow::Result<()> {
        let started = self.started.take().expect("it runs");
        within(Deadline::LONG, "the drain", started.drain()).await
    }

    /// Waits until a call or handler has begun to wait.
    pub async fn waiting(&self) {
        let waiting = within(Deadline::SHORT, "a call in flight", self.script.waiting.acquire()).await;
        waiting.expect("open").forget();
    }
}

/// Calls `ReviewDiff` for a repository.
pub async fn review(channel: Channel, repository: &str) -> Result<ReviewDiffResponse, Status> {
    let request = ReviewDiffRequest { repository: repository.to_owned(), ..ReviewDiffRequest::default() };
    let call = async { ReviewServiceClient::new(channel).review_diff(request).await };
    within(Deadline::SHORT, "an answer", call).await.map(tonic::Response::into_inner)
}

/// The detail that a status carries.
pub fn detail(status: &Status) -> ErrorDetail {
    let details = tonic_types::pb::Status::decode(status.details()).expect("a status");
    let [detail] = &details.details[..] else { panic!("one detail, not {}", details.details.len()) };
    assert_eq!(detail.type_url, "type.googleapis.com/septet.common.v1.ErrorDetail");
    ErrorDetail::decode(detail.value.as_slice()).expect("a detail")
}

/// Gets a path over HTTP; gives the status line and the body.
pub async fn get(address: SocketAddr, path: &str) -> std::io::Result<(String, String)> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut text)).await??;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Ok((head.lines().next().unwrap_or_default().to_owned(), body.to_owned()))
}

/// A file in this directory with one key for a viewer and one for a developer.
pub fn api_keys(at: &Path) -> String {
    let entry = |subject: &str, role: &str, key: &str| {
        let hash: String = Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("[[key]]\nsubject = {subject:?}\nroles = [{role:?}]\nsha256 = {hash:?}\n")
    };
    let path = at.join("keys.toml");
    let viewer = format!("{KEY}-viewer");
    fs::write(&path, entry("ann", "developer", KEY) + &entry("vic", "viewer", &viewer)).expect("written");
    format!("[auth.api_keys]\nfile = {path:?}")
}
