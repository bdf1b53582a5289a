//! Processor time by process, from /proc.

use std::{collections::HashMap, fs};

use anyhow::Context;

use super::servers::Servers;

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
        let parent = parent_of(u32::try_from(backend)?).context("PostgreSQL runs elsewhere")?;
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

/// What /proc says of a process.
struct Stat {
    parent: u32,
    ticks: u64,
    ticks_of_ended_children: u64,
}

impl Stat {
    fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The second field is the program's name, in brackets, and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
            ticks_of_ended_children: number(13)? + number(14)?,
        })
    }
}

/// Processor time of one process, in microseconds.
pub fn micros_of(process: u32) -> Option<f64> {
    Some(Stat::of(process)?.ticks as f64 * 10_000.0)
}

fn parent_of(process: u32) -> Option<u32> {
    Some(Stat::of(process)?.parent)
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process that listens on a TCP port of this machine.
fn listening_on(port: u16) -> Option<u32> {
    let socket = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let local = fields.get(1)?.rsplit_once(':')?.1;
            // 0A: listening.
            (u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == "0A")
                .then(|| format!("socket:[{}]", fields[9]))
        })
    })?;
    processes().find(|process| {
        let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|link| link.as_os_str() == socket.as_str())
    })
}
