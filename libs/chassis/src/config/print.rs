use std::fmt::Write;

use figment::value::{Dict, Value};

use super::Source;

/// What stands for a value that must not be shown.
const REDACTED: &str = "\"[redacted]\"";

impl Source {
    /// The effective configuration of a process and of the named services: one `key = value` a line, with where the value
    /// was set. What might be secret is not shown.
    pub fn print(&self, services: &[&str]) -> String {
        self.lines(|section| {
            !super::SERVICES.iter().any(|(name, _)| *name == section) || services.contains(&section)
        })
    }

    /// The same for one service's own section only.
    pub(crate) fn print_service(&self, service: &str) -> String {
        self.lines(|section| section == service)
    }

    fn lines(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut root: Dict = self.figment().extract().unwrap_or_default();
        root.retain(|section, _| wanted(section));
        let mut lines = Vec::new();
        flatten("", &root, &mut lines);
        let mut text = String::new();
        for (key, value) in lines {
            let origin = self.origin(&key).unwrap_or_else(|| "default".to_owned());
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{key} = {value}  # {origin}");
        }
        text
    }
}

fn flatten(path: &str, values: &Dict, lines: &mut Vec<(String, String)>) {
    for (name, value) in values {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Dict(_, inner) => flatten(&key, inner, lines),
            value => lines.push((key, if is_secret(name) { REDACTED.to_owned() } else { shown(value) })),
        }
    }
}

/// Settings are named so that this can tell; a path to a secret is not one.
fn is_secret(name: &str) -> bool {
    let words = ["password", "secret", "token", "api_key", "private_key"];
    !name.ends_with("_file") && name != "local_token" && words.iter().any(|word| name.contains(word))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{:?}", without_password(text)),
        Value::Char(_, c) => format!("{c:?}"),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Empty(..) => "none".to_owned(),
        Value::Array(_, items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Num(_, number) => number
            .to_i128()
            .map(|n| n.to_string())
            .or_else(|| number.to_u128().map(|n| n.to_string()))
            .or_else(|| number.to_f64().map(|n| n.to_string()))
            .unwrap_or_default(),
        Value::Dict(_, inner) => format!("{{{} keys}}", inner.len()),
    }
}

/// A URL without the password that it should not have had, before the host or among the parameters.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, parameters) = match rest.split_once('?') {
        Some((rest, _)) => (rest, "?[redacted]"),
        None => (rest, ""),
    };
    match rest.rsplit_once('@').map(|(userinfo, host)| (userinfo.split_once(':'), host)) {
        Some((Some((user, _)), host)) => format!("{scheme}://{user}:[redacted]@{host}{parameters}"),
        // A question mark may have been a part of the password.
        None if parameters.is_empty() || !text.contains('@') => format!("{scheme}://{rest}{parameters}"),
        None => format!("{scheme}://[redacted]"),
        Some((None, _)) => format!("{scheme}://{rest}{parameters}"),
    }
}
