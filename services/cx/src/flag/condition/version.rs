use serde_json::Value;

/// A version as a text whose order is that of versions: numbers padded, builds left out, and a release after its
/// pre-releases.
pub(super) fn sortable(version: &Value) -> String {
    let text = match version {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(_) => super::value::to_text(version),
        _ => "0".to_owned(),
    };
    let text = text.strip_prefix('v').unwrap_or(&text);
    let text = text.split('+').next().unwrap_or_default();
    let mut parts: Vec<&str> = text.split(['-', '.']).collect();
    if parts.len() == 3 {
        // Sorts after every letter and digit.
        parts.push("~");
    }
    let padded = parts.iter().map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { format!("{part:>5}") } else { (*part).to_owned() }
    });
    padded.collect::<Vec<_>>().join("-")
}
