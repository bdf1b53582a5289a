//! Callers whose calls are measured by their deadlines.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use septet_proto_review::v1::{ReviewDiffRequest, review_service_client::ReviewServiceClient};
use septet_testkit::{
    client::{self, Channel},
    history::{History, Outcome},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

use crate::support::{
    calls::Answers,
    operation::{Operation, Way},
    report::Report,
};

/// Callers, each with a key of its own.
const CALLERS: u32 = 4;
/// What a busy machine may add to a call's deadline.
const MARGIN: Duration = Duration::from_secs(1);
/// Pause between the calls of a caller.
const PAUSE: Duration = Duration::from_millis(100);

/// Callers that ask until they have an answer, by the suite's own client.
pub struct Callers {
    running: JoinSet<()>,
    stop: CancellationToken,
    told: Arc<Mutex<Told>>,
}

/// What came of the calls.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Calls that were asked for.
    pub asked: u64,
    deadline: Duration,
    longest: Duration,
    overdue: Vec<String>,
}

impl Callers {
    /// Starts them. Each call to review, at these URLs, may take as long as `deadline`.
    ///
    /// # Panics
    /// If a URL or the token is none.
    pub fn start(
        review: &str,
        token: &str,
        deadline: Duration,
        history: &Arc<History>,
        answers: &Arc<Answers>,
    ) -> Self {
        let told = Arc::new(Mutex::new(Told { deadline, ..Told::default() }));
        let stop = CancellationToken::new();
        let channel = client::remote(review, token).expect("a channel");
        let mut running = JoinSet::new();
        for key in 0..CALLERS {
            let caller = Caller {
                client: ReviewServiceClient::new(channel.clone()),
                history: Arc::clone(history),
                answers: Arc::clone(answers),
                told: Arc::clone(&told),
                deadline,
            };
            running.spawn(caller.run(key, stop.clone()));
        }
        Self { running, stop, told }
    }

    /// Lets each have its last answer.
    ///
    /// # Panics
    /// If one got an answer that it must not get.
    pub async fn finish(mut self) -> Told {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.expect("a caller gets the answers that it must get");
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Told {
    /// Adds the figures.
    pub fn report(&self, report: &mut Report) {
        report.figure("calls asked for", self.asked as f64, "");
        report.at_most(
            "longest call",
            self.longest.as_secs_f64(),
            "s",
            (self.deadline + MARGIN).as_secs_f64(),
        );
    }

    /// No call took longer than it may.
    ///
    /// # Panics
    /// If one did.
    pub fn check(&self) {
        let Self { deadline, overdue, .. } = self;
        assert!(overdue.is_empty(), "calls that outlived their deadline of {deadline:?}: {overdue:#?}");
    }
}

struct Caller {
    client: ReviewServiceClient<Channel>,
    history: Arc<History>,
    answers: Arc<Answers>,
    told: Arc<Mutex<Told>>,
    deadline: Duration,
}

impl Caller {
    async fn run(mut self, key: u32, stop: CancellationToken) {
        for seq in 0.. {
            if stop.is_cancelled() {
                return;
            }
            let operation = Operation { way: Way::Call, key, seq };
            let (id, repository) = (operation.id(), operation.repository());
            self.history.intend(&id, &repository, seq.into());
            let request = ReviewDiffRequest {
                request_id: id.clone(),
                repository,
                commit: id.clone(),
                diff: operation.diff().into(),
            };
            let done = loop {
                if let Some(done) = self.ask(&request).await {
                    break done;
                }
                self.answers.retried.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE).await;
            };
            assert_eq!(done, !operation.is_refused(), "what review said to {id}");
            let (outcome, count) = match done {
                true => (Outcome::Acked, &self.answers.acked),
                false => (Outcome::Failed, &self.answers.refused),
            };
            self.history.outcome(&id, outcome);
            count.fetch_add(1, Ordering::Relaxed);
            sleep(PAUSE).await;
        }
    }

    /// One call: true if it is done, false if it is refused, `None` if that is not known.
    async fn ask(&mut self, request: &ReviewDiffRequest) -> Option<bool> {
        let mut call = Request::new(request.clone());
        call.set_timeout(self.deadline);
        let began = Instant::now();
        // The measure must not hang with what it measures.
        let answer = timeout(self.deadline * 10, self.client.review_diff(call)).await;
        let took = began.elapsed();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.asked += 1;
        told.longest = told.longest.max(took);
        if took > self.deadline + MARGIN {
            told.overdue.push(format!("{} took {took:?}", request.request_id));
        }
        drop(told);
        match answer {
            Ok(Ok(_)) => Some(true),
            Ok(Err(status)) if status.code() == Code::InvalidArgument => Some(false),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}
