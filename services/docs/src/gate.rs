//! Whether a change passes: what it breaks must be told, and no page may be left behind.

use serde::{Deserialize, Serialize};

use crate::{
    compare::Difference,
    coverage::Count,
    resolve::Files,
    source::Facts,
    stale::{self, StaleMention},
};

/// What breaking the public API asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaking {
    /// A Markdown page that changed with it and names the symbol.
    #[default]
    NeedsPage,
    /// Nothing.
    Allow,
    /// It never passes.
    Deny,
}

/// What stale pages mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stale {
    /// The change does not pass.
    #[default]
    Fail,
    /// They are told, no more.
    Allow,
}

/// The gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gate {
    /// What breaking the public API asks for.
    pub breaking: Breaking,
    /// What stale pages mean.
    pub stale: Stale,
    /// Documented public symbols of a hundred at least; 0 for any.
    pub min_coverage: f64,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// True if the change passes.
    pub passed: bool,
    /// One line.
    pub reason: String,
}

/// What a change did.
pub struct Effects<'a> {
    /// All differences of the API.
    pub differences: &'a [Difference],
    /// Mentions of what is gone.
    pub stale: &'a [StaleMention],
    /// Coverage after it.
    pub coverage: Count,
    /// Files after it.
    pub head: &'a Files,
    /// Paths of files that it added or changed.
    pub touched: &'a [String],
}

impl Gate {
    /// Judges a change.
    pub fn judge(&self, of: &Effects) -> Judgement {
        let mut against = Vec::new();
        let breaking: Vec<&Difference> = of.differences.iter().filter(|of| of.breaking).collect();
        match self.breaking {
            Breaking::Allow => {}
            Breaking::Deny if !breaking.is_empty() => {
                against.push(format!("breaking API change: {}", list(&breaking)));
            }
            Breaking::Deny => {}
            Breaking::NeedsPage => {
                let untold: Vec<&Difference> =
                    breaking.iter().copied().filter(|difference| !is_told(difference, of)).collect();
                if !untold.is_empty() {
                    against.push(format!("breaking API change without a docs page: {}", list(&untold)));
                }
            }
        }
        if self.stale == Stale::Fail && !of.stale.is_empty() {
            let first = &of.stale[0];
            let more = of.stale.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            against
                .push(format!("stale page: {} line {} names {}{more}", first.page, first.line, first.symbol));
        }
        if let Some(percent) = of.coverage.percent().filter(|percent| *percent < self.min_coverage) {
            against.push(format!(
                "{percent:.1} % of the public API is documented, less than {} %",
                self.min_coverage
            ));
        }
        if against.is_empty() {
            Judgement { passed: true, reason: fine(of, breaking.len()) }
        } else {
            Judgement { passed: false, reason: against.join("; ") }
        }
    }
}

/// True if a page that the change touched names the symbol.
fn is_told(difference: &Difference, of: &Effects) -> bool {
    let pages = of.touched.iter().filter_map(|path| match of.head.get(path).map(|facts| &**facts) {
        Some(Facts::Page(page)) => Some(page),
        _ => None,
    });
    let symbols = [difference.before.as_ref(), difference.after.as_ref()];
    pages.into_iter().any(|page| symbols.iter().flatten().any(|symbol| stale::is_named(page, symbol)))
}

fn fine(of: &Effects, breaking: usize) -> String {
    let coverage =
        of.coverage.percent().map_or_else(String::new, |percent| format!("; {percent:.1} % documented"));
    let what = match of.differences.len() {
        0 => "the public API is the same".to_owned(),
        1 if breaking == 0 => "1 difference of the public API, which breaks nothing".to_owned(),
        all if breaking == 0 => format!("{all} differences of the public API, none of which breaks"),
        all => format!("{all} differences of the public API, {breaking} of which break"),
    };
    what + &coverage
}

fn list(differences: &[&Difference]) -> String {
    let shown: Vec<String> =
        differences.iter().take(3).map(|of| format!("{} ({})", of.symbol().path, of.reason)).collect();
    let more = differences.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}
