//! The embedded log and queue: the conformance suite, and what only they promise.

#[path = "embedded/crash.rs"]
mod crash;
#[path = "embedded/damage.rs"]
mod damage;
#[path = "embedded/fixture.rs"]
mod fixture;
#[path = "embedded/processes.rs"]
mod processes;
#[path = "embedded/speed.rs"]
mod speed;

mod log {
    septet_testkit::log_conformance!(crate::fixture::Embedded::new());
}

mod queue {
    septet_testkit::queue_conformance!(crate::fixture::Embedded::new());
}
