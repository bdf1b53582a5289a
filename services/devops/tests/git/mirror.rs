//! Mirrors of repositories behind URLs, over real network protocols on the loopback interface.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use septet_devops::git::{FetchLimits, GitError, Location, Mirror, RemoteUrl, Since};

use crate::fixture::Repo;

fn remote(url: &str) -> RemoteUrl {
    match Location::parse(url).unwrap() {
        Location::Remote(remote) => remote,
        Location::Local(_) => panic!("{url} is local"),
    }
}

fn mirror(repo: &Repo, url: &str) -> Mirror {
    // As a service does at its start; a second time changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Mirror::open(&repo.dir.path().join("data"), "0190-mirror", remote(url)).unwrap()
}

fn fetch(mirror: &Mirror) -> Result<septet_devops::git::Fetched, GitError> {
    mirror.fetch(
        FetchLimits { time: Duration::from_secs(30), ..FetchLimits::default() },
        &AtomicBool::new(false),
    )
}

/// `git daemon` on a free port. Only this child is ended, by its handle.
struct Daemon {
    child: Child,
    url: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn daemon(repo: &Repo) -> Option<Daemon> {
    let exec = String::from_utf8(repo.git(&["--exec-path"])).unwrap();
    let program = std::path::Path::new(exec.trim()).join("git-daemon");
    if !program.exists() {
        return None;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // Not through `git daemon`, which would leave the server behind when it is ended itself.
    let child = Command::new(program)
        .args(["--export-all", "--reuseaddr", "--listen=127.0.0.1", &format!("--port={port}")])
        .arg(format!("--base-path={}", repo.path.parent().unwrap().display()))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Daemon { child, url: format!("git://127.0.0.1:{port}/work") };
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "git daemon does not listen");
        std::thread::yield_now();
    }
    Some(daemon)
}

fn skipped(what: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{what} is needed in CI");
    let mut report = std::io::stderr();
    writeln!(report, "skipped: {what} is not installed").unwrap();
}

/// What a mirror must do, whatever the protocol.
fn follows(mut repo: Repo, url: &str) {
    repo.write("file", "1\n");
    repo.commit("first");
    repo.git(&["branch", "gone"]);
    repo.git(&["branch", "topic/deep"]);
    let mirror = mirror(&repo, url);
    let fetched = fetch(&mirror).unwrap();
    assert_eq!((fetched.branches, fetched.pruned), (3, 0));
    let checkout = mirror.checkout().unwrap();
    assert_eq!(checkout.name(), url);
    assert_eq!(checkout.refs().unwrap(), repo.open().refs().unwrap());

    repo.git(&["branch", "-D", "gone", "topic/deep"]);
    repo.write("file", "2\n");
    let second = repo.commit("second");
    repo.git(&["checkout", "-q", "-b", "topic"]);
    repo.commit("third");
    let fetched = fetch(&mirror).unwrap();
    assert_eq!((fetched.branches, fetched.pruned), (2, 2));
    let refs = checkout.refs().unwrap();
    assert_eq!(refs, repo.open().refs().unwrap());
    assert_eq!(refs.branches[0].name, "refs/heads/topic", "HEAD of the mirror follows HEAD of the remote");
    assert_eq!(checkout.history(&refs, Since::All, &[]).unwrap().commits.len(), 3);
    crate::diff::matches_git(&repo, &checkout, second);

    repo.git(&["reset", "-q", "--hard", "main~1"]);
    repo.tick();
    repo.commit("forced");
    fetch(&mirror).unwrap();
    assert_eq!(checkout.refs().unwrap(), repo.open().refs().unwrap());
    assert_eq!(fetch(&mirror).unwrap().branches, 2);
}

#[test]
fn a_mirror_follows_a_git_daemon() {
    let repo = Repo::new();
    let Some(daemon) = daemon(&repo) else { return skipped("git daemon") };
    let url = daemon.url.clone();
    follows(repo, &url);
}

