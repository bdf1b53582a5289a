use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use septet_proto_common::v1::{
    ApplyTopicsRequest, ApplyTopicsResponse, DescribeRequest, DescribeResponse, DiscardDeadLetterRequest,
    DiscardDeadLetterResponse, GetDeadLetterRequest, GetDeadLetterResponse, ListDeadLettersRequest,
    ListDeadLettersResponse, ListTopicsRequest, ListTopicsResponse, PublishRecordRequest,
    PublishRecordResponse, RedriveDeadLetterRequest, RedriveDeadLetterResponse, ReplayTopicRequest,
    ReplayTopicResponse, TailEventsRequest, TailEventsResponse,
    admin_service_server::{AdminService, AdminServiceServer},
};
use tonic::{Code, Request, Response, Status};

use super::{describe, events, letters, topics};
use crate::{
    auth::Identity,
    error::fault,
    started::{Running, Shared},
};

/// `AdminService`, for all services of the process.
pub(crate) struct Admin {
    shared: Arc<Shared>,
}

impl Admin {
    pub fn server(shared: Arc<Shared>) -> AdminServiceServer<Self> {
        AdminServiceServer::new(Self { shared })
    }
}

impl Shared {
    /// A service of this process by name.
    pub fn service(&self, name: &str) -> Result<&Running, Status> {
        self.services.iter().find(|running| running.contract.service == name).ok_or_else(|| {
            let known: Vec<_> = self.services.iter().map(|running| running.contract.service).collect();
            fault(
                Code::NotFound,
                "SEPTET-0030",
                "service",
                &format!("no service {name:?} runs here"),
                &format!("running are {}", known.join(", ")),
            )
        })
    }
}

/// Who calls; the stack has put it there.
fn caller<T>(request: &Request<T>) -> String {
    request.extensions().get::<Identity>().map_or_else(String::new, |identity| identity.subject.to_string())
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(describe::describe(&self.shared)))
    }

    async fn list_topics(
        &self,
        _: Request<ListTopicsRequest>,
    ) -> Result<Response<ListTopicsResponse>, Status> {
        topics::list(&self.shared).await.map(Response::new)
    }

    async fn apply_topics(
        &self,
        _: Request<ApplyTopicsRequest>,
    ) -> Result<Response<ApplyTopicsResponse>, Status> {
        topics::apply(&self.shared).await.map(Response::new)
    }

    type TailEventsStream = Pin<Box<dyn Stream<Item = Result<TailEventsResponse, Status>> + Send>>;

    async fn tail_events(
        &self,
        request: Request<TailEventsRequest>,
    ) -> Result<Response<Self::TailEventsStream>, Status> {
        events::tail(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn publish_record(
        &self,
        request: Request<PublishRecordRequest>,
    ) -> Result<Response<PublishRecordResponse>, Status> {
        events::publish(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        letters::list(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn get_dead_letter(
        &self,
        request: Request<GetDeadLetterRequest>,
    ) -> Result<Response<GetDeadLetterResponse>, Status> {
        letters::get(&self.shared, &request.into_inner().id).await.map(Response::new)
    }

    async fn redrive_dead_letter(
        &self,
        request: Request<RedriveDeadLetterRequest>,
    ) -> Result<Response<RedriveDeadLetterResponse>, Status> {
        let by = caller(&request);
        letters::redrive(&self.shared, request.into_inner(), &by).await.map(Response::new)
    }

    async fn discard_dead_letter(
        &self,
        request: Request<DiscardDeadLetterRequest>,
    ) -> Result<Response<DiscardDeadLetterResponse>, Status> {
        let by = caller(&request);
        letters::discard(&self.shared, &request.into_inner().id, &by).await.map(Response::new)
    }

    type ReplayTopicStream = Pin<Box<dyn Stream<Item = Result<ReplayTopicResponse, Status>> + Send>>;

    async fn replay_topic(
        &self,
        request: Request<ReplayTopicRequest>,
    ) -> Result<Response<Self::ReplayTopicStream>, Status> {
        events::replay(&self.shared, request.into_inner()).map(Response::new)
    }
}
