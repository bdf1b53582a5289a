//! A user's own rule file.

use septet_review::finding::Severity;
use septet_review::rules::RuleSet;

use crate::samples::{Random, expand, scanner_with};

fn rules(text: &str) -> RuleSet {
    RuleSet::from_toml(text).expect(text)
}

fn found(text: &str, path: &str, line: &str) -> Vec<String> {
    let scan = scanner_with(rules(text)).scan_text(path, line.as_bytes());
    scan.findings.into_iter().map(|finding| finding.rule_id).collect()
}

const RULE: &str = "[[rules]]\nid = 'r'\nregex = 'k=([a-z0-9]+)'\n";

#[test]
fn keys_are_read_whatever_their_case() {
    let set = rules(
        "title = 't'\nminVersion = 'v8.0.0'\n[[rules]]\nID = 'r'\nregex = '(a)(b)'\nsecretGroup = 2\nentropy = 0\nTags = ['severity:low']\n",
    );
    assert_eq!(set.rules().collect::<Vec<_>>(), [("r", Severity::Low)]);
    assert_eq!(
        rules("[[rules]]\nid='generic-x'\npath='x'").rules().next(),
        Some(("generic-x", Severity::Medium))
    );
}

#[test]
fn mistakes_name_the_rule_and_the_key() {
    for (text, parts) in [
        ("[[rules]]\nid = 'r'\nregex = 'a'\nkeyword = ['a']", &["rule `r`", "unknown field `keyword`"][..]),
        ("[[rules]]\nregex = 'a'", &["rule `number 1`", "no `id`"]),
        ("[[rules]]\nid = 'r'", &["rule `r`", "neither `regex` nor `path`"]),
        ("[[rules]]\nid = 'r'\nregex = '(?=a)'", &["rule `r`", "regex", "look-around"]),
        ("[[rules]]\nid = 'r'\nregex = 'a'\nsecretGroup = 1", &["rule `r`", "secretGroup is 1", "0 groups"]),
        ("[[rules]]\nid = 'r'\nregex = 'a'\nentropy = 9", &["rule `r`", "entropy 9"]),
        ("[[rules]]\nid = 'r'\nregex = 'a'\ntags = ['severity:hgih']", &["rule `r`", "severity:hgih"]),
        (
            "[[rules]]\nid = 'r'\nregex = 'a'\n[[rules.allowlists]]\ncondition = 'XOR'\npaths = ['a']",
            &["rule `r`", "XOR"],
        ),
        (
            "[[rules]]\nid = 'r'\nregex = 'a'\n[[rules.allowlists]]\nregexTarget = 'file'",
            &["rule `r`", "regexTarget `file`"],
        ),
        (
            "[[rules]]\nid = 'r'\nregex = 'a'\n[[rules.allowlists]]\ndescription = 'x'",
            &["rule `r`", "at least one of"],
        ),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[[rules.required]]\nid = 'q'", &["rule `r`", "composite"]),
        ("[[rules]]\nid = 'r'\nregex = 'a'\n[[rules]]\nid = 'r'\nregex = 'b'", &["rule `r`", "twice"]),
        ("[[allowlists]]\ntargetRules = ['q']\npaths = ['a']", &["[[allowlists]]", "`q`"]),
        ("[allowlist]\npath = ['a']", &["unknown field `path`"]),
        ("[extend]\npath = 'x.toml'", &["[extend]", "useDefault"]),
        ("[extend]\nuseDefault = true\ndisabledRules = ['q']", &["disabledRules", "`q`"]),
        ("colour = 'red'", &["top level", "unknown field `colour`"]),
        ("a = 1\nb", &["not valid TOML", "line 2"]),
    ] {
        let error = RuleSet::from_toml(text).expect_err(text).to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
}

#[test]
fn extending_the_built_in_rules() {
    let builtin = RuleSet::builtin().expect("built-in rules");
    let extended = format!("[extend]\nuseDefault = true\ndisabledRules = ['github-personal-token']\n{RULE}");
    let set = rules(&extended);
    assert_eq!(set.rules().len(), builtin.rules().len());
    assert_ne!(set.version(), builtin.version());
    let github = expand("ghp_{a36}", &mut Random::new(3)).text;
    assert!(found(&extended, "a", &github).is_empty());
    assert_eq!(found(&extended, "a", "k=abc"), ["r"]);
    let sharpened = "[extend]\nuseDefault = true\n[[rules]]\nid = 'github-personal-token'\ntags = ['severity:low']\n[rules.allowlist]\npaths = ['^a$']";
    assert!(found(sharpened, "a", &github).is_empty());
    let finding = &scanner_with(rules(sharpened)).scan_text("b", github.as_bytes()).findings[0];
    assert_eq!(finding.severity, Severity::Low);
    let silenced = "[extend]\nuseDefault = true\ndisabledRules = ['generic-env-secret']";
    assert_eq!(rules(silenced).rules().len(), builtin.rules().len() - 1, "lists that target it stay valid");
}

#[test]
fn groups_entropy_keywords_and_paths() {
    assert_eq!(found("[[rules]]\nid='r'\nregex='k=(\\w+)'\nentropy=2", "a", "k=aaaaaaaa\nk=abcdefgh"), ["r"]);
    assert!(found("[[rules]]\nid='r'\nregex='k=(\\w+)'\nkeywords=['Zed']", "a", "k=abc").is_empty());
    assert_eq!(found("[[rules]]\nid='r'\nregex='k=(\\w+)'\nkeywords=['Zed']", "a", "k=abc # zED"), ["r"]);
    let path = "[[rules]]\nid='r'\nregex='k'\npath='\\.env$'";
    assert_eq!((found(path, "x/.env", "k").len(), found(path, "x/env", "k").len()), (1, 0));
    assert_eq!(found("[[rules]]\nid='keystore'\npath='\\.p12$'", "x/a.p12", ""), ["keystore"]);
    // Without secretGroup, the first group that matched something is the secret.
    let scan = scanner_with(rules("[[rules]]\nid='r'\nregex='(q)?k=(\\w+)'")).scan_text("a", b"name k=abc");
    assert_eq!(scan.findings[0].excerpt, "name k=[redacted]");
}

#[test]
fn allow_lists() {
    let with = |list: &str| format!("{RULE}[[rules.allowlists]]\n{list}");
    let allowed = |list: &str, line: &str| found(&with(list), "src/a.txt", line).is_empty();
    assert!(allowed("regexes = ['^ab']", "k=abc"));
    assert!(!allowed("regexes = ['^k']", "k=abc"), "the secret is what is looked at");
    assert!(allowed("regexTarget = 'match'\nregexes = ['^k']", "k=abc"));
    assert!(!allowed("regexTarget = 'match'\nregexes = ['note']", "k=abc # note"));
    assert!(allowed("regexTarget = 'line'\nregexes = ['note$']", "k=abc # note"));
    assert!(allowed("stopwords = ['BC']", "k=abc"));
    assert!(allowed("paths = ['^src/']", "k=abc"));
    assert!(allowed("condition = 'AND'\npaths = ['^src/']\nstopwords = ['bc']", "k=abc"));
    assert!(!allowed("condition = 'AND'\npaths = ['^lib/']\nstopwords = ['bc']", "k=abc"));
    assert!(allowed("paths = ['^lib/']\nstopwords = ['bc']", "k=abc"), "OR is the default");
    assert!(found(&format!("{RULE}[rules.allowlist]\nstopwords = ['bc']"), "a", "k=abc").is_empty());
    assert!(found(&format!("[allowlist]\nstopwords = ['bc']\n{RULE}"), "a", "k=abc").is_empty());
    let targeted = format!(
        "[[allowlists]]\ntargetRules = ['r']\nstopwords = ['bc']\n{RULE}[[rules]]\nid='q'\nregex='k=abc'"
    );
    assert_eq!(found(&targeted, "a", "k=abc"), ["q"]);
    let commits = format!("[[allowlists]]\ncommits = ['ABC1']\n{RULE}");
    let scanner = scanner_with(rules(&commits));
    let diff = b"--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+k=abc\n";
    let found = |commit| scanner.scan(diff, commit, &Default::default()).expect("a diff").findings.len();
    assert_eq!((found(Some("abc1")), found(Some("abc2")), found(None)), (0, 1, 1));
}

#[test]
fn a_file_too_large_is_refused() {
    let error = RuleSet::from_toml(&"#".repeat(3 << 20)).expect_err("too large").to_string();
    assert!(error.contains("bytes, more than the"), "{error}");
}
