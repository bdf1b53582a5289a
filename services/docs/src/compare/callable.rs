//! Rules about parameters.

use super::{Judgement, text::same_optional};
use crate::api::{Parameter, ParameterKind};

/// What callers of a language can rely on.
#[derive(Clone, Copy)]
pub(super) struct Callers {
    /// Arguments may be given by the names of their parameters.
    pub by_name: bool,
    /// Annotations are checked: another one may refuse what was accepted.
    pub typed: bool,
    /// All parameters must be given an argument.
    pub all_required: bool,
}

/// Judges parameters; none if they are the same to callers.
pub(super) fn judge(old: &[Parameter], new: &[Parameter], callers: Callers) -> Option<Judgement> {
    let mut softer = None;
    if callers.by_name {
        if let Some(found) = by_name(old, new) {
            return Some(found);
        }
    } else if old.len() != new.len() && callers.all_required {
        return Some(Judgement::breaks(format!("it takes {} instead of {}", count(new), count(old))));
    }
    let places = |all: &[Parameter]| -> Vec<Parameter> {
        all.iter()
            .filter(|of| matches!(of.kind, ParameterKind::Positional | ParameterKind::Either))
            .cloned()
            .collect()
    };
    let (old_places, new_places) = (places(old), places(new));
    let swallows = |all: &[Parameter], kind| all.iter().any(|of| of.kind == kind);
    for (at, old) in old_places.iter().enumerate() {
        match new_places.get(at) {
            None if swallows(new, ParameterKind::Variadic) => {}
            None if new.iter().any(|of| of.name == old.name && of.kind == ParameterKind::Keyword) => {
                return Some(Judgement::breaks(format!(
                    "the parameter `{}` is taken by name only",
                    old.name
                )));
            }
            None => return Some(Judgement::breaks(format!("the parameter `{}` was removed", old.name))),
            Some(new) => {
                if let Some(found) = one(old, new, callers) {
                    if found.breaking {
                        return Some(found);
                    }
                    softer = softer.or(Some(found));
                }
            }
        }
    }
    for new in new_places.iter().skip(old_places.len()) {
        if new.is_required() && !old.iter().any(|of| of.name == new.name && of.is_required()) {
            return Some(Judgement::breaks(format!("there is a new required parameter `{}`", new.name)));
        }
        softer = softer
            .or_else(|| Some(Judgement::fits(format!("there is a new optional parameter `{}`", new.name))));
    }
    for (kind, word) in [(ParameterKind::Variadic, "*"), (ParameterKind::Keywords, "**")] {
        if swallows(old, kind) && !swallows(new, kind) {
            return Some(Judgement::breaks(format!("it takes no further arguments any more (`{word}`)")));
        }
    }
    softer.or_else(|| (old != new).then(|| Judgement::fits("callers need not change")))
}

fn by_name(old: &[Parameter], new: &[Parameter]) -> Option<Judgement> {
    let named = |of: &&Parameter| matches!(of.kind, ParameterKind::Either | ParameterKind::Keyword);
    let takes_any = new.iter().any(|of| of.kind == ParameterKind::Keywords);
    for of in old.iter().filter(named) {
        match new.iter().find(|candidate| candidate.name == of.name) {
            Some(now) if now.kind == ParameterKind::Positional => {
                return Some(Judgement::breaks(format!(
                    "the parameter `{}` is taken by place only",
                    of.name
                )));
            }
            Some(now) if of.kind == ParameterKind::Keyword && now.is_required() && !of.is_required() => {
                return Some(Judgement::breaks(format!("the parameter `{}` is required now", of.name)));
            }
            None if !takes_any => {
                let place = old.iter().position(|candidate| candidate == of);
                let there = place.and_then(|place| new.get(place)).filter(|now| {
                    now.kind == of.kind && !old.iter().any(|candidate| candidate.name == now.name)
                });
                return Some(Judgement::breaks(match there {
                    Some(now) => format!("the parameter `{}` was renamed to `{}`", of.name, now.name),
                    None => format!("the parameter `{}` was removed", of.name),
                }));
            }
            _ => {}
        }
    }
    for of in new.iter().filter(|of| of.kind == ParameterKind::Keyword && of.is_required()) {
        if !old.iter().any(|candidate| candidate.name == of.name) {
            return Some(Judgement::breaks(format!("there is a new required parameter `{}`", of.name)));
        }
    }
    let order = |all: &[Parameter], others: &[Parameter]| -> Vec<String> {
        all.iter()
            .filter(|of| of.kind == ParameterKind::Either && others.iter().any(|other| other.name == of.name))
            .map(|of| of.name.clone())
            .collect()
    };
    let (before, after) = (order(old, new), order(new, old));
    if before.len() == after.len() && before != after {
        return Some(Judgement::breaks(format!(
            "the parameters `{}` have another order",
            before.join("`, `")
        )));
    }
    None
}

/// One parameter in the same place as before.
fn one(old: &Parameter, new: &Parameter, callers: Callers) -> Option<Judgement> {
    let name = &old.name;
    if callers.by_name && old.name != new.name && old.kind == ParameterKind::Either {
        return Some(Judgement::breaks(format!(
            "there is a parameter `{}` in the place of `{name}`",
            new.name
        )));
    }
    if new.is_required() && !old.is_required() {
        return Some(Judgement::breaks(format!("the parameter `{name}` is required now")));
    }
    if !same_optional(old.annotation.as_deref(), new.annotation.as_deref()) {
        let shown = |of: &Parameter| of.annotation.clone().unwrap_or_else(|| "nothing".to_owned());
        let text =
            format!("the parameter `{name}` is declared as `{}`, and was as `{}`", shown(new), shown(old));
        let typed = callers.typed && old.annotation.is_some() && new.annotation.is_some();
        return Some(if typed { Judgement::breaks(text) } else { Judgement::fits(text) });
    }
    if !same_optional(old.default.as_deref(), new.default.as_deref()) {
        return Some(Judgement::fits(match (&old.default, &new.default) {
            (Some(old), Some(new)) => format!("the default of `{name}` is `{new}`, and was `{old}`"),
            _ => format!("the parameter `{name}` may be left out now"),
        }));
    }
    None
}

fn count(parameters: &[Parameter]) -> String {
    match parameters.len() {
        1 => "1 parameter".to_owned(),
        many => format!("{many} parameters"),
    }
}
