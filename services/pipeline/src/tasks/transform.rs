use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;

use super::{Done, Failure};
use crate::filter;

/// Runs a filter beside everything else. It cannot be stopped from outside, so it keeps its place among those that may run
/// until it has ended.
pub(super) async fn run(places: &Arc<Semaphore>, text: String, input: Value) -> Result<Done, Failure> {
    let place = Arc::clone(places).acquire_owned().await.map_err(|_| Failure::passing("the service ends"))?;
    let ended = tokio::task::spawn_blocking(move || {
        let _place = place;
        filter::run(&text, &input)
    });
    match ended.await {
        Ok(Ok(result)) => Ok(Done { result, log: String::new() }),
        Ok(Err(error)) => Err(Failure::lasting(error.to_string())),
        Err(_) => Err(Failure::lasting("the filter ended unexpectedly; the log says more")),
    }
}
