//! The page of all changes.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use futures_util::{StreamExt, stream};
use septet_proto_common::v1::PageRequest;
use septet_proto_devops::v1::{
    Change, GetJourneyRequest, GetReleaseRequest, ListChangesRequest, ListRepositoriesRequest, Repository,
    devops_service_client::DevopsServiceClient,
};
use serde::Deserialize;
use tonic::Status;

use super::{
    Console, answer,
    part::{Part, ask},
    row::{Row, line},
};

/// Changes of a page.
const CHANGES: u32 = 50;
/// Repositories that can be chosen from.
const REPOSITORIES: u32 = 200;
/// Changes whose way is looked up at a time.
const AT_A_TIME: usize = 8;

/// Which changes.
#[derive(Clone, Deserialize, Default)]
pub struct Wanted {
    /// A repository's id; empty for all.
    #[serde(default)]
    pub repository: String,
    /// Where the page begins; empty for the newest.
    #[serde(default)]
    page: String,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct Page {
    repositories: Vec<Choice>,
    /// What is wrong with repositories, or under way.
    notes: Vec<String>,
    rows: Vec<String>,
    /// Why there are no rows.
    problem: Option<String>,
    newest: bool,
    repository: String,
    /// Where the next page begins; empty on the last.
    older: String,
}

/// A repository to choose.
struct Choice {
    id: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "row.html")]
struct RowTemplate<'a> {
    row: &'a Row,
}

/// The page.
pub async fn page(State(console): State<Console>, Query(wanted): Query<Wanted>) -> Response {
    let (repositories, changes) = tokio::join!(console.repositories(), console.rows(&wanted));
    let (rows, older, problem) = match changes {
        Ok((rows, older)) => (rows, older, None),
        Err(status) => match Part::<()>::silent("devops", "There is no such repository.", &status) {
            Part::Nothing(line) | Part::Failed(line) => (Vec::new(), String::new(), Some(line)),
            Part::Said(()) => (Vec::new(), String::new(), None),
        },
    };
    // What is wrong with devops is told once.
    let repositories = repositories.unwrap_or_default();
    let page = Page {
        notes: repositories.iter().filter_map(note).collect(),
        repositories: repositories.into_iter().map(|repository| choice(repository, &wanted)).collect(),
        rows,
        problem,
        newest: wanted.page.is_empty(),
        repository: wanted.repository,
        older,
    };
    answer::page(StatusCode::OK, &page)
}

fn note(repository: &Repository) -> Option<String> {
    let name = line(&repository.name);
    if !repository.last_error.is_empty() {
        return Some(format!("{name} cannot be read: {}", line(&repository.last_error)));
    }
    repository.importing.then(|| format!("The history of {name} is being imported."))
}

fn choice(repository: Repository, wanted: &Wanted) -> Choice {
    Choice { chosen: repository.id == wanted.repository, name: line(&repository.name), id: repository.id }
}

impl Console {
    async fn repositories(&self) -> Result<Vec<Repository>, Status> {
        let page = Some(PageRequest { page_size: REPOSITORIES, page_token: String::new() });
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        Ok(ask(devops.list_repositories(ListRepositoriesRequest { page })).await?.repositories)
    }

    /// The rows of a page, newest first, and where the next one begins.
    pub(super) async fn rows(&self, wanted: &Wanted) -> Result<(Vec<String>, String), Status> {
        let request = ListChangesRequest {
            repository_id: wanted.repository.clone(),
            page: Some(PageRequest { page_size: CHANGES, page_token: wanted.page.clone() }),
        };
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        let listed = ask(devops.list_changes(request)).await?;
        let rows = stream::iter(listed.changes).map(|change| self.row_of(change)).buffered(AT_A_TIME);
        let rows = rows.filter_map(async |row| row.ok()).collect().await;
        Ok((rows, listed.page.unwrap_or_default().next_page_token))
    }

    /// The row of a change as it is now.
    pub(super) async fn row(&self, change_id: &str) -> Result<String, Status> {
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        let journey = ask(devops.get_journey(GetJourneyRequest { change_id: change_id.to_owned() })).await?;
        let change = journey.change.ok_or_else(|| Status::not_found("there is no such change"))?;
        self.row_with(&change, &journey.steps).await
    }

    async fn row_of(&self, change: Change) -> Result<String, Status> {
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        let journey = ask(devops.get_journey(GetJourneyRequest { change_id: change.id.clone() })).await;
        // A change is worth a row whatever became of its journey.
        self.row_with(&change, &journey.map(|journey| journey.steps).unwrap_or_default()).await
    }

    async fn row_with(
        &self,
        change: &Change,
        steps: &[septet_proto_devops::v1::JourneyStep],
    ) -> Result<String, Status> {
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        let release = ask(devops.get_release(GetReleaseRequest { change_id: change.id.clone() })).await;
        let release = release.ok().and_then(|reply| reply.release);
        let row = Row::new(change, steps, release.as_ref());
        RowTemplate { row: &row }.render().map_err(|error| Status::internal(error.to_string()))
    }
}
