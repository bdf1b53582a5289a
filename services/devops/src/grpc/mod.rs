//! The service over gRPC: requests are checked here, and answered elsewhere.

mod fields;
mod paging;
mod releases;
mod token;

use futures_util::stream::BoxStream;
use prost::Message;
use septet_chassis::{Identity, RequestKey, Tx};
use septet_proto_devops::v1::{
    AnalyzeRepositoryRequest, AnalyzeRepositoryResponse, Change, CheckReleaseRequest, CheckReleaseResponse,
    GeneratePipelineRequest, GeneratePipelineResponse, GetBlobsRequest, GetBlobsResponse, GetChangeRequest,
    GetChangeResponse, GetDiffRequest, GetDiffResponse, GetJourneyRequest, GetJourneyResponse,
    GetReleaseRequest, GetReleaseResponse, GetTreeRequest, GetTreeResponse, ListChangesRequest,
    ListChangesResponse, ListReleasesRequest, ListReleasesResponse, ListRepositoriesRequest,
    ListRepositoriesResponse, RegisterRepositoryRequest, RegisterRepositoryResponse, WatchChangesRequest,
    WatchChangesResponse, WatchJourneyRequest, WatchJourneyResponse, devops_service_server::DevopsService,
};
use tonic::{Request, Response, Status};

use crate::{
    Devops, compose,
    error::Error,
    generate,
    git::ObjectId,
    stack,
    store::{self, Found},
};

#[tonic::async_trait]
impl DevopsService for Devops {
    async fn register_repository(
        &self,
        request: Request<RegisterRepositoryRequest>,
    ) -> Result<Response<RegisterRepositoryResponse>, Status> {
        let caller = request.extensions().get::<Identity>().map(|identity| identity.subject.clone());
        let request = request.into_inner();
        fields::request_id(&request.request_id)?;
        let beginning = request.since.clone().map(fields::beginning).transpose()?.flatten();
        let key = RequestKey::new(
            "RegisterRepository",
            caller.as_deref().unwrap_or_default(),
            &request.request_id,
            &request,
        );
        Ok(Response::new(self.register(key, request.location, beginning).await?))
    }

    async fn list_repositories(
        &self,
        request: Request<ListRepositoriesRequest>,
    ) -> Result<Response<ListRepositoriesResponse>, Status> {
        let page = paging::Page::read("repositories", request.into_inner().page)?;
        let after = page.token.unwrap_or_default();
        let mut tx = self.units.read().await.map_err(Error::from)?;
        let rows = store::page(&mut tx, &after, page.size + 1).await.map_err(Error::from)?;
        let repositories = rows.into_iter().map(compose::repository).collect();
        let (repositories, next) = paging::cut(
            "repositories",
            repositories,
            page.size,
            |last: &septet_proto_devops::v1::Repository| last.id.clone(),
        );
        Ok(Response::new(ListRepositoriesResponse { repositories, page: Some(next) }))
    }

    async fn list_changes(
        &self,
        request: Request<ListChangesRequest>,
    ) -> Result<Response<ListChangesResponse>, Status> {
        let request = request.into_inner();
        let id = fields::optional_id("repository_id", &request.repository_id)?;
        let list = format!("changes {id}");
        let page = paging::Page::read(&list, request.page)?;
        let before = match &page.token {
            None => i64::MAX,
            Some(seq) => seq.parse().map_err(|_| Error::PageToken)?,
        };
        let mut tx = self.units.read().await.map_err(Error::from)?;
        let rows = if id.is_empty() {
            store::before(&mut tx, before, page.size + 1).await
        } else if store::repository(&mut tx, id).await.map_err(Error::from)?.is_none() {
            return Err(Error::UnknownRepository(id.to_owned()).into());
        } else {
            store::before_of(&mut tx, id, before, page.size + 1).await
        };
        let rows = rows.map_err(Error::from)?;
        let changes = rows.into_iter().map(|row| (row.seq, compose::from_row(row))).collect();
        let (changes, next) = paging::cut(&list, changes, page.size, |(seq, _)| seq.to_string());
        let changes = changes.into_iter().map(|(_, change)| change).collect();
        Ok(Response::new(ListChangesResponse { changes, page: Some(next) }))
    }

    async fn get_change(
        &self,
        request: Request<GetChangeRequest>,
    ) -> Result<Response<GetChangeResponse>, Status> {
        let request = request.into_inner();
        let asked = fields::asked_change(&request.change_id, &request.repository_id, &request.commit)?;
        let mut tx = self.units.read().await.map_err(Error::from)?;
        let row = change(&mut tx, &asked).await?;
        let files = store::files(&mut tx, &row.id).await.map_err(Error::from)?;
        // Written by this service, and contracts only grow.
        let files = Change::decode(files.as_slice()).unwrap_or_default().files;
        let change = Change { files, ..compose::from_row(row) };
        Ok(Response::new(GetChangeResponse { change: Some(change) }))
    }

    type GetDiffStream = BoxStream<'static, Result<GetDiffResponse, Status>>;

    async fn get_diff(
        &self,
        request: Request<GetDiffRequest>,
    ) -> Result<Response<Self::GetDiffStream>, Status> {
        let request = request.into_inner();
        let id = fields::id("change_id", &request.change_id)?;
        Ok(Response::new(self.diff(id).await?))
    }

    type GetTreeStream = BoxStream<'static, Result<GetTreeResponse, Status>>;

