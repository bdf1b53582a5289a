use std::time::Duration;

use septet_chassis::contract::Timestamp;
use septet_proto_devops::v1::{GeneratePipelineRequest, devops_service_client::DevopsServiceClient};
use septet_proto_pipeline::v1::RunState;
use tonic::Code;

use super::{execution::Execution, failure::Halt};
use crate::{
    definition::Pipeline,
    release_tests::{self, Planned},
    store::{self, Step},
};

/// How long to wait for devops before it is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// How long devops may be away until a release's tests are given up.
const PATIENCE: Duration = Duration::from_secs(86_400);

impl Execution {
    /// Asks devops what the tests of the release are; false if the run has ended instead, or waits for devops.
    pub(super) async fn make_definition(&mut self) -> Result<bool, Halt> {
        let mut devops = DevopsServiceClient::new(self.service.devops.clone());
        let request = GeneratePipelineRequest { change_id: self.run.change_id.clone(), ..Default::default() };
        let generated = match devops.generate_pipeline(request).await {
            Ok(reply) => reply.into_inner().pipeline.unwrap_or_default(),
            Err(status) if is_final(status.code()) => {
                let reason = format!("devops gives no pipeline for this change: {}", status.message());
                self.end(RunState::Skipped, &reason).await?;
                return Ok(false);
            }
            Err(status) => {
                let since = Timestamp::now().since(Timestamp::from_micros(self.run.submitted_at));
                if since > PATIENCE {
                    self.end(RunState::Failed, &format!("devops did not answer: {}", status.message()))
                        .await?;
                    return Ok(false);
                }
                tracing::info!(run = self.run.id, "the tests of a release wait for devops");
                if !self.park(Timestamp::now().after(AGAIN).micros()).await? {
                    // A word came from outside meanwhile.
                    self.release().await?;
                }
                return Ok(false);
            }
        };
        let planned = release_tests::plan(&generated, |program| self.service.tasks.program(program));
        let definition = match planned {
            Planned::Run(definition) => definition,
            Planned::Nothing(reason) => {
                self.end(RunState::Skipped, &reason).await?;
                return Ok(false);
            }
        };
        let pipeline = match Pipeline::parse(&definition) {
            Ok(pipeline) => pipeline,
            Err(error) => {
                self.end(RunState::Skipped, &format!("the generated tests are no pipeline: {error}")).await?;
                return Ok(false);
            }
        };
        let steps = Step::all(&pipeline);
        let mut cx = self.write().await?;
        store::adopt(cx.tx().await?, &self.run.id, &definition).await?;
        store::insert_steps(cx.tx().await?, &self.run.id, &steps).await?;
        cx.commit().await?;
        self.run.definition = definition;
        Ok(true)
    }
}

fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::NotFound
            | Code::InvalidArgument
            | Code::Unimplemented
            | Code::FailedPrecondition
            | Code::PermissionDenied
            | Code::Unauthenticated
    )
}
