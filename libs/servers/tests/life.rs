//! What a server's directory remembers, and what becomes of its process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use septet_servers::{Kind, Life, Server, ServerError, target_dir};
use tempfile::TempDir;

/// Tells this program that it is a test's child, and in which directory.
const CHILD: &str = "SEPTET_SERVERS_TEST_CHILD";

/// A directory that the users of servers can reach.
fn directory() -> TempDir {
    let base = target_dir().join("servers/tests");
    fs::create_dir_all(&base).expect("made");
    tempfile::tempdir_in(base).expect("made")
}

fn server(kind: Kind, dir: &Path) -> Server {
    Server::new(kind, dir).expect("a directory that can be written")
}

/// Starts it; `false` where it is not installed.
#[allow(clippy::print_stderr, reason = "a test's output is where a skip must be seen")]
fn start(server: &mut Server, life: Life) -> bool {
    match server.start(life) {
        Ok(()) => true,
        Err(why @ ServerError::Absent { .. }) => {
            let line = format!("SKIPPED {}: {why}", server.kind());
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}");
            eprintln!("{line}");
            false
        }
        Err(why) => panic!("{why}"),
    }
}

/// Runs one test of this file in a process of its own.
fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program"));
    command.args(["--exact", test, "--nocapture"]).env(CHILD, dir).stdout(Stdio::piped());
    command
}

/// Whether the condition comes true within 20 s.
fn within(condition: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !condition() {
        if begun.elapsed() > Duration::from_secs(20) {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    true
}

fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

#[test]
fn a_directory_keeps_its_ports_and_other_directories_have_others() {
    let (one, two) = (directory(), directory());
    for kind in Kind::ALL {
        let (one, two) = (one.path().join(kind.name()), two.path().join(kind.name()));
        let first = server(kind, &one).url();
        assert_eq!(server(kind, &one).url(), first);
        assert_ne!(server(kind, &two).url(), first);
    }
}

#[test]
fn a_detached_server_is_found_again_and_left_as_it_is() {
    let dir = directory();
    let mut first = server(Kind::Postgres, dir.path());
    if !start(&mut first, Life::Detached) {
        return;
    }
    let pid = first.pid();
    drop(first);
    let mut second = server(Kind::Postgres, dir.path());
    assert_eq!(second.pid(), pid);
    second.start(Life::WithParent).expect("it runs");
    assert_eq!(second.pid(), pid, "it is the same process");
    second.stop().expect("it ends");
    assert!(refuses(second.address()));
    assert!(!server(Kind::Postgres, dir.path()).is_running());
}

#[test]
fn a_server_ends_when_its_value_is_dropped() {
    let dir = directory();
    let mut server = server(Kind::Postgres, dir.path());
    if start(&mut server, Life::WithParent) {
        let address = server.address();
        assert!(server.is_running() && server.answers());
        drop(server);
        assert!(refuses(address));
    }
}

/// Its child starts the servers, says so and is killed.
#[test]
fn servers_die_with_the_process_that_started_them() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let mut servers = Kind::ALL.map(|kind| server(kind, &Path::new(&dir).join(kind.name())));
        for server in &mut servers {
            start(server, Life::WithParent);
            println!("\nstarted {}", server.pid().unwrap_or_default());
        }
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let dir = directory();
    let mut child = child("servers_die_with_the_process_that_started_them", dir.path());
    let mut child = child.stdin(Stdio::piped()).spawn().expect("this program starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let started = lines.filter_map(|line| line.strip_prefix("started ")?.parse::<u32>().ok());
    // One that is absent has no number.
    let pids: Vec<u32> = started.take(Kind::ALL.len()).filter(|pid| *pid != 0).collect();
    assert!(pids.iter().all(|pid| alive(*pid)), "{pids:?}");
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(within(|| !pids.iter().any(|pid| alive(*pid))), "{pids:?}");
    for kind in Kind::ALL {
        let server = server(kind, &dir.path().join(kind.name()));
        assert!(!server.is_running() && refuses(server.address()), "{kind}");
    }
}

fn alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[test]
fn a_process_that_is_not_the_server_is_never_signalled() {
    let dir = directory();
    // A number that was the server's, and became another program's.
    let mut foreign = Command::new("sleep").arg("600").spawn().expect("it starts");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot");
    let gone = {
        let mut child = Command::new("true").spawn().expect("it starts");
        child.wait().expect("it ends");
        child.id()
    };
    for note in [
        format!("{} {}/1\n", foreign.id(), boot.trim()),
        format!("{}\n", foreign.id()),
        format!("{gone} {}/1\n", boot.trim()),
        "nonsense\n".to_owned(),
        String::new(),
    ] {
        fs::write(dir.path().join("pid"), &note).expect("written");
        let mut server = server(Kind::Redis, dir.path());
        assert!(!server.is_running(), "{note}");
        server.kill().expect("there is nothing to do");
        server.stop().expect("there is nothing to do");
    }
    assert_eq!(foreign.try_wait().expect("asked"), None, "the other program still runs");
    foreign.kill().expect("killed");
    foreign.wait().expect("ended");
}

#[test]
fn a_taken_port_is_told_of() {
    let dir = directory();
    let other = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = other.local_addr().expect("bound").port();
    let mut server = server(Kind::Postgres, dir.path()).port(port);
    if Kind::Postgres.installed().is_err() {
        start(&mut server, Life::WithParent);
        return;
    }
    let error = server.start(Life::WithParent).expect_err("the port is taken");
    assert!(matches!(error, ServerError::PortTaken { port: taken, .. } if taken == port), "{error}");
}

#[test]
fn a_server_that_refuses_its_settings_says_why() {
    let dir = directory();
    let mut server = server(Kind::Postgres, dir.path()).setting("max_connections", "many");
    match server.start(Life::WithParent) {
        Err(ServerError::Absent { .. }) => drop(start(&mut server, Life::WithParent)),
        Err(error @ ServerError::Ended { .. }) => {
            assert!(error.to_string().contains("max_connections"), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(!server.is_running());
}

/// Its child has an empty PATH.
#[test]
fn an_absent_server_is_told_apart_and_names_its_packages() {
    if std::env::var_os(CHILD).is_none() {
        let dir = directory();
        let mut child = child("an_absent_server_is_told_apart_and_names_its_packages", dir.path());
        let output = child.env("PATH", "").env_remove("JAVA_HOME").output().expect("this program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    for (kind, package) in [(Kind::Kafka, "default-jre-headless"), (Kind::Redis, "redis-server")] {
        let error = server(kind, directory().path()).start(Life::WithParent).expect_err("it is absent");
        assert!(matches!(error, ServerError::Absent { .. }), "{error}");
        assert!(error.to_string().contains(&format!("apt-get install {package}")), "{error}");
    }
}
