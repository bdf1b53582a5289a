//! Who spends processor time on an event.

use std::collections::HashMap;

use anyhow::Context;

use super::servers::Servers;
use crate::proc::{Stat, listening_on, processes};

/// Who works for an event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    Septet,
    Postgres,
    Kafka,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Septet, Self::Postgres, Self::Kafka];

    pub fn name(self) -> &'static str {
        match self {
            Self::Septet => "Septet (with librdkafka)",
            Self::Postgres => "PostgreSQL",
            Self::Kafka => "Kafka",
        }
    }

    /// The processes of each; of PostgreSQL the parent, whose children come and go.
    pub async fn find(servers: &Servers) -> anyhow::Result<HashMap<Self, u32>> {
        let (backend,): (i32,) =
            sqlx::query_as("SELECT pg_backend_pid()").fetch_one(&mut servers.connect().await?).await?;
        let parent = Stat::of(u32::try_from(backend)?).context("PostgreSQL runs elsewhere")?.parent;
        let kafka = listening_on(servers.kafka_port()?).context("Kafka runs elsewhere")?;
        Ok([(Self::Septet, std::process::id()), (Self::Postgres, parent), (Self::Kafka, kafka)].into())
    }
}

/// Processor time of each part, in ticks.
pub struct Spent(HashMap<Part, u64>);

impl Spent {
    pub fn now(parts: &HashMap<Part, u32>) -> anyhow::Result<Self> {
        let mut spent = HashMap::new();
        for (part, process) in parts {
            let own = Stat::of(*process).with_context(|| format!("{part:?} is gone"))?;
            let mut ticks = own.ticks;
            if *part == Part::Postgres {
                ticks += own.ticks_of_ended_children;
                ticks += processes()
                    .filter_map(Stat::of)
                    .filter(|s| s.parent == *process)
                    .map(|s| s.ticks)
                    .sum::<u64>();
            }
            spent.insert(*part, ticks);
        }
        Ok(Self(spent))
    }

    pub fn since(&self, before: &Self) -> Self {
        Self(self.0.iter().map(|(part, ticks)| (*part, ticks.saturating_sub(before.0[part]))).collect())
    }

    /// Linux counts in hundredths of a second.
    pub fn micros(&self, part: Part) -> f64 {
        self.0[&part] as f64 * 10_000.0
    }
}
