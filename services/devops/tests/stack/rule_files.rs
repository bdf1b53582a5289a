//! Rule files: those built in, and those of a directory.

use std::fs;

use septet_devops::stack::{Limits, Rules};

use crate::sample::{analyze, builtin, lines, tree};

const ZIG: &str = r#"
stack = "zig"
title = "Zig"

[[rule]]
id = "zig-project"
project = true
when = [{ path = "build.zig" }]
claims = [{ kind = "command", task = "test", run = "zig build test" }]

[[toolchain]]
runtime = "zig"
github = { default = "0.14.0" }
gitlab = { default = "0.14.0", image = "example.org/zig:{version}" }
"#;

#[test]
fn a_directory_adds_a_stack_and_replaces_one() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("zig.toml"), ZIG).unwrap();
    fs::write(directory.path().join("go.toml"), "stack = \"go\"\ntitle = \"Go\"\n").unwrap();
    fs::write(directory.path().join("notes.txt"), "no rules").unwrap();
    let rules = Rules::with_directory(directory.path()).unwrap();
    assert_ne!(rules.version(), builtin().version());
    let files =
        tree(&[("build.zig", "x\n"), ("go.mod", "module x\n"), ("Cargo.toml", "[package]\nname = \"x\"\n")]);
    let analysis = analyze(&files, &rules, &Limits::default());
    let said = analysis.components.iter().flat_map(lines).collect::<Vec<_>>().join("\n");
    assert!(said.contains(". command test zig build test"), "{said}");
    assert!(said.contains(". command test cargo test"), "{said}");
    assert!(!said.contains(" go test"), "{said}");
    let generated = septet_devops::generate::generate(&analysis, &rules).unwrap();
    assert!(generated.files[1].content.contains("example.org/zig:0.14.0"));
}

#[test]
fn a_rule_file_that_cannot_be_used_is_refused_by_name() {
    let refused = |text: &str| {
        let texts = [("mine.toml".to_owned(), format!("stack = \"s\"\ntitle = \"S\"\n{text}"))];
        Rules::from_texts(texts).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(""), "");
    let rule = |body: &str| format!("[[rule]]\nid = \"r\"\n{body}");
    for (text, said) in [
        ("x = 1\n".to_owned(), "line 3: "),
        (rule("when = []\n"), "rule `r`: `when` is empty"),
        (rule("when = [{}]\n"), "needs `path`, `has` or `any`"),
        (rule("when = [{ path = \"a\", line = '(' }]\n"), "pattern `(`"),
        (rule("when = [{ path = \"[\" }]\n"), "path `[`"),
        (rule("when = [{ path = \"a\", line = 'x', key = [\"y\"] }]\n"), "or `line`, or neither"),
        (rule("when = [{ path = \"a/b\", up = true }]\n"), "with `up`"),
        (rule("when = [{ has = \"nonsense\" }]\n"), "the kinds are"),
        (rule("project = true\nwhen = [{ path = \"**/a\" }]\n"), "files by name"),
        (rule("confidence = 101\nwhen = [{ path = \"a\" }]\n"), "from 1 to 100"),
        (
            rule("when = [{ path = \"a\" }]\nclaims = [{ kind = \"port\", number = \"{n}\" }]\n"),
            "names `{n}`",
        ),
        (rule("when = [{ path = \"a\" }]\n") + &rule("when = [{ path = \"a\" }]\n"), "two of this id"),
        (rule("when = [{ path = \"a\" }]\nclaims = [{ kind = \"magic\" }]\n"), "magic"),
    ] {
        let error = refused(&text);
        assert!(error.starts_with("rule file mine.toml: ") && error.contains(said), "{error}, not {said}");
    }
    assert!(Rules::with_directory(std::path::Path::new("/nonexistent")).is_err());
}

#[test]
fn an_action_without_a_pin_gives_no_file() {
    let text = ZIG.replace("default = \"0.14.0\" }", "default = \"1\", uses = \"someone/setup-zig\" }");
    let rules = Rules::from_texts([("zig.toml".to_owned(), text)]).unwrap();
    let analysis = analyze(&tree(&[("build.zig", "x\n")]), &rules, &Limits::default());
    let error = septet_devops::generate::generate(&analysis, &rules).unwrap_err();
    assert_eq!(error.to_string(), "the action someone/setup-zig has no pin");
}
