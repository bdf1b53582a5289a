//! Refuses texts that nest so deeply that a parser, which calls itself for each level, would run out of stack.

/// Brackets in each other at most.
const MAX_BRACKETS: usize = 1_000;
/// Words and signs of one statement, on one level of brackets: operators may nest without any bracket.
const MAX_CHAIN: usize = 30_000;

/// Checks a text without understanding it: brackets and signs within literals count too, which only ever refuses more.
///
/// # Errors
/// Why it is refused.
pub(super) fn check(text: &str, lines_end_statements: bool) -> Result<(), String> {
    // Tokens since the last separator, for each open bracket.
    let mut chains: Vec<usize> = vec![0];
    let mut in_word = false;
    // A block's end is a statement's end, unless the next word goes on with it.
    let mut closed: Option<usize> = None;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let depth = chains.len();
        let chain = chains.last_mut().expect("one for each level, and the first is never taken away");
        let word = byte.is_ascii_alphanumeric() || matches!(byte, b'_') || !byte.is_ascii();
        let starts_word = word && !in_word;
        in_word = word;
        if starts_word && let Some(before) = closed.take() {
            *chain = if bytes[at..].starts_with(b"else") { before } else { 0 };
        }
        match byte {
            b'(' | b'[' | b'{' => {
                closed = None;
                *chain += 1;
                if depth > MAX_BRACKETS {
                    return Err(format!("brackets are more than {MAX_BRACKETS} deep"));
                }
                chains.push(0);
            }
            b')' | b']' | b'}' => {
                // What was left open within a literal is forgotten with the bracket around it.
                if depth > 1 {
                    chains.pop();
                }
                closed = (*byte == b'}').then(|| chains.last().copied().unwrap_or(0));
            }
            b',' | b';' => (*chain, closed) = (0, None),
            b'\n' if lines_end_statements && depth == 1 => (*chain, closed) = (0, None),
            _ if byte.is_ascii_whitespace() => {}
            _ if starts_word || !word => *chain += 1,
            _ => {}
        }
        if chains.last().is_some_and(|chain| *chain > MAX_CHAIN) {
            return Err(format!("a statement has more than {MAX_CHAIN} words and signs"));
        }
    }
    Ok(())
}
