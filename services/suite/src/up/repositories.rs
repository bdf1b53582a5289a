use anyhow::Context;
use septet_chassis::Channel;
use septet_proto_common::v1::PageRequest;
use septet_proto_devops::v1::{
    ListRepositoriesRequest, RegisterRepositoryRequest, Repository,
    devops_service_client::DevopsServiceClient,
};

use super::Since;
use crate::connect::told;

/// Repositories of a page.
const PAGE: u32 = 1_000;

/// The repositories that this command is about.
pub struct Watched {
    ids: Vec<String>,
}

/// The location that a server understands: a path becomes absolute, as seen from here.
///
/// # Errors
/// The path is not there.
pub fn location(repo: &str) -> anyhow::Result<String> {
    let scp_like = repo.split_once(':').is_some_and(|(host, _)| !host.contains('/') && host.contains('@'));
    if repo.contains("://") || scp_like {
        return Ok(repo.to_owned());
    }
    let path = std::fs::canonicalize(repo).with_context(|| format!("--repo {repo}"))?;
    path.into_os_string()
        .into_string()
        .map_err(|path| anyhow::anyhow!("--repo {}: not UTF-8", path.display()))
}

impl Watched {
    /// Registers each location.
    pub async fn register(
        channel: &Channel,
        locations: &[String],
        since: Option<&Since>,
    ) -> anyhow::Result<Self> {
        let mut client = DevopsServiceClient::new(channel.clone());
        let mut ids = Vec::new();
        for location in locations {
            let request = RegisterRepositoryRequest {
                request_id: String::new(),
                location: location.clone(),
                since: since.map(Into::into),
            };
            let reply =
                client.register_repository(request).await.map_err(|status| told(&status))?.into_inner();
            ids.extend(reply.repository.map(|repository| repository.id));
        }
        Ok(Self { ids })
    }

    /// True for a repository of this command; for every one where it names none.
    pub fn contains(&self, id: &str) -> bool {
        self.ids.is_empty() || self.ids.iter().any(|known| known == id)
    }

    /// As the server knows them now.
    pub async fn list(&self, channel: &Channel) -> anyhow::Result<Vec<Repository>> {
        let mut client = DevopsServiceClient::new(channel.clone());
        let mut repositories = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = Some(PageRequest { page_size: PAGE, page_token });
            let reply = client.list_repositories(ListRepositoriesRequest { page }).await;
            let reply = reply.map_err(|status| told(&status))?.into_inner();
            repositories
                .extend(reply.repositories.into_iter().filter(|repository| self.contains(&repository.id)));
            page_token = reply.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(repositories);
            }
        }
    }

    /// True once every repository's history is imported.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub async fn imported(&self, channel: &Channel) -> anyhow::Result<bool> {
        let repositories = self.list(channel).await?;
        if let Some(failed) = repositories.iter().find(|repository| !repository.last_error.is_empty()) {
            anyhow::bail!("{}: {}", failed.location, failed.last_error);
        }
        Ok(repositories.iter().all(|repository| !repository.importing))
    }

    /// Changes known so far.
    pub async fn changes(&self, channel: &Channel) -> anyhow::Result<u64> {
        Ok(self.list(channel).await?.iter().map(|repository| repository.changes).sum())
    }
}
