//! The gate.

use septet_review::finding::{Finding, Severity};
use septet_review::policy::{Policy, Verdict};

fn finding(rule: &str, file: &str, severity: Severity) -> Finding {
    Finding {
        file: file.to_owned(),
        line: 3,
        rule_id: rule.to_owned(),
        description: "d".to_owned(),
        severity,
        excerpt: "e".to_owned(),
        fingerprint: "ab".repeat(32),
    }
}

fn policy(text: &str) -> Policy {
    toml::from_str(text).expect(text)
}

#[test]
fn the_default_fails_from_high_on() {
    let policy = policy("");
    let judge = |severities: &[Severity]| {
        let findings: Vec<_> = severities.iter().map(|severity| finding("r", "f", *severity)).collect();
        let judgement = policy.judge(&findings);
        assert!(!judgement.reason.contains('\n'));
        (judgement.verdict, judgement.reason)
    };
    assert_eq!(judge(&[]), (Verdict::Pass, "no findings".to_owned()));
    let (verdict, reason) = judge(&[Severity::Low, Severity::Medium]);
    assert_eq!(
        (verdict, reason.as_str()),
        (Verdict::Warn, "2 findings below severity high; worst: medium r at f:3")
    );
    let (verdict, reason) = judge(&[Severity::Low, Severity::High]);
    assert_eq!(
        (verdict, reason.as_str()),
        (Verdict::Fail, "1 finding of severity high or above; worst: high r at f:3")
    );
    assert!(Verdict::Pass < Verdict::Warn && Verdict::Warn < Verdict::Fail);
}

#[test]
fn thresholds_and_numbers() {
    let low = [finding("r", "f", Severity::Low), finding("r", "g", Severity::Low)];
    assert_eq!(policy("fail_on = 'low'").judge(&low).verdict, Verdict::Fail);
    assert_eq!(policy("max_findings = 2").judge(&low).verdict, Verdict::Warn);
    let judgement = policy("max_findings = 1").judge(&low);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.reason.starts_with("2 findings, more than the 1 allowed"), "{}", judgement.reason);
}

#[test]
fn allowed_findings_do_not_count() {
    let found = [finding("aws", "tests/data/a.txt", Severity::Critical)];
    let verdict = |text: &str| policy(text).judge(&found).verdict;
    assert_eq!(verdict(&format!("allow = [{{ fingerprint = '{}' }}]", "ab".repeat(32))), Verdict::Pass);
    assert_eq!(verdict(&format!("allow = [{{ fingerprint = '{}' }}]", "cd".repeat(32))), Verdict::Fail);
    for (glob, allowed) in [
        ("tests/**", true),
        ("**/*.txt", true),
        ("**/a.txt", true),
        ("tests/*/a.???", true),
        ("tests/data/a.txt", true),
        ("tests/*", false),
        ("*.txt", false),
        ("data/**", false),
        ("tests/data/a?txt?", false),
    ] {
        let expected = if allowed { Verdict::Pass } else { Verdict::Fail };
        assert_eq!(verdict(&format!("allow = [{{ path = '{glob}' }}]")), expected, "{glob}");
    }
    assert_eq!(verdict("allow = [{ path = 'tests/**', rule = 'aws' }]"), Verdict::Pass);
    assert_eq!(verdict("allow = [{ path = 'tests/**', rule = 'other' }]"), Verdict::Fail);
    assert!(policy("allow = [{ path = '**' }]").judge(&found).reason.contains("1 allowed by the policy"));
}

#[test]
fn mistakes_are_named() {
    for (text, reason) in [
        ("fail = 'low'", "unknown field `fail`"),
        ("fail_on = 'hihg'", "unknown variant `hihg`"),
        ("allow = [{ rule = 'aws' }]", "names neither `fingerprint` nor `path`"),
        ("allow = [{ fingerprint = 'abc' }]", "64 lower-case hexadecimal digits"),
        ("allow = [{ path = 'a', pth = 'b' }]", "unknown field `pth`"),
    ] {
        let error = toml::from_str::<Policy>(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn a_policy_is_written_as_it_is_read() {
    let written = toml::to_string(&policy("fail_on = 'low'\nallow = [{ path = 'a/**' }]")).expect("TOML");
    assert_eq!(toml::to_string(&policy(&written)).expect("TOML"), written);
}
