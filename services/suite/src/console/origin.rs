//! Whether a request was meant for these pages, and comes from one of them.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, header};

/// True for a host that may be ours: an address, `localhost`, or one of `names`. A page elsewhere can let a name of its own
/// point to this machine, but no address.
pub fn is_ours(host: &str, names: &[String]) -> bool {
    let name = without_port(host);
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// True if a request may do what it asks for: one that changes nothing, or one that a browser says came from a page of this
/// very origin. Where a browser says nothing of it, it is refused.
pub fn may_act(method: &Method, headers: &HeaderMap, own: &str) -> bool {
    if method.is_safe() {
        return true;
    }
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes() == b"same-origin");
    let origin = headers.get(header::ORIGIN).map(|value| value.as_bytes() == own.as_bytes());
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn addresses_localhost_and_configured_names_are_ours() {
        let names = ["septet.internal".to_owned()];
        for host in [
            "127.0.0.1:8080",
            "127.0.0.1",
            "[::1]:8080",
            "[::1]",
            "localhost:1",
            "LOCALHOST",
            "Septet.internal:80",
        ] {
            assert!(is_ours(host, &names), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "septet",
        ] {
            assert!(!is_ours(host, &names), "{host}");
        }
    }

    fn act(method: &Method, given: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        may_act(method, &headers, "http://127.0.0.1:8080")
    }

    #[test]
    fn only_a_page_of_ours_may_change_something() {
        assert!(act(&Method::GET, &[]));
        assert!(act(
            &Method::POST,
            &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")]
        ));
        assert!(act(&Method::POST, &[("origin", "http://127.0.0.1:8080")]));
        assert!(act(&Method::POST, &[("sec-fetch-site", "same-origin")]));
        assert!(!act(&Method::POST, &[]), "nobody says where it came from");
        for site in ["cross-site", "same-site", "none"] {
            assert!(!act(&Method::POST, &[("sec-fetch-site", site)]), "{site}");
            assert!(
                !act(&Method::POST, &[("sec-fetch-site", site), ("origin", "http://127.0.0.1:8080")]),
                "{site}"
            );
        }
        // The same machine at another port is another origin.
        for origin in ["http://127.0.0.1:9090", "https://127.0.0.1:8080", "http://evil.example", "null"] {
            assert!(!act(&Method::POST, &[("origin", origin)]), "{origin}");
        }
    }
}
