//! The pages over HTTP, with services that are not there: what guards them, and that they are pages all the same.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use septet_chassis::Channel;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

use super::{
    Console,
    access::{Access, now},
    code, pages,
};

const TOKEN: &str = "local_test";
const OWN: (&str, &str) = ("origin", "http://127.0.0.1:8080");

/// A channel whose every call is answered as by a process without the service.
fn nobody() -> Channel {
    BoxCloneSyncService::new(service_fn(async |_request| {
        Ok(tonic::Status::unimplemented("there is no such RPC here").into_http())
    }))
}

fn console(token: Option<&str>) -> Router {
    pages(Console {
        channel: nobody(),
        access: Arc::new(Access::of(
            token.map(str::to_owned),
            vec!["septet.internal".to_owned()],
            "http",
            8080,
        )),
        live: Arc::new(Semaphore::new(1)),
        stop: CancellationToken::new(),
    })
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

async fn ask(console: &Router, method: Method, path: &str, given: &[(&str, &str)], form: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !given.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:8080");
    }
    for (name, value) in given {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Body::from(form.to_owned())).expect("a request");
    let Ok(response) = console.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status: parts.status, headers: parts.headers, text }
}

async fn get(console: &Router, path: &str, given: &[(&str, &str)]) -> Answer {
    ask(console, Method::GET, path, given, "").await
}

/// The cookie of a session that a code opens.
async fn sign_in(console: &Router, nonce: u8) -> String {
    let code = code::mint(TOKEN, now(), [nonce; 16]);
    let answer = get(console, &format!("/sign-in?code={code}"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let cookie = answer.headers[header::SET_COOKIE].to_str().expect("text");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().expect("a cookie").to_owned()
}

#[tokio::test]
async fn every_page_asks_for_a_session() {
    let console = console(Some(TOKEN));
    for path in ["/", "/changes/a", "/dead-letters", "/dead-letters/a", "/live/changes", "/live/changes/a"] {
        let answer = get(&console, path, &[("cookie", "septet_session_8080=guessed")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.text.contains("septet console"), "{path}: it says how to sign in");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{path}");
    }
    for path in ["/dead-letters/a/redrive", "/dead-letters/a/discard", "/sign-out"] {
        let answer = ask(&console, Method::POST, path, &[OWN], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_code_opens_one_session_which_signing_out_ends() {
    let console = console(Some(TOKEN));
    let cookie = sign_in(&console, 1).await;
    let with = [("cookie", cookie.as_str())];
    assert_eq!(get(&console, "/", &with).await.status, StatusCode::OK);
    let again = format!("/sign-in?code={}", code::mint(TOKEN, now(), [1; 16]));
    assert_eq!(get(&console, &again, &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&console, &again, &with).await.status, StatusCode::SEE_OTHER, "signed in already");
    let ahead = format!("/sign-in?code={}", code::mint(TOKEN, now(), [2; 16]));
    let loaded = get(&console, &ahead, &[("sec-purpose", "prefetch;prerender")]).await;
    assert_eq!(loaded.status, StatusCode::SERVICE_UNAVAILABLE, "nobody has asked for it yet");
    assert_eq!(get(&console, &ahead, &[]).await.status, StatusCode::SEE_OTHER);

    let answer = ask(&console, Method::POST, "/sign-out", &[OWN, with[0]], "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(get(&console, "/", &with).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_a_local_token_nobody_signs_in() {
    let console = console(None);
    let answer = get(&console, &format!("/sign-in?code={}", code::mint("", now(), [1; 16])), &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.text.contains("auth.local_token"), "{}", answer.text);
}

#[tokio::test]
async fn names_and_origins_that_are_not_ours_are_refused() {
    let console = console(Some(TOKEN));
    let cookie = sign_in(&console, 1).await;
    for (host, status) in [
        ("septet.internal:8080", StatusCode::OK),
        ("localhost:8080", StatusCode::OK),
        ("rebound.example:8080", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let answer = get(&console, "/", &[("host", host), ("cookie", &cookie)]).await;
        assert_eq!(answer.status, status, "{host}");
    }
    for given in [None, Some(("origin", "http://evil.example")), Some(("sec-fetch-site", "cross-site"))] {
        let given: Vec<_> = given.into_iter().chain([("cookie", cookie.as_str())]).collect();
        let answer = ask(&console, Method::POST, "/dead-letters/a/discard", &given, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{given:?}");
    }
    // From a page of ours it reaches the service, which is not there.
    let given = [OWN, ("cookie", &cookie)];
    let answer = ask(&console, Method::POST, "/dead-letters/a/discard", &given, "").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_a_line_on_the_page() {
    let console = console(Some(TOKEN));
    let cookie = sign_in(&console, 1).await;
    let with = [("cookie", cookie.as_str())];
    let answer = get(&console, "/", &with).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("devops is not part of this suite."), "{}", answer.text);
    let answer = get(&console, "/dead-letters", &with).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("there is no such RPC here"), "{}", answer.text);
    let answer = get(&console, "/changes/a", &with).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text.contains("devops is not part of this suite."), "{}", answer.text);
    assert_eq!(get(&console, "/nowhere", &with).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_pages_files_are_named_by_what_they_hold_and_kept_for_good() {
    let console = console(Some(TOKEN));
    let page = get(&console, "/sign-in", &[]).await.text;
    for kind in ["css", "js", "svg"] {
        let begin = page.find("/assets/").expect("files");
        let path = page[begin..].split('"').find(|part| part.contains(&format!(".{kind}?v="))).expect(kind);
        let answer = get(&console, path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(
            answer.headers[header::CACHE_CONTROL].to_str().expect("text").contains("immutable"),
            "{path}"
        );
        assert!(!answer.text.is_empty(), "{path}");
    }
    assert_eq!(get(&console, "/assets/..%2fCargo.toml", &[]).await.status, StatusCode::NOT_FOUND);
    // Scripts and styles come from files: the policy takes no others.
    for inline in ["<style", " style=", " onclick=", "javascript:", "<script>"] {
        assert!(!page.contains(inline), "{inline}");
    }
}
