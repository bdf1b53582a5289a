//! Branches, and which commits are to be imported.

use std::collections::HashSet;

use septet_devops::git::{Checkout, GitError, ObjectId, Refs, Selection, Since};

use crate::fixture::{Repo, git_in};

fn select(checkout: &Checkout, since: Since, seen: &[ObjectId]) -> Selection {
    checkout.history(&checkout.refs().unwrap(), since, seen).unwrap()
}

fn ids(selection: &Selection) -> Vec<ObjectId> {
    selection.commits.iter().map(|listed| listed.id).collect()
}

fn names(refs: &Refs) -> Vec<&str> {
    refs.branches.iter().map(|branch| branch.name.as_str()).collect()
}

/// Parents must stand before their children.
fn ordered(repo: &Repo, ids: &[ObjectId]) {
    let mut before = HashSet::new();
    let listed: HashSet<_> = ids.iter().copied().collect();
    for id in ids {
        let parents = repo.text(&["rev-list", "--parents", "-n1", &id.to_string()]);
        for parent in parents.split_whitespace().skip(1) {
            let parent: ObjectId = parent.parse().unwrap();
            assert!(
                !listed.contains(&parent) || before.contains(&parent),
                "{id} stands before its parent {parent}"
            );
        }
        assert!(before.insert(*id), "{id} is listed twice");
    }
}

fn revisions(repo: &Repo, args: &[&str]) -> HashSet<ObjectId> {
    let mut all = vec!["rev-list"];
    all.extend_from_slice(args);
    repo.text(&all).lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn all_of_a_history_with_merges_and_several_roots() {
    let repo = crate::diff::everything();
    let checkout = repo.open();
    let all = ids(&select(&checkout, Since::All, &[]));
    assert_eq!(all.iter().copied().collect::<HashSet<_>>(), revisions(&repo, &["--all"]));
    ordered(&repo, &all);
    for count in [0, 1, 5, 10_000] {
        let last = ids(&select(&checkout, Since::Last(count), &[]));
        let expected = revisions(&repo, &["--all", "--date-order", &format!("-n{count}")]);
        assert_eq!(last.iter().copied().collect::<HashSet<_>>(), expected, "last {count}");
        ordered(&repo, &last);
    }
    let middle = repo.id("main~6");
    let later = ids(&select(&checkout, Since::Commit(middle), &[]));
    let expected = revisions(&repo, &["--all", "--not", &middle.to_string()]);
    assert_eq!(later.into_iter().collect::<HashSet<_>>(), expected);
    let time = 1_700_000_000 + 60 * 9;
    let recent = ids(&select(&checkout, Since::Time(time), &[]));
    let expected = revisions(&repo, &["--all", &format!("--since={time}")]);
    assert_eq!(recent.into_iter().collect::<HashSet<_>>(), expected);
    // Every cut through history: what was seen is hidden, all else is new.
    for id in &all {
        let fresh = ids(&select(&checkout, Since::All, &[*id]));
        let expected = revisions(&repo, &["--all", "--not", &id.to_string()]);
        assert_eq!(fresh.iter().copied().collect::<HashSet<_>>(), expected, "after {id}");
        ordered(&repo, &fresh);
    }
}

#[test]
fn clocks_that_run_backwards_do_not_show_seen_commits_again() {
    let mut repo = Repo::new();
    let root = repo.commit("root");
    repo.at(1_900_000_000);
    let future = repo.commit("from the future");
    repo.at(1_600_000_000);
    let past = repo.commit("from the past");
    repo.at(1_800_000_000);
    let tip = repo.commit("new");
    let checkout = repo.open();
    assert_eq!(ids(&select(&checkout, Since::All, &[past])), [tip]);
    assert_eq!(ids(&select(&checkout, Since::All, &[])), [root, future, past, tip]);
    assert!(select(&checkout, Since::All, &[tip]).commits.is_empty());
}

#[test]
fn a_seen_commit_behind_a_slow_clock_hides_what_was_taken_for_new() {
    let mut repo = Repo::new();
    repo.commit("root");
    repo.at(1_900_000_000);
    repo.commit("shared, from the future");
    repo.git(&["checkout", "-q", "-b", "seen"]);
    repo.at(1_500_000_000);
    for n in 0..20 {
        repo.commit(&format!("seen {n}, from the past"));
    }
    repo.git(&["checkout", "-q", "main"]);
    repo.at(1_950_000_000);
    let new = repo.commit("new");
    assert_eq!(ids(&select(&repo.open(), Since::All, &[repo.id("seen")])), [new]);
}

#[test]
fn commits_count_to_the_preferred_branch() {
    let mut repo = Repo::new();
    let base = repo.commit("base");
    repo.git(&["checkout", "-q", "-b", "alpha"]);
    let alpha = repo.commit("alpha");
    repo.git(&["checkout", "-q", "-b", "zeta", "main"]);
    let zeta = repo.commit("zeta");
    repo.git(&["update-ref", "refs/remotes/origin/elsewhere", "alpha"]);
    repo.git(&["tag", "v1"]);
    let checkout = repo.open();
    let of = |selection: &Selection, id: ObjectId| {
        selection.commits.iter().find(|listed| listed.id == id).unwrap().branch.to_string()
    };
    let refs = checkout.refs().unwrap();
    assert_eq!(names(&refs), ["refs/heads/zeta", "refs/heads/main", "refs/heads/alpha"]);
    let selection = select(&checkout, Since::All, &[]);
    assert_eq!(of(&selection, base), "refs/heads/zeta");
    assert_eq!(of(&selection, alpha), "refs/heads/alpha");
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["checkout", "-q", "--detach", "zeta"]);
    let detached = repo.commit("nowhere");
    let refs = checkout.refs().unwrap();
    assert_eq!(names(&refs), ["refs/heads/main", "refs/heads/alpha", "refs/heads/zeta", "HEAD"]);
    let selection = select(&checkout, Since::All, &[]);
    assert_eq!(of(&selection, base), "refs/heads/main");
    assert_eq!(of(&selection, zeta), "refs/heads/zeta");
    assert_eq!(of(&selection, detached), "HEAD");
}

