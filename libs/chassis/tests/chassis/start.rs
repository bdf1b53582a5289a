//! What a person meets who starts a process, and what a start leaves on disk.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use septet_chassis::{ClientTls, LocalServer, Mode, data_dir_in_use};
use septet_testkit::{evidence::Workspace, within};

use crate::{
    fixture::{Server, configured, process, review},
    probe::Script,
};

async fn refused(workspace: &Workspace, more: &str) -> String {
    let process = process(&Arc::<Script>::default());
    let source = process.source(Some(&configured(workspace, more))).expect("a configuration");
    let error = process.start(source, Mode::Serve).await.err().expect("refused");
    let message = format!("{error:#}");
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

#[tokio::test]
async fn the_data_directory_is_for_this_user_only() {
    let mut server = Server::start("start::modes", "").await;
    let mode = |name: &str| {
        let path = server.data_dir().join(name);
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("token"), 0o600);
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() {
    for key in ["grpc", "admin"] {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = taken.local_addr().expect("an address");
        let workspace = Workspace::new(&format!("chassis::start::port::{key}"));
        let message = refused(&workspace, &format!("[{key}]\nlisten = \"{address}\"")).await;
        assert!(message.contains(&format!("{address} is in use by another program")), "{message}");
        assert!(message.contains(&format!("set `{key}.listen`")), "{message}");
    }
}

#[tokio::test]
async fn a_data_directory_in_use_is_named_with_its_holder() {
    let mut server = Server::start("start::in_use", "").await;
    assert!(data_dir_in_use(&server.data_dir()));
    let message = refused(&server.workspace, "").await;
    assert!(message.contains(&server.data_dir().display().to_string()), "{message}");
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    review(server.channel(), "any").await.expect("the holder goes on, and is found");
    server.drain().await.expect("drained");
    assert!(!data_dir_in_use(&server.data_dir()));
    let mut server = Server::again(server.workspace, "").await;
    server.drain().await.expect("drained");
}

#[tokio::test]
async fn a_look_at_the_data_directory_does_not_stop_a_start() {
    let workspace = Workspace::new("chassis::start::look");
    let data = workspace.path().join("data");
    fs::create_dir_all(&data).expect("made");
    fs::write(data.join("lock"), "").expect("written");
    let looking = tokio::task::spawn_blocking({
        let data = data.clone();
        move || (0..50_000).filter(|_| data_dir_in_use(&data)).count()
    });
    for _ in 0..5 {
        let process = process(&Arc::<Script>::default());
        let source = process.source(Some(&configured(&workspace, ""))).expect("a configuration");
        let started = process.start(source, Mode::Local).await.expect("nobody holds it");
        started.drain().await.expect("drained");
    }
    within(septet_testkit::Deadline::LONG, "the looks", looking).await.expect("no panic");
}

#[tokio::test]
async fn a_server_that_is_gone_is_not_found_and_its_address_not_used() {
    let mut server = Server::start("start::gone", "").await;
    server.drain().await.expect("drained");
    assert!(LocalServer::find(&server.data_dir(), &ClientTls::default()).expect("readable").is_none());
    // A command now holds the directory, and listens nowhere: the old address may be another program's by now.
    let process = process(&Arc::<Script>::default());
    let source = process.source(Some(&configured(&server.workspace, ""))).expect("a configuration");
    let command = process.start(source, Mode::Local).await.expect("started");
    let error = LocalServer::find(&server.data_dir(), &ClientTls::default()).err().expect("no address");
    assert!(format!("{error:#}").contains("address"), "{error:#}");
    let reply = review(command.channel(), "any").await.expect("calls stay in the process");
    assert_eq!(reply.review.map(|review| review.id), Some("local".to_owned()));
    command.drain().await.expect("drained");
}

#[tokio::test]
async fn a_damaged_file_is_named_with_the_way_out() {
    for file in ["review.db", "log.db", "queue.db"] {
        let workspace = Workspace::new(&format!("chassis::start::damaged::{file}"));
        let data = workspace.path().join("data");
        fs::create_dir_all(&data).expect("made");
        fs::write(data.join(file), "not a database, but longer than a header. ".repeat(200))
            .expect("written");
        let message = refused(&workspace, "").await;
        assert!(message.contains(&data.join(file).display().to_string()), "{file}: {message}");
        assert!(message.contains("move it away"), "{file}: {message}");
    }
}
