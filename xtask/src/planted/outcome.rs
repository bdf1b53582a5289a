use std::fmt;

/// What became of one test while a fault was switched on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// It turned red, here and for this reason.
    Caught(String),
    /// It stayed green.
    NotCaught,
    /// It needs a server that is absent.
    Skipped,
    /// It turned red, and not because of what it asserts.
    Broken(String),
}

impl Outcome {
    /// From what the test's process printed.
    pub(super) fn read(output: &str, test: &str) -> Self {
        if output.lines().any(|line| line.contains("SKIPPED ")) {
            return Self::Skipped;
        }
        if output.lines().any(|line| line == format!("test {test} ... ok")) {
            return Self::NotCaught;
        }
        let Some((place, reason)) = first_panic(output) else {
            return Self::Broken(output.lines().last().unwrap_or("it printed nothing").to_owned());
        };
        // A server that does not start, or a fixture that cannot be made, says nothing about the fault.
        let asserted = place.contains("tests/core/") || place.contains("testkit/src/eventually.rs");
        let file = place.rsplit('/').next().unwrap_or(&place);
        let said = if reason.is_empty() { file.to_owned() } else { format!("{file} {reason}") };
        if asserted { Self::Caught(said) } else { Self::Broken(said) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught(reason) => write!(f, "caught: {reason}"),
            Self::NotCaught => f.write_str("NOT CAUGHT"),
            Self::Skipped => f.write_str("NOT RUN: a server is absent"),
            Self::Broken(reason) => write!(f, "BROKEN: {reason}"),
        }
    }
}

/// Place and message of the first panic.
fn first_panic(output: &str) -> Option<(String, String)> {
    let mut lines = output.lines().skip_while(|line| !line.contains(" panicked at "));
    let (_, place) = lines.next()?.split_once(" panicked at ")?;
    // File and line, without the column.
    let line = place.split(':').take(2).collect::<Vec<_>>().join(":");
    let message = lines.next().unwrap_or_default();
    // Without a message of its own an assertion shows the two values.
    let values: Vec<&str> = lines
        .take_while(|line| line.starts_with("  left: ") || line.starts_with(" right: "))
        .map(str::trim)
        .collect();
    let message = match message.strip_prefix("assertion `left == right` failed") {
        Some("") => values.join(", "),
        Some(own) => own.trim_start_matches(": ").to_owned(),
        None => message.to_owned(),
    };
    Some((line, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_red_test_says_where_and_why() {
        let red = |place: &str, message: &str| {
            format!(
                "running 1 test\n\nthread 'x' (7) panicked at {place}:48:5:\n{message}\nstack\ntest x ... FAILED"
            )
        };
        for (place, message, expected) in [
            ("libs/messaging/tests/core/kill.rs", "nothing left", "kill.rs:48 nothing left"),
            (
                "libs/messaging/tests/core/kill.rs",
                "assertion `left == right` failed\n  left: [\"a\"]\n right: []",
                "kill.rs:48 left: [\"a\"], right: []",
            ),
            (
                "libs/messaging/tests/core/kill.rs",
                "assertion `left == right` failed: each once\n  left: 1\n right: 2",
                "kill.rs:48 each once",
            ),
            (
                "libs/testkit/src/eventually.rs",
                "waited 4s in vain: x",
                "eventually.rs:48 waited 4s in vain: x",
            ),
        ] {
            assert_eq!(Outcome::read(&red(place, message), "x"), Outcome::Caught(expected.to_owned()));
        }
        let server = red("libs/testkit/src/servers/postgres.rs", "no connection");
        assert_eq!(Outcome::read(&server, "x"), Outcome::Broken("postgres.rs:48 no connection".to_owned()));
    }

    #[test]
    fn green_absent_and_killed_tests_are_told_apart() {
        assert_eq!(Outcome::read("test x ... ok\n", "x"), Outcome::NotCaught);
        assert_eq!(Outcome::read("SKIPPED PostgreSQL: no\ntest x ... ok\n", "x"), Outcome::Skipped);
        assert_eq!(Outcome::read("running 1 test\n", "x"), Outcome::Broken("running 1 test".to_owned()));
    }
}
