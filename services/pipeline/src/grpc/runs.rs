use septet_chassis::{RequestKey, contract::Message};
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_pipeline::v1::{
    CancelRunRequest, CancelRunResponse, ListRunsRequest, ListRunsResponse, SubmitRunRequest,
    SubmitRunResponse,
};
use serde_json::Value;

use super::fields::{invalid, limited, required};
use crate::{
    Pipelines,
    definition::Pipeline,
    error::Error,
    store::{self, RunsFilter},
    submit::{self, Origin},
    value,
};

impl Pipelines {
    pub(super) async fn submit(
        &self,
        request: SubmitRunRequest,
        caller: &str,
    ) -> Result<SubmitRunResponse, Error> {
        limited("request_id", &request.request_id, 64)?;
        let key = RequestKey::new(SubmitRunRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let definition = match (request.pipeline.as_str(), request.definition.as_str()) {
            ("", "") => return Err(invalid("pipeline", "or `definition` must be given")),
            ("", definition) => definition.to_owned(),
            (name, "") => {
                store::definition(cx.tx().await?, name).await?.ok_or(Error::NotFound("pipeline"))?
            }
            _ => return Err(invalid("definition", "cannot be given together with `pipeline`")),
        };
        let pipeline = Pipeline::parse(&definition)?;
        let given = request.inputs.as_ref().map(value::from_struct).unwrap_or_default();
        let origin = Origin { event_type: String::new(), event: Value::Null, depth: 0 };
        let run = submit::submit(&mut cx, &pipeline, &definition, given, origin).await?;
        let reply = SubmitRunResponse { run: Some(run.message()) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        self.due.notify_one();
        Ok(reply)
    }

    pub(super) async fn runs(
        &self,
        request: ListRunsRequest,
        page: &PageRequest,
        size: u32,
    ) -> Result<ListRunsResponse, Error> {
        let state = request.state();
        let filter = RunsFilter { name: request.pipeline, state, change_id: request.change_id };
        let mut tx = self.units.read().await?;
        // One more than asked for tells whether there is another page.
        let mut runs = store::list(&mut tx, &filter, &page.page_token, size + 1).await?;
        let more = runs.len() > size as usize;
        runs.truncate(size as usize);
        let next_page_token = runs.last().filter(|_| more).map_or_else(String::new, |run| run.id.clone());
        Ok(ListRunsResponse {
            runs: runs.iter().map(store::Run::message).collect(),
            page: Some(PageResponse { next_page_token }),
        })
    }

    pub(super) async fn cancel(
        &self,
        request: CancelRunRequest,
        caller: &str,
    ) -> Result<CancelRunResponse, Error> {
        limited("request_id", &request.request_id, 64)?;
        required("run_id", &request.run_id, 64)?;
        let key = RequestKey::new(CancelRunRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        store::ask_to_cancel(cx.tx().await?, &request.run_id).await?;
        let run = store::by_id(cx.tx().await?, &request.run_id).await?.ok_or(Error::NotFound("run"))?;
        let reply = CancelRunResponse { run: Some(run.message()) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        self.due.notify_one();
        Ok(reply)
    }
}
