use septet_chassis::contract::Timestamp;
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_cost::v1::{
    EstimateReleaseRequest, EstimateReleaseResponse, GetEstimateResponse, ListEstimatesRequest,
    ListEstimatesResponse, Manifest,
};

use super::limited;
use crate::{
    Cost,
    error::{Error, wrong},
    estimate::MAX_FILES,
    estimator::{File, Subject},
    store::{self, EstimatesFilter},
};

impl Cost {
    pub(super) async fn estimate_now(
        &self,
        request: EstimateReleaseRequest,
    ) -> Result<EstimateReleaseResponse, Error> {
        for (field, text) in [
            ("repository_id", &request.repository_id),
            ("repository_name", &request.repository_name),
            ("commit", &request.commit),
        ] {
            limited(field, text, 256)?;
        }
        let now = files("manifests", request.manifests)?;
        let parent = files("parent_manifests", request.parent_manifests)?;
        let estimate = self.estimator.price(now, parent).await?;
        let subject = Subject {
            change_id: String::new(),
            repository_id: request.repository_id,
            repository_name: request.repository_name,
            commit: request.commit,
        };
        let mut tx = self.units.read().await?;
        let mut estimate = self.estimator.judge(&mut tx, subject, estimate, 0).await?;
        estimate.time = Some(Timestamp::now().into());
        Ok(EstimateReleaseResponse { estimate: Some(estimate) })
    }

    pub(super) async fn estimate_of(&self, change_id: &str) -> Result<GetEstimateResponse, Error> {
        if change_id.is_empty() {
            return Err(wrong("change_id", "is missing"));
        }
        let estimate = store::estimate_of(&mut self.units.read().await?, change_id).await?;
        Ok(GetEstimateResponse { estimate: Some(estimate.ok_or(Error::NotFound("estimate"))?) })
    }

    pub(super) async fn estimates(
        &self,
        request: &ListEstimatesRequest,
        page: &PageRequest,
        size: u32,
    ) -> Result<ListEstimatesResponse, Error> {
        let filter =
            EstimatesFilter { repository_id: request.repository_id.clone(), verdict: request.verdict() };
        let mut tx = self.units.read().await?;
        // One more than asked for tells whether there is another page.
        let mut found = store::estimates(&mut tx, &filter, &page.page_token, size + 1).await?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let next_page_token = found.last().filter(|_| more).map_or_else(String::new, |(id, _)| id.clone());
        let estimates = found
            .into_iter()
            .map(|(_, mut estimate)| {
                estimate.lines.clear();
                estimate.unpriced.clear();
                estimate
            })
            .collect();
        Ok(ListEstimatesResponse { estimates, page: Some(PageResponse { next_page_token }) })
    }
}

fn files(field: &'static str, manifests: Vec<Manifest>) -> Result<Vec<File>, Error> {
    if manifests.len() > MAX_FILES {
        return Err(wrong(field, format!("has more than {MAX_FILES} files")));
    }
    if manifests.iter().any(|manifest| manifest.path.is_empty() || manifest.path.len() > 4_096) {
        return Err(wrong(field, "has a path that is empty or longer than 4096 bytes"));
    }
    Ok(manifests.into_iter().map(|manifest| (manifest.path, manifest.content)).collect())
}
