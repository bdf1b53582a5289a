use septet_chassis::{
    RequestKey,
    contract::{Cause, Message, Timestamp},
};
use septet_proto_cx::v1::{
    ConcludeExperimentRequest, ConcludeExperimentResponse, ExperimentConcluded, ExperimentState,
    GetResultsRequest, GetResultsResponse, ListExperimentsRequest, ListExperimentsResponse,
    PutExperimentRequest, PutExperimentResponse,
};

use super::fields::{self, Page};
use crate::{
    Experience,
    analysis::{Change, Moments, result},
    error::Error,
    experiments::wanted,
    flag::feature::Feature,
    store,
};

impl Experience {
    pub(super) async fn experiment(
        &self,
        caller: &str,
        request: PutExperimentRequest,
    ) -> Result<PutExperimentResponse, Error> {
        fields::request_id(&request.request_id)?;
        fields::key("experiment_id", &request.experiment_id)?;
        fields::key("flag_key", &request.flag_key)?;
        fields::text("name", &request.name, 200)?;
        let key = RequestKey::new(PutExperimentRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Cause::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let now = cx.now();
        let tx = cx.tx().await?;
        // Locked where it runs: nobody concludes it meanwhile.
        store::lock_running(tx, &request.experiment_id, now).await?;
        let Some(row) = store::feature(tx, &request.flag_key).await? else {
            return Err(Error::NotFound { what: "flag", id: request.flag_key });
        };
        let flag = serde_json::from_str(&row.definition).ok().and_then(|written| Feature::new(&written).ok());
        let earlier = store::experiment(tx, &request.experiment_id).await?.map(|stored| stored.experiment);
        let experiment = wanted(&request, earlier.as_ref(), flag.as_ref(), &self.settings, now)?;
        match earlier {
            None => store::add_experiment(tx, &experiment).await?,
            Some(_) => {
                store::change_experiment(tx, &experiment).await?;
                // Adds nothing, but has the guardrails judged as they are now.
                let nothing = Change { metric: String::new(), variation: 0, by: Moments::default() };
                store::add_delta(tx, &experiment.id, &nothing).await?;
            }
        }
        let reply = PutExperimentResponse { experiment: Some(experiment) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }

    pub(super) async fn experiments(
        &self,
        request: &ListExperimentsRequest,
        page: &Page,
    ) -> Result<ListExperimentsResponse, Error> {
        if !request.flag_key.is_empty() {
            fields::key("flag_key", &request.flag_key)?;
        }
        let mut tx = self.units.read().await?;
        let (flag, state) = (request.flag_key.as_str(), request.state());
        let mut experiments =
            store::list_experiments(&mut tx, flag, state, &page.after, page.size + 1).await?;
        let next = fields::cut(&mut experiments, page, |experiment| &experiment.id);
        Ok(ListExperimentsResponse { experiments, page: Some(next) })
    }

    pub(super) async fn conclude(
        &self,
        caller: &str,
        request: ConcludeExperimentRequest,
    ) -> Result<ConcludeExperimentResponse, Error> {
        fields::request_id(&request.request_id)?;
        fields::key("experiment_id", &request.experiment_id)?;
        fields::text("conclusion", &request.conclusion, 2_000)?;
        let key = RequestKey::new(ConcludeExperimentRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Cause::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let (id, now) = (request.experiment_id, cx.now());
        let tx = cx.tx().await?;
        let Some(mut experiment) = store::lock_running(tx, &id, now).await? else {
            return match store::experiment(tx, &id).await? {
                Some(_) => Err(Error::Fixed(format!("{id} is concluded already"))),
                None => Err(Error::NotFound { what: "experiment", id }),
            };
        };
        Self::fold_all(tx, &id).await?;
        let result = result(&experiment, &store::figures(tx, &id).await?, now);
        experiment.state = ExperimentState::Concluded.into();
        experiment.conclude_time = Some(now.into());
        experiment.conclusion = request.conclusion;
        store::conclude(tx, &experiment, &result, now).await?;
        store::forget_breaches(tx, &id).await?;
        cx.publish(&ExperimentConcluded {
            experiment_id: id,
            experiment: Some(experiment.clone()),
            result: Some(result.clone()),
        })?;
        let reply = ConcludeExperimentResponse { experiment: Some(experiment), result: Some(result) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }

    pub(super) async fn results(&self, request: GetResultsRequest) -> Result<GetResultsResponse, Error> {
        let id = request.experiment_id;
        fields::key("experiment_id", &id)?;
        let mut tx = self.units.read().await?;
        let stored = store::experiment(&mut tx, &id).await?;
        let Some(stored) = stored else { return Err(Error::NotFound { what: "experiment", id }) };
        let result = match stored.result {
            Some(result) => result,
            None => result(&stored.experiment, &store::figures(&mut tx, &id).await?, Timestamp::now()),
        };
        Ok(GetResultsResponse { experiment: Some(stored.experiment), result: Some(result) })
    }
}
