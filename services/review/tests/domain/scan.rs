//! From a diff to findings: places, redaction, overlaps, fingerprints.

use proptest::prelude::*;
use septet_review::finding::Severity;
use septet_review::policy::{Policy, Verdict};
use septet_review::rules::RuleSet;
use septet_review::scan::{FingerprintKey, Limits, Scan, Scanner};

use crate::samples::{Random, expand, scanner, scanner_with};

fn added(path: &str, text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("+{line}\n")).collect();
    format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{lines}", text.lines().count())
}

fn scan(diff: &str) -> Scan {
    scanner().scan(diff.as_bytes(), None, &Limits::default()).expect("a diff")
}

/// As `git diff` printed it for a real commit; the secrets are filled in.
#[test]
fn three_planted_secrets_in_a_git_diff() {
    let template = "diff --git a/deploy/env.sh b/deploy/env.sh
index 3f1a9c2..88be1d0 100755
--- a/deploy/env.sh
+++ b/deploy/env.sh
@@ -10,4 +10,5 @@ set -eu
 region=eu-central-1
-export AWS_PROFILE=dev
+export AWS_ACCESS_KEY_ID=AKIA{B16}
+# see the wiki
 run
 done
diff --git a/src/client.rs b/src/client.rs
new file mode 100644
index 0000000..f00dfee
--- /dev/null
+++ b/src/client.rs
@@ -0,0 +1,3 @@
+fn main() {
+    connect(\"ghp_{a36}\");
+}
diff --git a/tls/server.key b/tls/server.key
index 1..2 100644
--- a/tls/server.key
+++ b/tls/server.key
@@ -1,3 +1,6 @@
 # key
+-----BEGIN RSA PRIVATE KEY-----
+{b64}
+{b64}
 # kept
+-----END RSA PRIVATE KEY-----
-old
";
    let sample = expand(template, &mut Random::new(11));
    let scan = scan(&sample.text);
    let found: Vec<_> = scan
        .findings
        .iter()
        .map(|one| (one.file.as_str(), one.line, one.rule_id.as_str(), one.severity))
        .collect();
    assert_eq!(
        found,
        [
            ("deploy/env.sh", 11, "aws-access-key-id", Severity::High),
            ("src/client.rs", 2, "github-personal-token", Severity::Critical),
            ("tls/server.key", 2, "private-key-rsa", Severity::Critical),
        ]
    );
    let excerpts: Vec<_> = scan.findings.iter().map(|one| one.excerpt.as_str()).collect();
    let expected = [
        "export AWS_ACCESS_KEY_ID=[redacted]",
        "connect(\"[redacted]\");",
        "-----BEGIN RSA PRIVATE KEY-----",
    ];
    assert_eq!(excerpts, expected);
    assert_eq!((scan.files, scan.lines), (3, 9));
    assert_eq!(Policy::default().judge(&scan.findings).verdict, Verdict::Fail);
}

#[test]
fn only_added_lines_count() {
    let token = expand("ghp_{a36}", &mut Random::new(1)).text;
    let diff = format!("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n {token}\n-{token}\n+harmless\n");
    assert!(scan(&diff).findings.is_empty());
}

#[test]
fn each_secret_of_a_line_is_hidden_in_every_excerpt_of_it() {
    let sample = expand("a=ghp_{a36} b=npm_{a36} again {n0}", &mut Random::new(5));
    let line = sample.text.trim().to_owned() + " npm_" + &sample.parts[1] + "x";
    let scan = scan(&added("f", &line));
    assert_eq!(scan.findings.len(), 2);
    for finding in &scan.findings {
        assert_eq!(finding.excerpt, "a=[redacted] b=[redacted] again [redacted]x");
    }
}

#[test]
fn what_a_losing_rule_found_is_hidden_too() {
    let rules = "[[rules]]\nid='specific'\nregex='key-[0-9]{8}'\ntags=['severity:critical']\n[[rules]]\nid='wide'\nregex='pre\\w+ key-[0-9]{4}'\n";
    let scan =
        scanner_with(RuleSet::from_toml(rules).expect("rules")).scan_text("f", b"x prefix key-12345678 y");
    assert_eq!(scan.findings.len(), 1);
    assert_eq!(
        (scan.findings[0].rule_id.as_str(), scan.findings[0].excerpt.as_str()),
        ("specific", "x [redacted] y")
    );
}

#[test]
fn one_secret_is_one_finding_of_the_best_rule() {
    let rules = |first: &str, second: &str| {
        let rule = |id: &str, severity: &str| {
            format!("[[rules]]\nid='{id}'\nregex='abc[0-9]+'\ntags=['severity:{severity}']\n")
        };
        let (id, severity) = first.split_once(' ').expect("id and severity");
        let (other, another) = second.split_once(' ').expect("id and severity");
        let set = RuleSet::from_toml(&(rule(id, severity) + &rule(other, another))).expect("rules");
        scanner_with(set)
            .scan_text("f", b"abc123")
            .findings
            .into_iter()
            .map(|one| one.rule_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(rules("generic-a critical", "b low"), ["b"], "form before surroundings");
    assert_eq!(rules("a low", "b high"), ["b"], "then severity");
    assert_eq!(rules("a low", "b low"), ["a"], "then the order of the file");
}

#[test]
fn a_remark_keeps_a_line_back() {
    let token = expand("ghp_{a36}", &mut Random::new(1)).text;
    for remark in ["septet:allow", "gitleaks:allow"] {
        let scan = scan(&added("f", &format!("{token} # {remark}\n{token}")));
        assert_eq!((scan.findings.len(), scan.suppressed), (1, 1));
        assert_eq!(scan.findings[0].line, 2);
    }
}

#[test]
fn fingerprints_follow_the_secret_and_need_the_key() {
    let token = expand("ghp_{a36}", &mut Random::new(1)).text;
    let other = expand("ghp_{a36}", &mut Random::new(2)).text;
    let print = |path: &str, text: &str| scan(&added(path, text)).findings[0].fingerprint.clone();
    let first = print("f", &token);
    assert_eq!(first.len(), 64);
    assert_eq!(first, print("f", &format!("moved\n  x = {token}")));
    assert_ne!(first, print("g", &token));
    assert_ne!(first, print("f", &other));
    let keyed =
        Scanner::new(RuleSet::builtin().expect("rules"), FingerprintKey::new([8; 32])).expect("scanner");
    assert_ne!(first, keyed.scan_text("f", token.as_bytes()).findings[0].fingerprint);
    assert_eq!(format!("{:?}", FingerprintKey::new([8; 32])), "FingerprintKey([redacted])");
}

/// RFC 2104 through another implementation: Python's `hmac` over the same message gave this.
#[test]
fn the_fingerprint_is_hmac_sha256() {
    let rules = RuleSet::from_toml("[[rules]]\nid='r'\nregex='k=([a-z]+)'").expect("rules");
    let finding = &scanner_with(rules).scan_text("f.txt", b"k=abcdef").findings[0];
    assert_eq!(finding.fingerprint, "eb053bbf60ed8918a9dc3ff944327de2d2e2233b8d4f638024ae9d1f6f30e339");
}

#[test]
fn excerpts_are_short_printable_and_around_the_finding() {
    let token = expand("ghp_{a36}", &mut Random::new(1)).text;
    let long = format!("{}\u{1b}[31m\u{202e}{token}\u{7}{}", "ä".repeat(5_000), "ö".repeat(5_000));
    let excerpt = scan(&added("f", &long)).findings[0].excerpt.clone();
    assert!(excerpt.chars().count() <= 160, "{excerpt}");
    assert!(
        excerpt.starts_with('…') && excerpt.ends_with('…') && excerpt.contains(" [31m [redacted] "),
        "{excerpt}"
    );
    assert!(!excerpt.chars().any(char::is_control));
    let mut raw = b"--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+\xff\xfe".to_vec();
    raw.extend_from_slice(token.as_bytes());
    let scan = scanner().scan(&raw, None, &Limits::default()).expect("a diff");
    assert_eq!(scan.findings[0].excerpt, "\u{fffd}\u{fffd}[redacted]");
}

#[test]
fn a_flood_cannot_push_out_a_severe_finding() {
    let mut random = Random::new(9);
    let mut text: String = (0..50).map(|_| expand("sk_test_{a24}\n", &mut random).text).collect();
    text += &expand("ghp_{a36}", &mut random).text;
    let limits = Limits { max_findings: 5, ..Limits::default() };
    let scan = scanner().scan(added("f", &text).as_bytes(), None, &limits).expect("a diff");
    assert_eq!((scan.findings.len(), scan.omitted), (5, 46));
    assert_eq!(scan.findings[4].rule_id, "github-personal-token");
}

#[test]
fn a_cut_off_diff_is_an_error_without_its_content() {
    let token = expand("ghp_{a36}", &mut Random::new(1)).text;
    let diff = format!("--- a/x\n+++ b/x\n@@ -0,0 +1,9 @@\n+{token}\n");
    let error = scanner().scan(diff.as_bytes(), None, &Limits::default()).expect_err("cut off");
    assert_eq!(error.to_string(), "line 4 of the diff: the diff ends inside a hunk; it was cut off");
    assert!(!format!("{error:?}").contains(&token));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands around planted secrets, nothing that a scan returns shows one.
    #[test]
    fn no_output_shows_a_planted_secret(
        seed in 0u64..1_000_000,
        before in "[ -~äß\u{0}-\u{1f}]{0,200}",
        between in "[ -~]{0,60}",
        after in "[ -~äß]{0,200}",
    ) {
        // Separated by a blank, so that both have the form that a rule knows.
        let sample = expand("ghp_{a36}|password = \"{w24}\"|xoxb-{d12}-{d12}-{a24}", &mut Random::new(seed));
        let [one, two, three] = sample.text.split('|').collect::<Vec<_>>()[..] else { unreachable!() };
        let text = format!("{before} {one} {between} {three} {two} {one} {after}").replace(['\n', '\r'], " ");
        let scan = scan(&added("f", &text));
        let shown = format!("{scan:?}");
        prop_assert!(!shown.contains(one), "{}", shown);
        prop_assert!(!shown.contains(three), "{}", shown);
        prop_assert!(scan.findings.iter().all(|finding| finding.excerpt.chars().count() <= 160));
        if !text.contains(":allow") {
            prop_assert!(scan.findings.iter().any(|finding| finding.rule_id == "github-personal-token"), "{}", shown);
        }
    }

    #[test]
    fn any_text_is_scanned_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = scanner_of_all().scan_text("f", &bytes);
    }
}

/// Rules that match nearly anything, bytes that are not UTF-8 and line ends included.
fn scanner_of_all() -> Scanner {
    let rules = "[[rules]]\nid='a'\nregex='(?s).(..)'\n[[rules]]\nid='b'\nregex='\\s*(\\S*)\\s'\n[[rules]]\nid='c'\nregex='()'\n[[rules]]\nid='d'\nregex='[^a]+'";
    scanner_with(RuleSet::from_toml(rules).expect("rules"))
}
