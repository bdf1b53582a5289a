//! Errors that a person meets: one line that names the thing and the way out.

use std::{fs, net::TcpListener};

use septet_e2e::{Finished, Septet};
use septet_testkit::evidence::Workspace;

/// The one line that a failed command leaves.
fn message(finished: &Finished) -> String {
    assert!(!finished.status.success(), "it should have failed: {}", finished.stdout);
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 1, "one line: {:?}", finished.stderr);
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    lines[0].to_owned()
}

fn says(finished: &Finished, words: &[&str]) {
    let line = message(finished);
    for word in words {
        assert!(line.contains(word), "{line:?} does not name {word:?}");
    }
}

#[test]
fn a_port_in_use_is_named_with_its_setting() {
    let workspace = Workspace::new("errors::port");
    let septet = Septet::new(workspace.path());
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut command = septet.command(&["up", "--once"]);
    command.env("SEPTET_SUITE__GRPC__LISTEN", &address);
    says(&Finished::of(command), &[&address, "in use", "grpc.listen"]);
}

#[test]
fn a_path_that_is_no_repository_is_named() {
    let workspace = Workspace::new("errors::repository");
    let septet = Septet::new(workspace.path());
    let outside = tempfile::tempdir().expect("a directory outside of any repository");
    let path = outside.path().to_str().expect("text");
    says(&septet.run(&["up", "--repo", path, "--once"]), &[path, "not a git repository"]);
    says(&septet.run(&["up", "--repo", "/nowhere/at/all", "--once"]), &["/nowhere/at/all", "No such file"]);
}

#[test]
fn an_unknown_key_is_named_with_its_file_and_the_nearest_key() {
    let workspace = Workspace::new("errors::key");
    let septet = Septet::new(workspace.path());
    let file = workspace.path().join("septet.toml");
    for (text, words) in [
        ("[grpc]\nlisen = \"127.0.0.1:0\"\n", ["grpc.lisen", "did you mean `listen`"]),
        ("[review]\nmax_diff_byte = 1\n", ["review.max_diff_byte", "did you mean `max_diff_bytes`"]),
        ("[messaging]\nbatch = \"many\"\n", ["messaging.batch", "a string"]),
    ] {
        fs::write(&file, text).expect("written");
        let check = septet.run(&["config", "check"]);
        assert_eq!(check.status.code(), Some(64), "{}", check.stderr);
        says(&check, &words);
        says(&check, &["septet.toml"]);
        let up = septet.run(&["up", "--once"]);
        assert_eq!(up.status.code(), Some(64), "{}", up.stderr);
        says(&up, &words);
    }
}

#[test]
fn a_corrupt_data_directory_is_named_with_the_file_that_is_damaged() {
    let workspace = Workspace::new("errors::corrupt");
    let septet = Septet::new(workspace.path());
    septet.ok(&["up", "--once"]);
    for file in ["log.db", "queue.db", "review.db"] {
        let path = septet.data().join(file);
        let whole = fs::read(&path).expect("the file");
        fs::write(&path, vec![7_u8; whole.len()]).expect("overwritten");
        // The write-ahead log would put right what it has.
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(septet.data().join(format!("{file}{beside}")));
        }
        says(&septet.run(&["up", "--once"]), &[file, "damaged", "backup"]);
        fs::write(&path, whole).expect("put back");
    }
    septet.ok(&["up", "--once"]);
}

#[test]
fn a_wrong_token_is_refused_with_the_way_to_a_right_one() {
    let workspace = Workspace::new("errors::token");
    let septet = Septet::new(workspace.path());
    let server = septet.start(&["up"], "up.log");
    let ready = std::time::Instant::now();
    while !septet.run(&["topics"]).status.success() {
        assert!(ready.elapsed() < septet_testkit::Deadline::SHORT, "the server does not answer");
    }
    let token = septet.data().join("token");
    let right = fs::read_to_string(&token).expect("the token");
    fs::write(&token, "local_wrong").expect("overwritten");
    says(&septet.run(&["topics"]), &["token", "authorization"]);
    fs::write(&token, right).expect("put back");
    septet.ok(&["topics"]);
    drop(server);
}

#[test]
fn a_data_directory_has_one_server() {
    let workspace = Workspace::new("errors::two");
    let septet = Septet::new(workspace.path());
    let server = septet.start(&["up"], "up.log");
    let ready = std::time::Instant::now();
    while !septet.run(&["topics"]).status.success() {
        assert!(ready.elapsed() < septet_testkit::Deadline::SHORT, "the server does not answer");
    }
    let data = septet.data();
    says(
        &septet.run(&["up", "--once"]),
        &[data.to_str().expect("text"), "in use", &server.id().to_string(), "--data"],
    );
}
