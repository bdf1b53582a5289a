//! What would be decided now, with the answers that cost and cx give now.

use prost::Message as _;
use septet_chassis::contract::Timestamp;
use septet_proto_common::v1::Verdict;
use septet_proto_cost::v1::{EstimateReleaseRequest, Manifest, cost_service_client::CostServiceClient};
use septet_proto_devops::v1::{Release, RepositoryFile, RepositorySettings};
use tonic::{Request, Status};

use crate::{
    Devops, compose,
    error::Error,
    git::Checkout,
    guardrails::{PATIENCE, silence},
    manifests::{self, Cache, Deployed},
    release::{self, Known, Said, Word, Words},
    steps::one_line,
    store,
};

impl Devops {
    /// The release of a change as it would be decided now. Keeps and publishes nothing.
    pub(crate) async fn check(&self, change_id: &str) -> Result<Release, Error> {
        let (row, alerts) = {
            let mut tx = self.units.read().await?;
            let found = store::release_of(&mut tx, change_id).await?;
            let row = found.ok_or_else(|| Error::UnknownChange(change_id.to_owned()))?;
            let alerts = store::alerts(&mut tx, &row.repository_id, change_id, row.seq).await?;
            (row, alerts)
        };
        let settings = RepositorySettings::decode(row.settings.as_slice()).unwrap_or_default();
        let deployed = self.deployed(&row).await?;
        let ask_cx = async {
            match settings.flags.is_empty() {
                true => None,
                false => Some(self.ask_cx(settings.flags.clone()).await),
            }
        };
        let (cost, cx) = tokio::join!(self.ask_cost(&row, deployed), ask_cx);
        let mut words = Words::from_json(&row.words);
        words.hear("cost", said_now("cost", cost));
        if let Some(answer) = cx {
            words.hear("cx", said_now("cx", answer));
        }
        let required = &self.settings.release.required;
        let decision =
            release::decide(Known { words: &words, settings: &settings, required, alerts: &alerts });
        Ok(Release {
            state: decision.state.into(),
            reasons: decision.reasons,
            checks: decision.checks,
            decided_time: Some(Timestamp::now().into()),
            ..compose::release(row)
        })
    }

    async fn deployed(&self, row: &store::Release) -> Result<Deployed, Error> {
        let unknown = || Error::UnknownChange(row.change_id.clone());
        let commit = row.commit_id.parse().map_err(|_| unknown())?;
        let read = move |checkout: &Checkout| {
            let step = manifests::Step { commit, parent: checkout.first_parent(commit)?, files: None };
            Ok(manifests::deployed(checkout, &mut Cache::default(), &step))
        };
        self.reading(&row.repository_id, commit, read).await
    }

    async fn ask_cost(&self, row: &store::Release, deployed: Deployed) -> Result<(Said, String), Status> {
        let manifests: Vec<Manifest> = deployed.manifests.into_iter().map(manifest).collect();
        let parent_manifests = match deployed.unchanged {
            true => manifests.clone(),
            false => deployed.parent_manifests.into_iter().map(manifest).collect(),
        };
        let mut request = Request::new(EstimateReleaseRequest {
            repository_id: row.repository_id.clone(),
            repository_name: row.repository_name.clone(),
            commit: row.commit_id.clone(),
            manifests,
            parent_manifests,
        });
        request.set_timeout(PATIENCE);
        let reply = CostServiceClient::new(self.cost.clone()).estimate_release(request).await?;
        let estimate = reply.into_inner().estimate.unwrap_or_default();
        let said = if estimate.verdict() == Verdict::Passed { Said::Passed } else { Said::Failed };
        Ok((said, one_line(&estimate.reason)))
    }
}

fn manifest(file: RepositoryFile) -> Manifest {
    Manifest { path: file.path, content: file.content }
}

/// An answer, or that there is none, as a word that no earlier one outlasts.
fn said_now(service: &str, answer: Result<(Said, String), Status>) -> Word {
    let (said, summary) = answer.unwrap_or_else(|status| (Said::Waits, silence(service, &status)));
    Word { said, summary, time: i64::MAX, event_id: String::new() }
}
