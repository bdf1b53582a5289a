use std::path::PathBuf;

/// What is wrong with the configuration. One line that names the key, where it was set, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("cannot read the configuration file {}: {reason}", path.display())]
    File {
        /// Path as given.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{} is not valid TOML: {reason}", path.display())]
    Syntax {
        /// Path as given.
        path: PathBuf,
        /// Line and what is wrong.
        reason: String,
    },
    /// A key is unknown or has a wrong value.
    #[error("configuration key `{key}`{origin}: {problem}")]
    Key {
        /// Path of the key, with dots.
        key: String,
        /// ` (set in …)`, or nothing for a default.
        origin: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// Words for the kinds of figment's errors.
pub(super) fn problem(kind: &figment::error::Kind) -> String {
    use figment::error::Kind;
    match kind {
        Kind::UnknownField(name, known) => match nearest(name, known) {
            Some(near) => format!("there is no such key; did you mean `{near}`?"),
            None => format!("there is no such key; known are {}", known.join(", ")),
        },
        Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
        Kind::InvalidType(actual, expected) => format!("must be {expected}, but is {}", kind_of(actual)),
        Kind::InvalidValue(_, expected) => format!("must be {expected}"),
        Kind::MissingField(name) => format!("`{name}` is missing"),
        other => other.to_string(),
    }
}

/// The type only: a value may be something that was meant to be secret.
fn kind_of(actual: &figment::error::Actual) -> &'static str {
    use figment::error::Actual;
    match actual {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "an integer",
        Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) => "a string",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

/// The known key that differs from `name` in at most two places.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().map(|key| (distance(name, key), *key)).filter(|(far, _)| *far <= 2).min().map(|(_, key)| key)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.chars().enumerate() {
            let substitute = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[row.len() - 1]
}
