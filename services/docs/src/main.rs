//! The docs service alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    septet_chassis::run(septet_docs::service())
}
