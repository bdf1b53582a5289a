//! Takes activities by a call: what is right goes to the ingest topic, where it meets all others.

use std::time::Duration;

use septet_chassis::contract::{Cause, Timestamp};
use septet_proto_cx::v1::{
    ActivitySubmitted, IngestActivityRequest, IngestActivityResponse, RejectedActivity,
};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::{Experience, activity::Activity, error::Error};

/// Activities that become durable together.
const TOGETHER: usize = 500;
/// Rejections that are told of.
const TOLD: usize = 100;
/// How long the caller may say nothing.
const SILENCE: Duration = Duration::from_secs(30);

impl Experience {
    pub(crate) async fn ingest(
        &self,
        mut stream: impl Stream<Item = Result<IngestActivityRequest, Status>> + Unpin,
    ) -> Result<IngestActivityResponse, Status> {
        let mut reply = IngestActivityResponse::default();
        let mut waiting = Vec::with_capacity(TOGETHER);
        let mut index = 0;
        loop {
            let next = tokio::time::timeout(SILENCE, stream.next()).await;
            let Ok(next) = next else {
                self.accept(&mut waiting, &mut reply).await?;
                return Err(Error::Silent(reply.accepted).into());
            };
            let Some(request) = next.transpose()? else { break };
            if index >= self.settings.ingest_activities {
                self.accept(&mut waiting, &mut reply).await?;
                let limit = self.settings.ingest_activities;
                return Err(Error::invalid(
                    "activity",
                    format!("came more than {limit} times; begin another call"),
                )
                .into());
            }
            match self.checked(request.activity) {
                Ok(activity) => waiting.push(activity),
                Err(error) => reject(&mut reply, index, &error),
            }
            index += 1;
            if waiting.len() >= TOGETHER {
                self.accept(&mut waiting, &mut reply).await?;
            }
        }
        self.accept(&mut waiting, &mut reply).await?;
        Ok(reply)
    }

    fn checked(&self, activity: Option<ActivitySubmitted>) -> Result<ActivitySubmitted, Error> {
        let activity = activity.ok_or_else(|| Error::invalid("activity", "is missing"))?;
        Activity::read(activity.clone(), Timestamp::now(), self.settings.retention())?;
        Ok(activity)
    }

    async fn accept(
        &self,
        waiting: &mut Vec<ActivitySubmitted>,
        reply: &mut IngestActivityResponse,
    ) -> Result<(), Error> {
        let mut cx = self.units.begin(Cause::default());
        for activity in waiting.iter() {
            cx.publish(activity)?;
        }
        cx.commit().await?;
        reply.accepted += waiting.len() as u64;
        waiting.clear();
        Ok(())
    }
}

fn reject(reply: &mut IngestActivityResponse, index: u64, error: &Error) {
    reply.rejected += 1;
    if reply.rejections.len() < TOLD {
        reply.rejections.push(RejectedActivity {
            index,
            code: error.code().unwrap_or_default().to_owned(),
            problem: error.to_string(),
        });
    }
}
