//! Each modifier by itself and with others.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::bed::{fulfils, line};

#[test]
fn contains_startswith_endswith() {
    let event = || json!({"f": "C:\\Windows\\System32\\CMD.exe"});
    assert!(line(r"f|contains: '\system32\'", event()));
    assert!(line(r"f|startswith: 'c:\windows'", event()));
    assert!(line(r"f|endswith: '\cmd.exe'", event()));
    assert!(!line(r"f|startswith: 'cmd'", event()));
    assert!(!line(r"f|endswith: 'windows'", event()));
    assert!(!line(r"f: 'windows'", event()));
    assert!(line("f|contains: '*sys?em*cmd'", event()));
    assert!(line("f|contains: 4625", json!({"f": "event 4625 happened"})));
    assert!(line("f|startswith: ''", json!({"f": ""})) && !line("f|startswith: ''", json!({"g": "x"})));
}

#[test]
fn all_asks_for_every_value() {
    let rule = "f|contains|all: [one, two]";
    assert!(line(rule, json!({"f": "two and one"})));
    assert!(!line(rule, json!({"f": "one"})));
    assert!(line(rule, json!({"f": ["one", "two"]})), "each value in some value of a list");
}

#[test]
fn cased_minds_case() {
    assert!(line("f|cased: Abc", json!({"f": "Abc"})));
    assert!(!line("f|cased: Abc", json!({"f": "abc"})));
    assert!(line("f|contains|cased: 'B?'", json!({"f": "aBc"})));
    assert!(!line("f|contains|cased: 'B?'", json!({"f": "abc"})));
    assert!(line("f: straße Ä", json!({"f": "STRAßE ä"})), "without it, letters beyond ASCII fold too");
}

#[test]
fn re_is_searched_for_and_minds_case_unless_told() {
    assert!(line("f|re: '[a-z]{3}$'", json!({"f": "1abc"})));
    assert!(!line("f|re: 'abc'", json!({"f": "ABC"})));
    assert!(line("f|re|i: 'abc'", json!({"f": "xABCx"})));
    assert!(!line("f|re: '^b'", json!({"f": "a\nb"})) && line("f|re|m: '^b'", json!({"f": "a\nb"})));
    assert!(!line("f|re: 'a.b'", json!({"f": "a\nb"})) && line("f|re|s: 'a.b'", json!({"f": "a\nb"})));
    assert!(line("f|re|i|m|s: '^B.C$'", json!({"f": "a\nb\nc"})));
    assert!(line("f|re: '^46'", json!({"f": 4625})), "numbers have a text");
    assert!(line(r"f|re: '\*\\'", json!({"f": "*\\"})), "wildcards and escapes are the expression's own");
}

#[test]
fn cidr_takes_both_kinds_of_address() {
    assert!(line("f|cidr: 10.0.0.0/8", json!({"f": "10.200.0.1"})));
    assert!(!line("f|cidr: 10.0.0.0/8", json!({"f": "11.0.0.1"})));
    assert!(line("f|cidr: 10.0.0.0/8", json!({"f": "::ffff:10.1.2.3"})));
    assert!(line("f|cidr: [fe80::/10, '::1/128']", json!({"f": "fe80::1"})));
    assert!(line("f|cidr: 192.168.1.1", json!({"f": "192.168.1.1"})));
    assert!(!line("f|cidr: '::/0'", json!({"f": "10.0.0.1"})));
    assert!(!line("f|cidr: 0.0.0.0/0", json!({"f": "not an address"})));
}

#[test]
fn base64_and_its_offsets() {
    assert!(line("f|base64: 'Hello*'".replace('*', "").as_str(), json!({"f": "SGVsbG8="})));
    assert!(line("f|base64|contains: 'http://'", json!({"f": "x aHR0cDovLw== y"})));
    for before in 0..3 {
        for after in 0..3 {
            let whole = format!("{}curl evil.example{}", "<".repeat(before), "%".repeat(after));
            let event = json!({"f": format!("x={}", STANDARD.encode(whole))});
            assert!(line("f|base64offset|contains: 'curl evil.example'", event), "{before} {after}");
        }
    }
    let other = json!({"f": STANDARD.encode("wget evil.example")});
    assert!(!line("f|base64offset|contains: 'curl evil.example'", other));
}

#[test]
fn utf16_in_all_its_forms() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let encoded = |bytes: Vec<u8>| json!({"f": STANDARD.encode(bytes)});
    for modifier in ["wide", "utf16le"] {
        assert!(line(&format!("f|{modifier}|base64offset|contains: 'IEX (Ü'"), encoded(wide("x IEX (Ü y"))));
        assert!(line(&format!("f|{modifier}: ab"), json!({"f": "a\0b\0"})));
        assert!(line(&format!("f|{modifier}|contains: 'a*b'"), json!({"f": "xa\0--b\0x"})));
    }
    assert!(line("f|utf16be|base64offset|contains: IEX", encoded(big("123IEX"))));
    assert!(!line("f|utf16be|base64offset|contains: IEX", encoded(wide("IEX"))));
    let marked = [vec![0xFF, 0xFE], wide("cmd")].concat();
    assert!(line("f|utf16|base64: cmd", encoded(marked)));
}

#[test]
fn windash_takes_every_dash_of_an_option() {
    for dash in ["-", "/", "–", "—", "―"] {
        assert!(
            line("f|windash|contains: ' -enc '", json!({"f": format!("powershell {dash}ENC x")})),
            "{dash}"
        );
        assert!(line("f|contains|windash: ' /s /all'", json!({"f": format!("x {dash}s /all")})), "{dash}");
    }
    assert!(!line("f|windash|contains: ' -enc '", json!({"f": "powershell +enc x"})));
    assert!(!line("f|windash: 'a-b'", json!({"f": "a/b"})), "a dash inside of a word begins no option");
    assert!(line("f|windash|endswith: '-d*x'", json!({"f": "a /d and x"})));
}