    async fn get_tree(
        &self,
        request: Request<GetTreeRequest>,
    ) -> Result<Response<Self::GetTreeStream>, Status> {
        let request = request.into_inner();
        let asked = fields::asked_change(&request.change_id, &request.repository_id, &request.commit)?;
        let (repository_id, commit) = self.place(asked).await?;
        Ok(Response::new(self.tree_stream(&repository_id, commit, request.of_parent).await?))
    }

    type GetBlobsStream = BoxStream<'static, Result<GetBlobsResponse, Status>>;

    async fn get_blobs(
        &self,
        request: Request<GetBlobsRequest>,
    ) -> Result<Response<Self::GetBlobsStream>, Status> {
        let request = request.into_inner();
        let id = fields::id("repository_id", &request.repository_id)?;
        let blobs = fields::blobs(&request.blobs)?;
        Ok(Response::new(self.blob_stream(id, blobs).await?))
    }

    type WatchChangesStream = BoxStream<'static, Result<WatchChangesResponse, Status>>;

    async fn watch_changes(
        &self,
        request: Request<WatchChangesRequest>,
    ) -> Result<Response<Self::WatchChangesStream>, Status> {
        let request = request.into_inner();
        let id = fields::optional_id("repository_id", &request.repository_id)?.to_owned();
        Ok(Response::new(self.live(id, request.include_existing).await?))
    }

    async fn get_journey(
        &self,
        request: Request<GetJourneyRequest>,
    ) -> Result<Response<GetJourneyResponse>, Status> {
        let request = request.into_inner();
        let id = fields::id("change_id", &request.change_id)?;
        Ok(Response::new(self.journey(id).await?))
    }

    type WatchJourneyStream = BoxStream<'static, Result<WatchJourneyResponse, Status>>;

    async fn watch_journey(
        &self,
        request: Request<WatchJourneyRequest>,
    ) -> Result<Response<Self::WatchJourneyStream>, Status> {
        let request = request.into_inner();
        let id = fields::optional_id("change_id", &request.change_id)?.to_owned();
        Ok(Response::new(self.follow(id).await?))
    }

    async fn get_release(
        &self,
        request: Request<GetReleaseRequest>,
    ) -> Result<Response<GetReleaseResponse>, Status> {
        let request = request.into_inner();
        let release = self.release(fields::id("change_id", &request.change_id)?).await?;
        Ok(Response::new(GetReleaseResponse { release: Some(release) }))
    }

    async fn list_releases(
        &self,
        request: Request<ListReleasesRequest>,
    ) -> Result<Response<ListReleasesResponse>, Status> {
        Ok(Response::new(self.releases(request.into_inner()).await?))
    }

    async fn check_release(
        &self,
        request: Request<CheckReleaseRequest>,
    ) -> Result<Response<CheckReleaseResponse>, Status> {
        let request = request.into_inner();
        let release = self.check(fields::id("change_id", &request.change_id)?).await?;
        Ok(Response::new(CheckReleaseResponse { release: Some(release) }))
    }

    async fn analyze_repository(
        &self,
        request: Request<AnalyzeRepositoryRequest>,
    ) -> Result<Response<AnalyzeRepositoryResponse>, Status> {
        let request = request.into_inner();
        let asked = fields::asked_change(&request.change_id, &request.repository_id, &request.commit)?;
        let (repository_id, commit) = self.place(asked).await?;
        let analysis = self.analyze(&repository_id, commit).await?;
        Ok(Response::new(AnalyzeRepositoryResponse { analysis: Some(stack::reply(&analysis)) }))
    }

    async fn generate_pipeline(
        &self,
        request: Request<GeneratePipelineRequest>,
    ) -> Result<Response<GeneratePipelineResponse>, Status> {
        let request = request.into_inner();
        let asked = fields::asked_change(&request.change_id, &request.repository_id, &request.commit)?;
        let (repository_id, commit) = self.place(asked).await?;
        let analysis = self.analyze(&repository_id, commit).await?;
        let generated = generate::generate(&analysis, &self.rules).map_err(Error::from)?;
        Ok(Response::new(generate::reply(&generated)))
    }
}

impl Devops {
    /// The repository and the commit that are asked for.
    async fn place(&self, asked: fields::Asked) -> Result<(String, ObjectId), Error> {
        let (repository_id, commit) = match asked {
            // A commit need not be a change: its history may begin later.
            fields::Asked::Commit { repository_id, prefix } if prefix.len() == fields::HASH => {
                (repository_id, prefix)
            }
            asked => {
                let mut tx = self.units.read().await?;
                let row = change(&mut tx, &asked).await?;
                (row.repository_id, row.commit_id)
            }
        };
        let commit = commit.parse().map_err(|_| Error::UnknownChange(commit))?;
        Ok((repository_id, commit))
    }
}

/// The change that is asked for.
async fn change(tx: &mut Tx, asked: &fields::Asked) -> Result<store::Change, Error> {
    let found = match asked {
        fields::Asked::Id(id) => store::by_id(tx, id).await?,
        fields::Asked::Commit { repository_id, prefix } => {
            match store::by_commit(tx, repository_id, prefix).await? {
                Found::One(change) => Some(*change),
                Found::Several => return Err(Error::AmbiguousCommit(prefix.clone())),
                Found::Nothing if store::repository(tx, repository_id).await?.is_none() => {
                    return Err(Error::UnknownRepository(repository_id.clone()));
                }
                Found::Nothing => None,
            }
        }
    };
    found.ok_or_else(|| Error::UnknownChange(asked.to_string()))
}
