//! What a request must pass before it sees a page, and what every answer carries.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Console, answer, origin, sign_in};

/// How long a request may take until its answer begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nothing is loaded, run, sent or framed but from and to these pages.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: with that, browsers hide from our own pages where a form was sent from.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Ends a request that does not come to its point, and puts the headers on every answer.
pub async fn bounded(request: Request, next: Next) -> Response {
    let mut response = match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => (StatusCode::REQUEST_TIMEOUT, "this took too long\n").into_response(),
    };
    for (name, value) in HEADERS {
        // Files of ours say themselves how long they keep.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Lets a request pass that was meant for us, and that comes from a page of ours if it is to change something.
pub async fn from_our_pages(State(console): State<Console>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Some(host) = console.access.host(headers) else {
        let told = "this name is not one of the console's; open it as 127.0.0.1 or localhost, or add the name to `admin.names`\n";
        return (StatusCode::MISDIRECTED_REQUEST, told).into_response();
    };
    if !origin::may_act(request.method(), headers, &console.access.origin(host)) {
        return answer::refused("This was asked for by a page that is not the console's.");
    }
    next.run(request).await
}

/// Lets a request pass that comes with a session.
pub async fn signed_in(State(console): State<Console>, request: Request, next: Next) -> Response {
    if console.access.is_signed_in(request.headers()) {
        return next.run(request).await;
    }
    sign_in::ask(&console.access, "")
}
