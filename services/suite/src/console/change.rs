//! The page of one change.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use tonic::Code;

use super::{Console, answer, part::Part, sections::Sections};

#[derive(Template)]
#[template(path = "change.html")]
struct Page {
    id: String,
    title: String,
    /// Beside the others where there is room: release and journey.
    aside: Vec<String>,
    sections: Vec<String>,
}

/// Sections that say how the change stands as a whole.
const ASIDE: [&str; 2] = ["release", "journey"];

/// The page.
pub async fn page(State(console): State<Console>, Path(id): Path<String>) -> Response {
    let Sections { title, parts } = match console.sections(&id).await {
        Ok(sections) => sections,
        Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
            return answer::not_found("There is no such change.");
        }
        Err(status) => {
            let (Part::Nothing(line) | Part::Failed(line)) = Part::<()>::silent("devops", "", &status) else {
                return answer::failed(&status);
            };
            return answer::failed(&tonic::Status::unavailable(line));
        }
    };
    let (aside, sections): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(name, _)| ASIDE.contains(name));
    let html = |sections: Vec<(_, String)>| sections.into_iter().map(|(_, html)| html).collect();
    answer::page(StatusCode::OK, &Page { id, title, aside: html(aside), sections: html(sections) })
}
