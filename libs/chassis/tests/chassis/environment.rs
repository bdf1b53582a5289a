//! Variables of the environment. They are set on a child process, which is this test's own program.

use std::{fs, process::Command, sync::Arc};

use septet_chassis::Process;
use septet_testkit::evidence::Workspace;

use crate::probe::Script;

/// Names the file that the child is to read.
const FILE: &str = "CHASSIS_TEST_FILE";

fn process() -> Process {
    crate::fixture::process(&Arc::<Script>::default())
}

/// What a process with these variables prints as its configuration, or says about it.
fn printed(test: &str, file: &str, variables: &[(&str, &str)]) -> String {
    let workspace = Workspace::new(&format!("chassis::environment::{test}"));
    let path = workspace.path().join("septet.toml");
    fs::write(&path, file).expect("written");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "environment::prints_for_its_parent", "--ignored", "--nocapture"])
        .env(FILE, &path)
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "run by the other tests of this file, with variables"]
fn prints_for_its_parent() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let source = process().source(Some(file.as_ref())).expect("readable");
    println!();
    match process().check(&source) {
        Ok(_) => println!("{}", source.print(&["review"])),
        Err(error) => println!("error: {error}"),
    }
}

#[test]
fn a_variable_goes_over_the_file() {
    let text = printed(
        "over",
        "drain_secs = 7\n[messaging]\nbatch = 3\n",
        &[
            ("SEPTET_SUITE__DRAIN_SECS", "11"),
            ("SEPTET_SUITE__AUTH__LOCAL_TOKEN", "false"),
            ("SEPTET_SUITE__GRPC__LISTEN", "127.0.0.1:7"),
            ("SEPTET_SUITE__STORE__URL", "postgres://septet@db/docs"),
            ("SEPTET_REVIEW__MESSAGING__ATTEMPTS", "5"),
            ("SEPTET_REVIEW__STORE__PASSWORD_FILE", "/run/secrets/db"),
        ],
    );
    for line in [
        "drain_secs = 11  # environment",
        "auth.local_token = false  # environment",
        "grpc.listen = \"127.0.0.1:7\"  # environment",
        "store.url = \"postgres://septet@db/docs\"  # environment",
        "review.messaging.attempts = 5  # environment",
        "review.store.password_file = \"/run/secrets/db\"  # environment",
    ] {
        assert!(text.lines().any(|printed| printed == line), "{line} in:\n{text}");
    }
    assert!(
        text.lines().any(|line| line.starts_with("messaging.batch = 3  # ") && line.ends_with("septet.toml"))
    );
}

#[test]
fn a_wrong_variable_is_named() {
    let text = printed("wrong", "", &[("SEPTET_SUITE__DRAIN_SECS", "soon")]);
    assert!(text.contains("`drain_secs` (set in environment)"), "{text}");
    let text = printed("unknown", "", &[("SEPTET_SUITE__GRPC__LISEN", "x")]);
    assert!(text.contains("`grpc.lisen` (set in environment)") && text.contains("`listen`"), "{text}");
    let text = printed("nested", "", &[("SEPTET_REVIEW__MESSAGING__ATEMPTS", "1")]);
    assert!(text.contains("`review.messaging.atempts`") && text.contains("`attempts`"), "{text}");
}
