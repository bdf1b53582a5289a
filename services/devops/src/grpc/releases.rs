//! Releases for whoever asks.

use septet_proto_devops::v1::{ListReleasesRequest, ListReleasesResponse, Release, ReleaseState};
use tonic::Status;

use super::{fields, paging};
use crate::{
    Devops, compose,
    error::Error,
    store::{self, Listing},
};

impl Devops {
    pub(super) async fn release(&self, change_id: &str) -> Result<Release, Error> {
        let found = store::release_of(&mut self.units.read().await?, change_id).await?;
        found.map(compose::release).ok_or_else(|| Error::UnknownChange(change_id.to_owned()))
    }

    pub(super) async fn releases(
        &self,
        request: ListReleasesRequest,
    ) -> Result<ListReleasesResponse, Status> {
        let id = fields::optional_id("repository_id", &request.repository_id)?;
        let state = ReleaseState::try_from(request.state)
            .map_err(|_| Error::Field { field: "state", problem: "is no state of a release".to_owned() })?;
        let list = format!("releases {id} {}", state as i32);
        let page = paging::Page::read(&list, request.page)?;
        let before = match &page.token {
            None => i64::MAX,
            Some(seq) => seq.parse().map_err(|_| Error::PageToken)?,
        };
        let mut tx = self.units.read().await.map_err(Error::from)?;
        if !id.is_empty() && store::repository(&mut tx, id).await.map_err(Error::from)?.is_none() {
            return Err(Error::UnknownRepository(id.to_owned()).into());
        }
        let listing = Listing { repository_id: id, state: state as i64, before, limit: page.size + 1 };
        let rows = store::releases(&mut tx, &listing).await.map_err(Error::from)?;
        let releases = rows.into_iter().map(|row| (row.seq, compose::release(row))).collect();
        let (releases, next) =
            paging::cut(&list, releases, page.size, |(seq, _): &(i64, Release)| seq.to_string());
        let releases = releases.into_iter().map(|(_, release)| release).collect();
        Ok(ListReleasesResponse { releases, page: Some(next) })
    }
}