#[test]
fn comparisons_are_of_numbers() {
    for (rule, below, same, above) in [
        ("f|lt: 5", true, false, false),
        ("f|lte: 5", true, true, false),
        ("f|gt: 5", false, false, true),
        ("f|gte: 5", false, true, true),
    ] {
        for (number, expected) in [(4, below), (5, same), (6, above)] {
            assert_eq!(line(rule, json!({"f": number})), expected, "{rule} {number}");
            assert_eq!(line(rule, json!({"f": number.to_string()})), expected, "{rule} \"{number}\"");
        }
    }
    assert!(line("f|gt: 0.5", json!({"f": 0.75})) && line("f|lt: 0.5", json!({"f": "-1e3"})));
    assert!(line("f|gt: 9223372036854775806", json!({"f": 9223372036854775807_i64})), "to the last digit");
    assert!(!line("f|gt: 5", json!({"f": "many"})) && !line("f|lt: 5", json!({"g": 1})));
}

#[test]
fn exists_asks_for_presence_alone() {
    assert!(line("f|exists: true", json!({"f": null})));
    assert!(line("f|exists: true", json!({"f": {}})) && line("f.g|exists: true", json!({"f": {"g": []}})));
    assert!(!line("f|exists: true", json!({"g": 1})));
    assert!(line("f|exists: false", json!({"g": 1})) && !line("f|exists: false", json!({"f": ""})));
}

#[test]
fn expand_puts_values_in_the_place_of_placeholders() {
    assert!(
        line("f|expand: '%servers%'", json!({"f": "SRV-7"}))
            && line("f|expand: '%servers%'", json!({"f": "db1"}))
    );
    assert!(!line("f|expand: '%servers%'", json!({"f": "db2"})));
    assert!(line("f|contains|expand: '@%servers%.'", json!({"f": "x@db1.lan"})));
    assert!(line("f|cidr|expand: '%networks%'", json!({"f": "10.1.1.1"})));
    assert!(line("f|re|expand: '^%servers%$'", json!({"f": "db1"})));
    assert!(line("f: '%servers%'", json!({"f": "%servers%"})), "without it, a per cent sign is one");
    assert!(line(r"f|expand: '\%plain%servers%'", json!({"f": "%plaindb1"})));
    assert!(line("f|expand: '100 % of a%'", json!({"f": "100 % of a%"})));
}

#[test]
fn fieldref_compares_two_fields() {
    assert!(line("f|fieldref: g", json!({"f": "Abc", "g": "aBC"})));
    assert!(!line("f|fieldref: g", json!({"f": "abc", "g": "abd"})));
    assert!(!line("f|fieldref|cased: g", json!({"f": "Abc", "g": "aBC"})));
    assert!(!line("f|fieldref: g", json!({})), "what is absent is the same as nothing");
    assert!(line("f|fieldref: g.h", json!({"f": 7, "g": {"h": "7"}})));
    assert!(line("f|fieldref|endswith: g", json!({"f": "C:\\a.exe", "g": "a.exe"})));
    assert!(line("f|fieldref|startswith: g", json!({"f": "abc", "g": "a"})));
    assert!(line("f|fieldref|contains: g", json!({"f": "abc", "g": "b"})));
}

#[test]
fn neq_asks_for_none_of_the_values() {
    assert!(line("f|neq: a", json!({"f": "b"})) && !line("f|neq: a", json!({"f": "A"})));
    assert!(!line("f|neq: [a, b]", json!({"f": "b"})) && line("f|neq: [a, b]", json!({"f": "c"})));
    assert!(line("f|neq: 5", json!({"f": 6})) && !line("f|neq: 5", json!({"f": "5"})));
    assert!(line("f|fieldref|neq: g", json!({"f": "a", "g": "b"})));
    assert!(!line("f|fieldref|neq: g", json!({"f": "a", "g": "a"})));
    assert!(line("f|neq: a", json!({})), "nothing is different from every value");
}

#[test]
fn parts_of_times() {
    let event = || json!({"t": "2026-03-01T23:59:07.5+02:00"});
    for (rule, expected) in [
        ("t|minute: 59", true),
        ("t|hour: 23", true),
        ("t|hour: 21", false),
        ("t|day: 1", true),
        ("t|week: 9", true),
        ("t|month: 3", true),
        ("t|year: 2026", true),
        ("t|hour|gte: 22", true),
        ("t|hour|lt: 23", false),
        ("t|month: [2, 3]", true),
        ("t|year|neq: 2026", false),
    ] {
        assert_eq!(line(rule, event()), expected, "{rule}");
    }
    for time in [
        json!("2026-03-01 23:59:07.123"),
        json!("2026-03-01 23:59"),
        json!(1_772_409_547),
        json!(1_772_409_547_000_i64),
    ] {
        assert!(line("t|hour: 23", json!({"t": time})) && line("t|minute: 59", json!({"t": time})), "{time}");
    }
    assert!(line("t|day: 1", json!({"t": "2026-03-01"})) && !line("t|hour: 0", json!({"t": "yesterday"})));
}

#[test]
fn modifiers_apply_in_keyword_searches() {
    assert!(fulfils("k:\n    '|all': [one, two]\ncondition: k", json!({"a": "One", "b": {"c": ["TWO"]}})));
    assert!(!fulfils("k:\n    '|all': [one, two]\ncondition: k", json!({"a": "one"})));
    assert!(fulfils("k:\n    '|re': '^a.c$'\ncondition: k", json!({"a": ["x", "abc"]})));
    assert!(!fulfils("k:\n    '|cased': One\ncondition: k", json!({"a": "one"})));
}
