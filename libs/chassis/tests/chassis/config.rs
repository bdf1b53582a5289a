//! Configuration: where a value comes from, and what a wrong one is told.

use std::{fs, sync::Arc};

use septet_chassis::{ConfigError, Process, ProcessConfig, Source, messaging::Settings};
use septet_testkit::evidence::Workspace;

use crate::probe::Script;

fn process() -> Process {
    crate::fixture::process(&Arc::<Script>::default())
}

fn read(test: &str, text: &str) -> (Workspace, Result<Source, ConfigError>) {
    let workspace = Workspace::new(&format!("chassis::config::{test}"));
    let path = workspace.path().join("my.toml");
    fs::write(&path, text).expect("written");
    let source = process().source(Some(&path));
    (workspace, source)
}

/// What `config check` says about a file.
fn said(test: &str, text: &str) -> String {
    let (_workspace, source) = read(test, text);
    let error = source.and_then(|source| process().check(&source).map(drop)).expect_err(text);
    let message = error.to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

#[test]
fn an_option_goes_over_the_file_and_the_file_over_the_default() {
    let (_workspace, source) = read("layers", "drain_secs = 7\n[grpc]\nmax_concurrent_calls = 9");
    let source = source.expect("read").with_option("--drain", "drain_secs", 3);
    let config: ProcessConfig = process().check(&source).expect("good");
    assert_eq!((config.drain_secs, config.grpc.max_concurrent_calls), (3, 9));
    assert_eq!(config.grpc.call_timeout_secs, 30, "a table need not name every key");
    let text = source.print(&["review"]);
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).expect(key).to_owned();
    assert_eq!(line("drain_secs"), "drain_secs = 3  # --drain");
    assert!(line("grpc.max_concurrent_calls").ends_with("my.toml"), "{text}");
    assert_eq!(line("grpc.call_timeout_secs"), "grpc.call_timeout_secs = 30  # default");
}

#[test]
fn an_unknown_key_is_named_with_its_file_and_the_nearest_one() {
    for (test, text, key, near) in [
        ("top", "drain_sec = 7", "`drain_sec`", "`drain_secs`"),
        ("nested", "[grpc]\nlisen = \"x\"", "`grpc.lisen`", "`listen`"),
        ("deep", "[auth.jwt]\nissuers = \"x\"", "`auth.jwt.issuers`", "`issuer`"),
        ("store", "[review.store]\nurls = \"x\"", "`review.store.urls`", "`url`"),
        ("messaging", "[review.messaging]\nattemps = 1", "`review.messaging.attemps`", "`attempts`"),
    ] {
        let message = said(&format!("unknown::{test}"), text);
        for part in [key, near, "my.toml", "did you mean"] {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }
    let message = said("unknown::far", "[grpc]\nsomething = 1");
    assert!(message.contains("`grpc.something`") && message.contains("listen"), "{message}");
}

#[test]
fn a_wrong_value_is_named_by_its_kind_and_not_shown() {
    for (test, text, key, says) in [
        ("text", "drain_secs = \"hunter2\"", "`drain_secs`", "a string"),
        ("negative", "drain_secs = -1", "`drain_secs`", ""),
        ("table", "grpc = 7", "`grpc`", "an integer"),
        ("variant", "[log]\nbackend = \"hunter2\"", "`log.backend`", "embedded, kafka"),
        ("address", "[grpc]\nlisten = \"hunter2\"", "`grpc.listen`", ""),
        ("service", "[review.messaging]\nattempts = \"hunter2\"", "`review.messaging.attempts`", "a string"),
    ] {
        let message = said(&format!("wrong::{test}"), text);
        assert!(message.contains(key) && message.contains(says) && message.contains("my.toml"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = process().source(Some("/nowhere/septet.toml".as_ref())).err().expect("absent");
    assert!(error.to_string().contains("/nowhere/septet.toml"), "{error}");
    let message = said("syntax", "drain_secs = 7\n[grpc\nlisten = \"hunter2\"");
    assert!(message.contains("my.toml") && message.contains("line 2"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_service_may_have_a_store_and_bounds_of_its_own() {
    let text = "[store]\nmax_connections = 5\n[review.store]\nurl = \"postgres://review@db/review\"\n\
                [messaging]\nattempts = 4\nbatch = 16\n[review.messaging]\nattempts = 2";
    let (_workspace, source) = read("own", text);
    let source = source.expect("read");
    let config = process().check(&source).expect("good");
    let store = source.shared("review", "store", &config.store).expect("good");
    assert_eq!(store.url.as_deref(), Some("postgres://review@db/review"));
    assert_eq!(store.max_connections, 5, "what it does not say is the process's");
    let bounds: Settings = source.shared("review", "messaging", &config.messaging).expect("good");
    assert_eq!((bounds.attempts, bounds.batch), (2, 16));
    let other: Settings = source.shared("devops", "messaging", &config.messaging).expect("good");
    assert_eq!(other.attempts, 4);
}

#[test]
fn the_section_of_a_service_that_is_not_here_is_not_looked_at() {
    let (_workspace, source) = read("elsewhere", "[docs]\nanything = 1");
    let source = source.expect("read");
    process().check(&source).expect("one file may serve all");
    assert!(!source.print(&["review"]).contains("docs.anything"));
}

#[test]
fn what_is_printed_has_no_secret() {
    let text = "[store]\nurl = \"postgres://septet:hunter2@db/docs\"\npassword_file = \"/run/secrets/db\"\n\
                [docs]\nurl = \"https://x/?api_key=hunter2\"\ntoken = \"hunter2\"\nclient_secret = \"hunter2\"\n\
                nested = { password = \"hunter2\" }\nlist = [\"amqp://u:hunter2@h/v\"]";
    let (_workspace, source) = read("secrets", text);
    let text = source.expect("read").print(&["review", "docs"]);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("/run/secrets/db"), "a path is no secret: {text}");
    assert!(text.contains("postgres://septet:[redacted]@db/docs"), "{text}");
}
