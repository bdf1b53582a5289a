use super::{
    Judgement,
    callable::{Callers, judge},
    text::{same, same_optional},
};
use crate::api::{Flag, Kind, Parameter, Symbol};

const CALLERS: Callers = Callers { by_name: true, typed: false, all_required: false };

/// A new symbol; `owner` as it was before, where it was there.
pub(super) fn added(symbol: &Symbol, owner: Option<&Symbol>) -> Judgement {
    if owner.is_some_and(|owner| owner.kind == Kind::Class) && symbol.signature.is(Flag::Abstract) {
        return Judgement::breaks(format!(
            "subclasses lack the new abstract {} `{}`",
            symbol.kind.name(),
            symbol.name()
        ));
    }
    if owner.is_some() && symbol.name() == "__init__" {
        let required = receiverless(symbol).iter().find(|parameter| parameter.is_required());
        if let Some(parameter) = required {
            return Judgement::breaks(format!("the new constructor requires `{}`", parameter.name));
        }
    }
    Judgement::fits(format!("the {} is new", symbol.kind.name()))
}

/// The same symbol with another signature; none where users see no difference.
pub(super) fn changed(old: &Symbol, new: &Symbol) -> Option<Judgement> {
    let (before, after) = (&old.signature, &new.signature);
    match old.kind {
        Kind::Function | Kind::Method => {
            let role = |of: &Symbol| (of.signature.is(Flag::Static), of.signature.is(Flag::ClassMethod));
            if role(old) != role(new) {
                return Some(Judgement::breaks("it binds to something else: see its decorators"));
            }
            let is_async = |text: &str| text.starts_with("async ");
            if is_async(&before.text) != is_async(&after.text) {
                let now =
                    if is_async(&after.text) { "has to be awaited" } else { "cannot be awaited any more" };
                return Some(Judgement::breaks(format!("its result {now}")));
            }
            if after.is(Flag::Abstract) && !before.is(Flag::Abstract) {
                return Some(Judgement::breaks("subclasses have to implement it"));
            }
            let found = judge(receiverless(old), receiverless(new), CALLERS);
            if found.as_ref().is_some_and(|found| found.breaking) {
                return found;
            }
            returns(old, new).or(found).or_else(|| {
                (!same(&before.text, &after.text))
                    .then(|| Judgement::fits("its text differs, not how it is called"))
            })
        }
        Kind::Property => {
            if before.is(Flag::Settable) && !after.is(Flag::Settable) {
                return Some(Judgement::breaks("it cannot be assigned any more"));
            }
            returns(old, new)
        }
        Kind::Class => (!same(&before.text, &after.text)).then(|| bases(&before.text, &after.text)),
        Kind::Attribute => (!same_optional(before.returns.as_deref(), after.returns.as_deref()))
            .then(|| Judgement::fits("its annotation differs")),
        Kind::Alias => (!same(&before.text, &after.text))
            .then(|| Judgement::breaks(format!("it stands for {} instead of {}", after.text, before.text))),
        Kind::Module => None,
        _ => (!same(&before.text, &after.text)).then(|| Judgement::fits("its text differs")),
    }
}

/// Annotations are not checked when the code runs, but another type of result is another contract.
fn returns(old: &Symbol, new: &Symbol) -> Option<Judgement> {
    let (before, after) = (old.signature.returns.as_deref(), new.signature.returns.as_deref());
    if same_optional(before, after) {
        return None;
    }
    Some(match (before, after) {
        (Some(before), Some(after)) => {
            Judgement::breaks(format!("it returns `{after}` instead of `{before}`"))
        }
        (None, _) => Judgement::fits("it says what it returns"),
        (_, None) => Judgement::fits("it does not say any more what it returns"),
    })
}

fn bases(before: &str, after: &str) -> Judgement {
    let list = |text: &str| -> Vec<String> {
        let inner = text.split_once('(').map_or("", |(_, inner)| inner).trim_end_matches(')');
        inner.split(',').map(|base| base.trim().to_owned()).filter(|base| !base.is_empty()).collect()
    };
    let now = list(after);
    match list(before).into_iter().find(|base| !now.contains(base)) {
        Some(base) => Judgement::breaks(format!("`{base}` is not among its bases any more")),
        None => Judgement::fits("it has more bases"),
    }
}

/// Parameters that callers give: without `self` and `cls`.
fn receiverless(of: &Symbol) -> &[Parameter] {
    let all = of.signature.parameters.as_deref().unwrap_or_default();
    let bound = of.kind == Kind::Method && !of.signature.is(Flag::Static);
    if bound && !all.is_empty() { &all[1..] } else { all }
}
