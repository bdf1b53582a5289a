//! Pages as answers.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

#[derive(Template)]
#[template(path = "told.html")]
struct Told<'a> {
    title: &'a str,
    text: &'a str,
}

/// A page.
pub fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be made\n").into_response()
        }
    }
}

/// What is asked for is not there.
pub fn not_found(text: &str) -> Response {
    page(StatusCode::NOT_FOUND, &Told { title: "Not found", text })
}

/// It may not be done.
pub fn refused(text: &str) -> Response {
    page(StatusCode::FORBIDDEN, &Told { title: "Refused", text })
}

/// It could not be done.
pub fn failed(status: &tonic::Status) -> Response {
    page(StatusCode::BAD_GATEWAY, &Told { title: "That did not work", text: status.message() })
}
