use std::path::Path;

use anyhow::Result;

use crate::command;

/// Runs `septet-bench` in release mode; without arguments it lists its benchmarks.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    command::run(
        command::cargo(root).args(["run", "--release", "--package", "septet-bench", "--"]).args(arguments),
    )
}
