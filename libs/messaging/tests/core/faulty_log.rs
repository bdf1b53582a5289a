//! A log that fails when the test says so.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use septet_contract::Timestamp;
use septet_messaging::log::{
    Append, AppliedTopics, Assignment, From, Log, LogError, Membership, Position, Reader, SharedLog,
    TopicSettings, TopicState,
};
use tokio::sync::Semaphore;

/// What appending does.
#[derive(Clone, Debug, Default)]
pub enum Fault {
    #[default]
    None,
    /// Nothing is appended.
    Away,
    /// Everything is appended, and the answer is lost: what a kill between append and delete looks like.
    AnswerLost,
    /// Records of these topics are larger than the log takes.
    TooLarge(Vec<String>),
    /// Every second record of a call is not appended, nor what follows on its key.
    Flaky,
    /// It stands still until [`FaultyLog::gate`] lets it go on.
    Waits,
}

pub struct FaultyLog {
    inner: SharedLog,
    fault: Mutex<Fault>,
    pub appends: AtomicUsize,
    pub gate: Semaphore,
    /// Partitions that were to be given back so far.
    pub revoked: Arc<AtomicUsize>,
}

impl FaultyLog {
    pub fn new(inner: SharedLog, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            inner,
            fault: Mutex::new(fault),
            appends: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            revoked: Arc::default(),
        })
    }

    pub fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

fn away() -> LogError {
    LogError::Unavailable { backend: "faulty", reason: "the test says so".to_owned() }
}

#[async_trait]
impl Log for FaultyLog {
    fn backend(&self) -> &'static str {
        "faulty"
    }

    async fn apply_topics(&self, topics: &[TopicSettings]) -> Result<AppliedTopics, LogError> {
        self.inner.apply_topics(topics).await
    }

    async fn topics(&self) -> Result<Vec<TopicState>, LogError> {
        self.inner.topics().await
    }

    async fn append(&self, records: Vec<Append>) -> Vec<Result<Position, LogError>> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match fault {
            Fault::None => self.inner.append(records).await,
            Fault::Waits => {
                self.gate.acquire().await.expect("open").forget();
                self.inner.append(records).await
            }
            Fault::Away => records.iter().map(|_| Err(away())).collect(),
            Fault::AnswerLost => self.inner.append(records).await.into_iter().map(|_| Err(away())).collect(),
            Fault::TooLarge(topics) => {
                let mut results = Vec::new();
                for append in records {
                    results.push(if topics.contains(&append.topic) {
                        Err(LogError::TooLarge { size: append.record.size(), limit: 1 })
                    } else {
                        self.inner.append(vec![append]).await.remove(0)
                    });
                }
                results
            }
            Fault::Flaky => {
                let mut failed = Vec::new();
                let mut results = Vec::new();
                for (number, append) in records.into_iter().enumerate() {
                    let key = append.record.key.clone();
                    results.push(if number % 2 == 1 || failed.contains(&key) {
                        failed.push(key);
                        Err(away())
                    } else {
                        self.inner.append(vec![append]).await.remove(0)
                    });
                }
                results
            }
        }
    }

    async fn subscribe(&self, group: &str, topics: &[String]) -> Result<Box<dyn Membership>, LogError> {
        let inner = self.inner.subscribe(group, topics).await?;
        Ok(Box::new(Watched { inner, revoked: self.revoked.clone() }))
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, i64)>, LogError> {
        self.inner.committed(group, topic).await
    }

    async fn read(&self, topic: &str, partition: i32, from: From) -> Result<Box<dyn Reader>, LogError> {
        if let From::Time(time) = from {
            assert!(time <= Timestamp::now(), "the test reads the past");
        }
        self.inner.read(topic, partition, from).await
    }

    async fn ping(&self) -> Result<(), LogError> {
        self.inner.ping().await
    }

    async fn available(&self) -> Result<(), String> {
        self.inner.available().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// A membership that counts revocations.
struct Watched {
    inner: Box<dyn Membership>,
    revoked: Arc<AtomicUsize>,
}

#[async_trait]
impl Membership for Watched {
    async fn next(&mut self) -> Result<Assignment, LogError> {
        let next = self.inner.next().await;
        if let Ok(Assignment::Revoked { .. }) = next {
            self.revoked.fetch_add(1, Ordering::Relaxed);
        }
        next
    }

    async fn leave(self: Box<Self>) {
        self.inner.leave().await;
    }
}
