use std::{collections::BTreeMap, net::SocketAddr};

use reqwest::{
    Client, Method, Response, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde_json::{Value, json};

use super::{
    Done, Failure, Ticket,
    address::{is_in, is_private},
    order::HttpOrder,
};
use crate::config::HttpConfig;

/// Headers that a task may not set: they decide where the request goes and where it ends.
const REFUSED: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te"];

/// Sends a request, and reads the reply. A redirect is a reply like any other.
pub(super) async fn request(config: &HttpConfig, order: HttpOrder, ticket: &Ticket) -> Result<Done, Failure> {
    let url = Url::parse(&order.url).map_err(|_| Failure::lasting("http.url is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Failure::lasting("http.url must begin with http: or https:"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::lasting("http.url must not carry a user or password; use a header"));
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    let addresses = addresses(config, &url, &host).await?;
    let client = Client::builder()
        // A proxy would choose the address instead.
        .no_proxy()
        .redirect(Policy::none())
        .resolve_to_addrs(&host, &addresses)
        .user_agent(concat!("septet-pipeline/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| Failure::lasting("no HTTP client could be made"))?;
    let method = Method::from_bytes(order.method.as_bytes())
        .map_err(|_| Failure::lasting("http.method is no method of HTTP"))?;
    let mut request = client.request(method, url).headers(headers(&order, ticket)?);
    if let Some(body) = order.body {
        request = match body {
            Value::String(text) => request.body(text),
            other => request.body(other.to_string()),
        };
    }
    let response = request.send().await.map_err(|error| Failure::passing(told(&error, &host)))?;
    let status = response.status().as_u16();
    let result = read(response, status, config.max_body_bytes, &host).await?;
    let expected =
        if order.expect.is_empty() { (200..300).contains(&status) } else { order.expect.contains(&status) };
    if expected {
        return Ok(Done { result, log: String::new() });
    }
    let reason = format!("{host} answered {status}");
    // Too early, too many, and what the server itself calls its own fault.
    Err(if matches!(status, 408 | 425 | 429 | 500..=599) {
        Failure::passing(reason)
    } else {
        Failure::lasting(reason)
    })
}

/// Where the host is. The connection then goes to one of these and to nothing that a second look might give.
async fn addresses(config: &HttpConfig, url: &Url, host: &str) -> Result<Vec<SocketAddr>, Failure> {
    let port = url.port_or_known_default().unwrap_or(443);
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, port))
        .await
        .map_err(|_| Failure::passing(format!("the name {host} cannot be resolved")))?
        .collect();
    let allowed = config.ranges();
    if let Some(refused) = found.iter().find(|at| is_private(at.ip()) && !is_in(&allowed, at.ip())) {
        return Err(Failure::lasting(format!(
            "{host} is at {}, which is no public address; `pipeline.http.allow_private` can allow it",
            refused.ip()
        )));
    }
    if found.is_empty() {
        Err(Failure::passing(format!("the name {host} has no address")))
    } else {
        Ok(found)
    }
}

fn headers(order: &HttpOrder, ticket: &Ticket) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let text = |text: String| HeaderValue::try_from(text);
    if let Ok(key) = text(ticket.idempotency_key()) {
        headers.insert(HeaderName::from_static("idempotency-key"), key);
    }
    if let Ok(number) = text(ticket.attempt.to_string()) {
        headers.insert(HeaderName::from_static("septet-attempt"), number);
    }
    if matches!(&order.body, Some(body) if !body.is_string()) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in &order.headers {
        let wrong = || Failure::lasting(format!("http.headers: `{name}` is no header that can be sent"));
        let parsed: HeaderName = name.parse().map_err(|_| wrong())?;
        if REFUSED.contains(&parsed.as_str()) {
            return Err(Failure::lasting(format!("http.headers: `{name}` cannot be set")));
        }
        let mut value = text(value.clone()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(headers)
}

async fn read(mut response: Response, status: u16, limit: usize, host: &str) -> Result<Value, Failure> {
    let headers: BTreeMap<String, String> = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Failure::passing(told(&error, host)))? {
        if body.len() + piece.len() > limit {
            return Err(Failure::lasting(format!("{host} answered with more than {limit} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    Ok(json!({ "status": status, "headers": headers, "body": body }))
}

/// Without the URL, whose parameters may hold a secret.
fn told(error: &reqwest::Error, host: &str) -> String {
    let what = if error.is_connect() {
        "cannot be reached"
    } else if error.is_timeout() {
        "did not answer in time"
    } else {
        "did not answer as HTTP asks"
    };
    format!("{host} {what}")
}
