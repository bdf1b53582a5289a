use std::{sync::Arc, thread};

use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};

use super::{Done, Failure};
use crate::filter;

/// Room for deeply nested values; only what is used is taken.
const STACK: usize = 64 << 20;

/// Runs a filter on a thread of its own, so that one that takes long holds up nothing else. It cannot be stopped from
/// outside, so it keeps its place among those that may run until it has ended.
pub(super) async fn run(places: &Arc<Semaphore>, text: String, input: Value) -> Result<Done, Failure> {
    let place = Arc::clone(places).acquire_owned().await.map_err(|_| Failure::passing("the service ends"))?;
    let (send, receive) = oneshot::channel();
    thread::Builder::new()
        .name("filter".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let _place = place;
            // Nobody may wait for it any more.
            let _ = send.send(filter::run(&text, &input));
        })
        .map_err(|_| Failure::passing("no thread could be had for a filter"))?;
    match receive.await {
        Ok(Ok(result)) => Ok(Done { result, log: String::new() }),
        Ok(Err(error)) => Err(Failure::lasting(error.to_string())),
        Err(_) => Err(Failure::lasting("the filter ended unexpectedly; the log says more")),
    }
}
