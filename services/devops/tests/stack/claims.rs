//! Claims about sample trees of every stack.

use septet_devops::stack::{Fact, Limits, analyze_directory, reply};

use crate::sample::{all, analyze, builtin, lines, tree};

#[test]
fn every_sample_is_told_as_it_is() {
    let rules = builtin();
    let samples = all();
    assert!(samples.len() >= 18);
    let mut wrong = Vec::new();
    for sample in &samples {
        let analysis = sample.analyze(&rules);
        let said: Vec<String> = analysis.components.iter().flat_map(lines).collect();
        for expected in sample.expected.iter().filter(|line| !line.starts_with("jobs ")) {
            let found = match expected.split_once(" not ") {
                Some((path, rest)) => !said.iter().any(|line| line.starts_with(&format!("{path} {rest}"))),
                None => said.contains(expected),
            };
            if !found {
                wrong.push(format!("{}: `{expected}` is missing in\n  {}", sample.name, said.join("\n  ")));
            }
        }
        for never in &sample.never {
            let named = |component: &septet_devops::stack::Component| {
                component.path.contains(never)
                    || component
                        .claims
                        .iter()
                        .flat_map(|claim| &claim.evidence)
                        .any(|piece| piece.path.contains(never))
            };
            assert!(!analysis.components.iter().any(named), "{}: {never}", sample.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_claim_has_evidence_that_is_there() {
    let rules = builtin();
    for sample in all() {
        for component in sample.analyze(&rules).components {
            for claim in &component.claims {
                assert!(!claim.evidence.is_empty(), "{}: {claim:?}", sample.name);
                for piece in &claim.evidence {
                    let (_, text) = sample.files.iter().find(|(path, _)| *path == piece.path).unwrap();
                    let lines = u32::try_from(text.lines().count()).unwrap();
                    assert!(piece.line <= lines && !piece.rule.is_empty(), "{}: {piece:?}", sample.name);
                }
            }
        }
    }
}

#[test]
fn evidence_names_the_line() {
    let rules = builtin();
    let files = tree(&[
        (
            "package.json",
            "{\n  \"name\": \"a\",\n  \"dependencies\": {\n    \"react\": \"^19.1.0\"\n  }\n}\n",
        ),
        ("compose.yaml", "services:\n  db:\n    image: postgres:17.2\n"),
        ("Dockerfile", "FROM x\n\nEXPOSE 80\n"),
        ("Cargo.toml", "[package]\nname = \"a\"\n\n[dependencies]\naxum = \"0.8\"\n"),
    ]);
    let analysis = analyze(&files, &rules, &Limits::default());
    let at = |name: &str| {
        let claims = &analysis.components[0].claims;
        let claim = claims.iter().find(|claim| match &claim.fact {
            Fact::Framework { name: other, .. } | Fact::Service { name: other, .. } => other == name,
            Fact::Port { number } => number.to_string() == name,
            _ => false,
        });
        let piece = &claim.unwrap().evidence[0];
        (piece.path.clone(), piece.line, piece.rule.clone())
    };
    let said = |path: &str, line, rule: &str| (path.to_owned(), line, rule.to_owned());
    assert_eq!(at("React"), said("package.json", 4, "node-framework"));
    assert_eq!(at("postgres"), said("compose.yaml", 3, "compose-service"));
    assert_eq!(at("80"), said("Dockerfile", 3, "dockerfile-expose"));
    assert_eq!(at("Axum"), said("Cargo.toml", 5, "rust-framework"));
}

#[test]
fn a_directory_is_told_as_its_tree_is() {
    let rules = builtin();
    for sample in all() {
        let directory = tempfile::tempdir().unwrap();
        sample.write(directory.path());
        let from_disk = analyze_directory(directory.path(), &rules, &Limits::default()).unwrap();
        assert_eq!(from_disk, sample.analyze(&rules), "{}", sample.name);
    }
    let nothing = std::path::Path::new("/nonexistent");
    assert!(analyze_directory(nothing, &rules, &Limits::default()).is_err());
}

#[test]
fn what_is_beyond_a_limit_or_no_document_is_named() {
    let rules = builtin();
    let large = format!("{{\"dependencies\": {{\"react\": \"1\"}}, \"x\": \"{}\"}}", "x".repeat(5_000));
    let files = tree(&[
        ("package.json", &large),
        ("a/go.mod", "module a\n"),
        ("b/go.mod", "module b\n"),
        ("c/Cargo.toml", "[package\n"),
        ("c/d/e", "x"),
    ]);
    let reasons = |limits: Limits| {
        let analysis = analyze(&files, &rules, &limits);
        let left: Vec<String> =
            analysis.left_out.iter().map(|left| format!("{}: {}", left.path, left.reason)).collect();
        (analysis, left.join("\n"))
    };
    let (_, all) = reasons(Limits::default());
    assert!(all.contains("c/Cargo.toml: it is not valid TOML"), "{all}");
    let (analysis, left) = reasons(Limits { file_bytes: 4_096, ..Limits::default() });
    assert!(left.contains("package.json: it has more than 4096 bytes"), "{left}");
    assert!(!analysis.components.iter().flat_map(lines).any(|line| line.contains("React")));
    let (analysis, left) = reasons(Limits { files: 3, ..Limits::default() });
    assert!(left.contains("2 files are beyond the limit of 3") && analysis.files == 3, "{left}");
    let (analysis, left) = reasons(Limits { components: 2, ..Limits::default() });
    assert!(left.contains("projects are beyond the limit of 2"), "{left}");
    assert!(analysis.components.len() <= 2);
    let (_, left) = reasons(Limits { read_files: 1, ..Limits::default() });
    assert!(left.contains("were not read"), "{left}");
    assert_eq!(reply(&analysis).components.len(), analysis.components.len());
}

#[test]
fn any_bytes_are_told_without_panic() {
    let rules = builtin();
    let names = [
        "package.json",
        "Cargo.toml",
        "pom.xml",
        "compose.yaml",
        "go.mod",
        "Gemfile",
        "a.csproj",
        "main.tf",
        "Pipfile",
    ];
    for seed in 0..200_usize {
        let files: Vec<(String, String)> = names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let pieces = [
                    "{",
                    "}",
                    "[",
                    "]",
                    "\"a\"",
                    ":",
                    "\n",
                    "<project>",
                    "</",
                    "&a",
                    "*a",
                    "- ",
                    "=",
                    "'",
                    "\u{0}",
                    "dependencies",
                    "9999999999999999999",
                    "é",
                ];
                let text =
                    (0..40).map(|step| pieces[(seed * 31 + at * 17 + step * (seed + 7)) % pieces.len()]);
                ((*name).to_owned(), text.collect())
            })
            .collect();
        let analysis = analyze(&files, &rules, &Limits::default());
        septet_devops::generate::generate(&analysis, &rules).unwrap();
    }
}
