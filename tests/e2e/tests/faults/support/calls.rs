//! Load by gRPC: callers that ask again with the same `request_id` until they have an answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use septet_e2e::Channel;
use septet_proto_review::v1::{ReviewDiffRequest, review_service_client::ReviewServiceClient};
use septet_testkit::history::{History, Outcome};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

use super::operation::{Operation, Way};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Pause between attempts, and between a caller's operations.
const PAUSE: Duration = Duration::from_millis(50);

/// Callers, each with a key of its own.
pub struct Calls {
    callers: JoinSet<()>,
    stop: CancellationToken,
}

/// What the callers were told.
#[derive(Debug, Default)]
pub struct Answers {
    pub acked: AtomicU64,
    pub refused: AtomicU64,
    /// Attempts that got no answer, or one that says to come again.
    pub retried: AtomicU64,
}

impl Calls {
    /// Starts so many callers.
    pub fn start(callers: u32, channel: &Channel, history: &Arc<History>, answers: &Arc<Answers>) -> Self {
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        for key in 0..callers {
            let (client, stop) = (ReviewServiceClient::new(channel.clone()), stop.clone());
            running.spawn(call(client, key, stop, Arc::clone(history), Arc::clone(answers)));
        }
        Self { callers: running, stop }
    }

    /// Lets each caller get its last answer.
    ///
    /// # Panics
    /// If a caller got an answer that it must not get.
    pub async fn finish(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.callers.join_next().await {
            ended.expect("a caller gets the answers that it must get");
        }
    }
}

async fn call(
    mut client: ReviewServiceClient<Channel>,
    key: u32,
    stop: CancellationToken,
    history: Arc<History>,
    answers: Arc<Answers>,
) {
    for seq in 0.. {
        if stop.is_cancelled() {
            return;
        }
        let operation = Operation { way: Way::Call, key, seq };
        let (id, repository) = (operation.id(), operation.repository());
        history.intend(&id, &repository, seq.into());
        let request = ReviewDiffRequest {
            request_id: id.clone(),
            repository,
            commit: id.clone(),
            diff: operation.diff().into(),
        };
        let accepted = answer(&mut client, &request, &answers).await;
        assert_eq!(accepted, !operation.is_refused(), "what review said to {id}");
        let (outcome, count) = match accepted {
            true => (Outcome::Acked, &answers.acked),
            false => (Outcome::Failed, &answers.refused),
        };
        history.outcome(&id, outcome);
        count.fetch_add(1, Ordering::Relaxed);
        sleep(PAUSE).await;
    }
}

/// Asks until there is an answer: true if it is done, false if it is refused.
async fn answer(
    client: &mut ReviewServiceClient<Channel>,
    request: &ReviewDiffRequest,
    answers: &Answers,
) -> bool {
    loop {
        let mut attempt = Request::new(request.clone());
        attempt.set_timeout(ATTEMPT);
        // The deadline's own enforcement is not what is tested here, so a reply that hangs counts as none.
        match tokio::time::timeout(ATTEMPT * 2, client.review_diff(attempt)).await {
            Ok(Ok(reply)) => {
                let review = reply.into_inner().review.expect("a reply has the review");
                assert_eq!(review.commit, request.commit, "the reply is about another request");
                return true;
            }
            Ok(Err(status)) if status.code() == Code::InvalidArgument => return false,
            Ok(Err(_)) | Err(_) => {
                answers.retried.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE).await;
            }
        }
    }
}
