//! The devops service on its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    septet_chassis::run(septet_devops::service())
}
