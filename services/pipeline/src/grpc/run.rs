use septet_proto_pipeline::v1::{Attempt, GetRunRequest, GetRunResponse, Step};
use serde_json::{Map, Value};

use super::fields::required;
use crate::{Pipelines, error::Error, store, value};

/// Bytes of outputs and logs in one reply at most.
const MAX_BYTES: usize = 2 << 20;

impl Pipelines {
    pub(super) async fn run(&self, request: GetRunRequest) -> Result<GetRunResponse, Error> {
        let GetRunRequest { run_id: id, step } = &request;
        required("run_id", id, 64)?;
        let mut tx = self.units.read().await?;
        let run = store::by_id(&mut tx, id).await?.ok_or(Error::NotFound("run"))?;
        let is_wanted = |name: &str| step.is_empty() || step == name;
        let mut steps = store::steps(&mut tx, id).await?;
        steps.retain(|kept| is_wanted(&kept.name));
        if steps.is_empty() && !step.is_empty() {
            return Err(Error::NotFound("step"));
        }
        let attempts = store::attempts(&mut tx, id).await?;
        let inputs: Map<String, Value> = serde_json::from_str(&run.inputs).unwrap_or_default();
        let mut room = Room { left: if step.is_empty() { MAX_BYTES } else { usize::MAX }, was_short: false };
        let steps: Vec<Step> = steps
            .iter()
            .map(|kept| if room.take(kept.outputs.len()) { kept.message() } else { kept.summary() })
            .collect();
        let attempts: Vec<Attempt> = attempts
            .into_iter()
            .map(store::Attempt::message)
            .filter(|attempt| is_wanted(&attempt.step))
            .map(|attempt| {
                if room.take(attempt.log.len()) { attempt } else { Attempt { log: String::new(), ..attempt } }
            })
            .collect();
        Ok(GetRunResponse {
            run: Some(run.message()),
            steps,
            attempts,
            inputs: Some(value::to_struct(&inputs)),
            definition: run.definition,
            truncated: room.was_short,
        })
    }
}

/// What there is room for in a reply.
struct Room {
    left: usize,
    was_short: bool,
}

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left;
        self.left -= if fits { bytes } else { 0 };
        self.was_short |= !fits;
        fits
    }
}
