use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use septet_chassis::Service;
use septet_proto_review::v1::{
    GetReviewRequest, GetReviewResponse, ListFindingsRequest, ListFindingsResponse, ListReviewsRequest,
    ListReviewsResponse, Review, ReviewDiffRequest, ReviewDiffResponse,
    review_service_server::{ReviewService, ReviewServiceServer},
};
use tonic::{Request, Response, Status};

/// Answers one RPC, and does nothing for it.
pub struct Fixed;

#[tonic::async_trait]
impl ReviewService for Fixed {
    async fn get_review(
        &self,
        request: Request<GetReviewRequest>,
    ) -> Result<Response<GetReviewResponse>, Status> {
        let review = Review {
            id: request.into_inner().review_id,
            repository_name: "shop".to_owned(),
            reason: "no findings".to_owned(),
            rules_version: "0123456789ab".to_owned(),
            ..Review::default()
        };
        Ok(Response::new(GetReviewResponse { review: Some(review) }))
    }

    async fn review_diff(
        &self,
        _: Request<ReviewDiffRequest>,
    ) -> Result<Response<ReviewDiffResponse>, Status> {
        Err(not_measured())
    }

    async fn list_reviews(
        &self,
        _: Request<ListReviewsRequest>,
    ) -> Result<Response<ListReviewsResponse>, Status> {
        Err(not_measured())
    }

    async fn list_findings(
        &self,
        _: Request<ListFindingsRequest>,
    ) -> Result<Response<ListFindingsResponse>, Status> {
        Err(not_measured())
    }
}

fn not_measured() -> Status {
    Status::unimplemented("only GetReview is measured")
}

/// The service on the chassis, for `septet-bench serve`.
pub fn service() -> Service<Fixed> {
    // Its database is never asked; the chassis' own tables are enough.
    Service::new(&septet_proto_review::CONTRACT, septet_chassis::messaging::migrations(), |_| async {
        Ok(Fixed)
    })
    .grpc(ReviewServiceServer::from_arc)
}

/// The same on bare tonic, for `septet-bench bare ADDRESS`.
pub async fn bare(address: &str) -> anyhow::Result<()> {
    let server =
        tonic::transport::Server::builder().tcp_nodelay(true).add_service(ReviewServiceServer::new(Fixed));
    Ok(server.serve(address.parse()?).await?)
}

/// A server in a process of its own, which ends with this value.
pub struct Child {
    process: std::process::Child,
    pub address: SocketAddr,
    pub key: Option<String>,
}

impl Child {
    pub fn stack(dir: &Path) -> anyhow::Result<Self> {
        let made = this_binary()?
            .args(["keys", "new", "--subject", "bench", "--role", "viewer"])
            // The entry for the file of keys.
            .stderr(Stdio::piped())
            .output()?;
        ensure!(made.status.success(), "no API key was made");
        let keys = dir.join("keys.toml");
        fs::write(&keys, made.stderr)?;
        let address = free_address()?;
        let config = dir.join("septet.toml");
        let settings = format!(
            "data_dir = {:?}\n[grpc]\nlisten = \"{address}\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[auth.api_keys]\nfile = {keys:?}\n",
            dir.join("data")
        );
        fs::write(&config, settings)?;
        let process = this_binary()?.arg("serve").arg("--config").arg(config).spawn()?;
        Ok(Self { process, address, key: Some(String::from_utf8(made.stdout)?.trim().to_owned()) })
    }

    pub fn bare() -> anyhow::Result<Self> {
        let address = free_address()?;
        let process = this_binary()?.arg("bare").arg(address.to_string()).spawn()?;
        Ok(Self { process, address, key: None })
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to save.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn this_binary() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