#[test]
fn a_mirror_follows_an_http_server() {
    let repo = Repo::new();
    let exec = String::from_utf8(repo.git(&["--exec-path"])).unwrap();
    let program = std::path::Path::new(exec.trim()).join("git-http-backend");
    if !program.exists() {
        return skipped("git http-backend");
    }
    let root = repo.path.parent().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = repo.path.file_name().unwrap().to_str().unwrap();
    let url = format!("http://{}/{name}/.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (program, root) = (program.clone(), root.clone());
            std::thread::spawn(move || serve(stream.unwrap(), &program, &root));
        }
    });
    follows(repo, &url);
}

/// One request handed to `git http-backend` as a CGI program.
fn serve(stream: TcpStream, program: &std::path::Path, root: &std::path::Path) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = std::collections::HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((key, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(key.to_ascii_lowercase(), value.to_owned());
    }
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut body = Vec::new();
    if header("transfer-encoding") == "chunked" {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).unwrap();
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    } else {
        body.resize(header("content-length").parse().unwrap_or(0), 0);
        reader.read_exact(&mut body).unwrap();
    }
    let mut child = Command::new(program)
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(output[..end].to_vec()).unwrap();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{head}\r\n\r\n").unwrap();
    stream.write_all(&output[end + 4..]).unwrap();
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let repo = Repo::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git://{}/p", listener.local_addr().unwrap());
    let mirror = mirror(&repo, &url);
    let start = Instant::now();
    let limits = FetchLimits { time: Duration::from_millis(300), ..FetchLimits::default() };
    let error = mirror.fetch(limits, &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, GitError::FetchTime { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(15));
    let error = mirror.fetch(limits, &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, GitError::FetchBusy(_)), "{error}");
    let error = Mirror::open(repo.dir.path(), "other", remote(&url)).unwrap();
    let error = error.fetch(FetchLimits::default(), &AtomicBool::new(true)).unwrap_err();
    assert!(matches!(error, GitError::FetchInterrupted(_)), "{error}");
}

#[test]
fn servers_that_refuse_are_named() {
    let repo = Repo::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/p.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            stream
                .write_all(
                    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                )
                .unwrap();
        }
    });
    let error = fetch(&mirror(&repo, &url)).unwrap_err();
    assert!(matches!(error, GitError::FetchDenied(_)), "{error}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/p.git", listener.local_addr().unwrap());
    let first_byte = std::thread::spawn(move || {
        let mut byte = [0];
        listener.accept().unwrap().0.read_exact(&mut byte).unwrap();
        byte[0]
    });
    let error = fetch(&Mirror::open(repo.dir.path(), "secure", remote(&url)).unwrap()).unwrap_err();
    assert!(matches!(error, GitError::Fetch { .. }) && error.to_string().contains(&url), "{error}");
    assert_eq!(first_byte.join().unwrap(), 0x16, "https begins with a TLS handshake");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("git://{closed}/p");
    let error = fetch(&Mirror::open(repo.dir.path(), "closed", remote(&url)).unwrap()).unwrap_err();
    assert!(matches!(error, GitError::Fetch { .. }) && error.to_string().contains(&url), "{error}");
}

#[test]
fn a_mirror_that_grows_too_large_is_stopped() {
    let mut repo = Repo::new();
    let Some(daemon) = daemon(&repo) else { return skipped("git daemon") };
    repo.write("file", "1\n");
    repo.commit("first");
    let mirror = mirror(&repo, &daemon.url);
    fetch(&mirror).unwrap();
    assert!(Mirror::open(repo.dir.path(), "../escape", remote(&daemon.url)).is_err());
    let limits = FetchLimits { mirror_bytes: 10, ..FetchLimits::default() };
    let error = mirror.fetch(limits, &AtomicBool::new(false));
    assert!(matches!(error, Err(GitError::FetchSize { limit: 10, .. })), "{error:?}");
}
