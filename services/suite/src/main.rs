//! Septet: all services in one process, and the command-line tool.

mod call;
mod cli;
mod connect;
mod console;
mod describe;
mod dlq;
mod events;
mod journey;
mod oneshot;
mod rpc;
mod suite;
mod text;
mod topics;
mod up;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
