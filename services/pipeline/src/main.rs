//! The pipeline service alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    septet_chassis::run(septet_pipeline::service())
}
