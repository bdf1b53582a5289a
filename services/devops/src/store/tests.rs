//! What callers cannot bring about in a test, on both stores.

use septet_chassis::{Store, migrations, store::StoreConfig};
use septet_testkit::servers;

use super::{Change, Found, NewRepository};

async fn sqlite(dir: &tempfile::TempDir) -> Store {
    Store::open(&StoreConfig::default(), &dir.path().join("devops.db")).await.unwrap()
}

async fn postgres() -> Option<Store> {
    let url = servers::postgres().await?.create_database().await;
    let config = StoreConfig { url: Some(url), ..StoreConfig::default() };
    Some(Store::open(&config, std::path::Path::new("")).await.unwrap())
}

fn change(seq: i64, commit_id: &str) -> Change {
    Change {
        seq,
        id: format!("change-{seq}"),
        repository_id: "r".to_owned(),
        repository_name: "name".to_owned(),
        commit_id: commit_id.to_owned(),
        ref_name: "refs/heads/main".to_owned(),
        parents: String::new(),
        author_name: String::new(),
        author_email: String::new(),
        authored_at: i64::MIN,
        committed_at: i64::MAX,
        subject: String::new(),
        files_total: 0,
    }
}

async fn a_prefix_finds_one_none_or_several(store: Store) {
    store.migrate(&migrations!("devops")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let new = NewRepository { id: "r", name: "name", location: "/r", since: "all", now: 1, queued_until: 2 };
    super::register(&mut tx, &new).await.unwrap();
    let commits = ["abcdef0aaa", "abcdef0fff", "abcdef1000", "abcdeffff0"];
    for (seq, commit) in (1..).zip(commits) {
        assert!(super::insert(&mut tx, &change(seq, commit), b"files").await.unwrap());
        // Again under another number: it is there already.
        assert!(!super::insert(&mut tx, &change(seq + 100, commit), b"").await.unwrap());
    }
    let several = [("abcdef0", Found::Several), ("abcde", Found::Several), ("abcdef2", Found::Nothing)];
    for (prefix, expected) in several {
        assert_eq!(super::by_commit(&mut tx, "r", prefix).await.unwrap(), expected, "{prefix}");
    }
    for (prefix, seq) in [("abcdef0a", 1), ("abcdef0f", 2), ("abcdef1", 3), ("abcdeff", 4), (commits[3], 4)] {
        let one = Found::One(Box::new(change(seq, commits[seq as usize - 1])));
        assert_eq!(super::by_commit(&mut tx, "r", prefix).await.unwrap(), one, "{prefix}");
    }
    assert_eq!(super::by_commit(&mut tx, "other", "abcdef1").await.unwrap(), Found::Nothing);
    assert_eq!(super::files(&mut tx, "change-1").await.unwrap(), b"files");
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn prefixes_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    a_prefix_finds_one_none_or_several(sqlite(&dir).await).await;
}

#[tokio::test]
async fn prefixes_on_postgres() {
    if let Some(store) = postgres().await {
        a_prefix_finds_one_none_or_several(store).await;
    }
}
