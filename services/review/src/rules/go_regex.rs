//! Go's regular expressions in the syntax of the `regex` crate.
//!
//! Both descend from RE2, so most patterns mean the same. What differs and is translated: `\Q…\E`, octal escapes, `\<`
//! and `\>` (plain characters in Go), `{` that begins no repetition, `[` and `&&` inside brackets. `\w`, `\d`, `\s` and
//! `\b` are ASCII in Go, so patterns are compiled with Unicode off and only what names a character beyond ASCII turns it
//! on for itself. Look-around and back-references exist in neither; the compiler reports them.

use regex::bytes::{Regex, RegexBuilder};

/// Bytes that one compiled pattern may take. gitleaks' own largest takes a few megabytes.
const MAX_COMPILED: usize = 16 << 20;
/// Bytes that the lazy automaton of one pattern may take while it searches. Rules are many, so this stays small.
const MAX_CACHE: usize = 512 << 10;
/// Characters of a pattern.
const MAX_PATTERN: usize = 64 << 10;

/// Compiles a pattern in Go's syntax; the error says why it cannot be.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the pattern has {} bytes, more than the {MAX_PATTERN} allowed", pattern.len()));
    }
    let translated = translate(pattern)?;
    let built = RegexBuilder::new(&translated)
        .unicode(false)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the pattern compiles to more than {limit} bytes; use smaller repetitions")
        }
        // The last line of the message says what is wrong; those before draw the pattern.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the pattern `{pattern}` cannot be used: {last}")
        }
    })
}

/// Rewrites a pattern.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let tail = &rest[character.len_utf8()..];
        rest = match character {
            '\\' => escape(tail, &mut out)?,
            '[' => class(tail, &mut out)?,
            '{' if !repeats(tail) => {
                out.push_str("\\{");
                tail
            }
            other => {
                literal(other, &mut out);
                tail
            }
        };
    }
    Ok(out)
}

/// A character outside brackets, where meta characters keep their meaning.
fn literal(character: char, out: &mut String) {
    if character.is_ascii() {
        out.push(character);
    } else {
        out.push_str(&format!("(?u:{character})"));
    }
}

/// What follows a backslash outside brackets.
fn escape<'p>(rest: &'p str, out: &mut String) -> Result<&'p str, String> {
    let first = rest.chars().next().ok_or("the pattern ends in a backslash")?;
    let tail = &rest[first.len_utf8()..];
    match first {
        'Q' => {
            let (quoted, after) = tail.split_once("\\E").unwrap_or((tail, ""));
            quoted.chars().for_each(|character| match character.is_ascii() {
                true => out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4]))),
                false => literal(character, out),
            });
            return Ok(after);
        }
        'p' | 'P' => {
            let end = property_end(tail)?;
            out.push_str(&format!("(?u:\\{first}{})", &tail[..end]));
            return Ok(&tail[end..]);
        }
        'x' | '0'..='7' => {
            let (character, after) = numeric(rest)?;
            match character.is_ascii() {
                true => out.push_str(&format!("\\x{:02X}", u32::from(character))),
                false => out.push_str(&format!("(?u:\\x{{{:X}}})", u32::from(character))),
            }
            return Ok(after);
        }
        '<' | '>' => out.push(first),
        other => {
            out.push('\\');
            out.push(other);
        }
    }
    Ok(tail)
}

/// Length of what follows `\p`: one letter or a name in braces.
fn property_end(rest: &str) -> Result<usize, String> {
    match rest.strip_prefix('{') {
        Some(name) => name.find('}').map(|end| end + 2).ok_or_else(|| "`\\p{` is not closed".to_owned()),
        None => rest.chars().next().map(char::len_utf8).ok_or_else(|| "`\\p` names no class".to_owned()),
    }
}

/// A character by its number: `x41`, `x{1F600}`, `012`. A single digit from 1 on would be a back-reference.
fn numeric(rest: &str) -> Result<(char, &str), String> {
    let (digits, radix, after) = if let Some(hex) = rest.strip_prefix("x{") {
        let (digits, after) = hex.split_once('}').ok_or("`\\x{` is not closed")?;
        (digits, 16, after)
    } else if let Some(hex) = rest.strip_prefix('x') {
        (hex.get(..2).ok_or("`\\x` needs two hexadecimal digits")?, 16, &hex[2..])
    } else {
        let end = rest.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        if end == 1 && !rest.starts_with('0') {
            return Err("back-references such as `\\1` are not supported".to_owned());
        }
        (&rest[..end], 8, &rest[end..])
    };
    let value = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    value.map(|value| (value, after)).ok_or_else(|| format!("`\\{digits}` is no character's number"))
}

