//! Telemetry through its public interface.
#![allow(missing_docs)]

mod export;
mod init;
mod propagation;

use std::process::{Command, Output};

/// Set in a child process, to tell it so.
const CHILD: &str = "SEPTET_TELEMETRY_TEST_CHILD";

/// `init` is global: a test that calls it runs again in a process of its own. Gives that process's output, or `None`
/// in the child itself, where the test does its work.
fn in_child(test: &str) -> Option<Output> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{output:?}");
    Some(output)
}
