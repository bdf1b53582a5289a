//! The unit of work and the loops around it, through public interfaces: a small service on the embedded log and queue,
//! with its database on SQLite and, where it is installed, on PostgreSQL.

#[path = "core/commit.rs"]
mod commit;
#[path = "core/drain.rs"]
mod drain;
#[path = "core/effects.rs"]
mod effects;
#[path = "core/faulty_log.rs"]
mod faulty_log;
#[path = "core/fixture.rs"]
mod fixture;
#[path = "core/gate.rs"]
mod gate;
#[path = "core/jobs.rs"]
mod jobs;
#[path = "core/kill.rs"]
mod kill;
#[path = "core/lost_commit.rs"]
mod lost_commit;
#[path = "core/outage.rs"]
mod outage;
#[path = "core/poison.rs"]
mod poison;
#[path = "core/rebalance.rs"]
mod rebalance;
#[path = "core/redrive.rs"]
mod redrive;
#[path = "core/relays.rs"]
mod relays;
#[path = "core/replay.rs"]
mod replay;
#[path = "core/requests.rs"]
mod requests;
#[path = "core/retries.rs"]
mod retries;
#[path = "core/service.rs"]
mod service;
#[path = "core/swallowed.rs"]
mod swallowed;
#[path = "core/unit_of_work.rs"]
mod unit_of_work;
#[path = "core/writes.rs"]
mod writes;
