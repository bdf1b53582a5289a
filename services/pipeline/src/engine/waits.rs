use serde_json::json;

use super::{execution::Execution, failure::Halt};
use crate::{store, tasks::Done};

impl Execution {
    /// Ends the waits whose event has come.
    pub(super) async fn arrivals(&mut self) -> Result<(), Halt> {
        let kept = store::steps(&mut self.service.units.read().await?, &self.run.id).await?;
        for (place, kept) in kept.into_iter().enumerate() {
            let waits = self.steps.get(place).is_some_and(|step| !step.awaits.is_empty());
            let Some(event) = Self::arrived(&kept).filter(|_| waits) else { continue };
            self.succeed(place, Done { result: json!({ "event": event }), log: String::new() }).await?;
        }
        Ok(())
    }
}
