//! Denied calls, told as events: security looks at who tries what.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use septet_contract::Timestamp;
use septet_messaging::Units;
use septet_proto_common::v1::AccessDenied;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Code;

/// What is denied within this time is told together, so that whoever knocks at a thousand doors a second fills no outbox.
const TOGETHER: Duration = Duration::from_secs(1);
/// Kinds that are told apart within that time.
const KINDS: usize = 100;
/// Characters of a subject that are told.
const SUBJECT: usize = 128;

/// What makes two denied calls one event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    method: &'static str,
    subject: String,
    code: &'static str,
}

/// How many, and since when.
#[derive(Clone, Copy, Debug)]
struct Seen {
    count: u64,
    first: Timestamp,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<BTreeMap<Kind, Seen>>,
    some: Notify,
}

/// Denied calls that were not told yet.
#[derive(Clone, Default)]
pub struct Denials(Arc<Shared>);

impl Denials {
    /// Notes a denied call. `method` is a contract's own name of it, never what a caller wrote.
    pub(super) fn note(&self, method: &'static str, subject: &str, code: Code) {
        let code = match code {
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::PermissionDenied => "PERMISSION_DENIED",
            _ => return,
        };
        let subject = subject.chars().filter(|c| !c.is_control()).take(SUBJECT).collect();
        let kind = Kind { method, subject, code };
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let full = seen.len() >= KINDS && !seen.contains_key(&kind);
        let entry = match seen.last_entry() {
            Some(last) if full => last.into_mut(),
            _ => seen.entry(kind).or_insert_with(|| Seen { count: 0, first: Timestamp::now() }),
        };
        entry.count += 1;
        drop(seen);
        self.0.some.notify_one();
    }

    /// Publishes what was noted, about once a second, until `stop`. What cannot be published is tried again with the next.
    pub(crate) async fn publish(&self, process: &str, units: &Units, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.0.some.notified() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(TOGETHER) => {}
                () = stop.cancelled() => {}
            }
            let seen = self.take();
            if let Err(error) = tell(process, units, &seen).await {
                tracing::warn!(%error, "denied calls cannot be published yet");
                self.put_back(seen);
            }
        }
    }

    fn take(&self) -> BTreeMap<Kind, Seen> {
        std::mem::take(&mut *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put_back(&self, earlier: BTreeMap<Kind, Seen>) {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, Seen { count, first }) in earlier.into_iter().take(KINDS) {
            let entry = seen.entry(kind).or_insert(Seen { count: 0, first });
            *entry = Seen { count: entry.count + count, first };
        }
        drop(seen);
        self.0.some.notify_one();
    }
}

async fn tell(
    process: &str,
    units: &Units,
    seen: &BTreeMap<Kind, Seen>,
) -> Result<(), septet_messaging::CxError> {
    let mut cx = units.begin(Default::default());
    for (kind, Seen { count, first }) in seen {
        cx.publish(&AccessDenied {
            service: process.to_owned(),
            method: kind.method.to_owned(),
            subject: kind.subject.clone(),
            code: kind.code.to_owned(),
            count: *count,
            time: Some((*first).into()),
        })?;
    }
    cx.commit().await
}
