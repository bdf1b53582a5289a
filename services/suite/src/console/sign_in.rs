//! Signing in and out.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{Console, access::Access, answer};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    /// False where the configuration lets nobody sign in.
    possible: bool,
    /// What was wrong with the last try; empty if nothing was.
    problem: &'a str,
}

/// A one-time code.
#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    code: String,
}

/// By the link that the command line prints.
pub async fn open_by_link(
    State(console): State<Console>,
    headers: HeaderMap,
    Query(given): Query<Given>,
) -> Response {
    if given.code.is_empty() {
        return ask(&console.access, "");
    }
    // A browser that loads ahead what may be opened would use the code up.
    let ahead = headers.get("sec-purpose").is_some_and(|value| value.as_bytes().starts_with(b"prefetch"));
    if ahead {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    open(&console.access, &headers, &given.code)
}

/// By the form on the page that asks for it.
pub async fn open_by_form(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    // People paste what they see, which is the whole link.
    let code = given.code.rsplit_once("code=").map_or(given.code.as_str(), |(_, code)| code);
    open(&console.access, &headers, code)
}

fn open(access: &Access, headers: &HeaderMap, code: &str) -> Response {
    match access.open(code) {
        Some(cookie) => {
            tracing::info!("somebody signed in to the console");
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        // The same link again, as from the terminal's history.
        None if access.is_signed_in(headers) => Redirect::to("/").into_response(),
        None => {
            tracing::warn!("a code for the console was refused");
            ask(access, "This code has been used, has ended, or is from before the suite was started again.")
        }
    }
}

/// Signs out.
pub async fn close(State(console): State<Console>, headers: HeaderMap) -> Response {
    let cookie = console.access.close(&headers).map(|cookie| [(header::SET_COOKIE, cookie)]);
    (cookie, Redirect::to("/sign-in")).into_response()
}

/// The page that says how to sign in.
pub fn ask(access: &Access, problem: &str) -> Response {
    let mut response =
        answer::page(StatusCode::UNAUTHORIZED, &SignIn { possible: access.is_possible(), problem });
    // Where a script asked for a part of a page, the whole of it is to be this one.
    response.headers_mut().insert(HeaderName::from_static("hx-refresh"), HeaderValue::from_static("true"));
    response
}
