use serde_json::Value;
use serde_saphyr::{Budget, Options};

/// The documents of a YAML file, anchors and merge keys resolved.
///
/// # Errors
/// Where it is none; never what stands there.
pub(super) fn documents(content: &[u8]) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "is not UTF-8".to_owned())?;
    let mut budget = Budget::default();
    (budget.max_events, budget.max_aliases, budget.max_anchors) = (200_000, 10_000, 1_000);
    let options: Options = serde_saphyr::options! { budget: Some(budget) };
    serde_saphyr::from_multiple_with_options::<Value>(text, options).map_err(|error| match error.location() {
        Some(place) => format!("is not YAML that can be read, in line {}", place.line()),
        None => "is not YAML that can be read, or is over its limits".to_owned(),
    })
}

/// The value at a path of names, such as `spec.template`.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// A text or number as it is written.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A count that is not negative.
pub(super) fn count(value: &Value) -> Option<u32> {
    scalar(value)?.trim().parse().ok()
}

/// The elements of a list; none where it is none.
pub(super) fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
