use std::time::{Duration, Instant};

use septet_proto_review::v1::{GetReviewRequest, review_service_client::ReviewServiceClient};
use tokio::task::JoinSet;
use tonic::{
    Request,
    metadata::AsciiMetadataValue,
    transport::{Channel, Endpoint},
};

use super::server::Child;

/// Calls at a time.
const AT_A_TIME: usize = 16;
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server.
pub struct Load {
    client: ReviewServiceClient<Channel>,
    key: Option<AsciiMetadataValue>,
}

impl Load {
    pub async fn new(server: &Child) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{}", server.address))?.tcp_nodelay(true);
        let limit = Instant::now() + PATIENCE;
        let channel = loop {
            match endpoint.connect().await {
                Ok(channel) => break channel,
                Err(error) if Instant::now() > limit => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let key = server.key.as_ref().map(|key| key.parse()).transpose()?;
        let load = Self { client: ReviewServiceClient::new(channel), key };
        // A server listens before it is ready.
        while let Err(error) = load.call(1).await {
            if Instant::now() > limit {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(load)
    }

    /// So many calls, all of which must succeed.
    pub async fn call(&self, calls: usize) -> anyhow::Result<()> {
        let mut running = JoinSet::new();
        for number in 0..AT_A_TIME {
            let (mut client, key) = (self.client.clone(), self.key.clone());
            let share = calls / AT_A_TIME + usize::from(number < calls % AT_A_TIME);
            running.spawn(async move {
                for _ in 0..share {
                    let review_id = "0198c0de-0000-7000-8000-000000000000".to_owned();
                    let mut request =
                        Request::new(GetReviewRequest { review_id, ..GetReviewRequest::default() });
                    if let Some(key) = &key {
                        request.metadata_mut().insert("x-api-key", key.clone());
                    }
                    client.get_review(request).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(())
    }
}
