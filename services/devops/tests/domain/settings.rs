//! `.septet.toml`.

use septet_devops::settings::parse;
use septet_proto_devops::v1::RepositorySettings;

#[test]
fn what_it_asks_for_is_read() {
    let text =
        "[pipeline]\nrun_tests = true\n[release]\nflags = [\"pay\", \"checkout\", \"pay\"]\n[other]\nx = 1\n";
    let expected = RepositorySettings {
        run_tests: true,
        flags: vec!["checkout".to_owned(), "pay".to_owned()],
        error: String::new(),
    };
    assert_eq!(parse(text.as_bytes()), expected);
    assert_eq!(parse(b""), RepositorySettings::default());
}

#[test]
fn what_cannot_be_read_says_why_and_asks_for_nothing() {
    let many = format!("[release]\nflags = {:?}", vec!["f"; 101]);
    let long = format!("[release]\nflags = [\"{}\"]", "f".repeat(129));
    let large = vec![b'#'; (64 << 10) + 1];
    for (text, why) in [
        (&b"[pipeline]\nrun_test = true"[..], "line 2: unknown field `run_test`"),
        (b"[release]\nflag = []", "unknown field `flag`"),
        (b"[release]\n\nflags = \"checkout\"", "line 3"),
        (b"[release]\nflags = [\"\"]", "1 to 128"),
        (b"[release]\nflags = [\"a\\u0007\"]", "printable"),
        (b"[pipeline\n", "line 1"),
        (b"\xff\xfe", "UTF-8"),
        (many.as_bytes(), "more than 100"),
        (long.as_bytes(), "1 to 128"),
        (&large, "65536 bytes"),
    ] {
        let settings = parse(text);
        assert!(settings.error.contains(why), "{why}: {settings:?}");
        assert!(!settings.error.contains('\n') && settings.error.chars().count() <= 300, "{settings:?}");
        assert!(!settings.run_tests && settings.flags.is_empty());
    }
}