/// Whether `{` begins a repetition: `{2}`, `{2,}` or `{2,5}`. Anything else is a plain brace in Go.
fn repeats(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

/// A bracketed class: each literal is written as a number, so nothing in it can be taken for an operator.
fn class<'p>(rest: &'p str, out: &mut String) -> Result<&'p str, String> {
    let mut inside = String::new();
    let (negated, mut rest) = rest.strip_prefix('^').map_or((false, rest), |tail| (true, tail));
    let mut unicode = false;
    let mut first = true;
    loop {
        if rest.is_empty() {
            return Err("a `[` is not closed".to_owned());
        }
        if let Some(after) = rest.strip_prefix(']').filter(|_| !first) {
            out.push_str(if unicode { "(?u:[" } else { "[" });
            out.push_str(if negated { "^" } else { "" });
            out.push_str(&inside);
            out.push_str(if unicode { "])" } else { "]" });
            return Ok(after);
        }
        first = false;
        if let Some((set, after)) = named_set(rest)? {
            unicode |= set.starts_with("\\p") || set.starts_with("\\P");
            inside.push_str(&set);
            rest = after;
            continue;
        }
        let (low, after) = class_character(rest)?;
        rest = after;
        unicode |= !low.is_ascii();
        inside.push_str(&format!("\\x{{{:X}}}", u32::from(low)));
        if let Some(bound) =
            rest.strip_prefix('-').filter(|bound| !bound.is_empty() && !bound.starts_with(']'))
        {
            let (high, after) = class_character(bound)?;
            rest = after;
            unicode |= !high.is_ascii();
            inside.push_str(&format!("-\\x{{{:X}}}", u32::from(high)));
        }
    }
}

/// `[:alpha:]`, `\d`, `\pL` and the like inside brackets.
fn named_set(rest: &str) -> Result<Option<(String, &str)>, String> {
    if let Some(end) = rest.starts_with("[:").then(|| rest.find(":]")).flatten() {
        return Ok(Some((rest[..end + 2].to_owned(), &rest[end + 2..])));
    }
    let Some(name) = rest.strip_prefix('\\').and_then(|tail| tail.chars().next()) else { return Ok(None) };
    let set = match name {
        'd' => "0-9",
        'D' => "[^0-9]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        's' => "\\t\\n\\x0C\\r\\x20",
        'S' => "[^\\t\\n\\x0C\\r\\x20]",
        'p' | 'P' => {
            let end = 2 + property_end(&rest[2..])?;
            return Ok(Some((rest[..end].to_owned(), &rest[end..])));
        }
        _ => return Ok(None),
    };
    Ok(Some((set.to_owned(), &rest[2..])))
}

/// One character inside brackets, escaped or not.
fn class_character(rest: &str) -> Result<(char, &str), String> {
    let Some(escaped) = rest.strip_prefix('\\') else {
        let character = rest.chars().next().ok_or("a `[` is not closed")?;
        return Ok((character, &rest[character.len_utf8()..]));
    };
    let character = escaped.chars().next().ok_or("the pattern ends in a backslash")?;
    let value = match character {
        'x' | '0'..='7' => return numeric(escaped),
        'a' => '\x07',
        'f' => '\x0c',
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'v' => '\x0b',
        other if other.is_ascii_alphanumeric() => {
            return Err(format!("`\\{other}` has no meaning inside brackets"));
        }
        other => other,
    };
    Ok((value, &escaped[character.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::compile;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).expect(pattern).is_match(text.as_bytes())
    }

    #[test]
    fn what_go_means_differently_keeps_its_meaning() {
        assert!(matches(r"^\Qa.b[\E+$", "a.b[["));
        assert!(!matches(r"^\Qa.b\E$", "axb"));
        assert!(matches(r"^\<a\>$", "<a>"), "in Go these are plain characters");
        assert!(matches(r"^\${name}{{x}}$", "${name}{{x}}"), "braces that repeat nothing");
        assert!(matches(r"^a{2}b{1,}c{1,2}$", "aabbcc"));
        assert!(matches(r"^a{,2}$", "a{,2}"), "Go has no repetition without a lower bound");
        assert!(matches(r"^[[a&&b~~]+$", "[a&b~"), "no set operations inside brackets");
        assert!(matches(r"^[]a]+$", "]a"));
        assert!(matches(r"^[\w.-]+$", "a_1.-"));
        assert!(matches(r"^[+--]+$", "+,-"), "a range up to the dash");
        assert!(matches(r"^[[:alpha:]\d]+$", "a1"));
        assert!(matches(r"^\101\x42\x{43}\x60$", "ABC`"));
        assert!(matches(r"^a(?i)b\z", "aB"), "a flag in the middle holds from there on");
        assert!(matches(r"^\pL[\p{Greek}x]é[é]$", "éπéé"));
        assert!(!matches(r"^\w$", "é"), "classes are ASCII");
        assert!(matches(r"^(?P<name>a)(?:b)(?s:.)$", "ab\n"));
    }

    #[test]
    fn refused_patterns_say_why() {
        for (pattern, reason) in [
            (r"(a)\1", "back-references"),
            (r"(?=a)", "look-around"),
            (r"[a", "not closed"),
            (r"a{1000}{1000}{10}", "smaller repetitions"),
            (r"(a", "unclosed group"),
            (r"\x{110000}", "no character"),
            ("a\\", "backslash"),
        ] {
            let error = compile(pattern).expect_err(pattern);
            assert!(error.contains(reason), "{pattern}: {error}");
        }
    }
}
