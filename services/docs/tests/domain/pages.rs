//! Pages, and the gate.

use septet_docs::{
    compare::differences,
    coverage,
    gate::{Breaking, Effects, Gate, Judgement, Stale},
    resolve,
    stale::{self, StaleMention},
};

use crate::bench::files;

const BASE: &str =
    "class Cart:\n  def add_item(self, item): ...\n  def get(self): ...\ndef checkout(cart): ...\n";
const HEAD: &str = "class Cart:\n  def get(self): ...\n";

fn check(gate: Gate, base: &[(&str, &str)], head: &[(&str, &str)]) -> (Vec<StaleMention>, Judgement) {
    let touched: Vec<String> =
        head.iter().filter(|file| !base.contains(file)).map(|(path, _)| (*path).to_owned()).collect();
    let (base, head) = (files(base), files(head));
    let (old, new) = (resolve::api(&base), resolve::api(&head));
    let found = differences(&old, &new);
    let stale = stale::mentions(&found, &base, &head, &new);
    let judgement = gate.judge(&Effects {
        differences: &found,
        stale: &stale,
        coverage: coverage::of(&new).total,
        head: &head,
        touched: &touched,
    });
    (stale, judgement)
}

#[test]
fn pages_that_name_what_is_gone_are_stale_by_line() {
    let page = "# Shop\n\nUse `Cart.add_item(x)` and `get`, then `shop.checkout()`.\n\n| a | `checkout` |\n|---|---|\n\n```python\ncheckout(cart)\n```\n";
    let changelog = "Removed `checkout`.\n";
    let (stale, judgement) = check(
        Gate::default(),
        &[("shop/__init__.py", BASE), ("README.md", page), ("CHANGELOG.md", "")],
        &[("shop/__init__.py", HEAD), ("README.md", page), ("CHANGELOG.md", changelog)],
    );
    let found: Vec<_> = stale.iter().map(|of| (of.page.as_str(), of.line, of.symbol.as_str())).collect();
    assert_eq!(
        found,
        [
            ("README.md", 3, "shop.Cart.add_item"),
            ("README.md", 3, "shop.checkout"),
            ("README.md", 5, "shop.checkout"),
        ]
    );
    assert!(!judgement.passed);
    assert!(judgement.reason.contains("stale page: README.md line 3"), "{}", judgement.reason);
    assert!(judgement.reason.contains("without a docs page: shop.Cart.add_item"), "{}", judgement.reason);
}

#[test]
fn a_changed_page_that_names_each_break_opens_the_gate() {
    let base = [("shop/__init__.py", BASE), ("CHANGELOG.md", "")];
    let told = "- Removed `checkout` and `Cart.add_item`.\n";
    for (changelog, passed) in
        [("", false), ("Removed `checkout`.\n", false), ("Other.\n", false), (told, true)]
    {
        let (_, judgement) =
            check(Gate::default(), &base, &[("shop/__init__.py", HEAD), ("CHANGELOG.md", changelog)]);
        assert_eq!(judgement.passed, passed, "{changelog:?}: {}", judgement.reason);
    }
    // A page that said so before is none of this change.
    let before = [("shop/__init__.py", BASE), ("CHANGELOG.md", told)];
    let (_, judgement) =
        check(Gate::default(), &before, &[("shop/__init__.py", HEAD), ("CHANGELOG.md", told)]);
    assert!(!judgement.passed);
}

#[test]
fn the_policy_decides() {
    let base = [("shop/__init__.py", BASE), ("README.md", "`checkout`\n")];
    let head = [("shop/__init__.py", HEAD), ("README.md", "`checkout`\n")];
    let lax = Gate { breaking: Breaking::Allow, stale: Stale::Allow, min_coverage: 0.0 };
    assert!(check(lax, &base, &head).1.passed);
    let strict = Gate { breaking: Breaking::Deny, ..lax };
    assert!(check(strict, &base, &head).1.reason.contains("breaking API change: "));
    let covered = Gate { min_coverage: 50.0, ..lax };
    let reason = check(covered, &base, &head).1.reason;
    assert!(reason.contains("0.0 % of the public API is documented"), "{reason}");
    assert!(check(Gate { breaking: Breaking::Deny, ..Gate::default() }, &head, &head).1.passed);
}