#[test]
fn branches_are_seen_to_move_and_worktrees_share_them() {
    let mut repo = Repo::new();
    let first = repo.commit("first");
    let checkout = repo.open();
    let before = checkout.refs().unwrap();
    assert_eq!(checkout.refs().unwrap(), before);
    repo.git(&["pack-refs", "--all"]);
    assert_eq!(checkout.refs().unwrap(), before);
    let second = repo.commit("second");
    assert_ne!(checkout.refs().unwrap(), before);
    assert_eq!(ids(&select(&checkout, Since::All, &[first])), [second]);
    repo.git(&["worktree", "add", "-q", "-b", "linked", "../linked"]);
    let linked = Checkout::open(&repo.path.parent().unwrap().join("linked")).unwrap();
    assert_eq!(names(&linked.refs().unwrap()), ["refs/heads/linked", "refs/heads/main"]);
    repo.git(&["branch", "-q", "-f", "linked-2", "main"]);
    assert_eq!(linked.refs().unwrap().branches.len(), 3);
}

#[test]
fn an_empty_repository_has_no_history() {
    let repo = Repo::new();
    let checkout = repo.open();
    assert_eq!(checkout.refs().unwrap(), Refs::default());
    assert_eq!(select(&checkout, Since::Last(200), &[]), Selection::default());
}

