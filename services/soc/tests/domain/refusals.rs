//! What is no rule is rejected by itself, with its line and the reason.

use septet_soc::sigma::{Placeholders, RuleSet, load::add_directory};

use crate::bed::{refused, rule};

fn rejected(text: &str) -> (u32, String) {
    let mut set = RuleSet::default();
    set.add("rule.yml", text, &Placeholders::new());
    assert!(set.rules().is_empty(), "taken: {text}");
    let error = set.rejected()[0].error.clone();
    (error.line, error.reason)
}

#[test]
fn detections_that_mean_nothing() {
    for (detection, line, words) in [
        ("selection:\n    f|like: x\ncondition: selection", 2, "no modifier `like`"),
        ("selection:\n    a: 1\n    f|re: '(?=x)y'\ncondition: selection", 3, "look-around"),
        ("selection:\n    f|re: 'a{1000}{1000}'\ncondition: selection", 2, "more than"),
        ("selection:\n    f|i: x\ncondition: selection", 2, "modifier of `re`"),
        ("selection:\n    f|re|contains: x\ncondition: selection", 2, "takes no text"),
        ("selection:\n    f|cidr|re: x\ncondition: selection", 2, "exclude each other"),
        ("selection:\n    f|cidr: 10.0.0.0/33\ncondition: selection", 2, "no network"),
        ("selection:\n    f|exists: maybe\ncondition: selection", 2, "true or false"),
        ("selection:\n    f|gt: many\ncondition: selection", 2, "needs a number"),
        ("selection:\n    f|hour: 24\ncondition: selection", 2, "from 0 to 23"),
        ("selection:\n    f|base64: 'a*'\ncondition: selection", 2, "wildcards"),
        ("selection:\n    f|base64offset: ''\ncondition: selection", 2, "too short"),
        ("selection:\n    f|wide: 'ä€'\ncondition: selection", 2, "no text"),
        ("selection:\n    f|expand: '%unknown%'\ncondition: selection", 2, "%unknown%"),
        ("selection:\n    f|fieldref: 'a*'\ncondition: selection", 2, "wildcards"),
        ("selection:\n    f|contains|all: x\ncondition: selection", 2, "at least two"),
        ("selection:\n    f:\n        - ''\n        - null\ncondition: selection", 3, "null"),
        ("selection:\n    f: []\ncondition: selection", 2, "never match"),
        ("selection:\n    f:\n        g: 1\ncondition: selection", 3, "cannot be a map"),
        ("selection: {}\ncondition: selection", 1, "always match"),
        ("selection: []\ncondition: selection", 1, "never match"),
        ("selection:\n    - - a\ncondition: selection", 2, "list in a list"),
        ("selection:\n    '|exists': true\ncondition: selection", 2, "needs a field"),
        ("selection:\n    a: 1\ntimeframe: 5m\ncondition: selection", 3, "correlation"),
    ] {
        let (at, reason) = refused(detection);
        assert!(reason.contains(words), "{detection}\n{reason}");
        assert_eq!(at, line, "{detection}\n{reason}");
    }
}

#[test]
fn conditions_that_mean_nothing() {
    let deep = format!("{}s{}", "(".repeat(100), ")".repeat(100));
    for (condition, words) in [
        ("other", "no search identifier `other`"),
        ("s and", "ends where"),
        ("s s", "not expected"),
        ("(s", "`)` is missing"),
        ("s)", "not expected"),
        ("1 of x*", "means no search identifier"),
        ("some of s*", "write `1`"),
        ("2 of s*", "there are 1"),
        ("0 of s*", "there are 1"),
        ("1 of", "what?"),
        ("s | count() > 5", "correlation"),
        (&deep, "deeper"),
        ("[]", "must be text"),
    ] {
        let (line, reason) = refused(&format!(
            "s:\n    a: 1\ncondition: {}",
            if condition == "[]" { condition.to_owned() } else { format!("'{condition}'") }
        ));
        assert!(line == 3 && reason.contains(words), "{condition}: {line} {reason}");
    }
    assert!(refused("s:\n    a: 1").1.contains("`condition` is missing"));
}

#[test]
fn documents_that_are_no_rule() {
    let good = rule("s:\n    a: 1\ncondition: s");
    for (text, line, words) in [
        (good.replace("title: A rule\n", ""), 1, "`title`"),
        (good.replace("level: high", "level: urgent"), 9, "`level`"),
        (good.replace("    product: test", "    definition: x"), 4, "none of `product`"),
        (format!("{good}status: deprecated\n"), 10, "deprecated"),
        (format!("{good}taxonomy: ecs\n"), 10, "taxonomy"),
        (format!("{good}title: Twice\n"), 10, "uplicate"),
        ("title: x\ncorrelation:\n    type: event_count\n".to_owned(), 3, "correlation"),
        ("- a\n".to_owned(), 1, "a list"),
        ("a: [\n".to_owned(), 1, "YAML"),
        (String::new(), 1, "empty"),
        ("a: b\n".repeat(300_000), 1, "more than"),
        (format!("a: {}x{}", "[".repeat(500), "]".repeat(500)), 1, "YAML"),
    ] {
        let (at, reason) = rejected(&text);
        let shown: String = text.chars().take(300).collect();
        assert!(reason.contains(words), "{shown}\n{reason}");
        assert_eq!(at, line, "{shown}\n{reason}");
    }
}

#[test]
fn one_bad_rule_does_no_harm_to_the_others() {
    let good = |id: &str| rule("s:\n    a: 1\ncondition: s").replace("id: a", &format!("id: {id}"));
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a.yml", good("one").as_bytes());
    write("b/two.yaml", format!("{}---\n{}---\n{}", good("two"), "title: bad\n", good("three")).as_bytes());
    write("c.yml", b"\xFF\xFE");
    write("d.yml", good("one").as_bytes());
    write(".hidden.yml", good("four").as_bytes());
    write("notes.txt", b"no rule");
    let mut set = RuleSet::default();
    add_directory(&mut set, directory.path(), &Placeholders::new()).unwrap();
    let ids: Vec<_> = set.rules().iter().map(|loaded| loaded.rule.id.as_str()).collect();
    assert_eq!(ids, ["one", "two", "three"]);
    let rejected: Vec<_> =
        set.rejected().iter().map(|it| (&*it.file, it.error.line, it.error.reason.as_str())).collect();
    let [(b, 11, detection), ("c.yml", 1, utf8), ("d.yml", 1, twice)] = rejected.as_slice() else {
        panic!("{rejected:?}")
    };
    assert!(b.ends_with("two.yaml") && detection.contains("`detection`"), "{detection}");
    assert!(utf8.contains("UTF-8") && twice.contains("a.yml:1"), "{utf8} {twice}");
}
