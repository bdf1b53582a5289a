//! jq, without what need not end.

use septet_pipeline::filter::{FilterError, check, run};
use serde_json::json;

#[test]
fn filters_give_what_jq_gives() {
    let input =
        json!({ "items": [{ "name": "a", "n": 1 }, { "name": "b", "n": 5 }], "deep": { "x": [null, "y"] } });
    for (filter, expected) in [
        (".items | length", json!(2)),
        ("[.items[] | select(.n > 2) | .name]", json!(["b"])),
        (".items | map({(.name): .n}) | add", json!({ "a": 1, "b": 5 })),
        (".items[].n", json!([1, 5])),
        ("empty", json!([])),
        ("[.. | strings] | sort", json!(["a", "b", "y"])),
        ("reduce .items[] as $i (0; . + $i.n)", json!(6)),
        (".items | group_by(.n > 2) | map(length)", json!([1, 1])),
        ("[range(3)]", json!([0, 1, 2])),
        ("\"\\(.items[0].name)!\"", json!("a!")),
        (".items | sort_by(-.n) | first.name", json!("b")),
        (".missing // \"none\"", json!("none")),
    ] {
        assert_eq!(run(filter, &input), Ok(expected), "{filter}");
    }
}

#[test]
fn what_need_not_end_or_looks_around_is_refused() {
    for filter in [
        "def f: f; f",
        "repeat(1)",
        "[recurse(.+1)]",
        "env",
        "input",
        "halt",
        "\"\\(env)\"",
        "[while(true; .)]",
    ] {
        assert!(matches!(check(filter), Err(FilterError::Refused(_))), "{filter}: {:?}", check(filter));
    }
    for filter in ["$ENV", "nothing_like_this", ".[", "include \"a\"; ."] {
        assert!(check(filter).is_err(), "{filter}");
    }
    for part in [
        "(",
        "[",
        "{a:",
        "-",
        "if ",
        "try ",
        ".|",
        ".+",
        ". as $x|",
        "reduce . as $x (",
        "\"\\(",
        ".[",
        ".a",
        "..|",
        ".,",
        "//",
    ] {
        for tail in ["", "."] {
            let filter = part.repeat(4_000 / part.len()) + tail;
            // Whatever it gives, it gives.
            let _ = run(&filter, &json!(null));
        }
    }
    assert_eq!(run("range(200000)", &json!(null)), Err(FilterError::TooMany));
    assert_eq!(run("error(\"x\")", &json!(null)), Err(FilterError::Failed));
}