#[test]
fn a_shallow_clone_ends_at_its_boundary() {
    let mut repo = Repo::new();
    for n in 0..6 {
        repo.write("file", format!("{n}\n"));
        repo.commit(&format!("commit {n}"));
    }
    let clone = repo.dir.path().join("shallow");
    repo.git(&[
        "clone",
        "-q",
        "--depth=2",
        &format!("file://{}", repo.path.display()),
        clone.to_str().unwrap(),
    ]);
    let checkout = Checkout::open(&clone).unwrap();
    assert_eq!(ids(&select(&checkout, Since::All, &[])), [repo.id("main~1"), repo.id("main")]);
    let mut diff = Vec::new();
    let boundary = checkout.describe(repo.id("main~1"), &Default::default(), &mut diff).unwrap();
    assert_eq!(boundary.base, None);
    assert_eq!(boundary.commit.parents, [repo.id("main~2")]);
    assert!(String::from_utf8(diff).unwrap().contains("new file mode 100644"));
}

#[test]
fn a_forced_push_leaves_forgotten_commits() {
    let mut repo = Repo::new();
    let base = repo.commit("base");
    let lost = repo.commit("lost");
    repo.git(&["reset", "-q", "--hard", &base.to_string()]);
    repo.tick();
    let kept = repo.commit("kept");
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "-q", "--prune=now"]);
    let checkout = repo.open();
    let selection = select(&checkout, Since::All, &[lost, base]);
    assert_eq!((ids(&selection), selection.forgotten), (vec![kept], vec![lost]));
    let error = checkout.history(&checkout.refs().unwrap(), Since::Commit(lost), &[]).unwrap_err();
    assert!(matches!(&error, GitError::NoSuchCommit { commit, .. } if *commit == lost), "{error}");
}

#[test]
fn damage_is_named() {
    let mut repo = Repo::new();
    repo.write("file", "content\n");
    let first = repo.commit("first");
    let second = repo.commit("second");
    let blob = repo.id("HEAD:file");
    let object = |id: ObjectId| {
        let id = id.to_string();
        repo.path.join(".git/objects").join(&id[..2]).join(&id[2..])
    };
    let spoil = |id: ObjectId, content: Option<&[u8]>| {
        std::fs::remove_file(object(id)).unwrap();
        if let Some(content) = content {
            std::fs::write(object(id), content).unwrap();
        }
    };
    spoil(blob, Some(b"not zlib at all"));
    let error = repo.open().describe(first, &Default::default(), &mut std::io::sink()).unwrap_err();
    assert!(matches!(error, GitError::Corrupt { id, .. } if id == blob), "{error}");
    assert!(error.to_string().contains(&format!("blob {blob} of {}", repo.path.display())), "{error}");
    spoil(blob, None);
    let error = repo.open().describe(first, &Default::default(), &mut std::io::sink()).unwrap_err();
    assert!(matches!(error, GitError::Missing { id, .. } if id == blob), "{error}");
    spoil(first, Some(b""));
    let checkout = repo.open();
    let error = checkout.history(&checkout.refs().unwrap(), Since::All, &[]).unwrap_err();
    assert!(matches!(error, GitError::Corrupt { id, .. } if id == first), "{error}");
    spoil(second, None);
    let checkout = repo.open();
    let error = checkout.history(&checkout.refs().unwrap(), Since::All, &[]).unwrap_err();
    assert!(error.to_string().starts_with("branch refs/heads/main of "), "{error}");
}

#[test]
fn formats_that_are_not_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let made = git_in(dir.path(), 0, &["init", "-q", "--object-format=sha256", "new"]);
    assert!(made.status.success());
    let error = Checkout::open(&dir.path().join("new")).unwrap_err();
    assert!(matches!(error, GitError::Format { format: "sha256 objects", .. }), "{error}");
    let repo = Repo::new();
    repo.git(&["config", "core.repositoryFormatVersion", "1"]);
    std::fs::write(
        repo.path.join(".git/config"),
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n",
    )
    .unwrap();
    let error = Checkout::open(&repo.path).unwrap_err();
    assert!(matches!(error, GitError::Format { format: "reftable refs", .. }), "{error}");
}
