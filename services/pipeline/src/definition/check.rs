use super::{DefinitionError, Pipeline};
use crate::expression::Expression;

/// Tasks of a pipeline at most.
const MAX_TASKS: usize = 100;
/// Inputs and triggers at most, each.
const MAX_ENTRIES: usize = 50;

pub(super) fn pipeline_name(name: &str) -> Result<(), DefinitionError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 63 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
        return Err(DefinitionError(format!(
            "the name `{name}` must be a letter and up to 62 letters, digits and hyphens, all lower-case"
        )));
    }
    Ok(())
}

pub(super) fn event_name(name: &str) -> Result<(), DefinitionError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        return Err(DefinitionError(
            "publish.event must be 1 to 128 letters, digits, dots, hyphens and underscores".to_owned(),
        ));
    }
    Ok(())
}

/// A variable that a task may set. Those that choose which program or library is loaded would reach what starts it, too.
pub(super) fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_word =
        !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty() && name.chars().all(fits);
    is_word && name != "PATH" && !name.starts_with("LD_") && !name.starts_with("SEPTET_")
}

/// A name that expressions can say.
pub(super) fn identifier(what: &str, name: &str) -> Result<(), DefinitionError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_word =
        name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits);
    // A word of the language's own, such as `in`, cannot be said.
    if !is_word || Expression::new(&format!("x.{name}")).is_err() {
        return Err(DefinitionError(format!(
            "the {what} `{name}` must be a lower-case letter and up to 62 lower-case letters, digits and underscores, \
             and no word of CEL"
        )));
    }
    Ok(())
}

/// Checks what concerns more than one entry, and finds the tasks above each.
pub(super) fn whole(mut pipeline: Pipeline) -> Result<Pipeline, DefinitionError> {
    if pipeline.tasks.is_empty() || pipeline.tasks.len() > MAX_TASKS {
        return Err(DefinitionError(format!("a pipeline has 1 to {MAX_TASKS} tasks")));
    }
    if pipeline.inputs.len() > MAX_ENTRIES || pipeline.triggers.len() > MAX_ENTRIES {
        return Err(DefinitionError(format!(
            "a pipeline has at most {MAX_ENTRIES} inputs and as many triggers"
        )));
    }
    for input in &pipeline.inputs {
        identifier("input", &input.name)?;
    }
    for trigger in &pipeline.triggers {
        for (name, _) in &trigger.inputs {
            if !pipeline.inputs.iter().any(|input| input.name == *name) {
                return Err(DefinitionError(format!(
                    "trigger {}: there is no input `{name}`",
                    trigger.event_type
                )));
            }
        }
        let missing = pipeline.inputs.iter().find(|input| {
            input.default.is_none() && !trigger.inputs.iter().any(|(name, _)| *name == input.name)
        });
        if let Some(missing) = missing {
            return Err(DefinitionError(format!(
                "trigger {}: the input `{}` has no default, so the trigger must give it",
                trigger.event_type, missing.name
            )));
        }
    }
    above(&mut pipeline)?;
    Ok(pipeline)
}

/// Goes through the tasks as they can run; what cannot be reached stands in a circle.
fn above(pipeline: &mut Pipeline) -> Result<(), DefinitionError> {
    let count = pipeline.tasks.len();
    let mut known: Vec<Option<Vec<usize>>> = vec![None; count];
    loop {
        let mut moved = false;
        for place in 0..count {
            if known[place].is_some() {
                continue;
            }
            let needs = &pipeline.tasks[place].needs;
            let Some(of_needs) = needs.iter().map(|need| known[*need].as_ref()).collect::<Option<Vec<_>>>()
            else {
                continue;
            };
            let mut above: Vec<usize> = of_needs.into_iter().flatten().chain(needs).copied().collect();
            above.sort_unstable();
            above.dedup();
            known[place] = Some(above);
            moved = true;
        }
        if !moved {
            break;
        }
    }
    let circle: Vec<&str> = pipeline
        .tasks
        .iter()
        .zip(&known)
        .filter(|(_, above)| above.is_none())
        .map(|(task, _)| task.name.as_str())
        .collect();
    if !circle.is_empty() {
        return Err(DefinitionError(format!("tasks need each other in a circle: {}", circle.join(", "))));
    }
    for (task, above) in pipeline.tasks.iter_mut().zip(known) {
        task.above = above.unwrap_or_default();
    }
    Ok(())
}
