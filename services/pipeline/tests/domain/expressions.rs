//! CEL, and texts with it inside.

use septet_pipeline::expression::{Expression, Scope, Template};
use serde_json::{Value, json};

fn scope() -> Scope {
    Scope::default()
        .with("inputs", json!({ "n": 3, "big": 18_446_744_073_709_551_615_u64, "half": 0.5, "name": "a\"b" }))
        .with(
            "tasks",
            json!({ "fetch": { "state": "succeeded", "outputs": { "items": [1, 2], "odd-key": true } } }),
        )
}

#[test]
fn expressions_see_json_as_people_write_it() {
    for (text, value) in [
        ("inputs.n > 2 && inputs.n == 3", json!(true)),
        ("inputs.n + 1", json!(4)),
        ("inputs.half * 2.0", json!(1.0)),
        ("inputs.big > 5u", json!(true)),
        ("size(tasks.fetch.outputs.items)", json!(2)),
        ("tasks.fetch.outputs['odd-key']", json!(true)),
        ("has(tasks.fetch.outputs.missing)", json!(false)),
        ("tasks.fetch.outputs.items.map(i, i * 2)", json!([2, 4])),
        ("tasks.fetch.state == 'succeeded' ? {'a': inputs.name} : {}", json!({ "a": "a\"b" })),
        ("inputs.name.matches('^a')", json!(true)),
    ] {
        assert_eq!(Expression::new(text).unwrap().evaluate(&scope()), Ok(value), "{text}");
    }
}

#[test]
fn an_error_names_places_and_no_values() {
    let scope = scope().with("secret", json!("hunter2"));
    for (text, words) in [
        ("tasks.other.outputs", "there is no `other`"),
        ("nothing", "nothing here is called `nothing`"),
        ("secret + 1", "operands do not fit"),
        ("inputs.n / 0", "divides by zero"),
        ("secret", "neither true nor false"),
    ] {
        let error = Expression::new(text).unwrap().holds(&scope).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("hunter2"), "{error}");
    }
    assert!(Expression::new("").is_err());
}

#[test]
fn what_is_deeply_nested_is_refused_and_not_followed() {
    for part in [
        "(", "[", "{'a':", "a?", "a?b:", "!", "-", "1+", "a.", "a[0].", "a(", "a&&", "a||b&&", "'", "f(a,",
        "a==",
    ] {
        for tail in ["", "a"] {
            let text = part.repeat(2_000 / part.len()) + tail;
            if let Ok(expression) = Expression::new(&text) {
                // Whatever it gives, it gives.
                let _ = expression.evaluate(&Scope::default().with("a", json!(1)));
            }
        }
    }
    assert!(Expression::new(&format!("{}1{}", "(".repeat(30), ")".repeat(30))).is_ok());
}

#[test]
fn a_template_keeps_types_where_it_is_one_expression() {
    let render = |value: Value| Template::new(value).unwrap().render(&scope());
    assert_eq!(
        render(json!({
            "whole": "${{ tasks.fetch.outputs.items }}", "text": "n=${{ inputs.n }}, ${{ inputs.name }}!",
            "json": "${{ tasks.fetch.outputs.items }} ", "plain": ["a", 1, null], "kept": "$${{ x }}",
            "braces": "${{ {'a': {'b': 1}} }}",
        })),
        Ok(json!({
            "whole": [1, 2], "text": "n=3, a\"b!", "json": "[1,2] ", "plain": ["a", 1, null], "kept": "${{ x }}",
            "braces": { "a": { "b": 1 } },
        }))
    );
    for wrong in ["${{ }}", "${{ a", "${{ a + }}"] {
        assert!(Template::new(json!(wrong)).is_err(), "{wrong}");
    }
}
