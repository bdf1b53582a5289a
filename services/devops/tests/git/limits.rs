//! What does not fit is named, and never read or held whole.

use septet_devops::git::DiffLimits;

use crate::fixture::Repo;

#[test]
fn large_files_are_not_read() {
    let mut repo = Repo::new();
    repo.write("large.txt", "x\n".repeat(5_000));
    repo.write("small.txt", "small\n");
    let id = repo.commit("one large, one small");
    let limits = DiffLimits { blob_bytes: 9_999, ..DiffLimits::default() };
    let mut diff = Vec::new();
    let described = repo.open().describe(id, &limits, &mut diff).unwrap();
    let diff = String::from_utf8(diff).unwrap();
    assert_eq!((described.left_out, described.files[0].binary, described.files[1].lines_added), (1, true, 1));
    assert!(diff.contains(
        "Binary files /dev/null and b/large.txt differ\n# text left out: 10000 bytes, over the limit"
    ));
    assert!(diff.contains("+small\n"));
}

#[test]
fn a_diff_never_exceeds_its_limit() {
    let mut repo = Repo::new();
    for n in 0..40 {
        repo.write(&format!("file-{n:02}.txt"), format!("content of {n}\n").repeat(n * n));
    }
    let id = repo.commit("many");
    let checkout = repo.open();
    let mut whole = Vec::new();
    checkout.describe(id, &DiffLimits::default(), &mut whole).unwrap();
    for limit in (0..whole.len() as u64 + 2_000).step_by(997) {
        let limits = DiffLimits { diff_bytes: limit, files: 7, ..DiffLimits::default() };
        let mut diff = Vec::new();
        let described = checkout.describe(id, &limits, &mut diff).unwrap();
        assert!(diff.len() as u64 <= limit, "{} bytes over a limit of {limit}", diff.len());
        assert_eq!(described.diff_bytes, diff.len() as u64);
        assert_eq!((described.files.len(), described.files_total), (7, 40));
        assert_eq!(described.left_out == 0, diff == whole, "limit {limit}");
    }
}

#[test]
fn renames_by_content_stop_at_their_limit_but_identical_files_are_found() {
    let mut repo = Repo::new();
    for n in 0..4 {
        repo.write(&format!("old-{n}"), format!("{n}\n").repeat(50));
    }
    repo.commit("before");
    for n in 0..4 {
        repo.remove(&format!("old-{n}"));
        repo.write(&format!("new-{n}"), format!("{n}\n").repeat(50) + if n == 0 { "" } else { "more\n" });
    }
    let id = repo.commit("after");
    let renamed = |limits: DiffLimits| {
        let described = repo.open().describe(id, &limits, &mut std::io::sink()).unwrap();
        described.files.iter().filter(|file| file.previous_path.is_some()).count()
    };
    assert_eq!(renamed(DiffLimits::default()), 4);
    assert_eq!(renamed(DiffLimits { renames: 2, ..DiffLimits::default() }), 1);
    assert_eq!(renamed(DiffLimits { rename_bytes: 10, ..DiffLimits::default() }), 1);
}

#[test]
fn a_sink_that_fails_ends_the_diff() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut repo = Repo::new();
    repo.write("a", "1\n");
    let id = repo.commit("one");
    let error = repo.open().describe(id, &DiffLimits::default(), &mut Full).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot write the diff of commit {id}")), "{error}");
}
