//! Locations as people write them.

use septet_devops::git::{GitError, Location};

use crate::fixture::Repo;

#[test]
fn a_path_stands_for_its_repository() {
    let repo = Repo::new();
    repo.write("deep/er/file", "x");
    let bare = repo.dir.path().canonicalize().unwrap().join("bare.git");
    repo.git(&["init", "-q", "--bare", bare.to_str().unwrap()]);
    std::os::unix::fs::symlink(&repo.path, repo.dir.path().join("alias")).unwrap();
    let parse = |path: &str| Location::parse(path).unwrap();
    let root = Location::Local(repo.path.clone());
    let text = repo.path.display().to_string();
    let alias = repo.dir.path().join("alias").display().to_string();
    for spelling in [
        text.clone(),
        format!("{text}/"),
        format!("{text}/deep/er"),
        format!("{text}/deep/er/file"),
        format!("{text}/.git"),
        format!("{text}/.git/objects"),
        format!("{alias}/deep"),
        format!("file://{text}"),
        format!("file://localhost{text}"),
    ] {
        assert_eq!(parse(&spelling), root, "{spelling}");
    }
    assert_eq!(root.name(), "work");
    assert_eq!(parse(&bare.join("refs").display().to_string()), Location::Local(bare.clone()));
    assert_eq!(Location::Local(bare).name(), "bare");
    repo.git(&["-c", "user.name=x", "commit", "-q", "--allow-empty", "-m", "x"]);
    repo.git(&["worktree", "add", "-q", "../linked"]);
    let linked = repo.path.parent().unwrap().join("linked");
    assert_eq!(parse(linked.to_str().unwrap()), Location::Local(linked));
}

#[test]
fn urls_are_taken_in_their_usual_forms() {
    for (text, canonical, name) in [
        ("https://example.org/group/project.git", "https://example.org/group/project.git", "project"),
        ("HTTPS://example.org/group/project/", "https://example.org/group/project", "project"),
        ("http://127.0.0.1:8080/p.git", "http://127.0.0.1:8080/p.git", "p"),
        ("git://example.org/p", "git://example.org/p", "p"),
        ("ssh://git@example.org:2222/p.git", "ssh://git@example.org:2222/p.git", "p"),
        ("git@example.org:group/p.git", "git@example.org:group/p.git", "p"),
        ("example.org:p.git", "example.org:p.git", "p"),
    ] {
        let location = Location::parse(text).unwrap();
        assert!(matches!(location, Location::Remote(_)), "{text}");
        assert_eq!((location.to_string().as_str(), location.name().as_str()), (canonical, name));
        assert_eq!(Location::parse(&location.to_string()).unwrap(), location);
    }
}

#[test]
fn credentials_are_refused_and_not_repeated() {
    for text in [
        "https://user:hunter2@example.org/p.git",
        "https://hunter2@example.org/p.git",
        "http://:hunter2@example.org/p.git",
        "ssh://git:hunter2@example.org/p.git",
        "git://hunter2@example.org/p.git",
        "git:hunter2@example.org:p.git",
        "https://example.org/p.git?private_token=hunter2",
        "https://example.org/p.git#hunter2",
        "git@example.org:p.git?hunter2",
    ] {
        let error = Location::parse(text).unwrap_err();
        assert!(matches!(error, GitError::Credentials), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn what_is_no_location_is_refused_with_the_way_out() {
    for (text, part) in [
        ("", "it is empty"),
        ("project", "relative path"),
        ("./project", "relative path"),
        ("../a:b", "relative path"),
        ("~/project", "relative path"),
        ("ext::sh -c id", "`ext` is not a transport"),
        ("ext://sh", "`ext` is not a transport"),
        ("fd::17/foo", "`fd` is not a transport"),
        ("ftp://example.org/p", "`ftp` is not a transport"),
        ("secret token://x/p", "`that` is not a transport"),
        ("--upload-pack=id", "starts with a hyphen"),
        ("ssh://-oProxyCommand=id/p", "starts with a hyphen"),
        ("ssh://-l@example.org/p", "starts with a hyphen"),
        ("-oProxyCommand=id:p", "starts with a hyphen"),
        ("example.org:-p", "no usable path"),
        ("https://example.org", "no path to a repository"),
        ("https:///p.git", "not usable"),
        ("file://elsewhere/p", "file:///srv/project"),
        ("https://example.org/a\nb", "control characters"),
        ("/nonexistent/path", "cannot read /nonexistent/path"),
    ] {
        let error = Location::parse(text).expect_err(text).to_string();
        assert!(error.contains(part), "{text:?}: {error}");
    }
    assert!(Location::parse(&format!("https://example.org/{}", "x".repeat(5_000))).is_err());
    let plain = tempfile::tempdir().unwrap();
    let path = plain.path().canonicalize().unwrap();
    let error = Location::parse(path.to_str().unwrap()).unwrap_err().to_string();
    let expected = format!("{} is not a git repository (or any parent up to /)", path.display());
    assert!(error.starts_with(&expected), "{error}");
}
