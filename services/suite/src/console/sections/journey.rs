//! What happened to the change, in order.

use askama::Template;

use super::{
    super::{
        format::{Moment, took},
        row::{Mood, line},
    },
    About,
};

/// The section.
#[derive(Template)]
#[template(path = "sections/journey.html")]
pub struct Journey {
    steps: Vec<Step>,
}

struct Step {
    service: String,
    mood: Mood,
    /// The event without its package.
    event: String,
    summary: String,
    time: Moment,
    /// Since the first step.
    after: String,
}

/// Of a change.
pub fn of(about: &About) -> Journey {
    let first = about.steps.first().and_then(|step| step.time);
    let steps = about.steps.iter().enumerate().map(|(at, step)| Step {
        service: line(&step.service),
        mood: Mood::of(step.outcome()),
        event: step.event_type.rsplit('.').next().unwrap_or_default().to_owned(),
        summary: line(&step.summary),
        time: Moment::of(step.time),
        after: if at == 0 { String::new() } else { took(first, step.time) },
    });
    Journey { steps: steps.collect() }
}
