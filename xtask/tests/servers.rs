//! `cargo xtask servers`, and Septet on what it starts.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use septet_servers::{Kind, target_dir};
use tempfile::TempDir;

/// Servers of one test, which end with it.
struct Servers {
    dir: TempDir,
}

impl Servers {
    fn new() -> Self {
        let base = target_dir().join("servers/tests");
        fs::create_dir_all(&base).expect("made");
        Self { dir: tempfile::tempdir_in(base).expect("made") }
    }

    fn xtask(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("servers").args(words).arg("--dir").arg(self.dir.path());
        // A run of the tests may name servers that all share.
        for kind in Kind::ALL {
            command.env_remove(kind.variable());
        }
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.xtask(words).output().expect("it starts")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    text(output)
}

fn fails(output: &Output) -> String {
    assert!(!output.status.success(), "{}", text(output));
    text(output)
}

/// Whether these are installed; else the skip is told.
#[allow(clippy::print_stderr, reason = "a test's output is where a skip must be seen")]
fn installed(kinds: &[Kind]) -> bool {
    let absent = kinds.iter().find_map(|kind| Some((kind, kind.installed().err()?)));
    if let Some((kind, why)) = &absent {
        let line = format!("SKIPPED {kind}: {why}");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}");
        eprintln!("{line}");
    }
    absent.is_none()
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn septet_reviews_a_repository_on_the_servers_that_are_up() {
    if !installed(&[Kind::Kafka, Kind::Postgres, Kind::RabbitMq]) {
        return;
    }
    let servers = Servers::new();
    let said = succeeds(&servers.run(&["up", "kafka", "postgres", "rabbitmq"]));
    assert!(said.contains("databases created: cost, cx, devops, docs, pipeline, review, soc"), "{said}");
    succeeds(&servers.run(&["status"]));
    assert_eq!(mode(&servers.file("env")), 0o600);
    assert_eq!(mode(&servers.file("rabbitmq.url")), 0o600);
    let config = fs::read_to_string(servers.file("septet.toml")).expect("written");
    assert!(!config.contains("guest:guest"), "{config}");

    let repository = repository(&servers.file("shop"));
    succeeds(&septet(&servers, &["migrate"]));
    assert!(succeeds(&septet(&servers, &["topics", "apply"])).contains("created devops.change.v1"));
    let said = succeeds(&septet(&servers, &["up", "--once", "--repo", &repository.display().to_string()]));
    assert!(said.contains("2 changes decided: 2 eligible"), "{said}");

    // The same again after all were down: data, ports and databases are still there.
    let before = fs::read_to_string(servers.file("env")).expect("written");
    succeeds(&servers.run(&["down"]));
    assert!(fails(&servers.run(&["status"])).contains("down: kafka, postgres, rabbitmq"));
    let said = succeeds(&servers.run(&["up", "kafka", "postgres", "rabbitmq"]));
    assert!(!said.contains("databases created"), "{said}");
    assert_eq!(fs::read_to_string(servers.file("env")).expect("written"), before);
    assert!(succeeds(&septet(&servers, &["topics", "apply"])).contains("every topic is there"));
}

fn septet(servers: &Servers, words: &[&str]) -> Output {
    let septet = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("septet");
    assert!(septet.exists(), "{} is not built: `cargo xtask test` builds it", septet.display());
    let mut command = Command::new(septet);
    command.args(words).arg("--config").arg(servers.file("septet.toml"));
    let free =
        [("SEPTET_SUITE__GRPC__LISTEN", "127.0.0.1:0"), ("SEPTET_SUITE__ADMIN__LISTEN", "127.0.0.1:0")];
    command.current_dir(servers.dir.path()).envs(free).output().expect("it starts")
}

/// A repository of two commits.
fn repository(dir: &Path) -> PathBuf {
    fs::create_dir_all(dir).expect("made");
    let git = |words: &[&str]| {
        let identity =
            ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").current_dir(dir).args(identity).args(words).output();
        succeeds(&output.expect("git is installed"));
    };
    git(&["init", "--quiet", "."]);
    for article in ["tea", "coffee"] {
        fs::write(dir.join(article), article).expect("written");
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", article]);
    }
    dir.to_owned()
}

#[test]
fn what_is_up_is_left_alone_and_what_is_down_is_told() {
    if !installed(&[Kind::Redis]) {
        return;
    }
    let servers = Servers::new();
    assert!(fails(&servers.run(&["status"])).contains("down: kafka, postgres, rabbitmq, redis"));
    assert!(fails(&servers.run(&["logs", "redis"])).contains("was never started"));
    succeeds(&servers.run(&["up", "redis", "--set", "redis.maxclients=100"]));
    let pid = fs::read_to_string(servers.file("redis/pid")).expect("noted");
    assert!(succeeds(&servers.run(&["up", "redis"])).contains("runs already"));
    assert_eq!(fs::read_to_string(servers.file("redis/pid")).expect("noted"), pid);
    assert!(succeeds(&servers.run(&["logs", "redis", "-n", "20"])).contains("Ready to accept connections"));
    assert!(fails(&servers.run(&["up", "redis", "--port", "redis=1"])).contains("servers down redis"));
    assert!(succeeds(&servers.run(&["down", "--wipe"])).contains("removed"));
    assert!(!servers.file("redis").exists());
}

#[test]
fn a_taken_port_and_a_missing_package_have_a_way_out() {
    let servers = Servers::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = other.local_addr().expect("bound").port();
    if installed(&[Kind::Redis]) {
        let said = fails(&servers.run(&["up", "redis", "--port", &format!("redis={port}")]));
        assert!(said.contains(&format!("port {port}")) && said.contains("--port redis=PORT"), "{said}");
    }
    let absent = servers.xtask(&["up", "kafka", "redis"]).env("PATH", "").env_remove("JAVA_HOME").output();
    let said = fails(&absent.expect("it starts"));
    assert!(said.contains("missing: default-jre-headless") && said.contains("redis-server"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_server_that_a_variable_names_is_used_and_not_touched() {
    let servers = Servers::new();
    // Not one of those that the system gives out: it might give it to another once this one has ended.
    let bind = |port| std::net::TcpListener::bind(("127.0.0.1", port)).ok();
    let theirs = (10_000..20_000).find_map(bind).expect("a free port");
    let url = format!("redis://:{}@{}", "hidden", theirs.local_addr().expect("bound"));
    let run = |words: &[&str]| {
        let mut command = servers.xtask(words);
        command.env(Kind::Redis.variable(), &url).output().expect("it starts")
    };
    let said = succeeds(&run(&["up", "redis"]));
    assert!(said.contains("named by SEPTET_TEST_REDIS_URL") && !said.contains("hidden"), "{said}");
    succeeds(&run(&["status", "redis"]));
    assert!(succeeds(&run(&["down"])).contains("not ours"));
    assert!(!servers.file("redis").exists());
    drop(theirs);
    assert!(fails(&run(&["status", "redis"])).contains("down: redis"));
}
