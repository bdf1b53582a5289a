//! Values: wildcards and escapes, numbers, null and empty, lists, fields, keywords.

use proptest::prelude::*;
use serde_json::json;

use crate::bed::{fulfils, line};

#[test]
fn wildcards_and_escapes_are_as_the_specification_has_them() {
    for (value, text, expected) in [
        (r"prog?.exe", "progA.exe", true),
        (r"prog?.exe", "prog.exe", false),
        (r"a*", "a", true),
        (r"antivirus_V*.exe", "antivirus_V21.2.1.exe", true),
        (r"a*b*c", "axbxc", true),
        (r"a*b*c", "axc", false),
        (r"a*ab", "ab", false),
        (r"?*?", "a", false),
        // A plain backslash, single or double.
        (r"a\b", r"a\b", true),
        (r"a\\b", r"a\b", true),
        // An escaped wildcard is a character.
        (r"a\*", "a*", true),
        (r"a\*", "ab", false),
        (r"a\?", "a?", true),
        (r"a\?", "ab", false),
        // An escaped backslash before a wildcard.
        (r"a\\*", r"a\bc", true),
        (r"a\\*", "a*", false),
        // Both escaped.
        (r"a\\\*", r"a\*", true),
        (r"a\\\*", r"a\b", false),
        // Three or four are two.
        (r"\\\srv", r"\\srv", true),
        (r"\\\\srv", r"\\srv", true),
        (r"a\", r"a\", true),
    ] {
        assert_eq!(line(&format!("f: '{value}'"), json!({"f": text})), expected, "{value} {text}");
    }
}

#[test]
fn numbers_truth_null_and_empty() {
    assert!(line("f: 4625", json!({"f": 4625})) && line("f: 4625", json!({"f": "4625"})));
    assert!(line("f: '4625'", json!({"f": 4625})) && !line("f: 4625", json!({"f": 46251})));
    assert!(line("f: 0x17", json!({"f": 23})) && line("f: 1.5", json!({"f": "1.50"})));
    assert!(line("f: true", json!({"f": true})) && line("f: true", json!({"f": "True"})));
    assert!(!line("f: true", json!({"f": 1})) && line("f: 'false'", json!({"f": false})));
    assert!(line("f: null", json!({"f": null})) && line("f: null", json!({})));
    assert!(!line("f: null", json!({"f": ""})) && !line("f: null", json!({"f": []})));
    assert!(
        line("f: ''", json!({"f": ""})) && !line("f: ''", json!({})) && !line("f: ''", json!({"f": null}))
    );
    assert!(
        !line("f: ''", json!({"f": "x"})) && line("f: '*'", json!({"f": "x"})) && !line("f: '*'", json!({}))
    );
    let not_null = "selection:\n    a: 1\nfilter:\n    f: null\ncondition: selection and not filter";
    assert!(fulfils(not_null, json!({"a": 1, "f": "x"})) && !fulfils(not_null, json!({"a": 1})));
}

#[test]
fn lists_are_alternatives_and_maps_are_conjunctions() {
    assert!(line("f: [a, 2]", json!({"f": 2})) && !line("f: [a, 2]", json!({"f": 3})));
    let map = "selection:\n    a: 1\n    b: 2\ncondition: selection";
    assert!(fulfils(map, json!({"a": 1, "b": 2})) && !fulfils(map, json!({"a": 1, "b": 3})));
    let maps = "selection:\n    - a: 1\n      b: 2\n    - c: 3\ncondition: selection";
    assert!(fulfils(maps, json!({"c": 3})) && fulfils(maps, json!({"a": 1, "b": 2})));
    assert!(!fulfils(maps, json!({"a": 1})));
    let mixed = "selection:\n    - a: 1\n    - word\ncondition: selection";
    assert!(fulfils(mixed, json!({"x": "some words"})) && fulfils(mixed, json!({"a": 1})));
}

#[test]
fn fields_are_members_or_paths_and_lists_stand_for_their_values() {
    let zeek = json!({"id.orig_h": "1.2.3.4", "id": {"orig_h": "5.6.7.8"}});
    assert!(line("id.orig_h: 1.2.3.4", zeek), "a member of that very name comes first");
    assert!(
        line("a.b.c: x", json!({"a": {"b.c": "x"}})) && line("a.b.c: x", json!({"a": {"b": [{"c": "x"}]}}))
    );
    assert!(line("f: b", json!({"f": ["a", ["b"]]})) && !line("f: b", json!({"f": {"b": "b"}})));
    assert!(!line("F: a", json!({"f": "a"})), "names of fields mind case");
    assert!(line("a-b_c.d e: x", json!({"a-b_c": {"d e": "x"}})));
}

#[test]
fn keywords_are_looked_for_in_the_whole_event() {
    let rule = "keywords:\n    - 'event::clear'\n    - 'rm *-rf'\n    - 4625\ncondition: keywords";
    for event in
        [json!({"m": "a EVENT::clear b"}), json!({"m": {"n": ["rm x -rf /"]}}), json!({"EventID": 4625})]
    {
        assert!(fulfils(rule, event.clone()), "{event}");
    }
    assert!(!fulfils(rule, json!({"event::clear": "a name is no value"})));
    assert!(fulfils("k: one\ncondition: k", json!({"m": "someone"})), "a single word needs no list");
}

proptest! {
    /// Any text is found by itself, however it is escaped, and by any pattern that is made of it.
    #[test]
    fn a_text_matches_what_is_made_of_it(text in r"[a-zA-Z\\*?äß.-]{1,12}", cut in 0_usize..12, one in 0_usize..12) {
        let escaped: String = text.chars().map(|c| match c {
            '\\' | '*' | '?' => format!("\\{c}"),
            other => other.to_string(),
        }).collect();
        let own = line(&format!("f: '{escaped}'"), json!({"f": text}));
        prop_assert!(own, "{}", escaped);
        let chars: Vec<char> = text.chars().collect();
        let piece = |from: usize, to: usize| -> String {
            chars[from..to].iter().map(|c| if "\\*?".contains(*c) { format!("\\{c}") } else { c.to_string() }).collect()
        };
        let (cut, one) = (cut.min(chars.len()), one.min(chars.len() - 1));
        let many = format!("{}*{}", piece(0, cut), piece(cut, chars.len()));
        let with_many = line(&format!("f: '{many}'"), json!({"f": text}));
        prop_assert!(with_many, "{}", many);
        let single = format!("{}?{}", piece(0, one), piece(one + 1, chars.len()));
        let with_one = line(&format!("f: '{single}'"), json!({"f": text}));
        prop_assert!(with_one, "{}", single);
        let longer = line(&format!("f: '{escaped}?'"), json!({"f": text}));
        prop_assert!(!longer, "{}", escaped);
    }
}
