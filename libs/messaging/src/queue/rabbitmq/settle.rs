//! Acknowledging a delivery, or giving it back.

use std::time::Duration;

use lapin::{
    Acker,
    options::{BasicAckOptions, BasicNackOptions},
};
use tokio::time::{interval, sleep};

/// Longest wait for the connection to take the message. It has no answer to wait for.
const LIMIT: Duration = Duration::from_secs(5);
/// How often to look whether the channel is gone.
const LOOK: Duration = Duration::from_millis(50);

/// Acknowledges; false if the channel is gone, and the delivery back in its queue.
pub(super) async fn ack(acker: &Acker) -> bool {
    taken(acker, acker.ack(BasicAckOptions::default())).await
}

/// Gives the delivery back. If the channel is gone, it is back already.
pub(super) async fn give_back(acker: &Acker) {
    let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
    taken(acker, acker.nack(options)).await;
}

/// lapin does not always end the wait of a message that it was given in the moment in which the connection was lost, so
/// the wait ends here as well.
async fn taken(acker: &Acker, message: impl Future<Output = lapin::Result<bool>>) -> bool {
    let gone = async {
        let mut looks = interval(LOOK);
        while !acker.poisoned() {
            looks.tick().await;
        }
    };
    tokio::select! {
        biased;
        taken = message => taken.is_ok_and(|taken| taken),
        () = gone => false,
        () = sleep(LIMIT) => false,
    }
}
