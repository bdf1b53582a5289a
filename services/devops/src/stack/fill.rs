//! Captures, and texts that name them as `{name}`.

use std::collections::BTreeMap;

/// What conditions found, by name.
pub(super) type Captures = BTreeMap<String, String>;

/// Characters of a captured value at most; longer ones are no names and no versions.
const LENGTH: usize = 100;

/// The names that a template asks for.
pub(super) fn names(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

/// A template with its names replaced, or nothing where one of them was not found.
pub(super) fn fill(template: &str, captures: &Captures) -> Option<String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(captures.get(name).filter(|value| value.chars().count() <= LENGTH)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// A template for a shell, whose names must stand for harmless words; but for `name` where the rule itself says it.
pub(super) fn fill_command(template: &str, captures: &Captures, name_is_ours: bool) -> Option<String> {
    let ours = |name: &str| name_is_ours && name == "name";
    let harmless = |name| ours(name) || captures.get(name).is_some_and(|value| is_word(value));
    let harmless = names(template).all(harmless);
    if harmless { fill(template, captures) } else { None }
}

/// True for what a shell, YAML and an expression take for one plain word, and no option.
pub(crate) fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/@+-".contains(&byte);
    !text.is_empty() && text.len() <= 200 && !text.starts_with(['-', '@']) && text.bytes().all(plain)
}

/// A version that begins with a digit, `v` taken away.
pub(super) fn version(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    let fits = text.len() <= 40 && text.starts_with(|first: char| first.is_ascii_digit());
    (fits && text.bytes().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(value: &str) -> Captures {
        Captures::from([("x".to_owned(), value.to_owned())])
    }

    #[test]
    fn what_a_repository_says_cannot_become_a_command() {
        assert_eq!(fill_command("run {x} now", &captures("web/a-1.2"), true).unwrap(), "run web/a-1.2 now");
        for bad in
            ["", "a b", "a;b", "$(id)", "${{ secrets }}", "`id`", "a\nb", "--eval", "@args", "é", "a'b"]
        {
            assert_eq!(fill_command("run {x}", &captures(bad), true), None, "{bad}");
        }
        assert_eq!(fill("{y}", &captures("1")), None);
    }

    #[test]
    fn versions_are_versions() {
        assert_eq!(version(" v20.11.0 ").as_deref(), Some("20.11.0"));
        for bad in ["", "latest", "1 2", "${{x}}", "1;id", "lts/*"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }
}
