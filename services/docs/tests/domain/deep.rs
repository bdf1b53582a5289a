//! Texts that nest deeply are read or refused; the process lives on.

use septet_docs::source::{Dialect, Reader};

#[test]
fn a_hundred_thousand_levels_are_refused() {
    let deep = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(100_000), close.repeat(100_000))
    };
    let reader = Reader { max_file_bytes: 4 << 20 };
    let texts = [
        (Dialect::Rust, format!("fn f() {{ let a = {}; }}", deep("(", "1", ")"))),
        (Dialect::Rust, format!("fn f() {{ let a = {}; }}", deep("[", "1", "]"))),
        (Dialect::Rust, format!("type A = {};", deep("&", "u8", ""))),
        (Dialect::Rust, format!("fn f() {{ {} }}", deep("if a {} else ", "{}", ""))),
        (Dialect::Rust, deep("mod a {", "", "}")),
        (Dialect::Python, format!("a = {}\n", deep("(", "1", ")"))),
        (Dialect::Python, format!("a = {}\n", deep("[", "1", "]"))),
        (Dialect::Python, format!("a = {}\n", deep("not ", "1", ""))),
        (Dialect::Python, format!("a = {}\n", deep("lambda: ", "1", ""))),
        (Dialect::TypeScript, format!("const a = {};", deep("(", "1", ")"))),
        (Dialect::TypeScript, format!("const a = {};", deep("[", "1", "]"))),
        (Dialect::TypeScript, format!("const a = {};", deep("!", "1", ""))),
        (Dialect::TypeScript, format!("const a = {};", deep("a => ", "1", ""))),
        (Dialect::Tsx, format!("const a = {};", deep("<a>", "1", "</a>"))),
    ];
    for (dialect, text) in &texts {
        let read = reader.read_all(&[(*dialect, text.as_bytes())]).unwrap();
        let why = read[0].as_ref().expect_err(&text[..40]);
        assert!(why.contains("deep") || why.contains("words and signs"), "{}: {why}", &text[..40]);
    }
    let page = deep("> ", "`a`", "");
    assert!(reader.read_all(&[(Dialect::Page, page.as_bytes())]).unwrap()[0].is_ok());
}

#[test]
fn what_is_just_allowed_fits_the_stack() {
    let deep = |open: &str, middle: &str, close: &str, times: usize| {
        format!("{}{middle}{}", open.repeat(times), close.repeat(times))
    };
    let reader = Reader { max_file_bytes: 1 << 20 };
    for (dialect, text) in [
        (Dialect::Rust, format!("fn f() {{ let a = {}; }}", deep("(", "1", ")", 990))),
        (Dialect::Rust, format!("fn f() {{ let a = {}; }}", deep("!", "1", "", 29_000))),
        (Dialect::Python, format!("a = {}\n", deep("(", "1", ")", 990))),
        (Dialect::Python, format!("a = {}\n", deep("not ", "1", "", 29_000))),
        (Dialect::TypeScript, format!("const a = {};", deep("(", "1", ")", 990))),
        (Dialect::TypeScript, format!("const a = {};", deep("!", "1", "", 29_000))),
    ] {
        // Read, or refused by the parser's own limit; either way the thread comes back.
        let read = reader.read_all(&[(dialect, text.as_bytes())]).unwrap();
        assert_eq!(read.len(), 1, "{dialect:?}");
    }
}

#[test]
fn what_cannot_be_read_is_named_and_does_not_stop_the_rest() {
    let reader = Reader { max_file_bytes: 100 };
    let large = "a".repeat(101);
    let read = reader
        .read_all(&[
            (Dialect::Rust, b"fn (".as_slice()),
            (Dialect::Python, b"def (:".as_slice()),
            (Dialect::TypeScript, b"const = {".as_slice()),
            (Dialect::Python, &[0xff, 0xfe]),
            (Dialect::Rust, large.as_bytes()),
            (Dialect::Npm, b"{".as_slice()),
            (Dialect::Rust, b"pub fn a() {}".as_slice()),
        ])
        .unwrap();
    let failed: Vec<bool> = read.iter().map(Result::is_err).collect();
    assert_eq!(failed, [true, true, true, true, true, true, false], "{read:#?}");
    assert!(read[3].as_ref().unwrap_err().contains("UTF-8"));
    assert!(read[4].as_ref().unwrap_err().contains("100 bytes"));
}
