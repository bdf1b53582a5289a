use std::sync::Arc;

use septet_messaging::log::TopicState;

use crate::{Started, admin::behind, started::Shared};

/// How much work there is in a process that has its log and queue to itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Records that a handler has not done yet.
    pub records: u64,
    /// Outbox rows that are not sent yet.
    pub outbox: u64,
    /// Jobs that wait or are being worked on.
    pub jobs: u64,
}

/// Sees how much work there is. Cloning shares it.
#[derive(Clone)]
pub struct Observer {
    shared: Arc<Shared>,
}

impl Started {
    /// Sees how much work there is in this process.
    pub fn observer(&self) -> Observer {
        Observer { shared: Arc::clone(&self.shared) }
    }
}

impl Observer {
    /// The work that there is now. `None` if something was appended while it was counted, so that work may have slipped
    /// from one count to the other.
    ///
    /// # Errors
    /// A backend does not answer.
    pub async fn backlog(&self) -> anyhow::Result<Option<Backlog>> {
        let shared = &self.shared;
        let before = shared.log.topics().await?;
        // In the direction in which work flows: a handler's position moves only after its outbox row is there, and the
        // row goes only after the record is there, which the second look at the ends shows.
        let mut backlog = Backlog { jobs: self.jobs().await?, ..Backlog::default() };
        for running in &shared.services {
            let mut topics = running.handlers.topics();
            topics.push(septet_messaging::redrive_topic(running.contract.service));
            for topic in topics {
                let committed = shared.log.committed(running.contract.service, &topic).await?;
                let state = before.iter().find(|state| state.name == topic);
                backlog.records += state.map_or(0, |state| lag(state, &committed));
            }
        }
        for running in &shared.services {
            backlog.outbox += running.units.pending().await?.rows;
        }
        // A row that went to the queue meanwhile shows here.
        backlog.jobs = backlog.jobs.max(self.jobs().await?);
        let after = shared.log.topics().await?;
        Ok((ends(&before) == ends(&after)).then_some(backlog))
    }

    async fn jobs(&self) -> anyhow::Result<u64> {
        let mut jobs = 0;
        for job in self.shared.services.iter().flat_map(|running| running.contract.jobs) {
            let depth = self.shared.queue.depth(job.queue).await?;
            jobs += depth.ready + depth.delayed + depth.leased;
        }
        Ok(jobs)
    }
}

impl Backlog {
    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn lag(state: &TopicState, committed: &[(i32, i64)]) -> u64 {
    let of = |partition| committed.iter().find(|(number, _)| *number == partition).map(|(_, next)| *next);
    let behind: i64 =
        state.partitions.iter().zip(0..).map(|(range, partition)| behind(*range, of(partition))).sum();
    u64::try_from(behind).unwrap_or(0)
}

fn ends(topics: &[TopicState]) -> Vec<i64> {
    topics.iter().flat_map(|state| state.partitions.iter().map(|range| range.end)).collect()
}
