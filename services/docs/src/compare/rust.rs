use super::{
    Judgement,
    callable::{Callers, judge},
    text::{same, same_optional},
};
use crate::api::{Api, Flag, Kind, Symbol};

const CALLERS: Callers = Callers { by_name: false, typed: true, all_required: true };

/// A new symbol; `owner` as it was before, where it was there.
pub(super) fn added(symbol: &Symbol, owner: Option<&Symbol>) -> Judgement {
    let what = symbol.kind.name();
    let Some(owner) = owner else { return Judgement::fits(format!("the {what} is new")) };
    let exhaustive = !owner.signature.is(Flag::NonExhaustive);
    match (owner.kind, symbol.kind) {
        (Kind::Trait, _) if !symbol.signature.is(Flag::Provided) => Judgement::breaks(format!(
            "implementors of the trait lack the new required {what} `{}`",
            symbol.name()
        )),
        (Kind::Enum, Kind::Variant) if exhaustive => Judgement::breaks(format!(
            "a `match` on the enum, which is not `#[non_exhaustive]`, lacks the new variant `{}`",
            symbol.name()
        )),
        (Kind::Struct, Kind::Field) if exhaustive && owner.signature.is(Flag::AllFieldsPublic) => {
            Judgement::breaks(format!(
                "a literal of the struct, whose fields were all public, lacks the new field `{}`",
                symbol.name()
            ))
        }
        (Kind::Variant, Kind::Field) if exhaustive => {
            Judgement::breaks(format!("uses of the variant lack the new field `{}`", symbol.name()))
        }
        _ => Judgement::fits(format!("the {what} is new")),
    }
}

/// The same symbol with another signature; none where only spaces differ.
pub(super) fn changed(old: &Symbol, new: &Symbol, base: &Api) -> Option<Judgement> {
    let (before, after) = (&old.signature, &new.signature);
    if after.is(Flag::NonExhaustive) && !before.is(Flag::NonExhaustive) {
        return Some(Judgement::breaks("it is `#[non_exhaustive]` now"));
    }
    if before.is(Flag::Provided) && !after.is(Flag::Provided) {
        return Some(Judgement::breaks("implementors have to give what the trait provided"));
    }
    if let (Some(olds), Some(news)) = (&before.parameters, &after.parameters) {
        let of_trait = base.symbols.iter().any(|owner| owner.path == old.owner && owner.kind == Kind::Trait);
        if let Some(found) = judge(olds, news, CALLERS).filter(|found| found.breaking) {
            return Some(found);
        }
        if !same_optional(before.returns.as_deref(), after.returns.as_deref()) {
            let shown = |returns: &Option<String>| returns.clone().unwrap_or_else(|| "()".to_owned());
            return Some(Judgement::breaks(format!(
                "it returns `{}` instead of `{}`",
                shown(&after.returns),
                shown(&before.returns)
            )));
        }
        let words =
            |text: &str| text.split_once("fn ").map_or(String::new(), |(words, _)| words.trim().to_owned());
        let (old_words, new_words) = (words(&before.text), words(&after.text));
        // What is `const` may be used as before; `unsafe`, `async` and `extern` change every call.
        if old_words != new_words {
            let eased = new_words.replace("const", "").trim() == old_words.replace("const", "").trim();
            let kept_const = !old_words.contains("const") || new_words.contains("const");
            let safer = !of_trait && old_words.replace("unsafe", "").trim() == new_words.trim();
            if !(eased && kept_const || safer) {
                return Some(Judgement::breaks(format!(
                    "it is `{new_words} fn` instead of `{old_words} fn`"
                )));
            }
            return Some(Judgement::fits(format!("it is `{new_words} fn`")));
        }
        let generics = |of: &Symbol| -> String {
            let text = &of.signature.text;
            let head = text.split_once('(').map_or("", |(head, _)| head);
            let bounds = text.rsplit_once(" where ").map_or("", |(_, bounds)| bounds);
            format!("{head} {bounds}")
        };
        if !same(&generics(old), &generics(new)) {
            return Some(Judgement::breaks("its generic parameters or their bounds are others"));
        }
        return (before.text != after.text && !same(&before.text, &after.text))
            .then(|| Judgement::fits("only names of parameters differ"));
    }
    if same(&before.text, &after.text) {
        return (before.flags != after.flags)
            .then(|| Judgement::fits("only what users may leave out differs"));
    }
    if old.kind == Kind::Variant && old.signature.text.split(['{', '(', ' ']).next() == Some(old.name()) {
        // Named fields are symbols of their own.
        let shape = |text: &str| text.trim_start_matches(old.name()).trim().chars().next();
        if shape(&before.text) == Some('{') && shape(&after.text) == Some('{') {
            return None;
        }
    }
    Some(match old.kind {
        Kind::Alias => Judgement::breaks(format!("it stands for {} instead of {}", after.text, before.text)),
        Kind::Macro | Kind::Module => return None,
        kind => {
            Judgement::breaks(format!("the {} is `{}`, and was `{}`", kind.name(), after.text, before.text))
        }
    })
}
