use septet_chassis::{RequestKey, contract::Message};
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_pipeline::v1::{
    self, DeletePipelineRequest, DeletePipelineResponse, ListPipelinesResponse, PutPipelineRequest,
    PutPipelineResponse,
};

use super::fields::{limited, required};
use crate::{Pipelines, definition::Pipeline, error::Error, store};

impl Pipelines {
    pub(super) async fn put(
        &self,
        request: PutPipelineRequest,
        caller: &str,
    ) -> Result<PutPipelineResponse, Error> {
        limited("request_id", &request.request_id, 64)?;
        let key = RequestKey::new(PutPipelineRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        let pipeline = Pipeline::parse(&request.definition)?;
        let now = cx.now();
        store::put(cx.tx().await?, &pipeline, &request.definition, now.micros()).await?;
        let mut event_types: Vec<String> = Vec::new();
        for trigger in pipeline.triggers {
            if !event_types.contains(&trigger.event_type) {
                event_types.push(trigger.event_type);
            }
        }
        let kept = v1::Pipeline {
            name: pipeline.name,
            description: pipeline.description,
            definition: request.definition,
            event_types,
            put_time: Some(now.into()),
        };
        let reply = PutPipelineResponse { pipeline: Some(kept) };
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }

    pub(super) async fn pipelines(
        &self,
        page: &PageRequest,
        size: u32,
    ) -> Result<ListPipelinesResponse, Error> {
        let mut tx = self.units.read().await?;
        let mut pipelines = store::list_pipelines(&mut tx, &page.page_token, size + 1).await?;
        let more = pipelines.len() > size as usize;
        pipelines.truncate(size as usize);
        let last = pipelines.last().filter(|_| more);
        let next_page_token = last.map_or_else(String::new, |pipeline| pipeline.name.clone());
        Ok(ListPipelinesResponse { pipelines, page: Some(PageResponse { next_page_token }) })
    }

    pub(super) async fn delete(
        &self,
        request: DeletePipelineRequest,
        caller: &str,
    ) -> Result<DeletePipelineResponse, Error> {
        limited("request_id", &request.request_id, 64)?;
        required("name", &request.name, 64)?;
        let key = RequestKey::new(DeletePipelineRequest::TYPE, caller, &request.request_id, &request);
        let mut cx = self.units.begin(Default::default());
        if let Some(reply) = cx.earlier_reply(key.as_ref()).await? {
            return Ok(reply);
        }
        if !store::delete(cx.tx().await?, &request.name).await? {
            return Err(Error::NotFound("pipeline"));
        }
        let reply = DeletePipelineResponse {};
        cx.commit_reply(key.as_ref(), &reply).await?;
        Ok(reply)
    }
}
