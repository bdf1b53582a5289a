use septet_chassis::{Cx, Handle, HandleError};
use septet_proto_cx::v1::ActivitySubmitted;

use crate::{Experience, activity::Activity, count, error::Error};

impl Handle<ActivitySubmitted> for Experience {
    async fn handle(&self, cx: &mut Cx, event: ActivitySubmitted) -> Result<(), HandleError> {
        let activity =
            Activity::read(event, cx.now(), self.settings.retention()).map_err(Error::of_delivery)?;
        let now = cx.now();
        count::take(cx.tx().await?, &activity, now).await.map_err(Error::of_delivery)
    }
}
