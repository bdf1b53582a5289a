/// True if two pieces of code differ in their spaces and trailing commas at most.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || bare(a) == bare(b)
}

/// As [`same`], where both may be absent.
pub(super) fn same_optional(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn bare(text: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut bare = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        // A space between two words is needed; any other is taste.
        if gap && word(c) && bare.ends_with(word) {
            bare.push(' ');
        }
        gap = false;
        if matches!(c, ')' | ']' | '>') && bare.ends_with(',') {
            bare.pop();
        }
        bare.push(if c == '\'' { '"' } else { c });
    }
    bare
}
