use super::{
    RuleError,
    detection::{and, or},
    text::Text,
    yaml::{Node, Yaml},
};
use crate::sigma::{ir::Expr, pattern::Pattern};

/// Bytes of a condition.
const MAX_CONDITION: usize = 8 << 10;
/// Brackets and negations inside each other.
const MAX_DEPTH: usize = 64;

/// The condition of a detection over the search identifiers of these names. Several conditions are alternatives.
pub(super) fn read(detection: &Node, names: &[String]) -> Result<Expr, RuleError> {
    let node =
        detection.get("condition").ok_or_else(|| RuleError::new(detection.line, "`condition` is missing"))?;
    let one = |node: &Node| match &node.value {
        Yaml::Text(text) => {
            parse(text, names).map_err(|reason| RuleError::new(node.line, format!("`condition`: {reason}")))
        }
        _ => Err(RuleError::new(node.line, format!("`condition` must be text, and is {}", node.kind()))),
    };
    match &node.value {
        Yaml::List(conditions) if !conditions.is_empty() => {
            Ok(or(conditions.iter().map(one).collect::<Result<_, _>>()?))
        }
        _ => one(node),
    }
}

fn parse(text: &str, names: &[String]) -> Result<Expr, String> {
    if text.len() > MAX_CONDITION {
        return Err(format!("longer than {MAX_CONDITION} bytes"));
    }
    if text.contains('|') {
        return Err(
            "aggregations (`|`) are no part of Sigma 2, which has correlation rules for them".to_owned()
        );
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, names, depth: 0 };
    let expr = parser.or()?;
    match parser.words.first() {
        None => Ok(expr),
        Some(word) => Err(format!("`{word}` is not expected there")),
    }
}

struct Parser<'c> {
    /// Those still to be read.
    words: &'c [&'c str],
    names: &'c [String],
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expr, String> {
        let mut any = vec![self.and()?];
        while self.take("or") {
            any.push(self.and()?);
        }
        Ok(or(any))
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut all = vec![self.not()?];
        while self.take("and") {
            all.push(self.not()?);
        }
        Ok(and(all))
    }

    fn not(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let expr = if self.take("not") { Expr::Not(Box::new(self.not()?)) } else { self.operand()? };
        self.depth -= 1;
        Ok(expr)
    }

    fn operand(&mut self) -> Result<Expr, String> {
        if self.take("(") {
            let inner = self.or()?;
            return if self.take(")") { Ok(inner) } else { Err("`)` is missing".to_owned()) };
        }
        let Some((word, rest)) = self.words.split_first() else {
            return Err("it ends where a search identifier is expected".to_owned());
        };
        self.words = rest;
        // First, so that an identifier may have the name `all`.
        if self.words.first().is_some_and(|next| next.eq_ignore_ascii_case("of")) {
            self.words = &self.words[1..];
            return self.of(word);
        }
        let number = self.names.iter().position(|name| name == word);
        number.map(Expr::Selection).ok_or_else(|| format!("there is no search identifier `{word}`"))
    }

    fn of(&mut self, quantity: &str) -> Result<Expr, String> {
        let Some((pattern, rest)) = self.words.split_first() else {
            return Err(format!("`{quantity} of` what?"));
        };
        self.words = rest;
        let meant = self.meant(pattern)?;
        if meant.is_empty() {
            return Err(format!("`{pattern}` means no search identifier"));
        }
        let selections: Vec<Expr> = meant.into_iter().map(Expr::Selection).collect();
        match quantity.to_ascii_lowercase().as_str() {
            "all" => Ok(and(selections)),
            "1" | "any" => Ok(or(selections)),
            number => match number.parse::<usize>() {
                Ok(number) if (1..=selections.len()).contains(&number) => {
                    Ok(Expr::AtLeast(number, selections))
                }
                Ok(number) => Err(format!("`{number} of {pattern}`: there are {} of them", selections.len())),
                Err(_) => Err(format!("`{quantity} of`: write `1`, another number, or `all`")),
            },
        }
    }

    /// Numbers of the search identifiers that a pattern means. Those that begin with `_` are only meant by patterns that do.
    fn meant(&self, pattern: &str) -> Result<Vec<usize>, String> {
        let them = pattern.eq_ignore_ascii_case("them");
        let wanted = Pattern::new(&Text::read(pattern).into_pieces()?, true, pattern);
        let hidden = |name: &str| name.starts_with('_') && !pattern.starts_with('_');
        Ok((0..)
            .zip(self.names)
            .filter(|(_, name)| !hidden(name) && (them || wanted.fits(name)))
            .map(|(number, _)| number)
            .collect())
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.words.first().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if taken {
            self.words = &self.words[1..];
        }
        taken
    }
}
