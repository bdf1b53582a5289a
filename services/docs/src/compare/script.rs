use super::{
    Judgement,
    callable::{Callers, judge},
    text::{same, same_optional},
};
use crate::api::{Flag, Kind, Symbol};

const CALLERS: Callers = Callers { by_name: false, typed: true, all_required: false };

/// A new symbol; `owner` as it was before, where it was there.
pub(super) fn added(symbol: &Symbol, owner: Option<&Symbol>) -> Judgement {
    let what = symbol.kind.name();
    match owner.map(|owner| owner.kind) {
        Some(Kind::Interface | Kind::Type) if !symbol.signature.is(Flag::Optional) => {
            Judgement::breaks(format!("objects of the type lack the new required {what} `{}`", symbol.name()))
        }
        Some(Kind::Class) if symbol.signature.is(Flag::Abstract) => {
            Judgement::breaks(format!("subclasses lack the new abstract {what} `{}`", symbol.name()))
        }
        Some(Kind::Class) if symbol.name() == "constructor" => {
            let parameters = symbol.signature.parameters.as_deref().unwrap_or_default();
            match parameters.iter().find(|parameter| parameter.is_required()) {
                Some(parameter) => {
                    Judgement::breaks(format!("the new constructor requires `{}`", parameter.name))
                }
                None => Judgement::fits("the constructor is new"),
            }
        }
        _ => Judgement::fits(format!("the {what} is new")),
    }
}

/// The same symbol with another signature; none where users see no difference.
pub(super) fn changed(old: &Symbol, new: &Symbol) -> Option<Judgement> {
    let (before, after) = (&old.signature, &new.signature);
    for (flag, lost, gained) in [
        (Flag::Static, "it belongs to instances now", "it belongs to the class itself now"),
        (Flag::Abstract, "", "subclasses have to implement it"),
        (Flag::Readonly, "", "it cannot be assigned any more"),
    ] {
        match (before.is(flag), after.is(flag)) {
            (true, false) if !lost.is_empty() => return Some(Judgement::breaks(lost)),
            (false, true) => return Some(Judgement::breaks(gained)),
            _ => {}
        }
    }
    match (before.is(Flag::Optional), after.is(Flag::Optional)) {
        (true, false) => return Some(Judgement::breaks("it is required now")),
        (false, true) => return Some(Judgement::breaks("it may be absent now")),
        _ => {}
    }
    if let (Some(olds), Some(news)) = (&before.parameters, &after.parameters) {
        let overloaded = before.is(Flag::Overload) && before.text.contains("; ");
        if overloaded {
            let kept = before.text.split("; ").all(|old| after.text.split("; ").any(|new| same(old, new)));
            return (!same(&before.text, &after.text)).then(|| {
                if kept {
                    Judgement::fits("it has another signature more")
                } else {
                    Judgement::breaks("one of its signatures is gone")
                }
            });
        }
        let found = judge(olds, news, CALLERS);
        if found.as_ref().is_some_and(|found| found.breaking) {
            return found;
        }
        return returns(old, new).or(found).or_else(|| {
            let head = |text: &str| text.split_once('(').map_or(String::new(), |(head, _)| head.to_owned());
            let generics = |text: &str| head(text).replace("async ", "");
            (!same(&generics(&before.text), &generics(&after.text)))
                .then(|| Judgement::breaks("its type parameters are others"))
        });
    }
    match old.kind {
        Kind::Property | Kind::Constant => returns(old, new),
        Kind::Module => None,
        _ if same(&before.text, &after.text) => None,
        Kind::Variant => {
            Some(Judgement::breaks(format!("its value is `{}`, and was `{}`", after.text, before.text)))
        }
        kind => Some(Judgement::breaks(format!(
            "the {} is `{}`, and was `{}`",
            kind.name(),
            after.text,
            before.text
        ))),
    }
}

fn returns(old: &Symbol, new: &Symbol) -> Option<Judgement> {
    let (before, after) = (old.signature.returns.as_deref(), new.signature.returns.as_deref());
    if same_optional(before, after) {
        return None;
    }
    let verb = if old.signature.parameters.is_some() { "returns" } else { "is a" };
    Some(match (before, after) {
        (Some(before), Some(after)) => {
            Judgement::breaks(format!("it {verb} `{after}` instead of `{before}`"))
        }
        (None, _) => Judgement::fits("its type is written down"),
        (_, None) => Judgement::fits("its type is not written down any more"),
    })
}
