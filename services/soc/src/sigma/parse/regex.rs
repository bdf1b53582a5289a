//! Sigma's regular expressions, which are PCRE's, in the syntax of the `regex` crate.
//!
//! What both have means the same but for a few characters, which are translated: `{` that begins no repetition, `[`, `&&`,
//! `--` and `~~` in brackets, `\<`, `\>`, `\e`, `\h`, `\R` and `\Z`. Look-around, back-references, atomic groups and possessive
//! quantifiers need time that grows without bound: such a rule is refused.

use ::regex::{Error, Regex, RegexBuilder};

use super::field::Flags;

/// Bytes that one compiled expression may take.
const MAX_COMPILED: usize = 10 << 20;
/// Bytes that the lazy automaton of one expression may take while it searches.
const MAX_CACHE: usize = 512 << 10;

/// Compiles an expression; the error says why it cannot be.
pub(super) fn compile(pattern: &str, flags: Flags) -> Result<Regex, String> {
    let translated = translate(pattern);
    let built = RegexBuilder::new(&translated)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_takes_all)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(100)
        .build();
    built.map_err(|error| match error {
        Error::CompiledTooBig(limit) => {
            format!("the regular expression compiles to more than {limit} bytes; use smaller repetitions")
        }
        other => {
            // The last line of the message says what is wrong; those before draw the expression.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the regular expression cannot be used: {last}")
        }
    })
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_brackets = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let (text, used) = match c {
            '\\' => escape(rest, in_brackets),
            '[' if in_brackets && !after.starts_with(':') => ("\\[", 1),
            '[' if !in_brackets => {
                in_brackets = true;
                // A bracket right after the opening one is itself a character.
                let opening = ["[^]", "[]"].into_iter().find(|start| rest.starts_with(start));
                match opening {
                    Some("[^]") => ("[^\\]", 3),
                    Some(_) => ("[\\]", 2),
                    None => ("[", 1),
                }
            }
            '[' => {
                // A class such as `[:alpha:]`, which both have; its own brackets close nothing.
                let end = rest.find(":]").map_or(1, |end| end + 2);
                (&rest[..end], end)
            }
            ']' => {
                in_brackets = false;
                ("]", 1)
            }
            '&' | '~' if in_brackets => (if c == '&' { "\\&" } else { "\\~" }, 1),
            '-' if in_brackets && after.starts_with('-') => ("\\-", 1),
            '{' if !in_brackets && !is_repetition(after) => ("\\{", 1),
            _ => (&rest[..c.len_utf8()], c.len_utf8()),
        };
        out.push_str(text);
        rest = &rest[used..];
    }
    out
}

/// The translation of the escape that the text begins with, and how many bytes it has.
fn escape(rest: &str, in_brackets: bool) -> (&str, usize) {
    let Some(c) = rest[1..].chars().next() else { return ("\\\\", 1) };
    let used = 1 + c.len_utf8();
    match c {
        '<' => ("<", used),
        '>' => (">", used),
        'e' => ("\\x1B", used),
        'h' if in_brackets => (" \\t", used),
        'h' => ("[ \\t]", used),
        'R' if !in_brackets => ("(?:\\r\\n|[\\n\\x0B\\f\\r])", used),
        'Z' if !in_brackets => ("\\n?\\z", used),
        // What stands in braces belongs to the escape.
        'p' | 'P' | 'x' if rest[used..].starts_with('{') => {
            let end = rest.find('}').map_or(used, |end| end + 1);
            (&rest[..end], end)
        }
        c if c.is_ascii_alphanumeric() || c.is_ascii_punctuation() => (&rest[..used], used),
        // PCRE takes the escape of any other character for that character.
        _ => (&rest[1..used], used),
    }
}

/// True if what follows a brace makes it a repetition: `3}`, `3,}`, `3,5}`.
fn is_repetition(after: &str) -> bool {
    let Some((inner, _)) = after.split_once('}') else { return false };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        compile(pattern, Flags::default()).unwrap().is_match(text)
    }

    #[test]
    fn what_pcre_writes_otherwise_means_the_same() {
        for (pattern, text) in [
            (r"\<a\>", "<a>"),
            (r"^\{[0-9]{2}\}$", "{12}"),
            ("{a}{2}", "{a}}"),
            ("[[a]b", "[b"),
            ("[]a]+$", "a]"),
            ("^[^]a]$", "b"),
            ("[&&a]", "&"),
            ("[a~~]", "~"),
            (r"[+--]", "-"),
            ("[[:digit:]x]{2}", "1x"),
            (r"a\hb", "a\tb"),
            (r"^\p{Lu}\x{41}$", "ÄA"),
            (r"\/\-\'", "/-'"),
            (r"\D+", "é"),
        ] {
            assert!(found(pattern, text), "{pattern} in {text}");
        }
        assert!(!found("^[^]a]$", "]"));
    }

    #[test]
    fn what_may_take_forever_is_refused_with_the_reason() {
        for pattern in [r"(?=a)b", r"(a)\1", "(?<!a)b", "(?>a)", "a{1000}{1000}"] {
            let reason = compile(pattern, Flags::default()).unwrap_err();
            assert!(reason.starts_with("the regular expression "), "{pattern}: {reason}");
        }
    }
}
