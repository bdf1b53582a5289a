//! Commands that come as lines for a shell, for programs that are started without one. Pure.

/// The words of a command, with quotes taken off. `None` where only a shell could run it: variables, pipes, redirections,
/// patterns.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.trim().chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => words.extend(word.take()),
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        end if end == letter => break,
                        '$' | '`' | '\\' if letter == '"' => return None,
                        inner => quoted.push(inner),
                    }
                }
            }
            '$' | '`' | '\\' | '|' | '&' | ';' | '<' | '>' | '(' | ')' | '*' | '?' | '[' | ']' | '{'
            | '}' | '#' | '~' | '!' => return None,
            _ if letter.is_control() => return None,
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    // A variable before the program is the shell's as well.
    let is_program = words.first().is_some_and(|first| !first.is_empty() && !first.contains('='));
    is_program.then_some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_plain_command_is_split_and_a_shells_is_not() {
        let words = |line| split(line).map(|words| words.join("|"));
        assert_eq!(words("cargo test --workspace"), Some("cargo|test|--workspace".to_owned()));
        assert_eq!(words("go test ./..."), Some("go|test|./...".to_owned()));
        assert_eq!(
            words("python -m pip install '.[test]' \"a b\"''c"),
            Some("python|-m|pip|install|.[test]|a bc".to_owned())
        );
        for shell in
            ["a | b", "a && b", "a > b", "echo $HOME", "A=b c", "a `b`", "a\nb", "", "a 'b", "ls *", "\"$a\""]
        {
            assert_eq!(words(shell), None, "{shell}");
        }
    }
}
