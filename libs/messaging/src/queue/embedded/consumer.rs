//! Taking jobs from one queue, as they come due.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use septet_contract::Timestamp;
use tokio::{
    sync::{Semaphore, watch},
    time::sleep,
};

use super::{
    delivery::{Take, Taken},
    ledger::{Cell, Ledger, Shared},
};
use crate::{
    log::embedded::Writer,
    queue::{Consumer, Delivery, QueueError},
};

/// Longest wait without a look, as the machine's clock may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Takes jobs one at a time, so that none waits in a worker that is busy while another is idle.
pub(super) struct Taker {
    shared: Arc<Shared>,
    writer: Writer<Ledger>,
    queue: Arc<Cell>,
    changes: watch::Receiver<u64>,
    room: Arc<Semaphore>,
}

impl Taker {
    pub(super) fn new(shared: Arc<Shared>, writer: Writer<Ledger>, queue: Arc<Cell>, prefetch: u16) -> Self {
        let changes = queue.changes.subscribe();
        Self { shared, writer, queue, changes, room: Arc::new(Semaphore::new(usize::from(prefetch))) }
    }

    async fn take(&mut self) -> Result<Delivery, QueueError> {
        // The semaphore is never closed.
        let room = self.room.clone().acquire_owned().await.map_err(|_| QueueError::Closed)?;
        loop {
            self.changes.borrow_and_update();
            let take = Take { queue: self.queue.clone(), writer: self.writer.clone() };
            match self.writer.write(take).await? {
                Taken::Job { record, attempt, claim } => {
                    return Ok(Delivery { record, attempt, lease: Box::new(claim.received(room)) });
                }
                Taken::Nothing { due } => {
                    let wait = due.map_or(LONGEST_WAIT, |due| due.since(Timestamp::now()).min(LONGEST_WAIT));
                    tokio::select! {
                        changed = self.changes.changed() => changed.map_err(|_| QueueError::Closed)?,
                        () = sleep(wait) => {}
                    }
                }
            }
        }
    }
}

#[async_trait]
impl Consumer for Taker {
    async fn next(&mut self) -> Result<Delivery, QueueError> {
        let closed = self.shared.closed.clone();
        tokio::select! {
            biased;
            () = closed.cancelled() => Err(QueueError::Closed),
            delivery = self.take() => delivery,
        }
    }
}
