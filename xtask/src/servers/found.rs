use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use septet_servers::{Kind, Server, ServerError};
use url::Url;

use super::Base;

/// A server that commands may use.
pub(crate) enum Found {
    /// Somebody else's: it is used, and never started or ended.
    Named(String),
    /// In a directory of ours, running or not.
    Ours(Box<Server>),
}

impl Found {
    /// The one that the environment names, unless that is ours after all: then this is what `up` wrote for tests.
    pub(super) fn of(base: &Base, kind: Kind) -> Result<Self, ServerError> {
        let named = kind.named();
        if !base.server(kind).exists()
            && let Some(url) = named
        {
            return Ok(Self::Named(url));
        }
        let server = Server::new(kind, &base.server(kind))?;
        Ok(match named.filter(|url| *url != server.url()) {
            Some(url) => Self::Named(url),
            None => Self::Ours(Box::new(server)),
        })
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Named(url) => url.clone(),
            Self::Ours(server) => server.url(),
        }
    }

    /// Whether it answers: ours in its protocol, another's by taking a connection, as it may want TLS or a password.
    pub(super) fn answers(&self) -> bool {
        match self {
            Self::Named(url) => takes_connections(url),
            Self::Ours(server) => server.is_running() && server.answers(),
        }
    }
}

fn takes_connections(url: &str) -> bool {
    let place = Url::parse(url).ok().and_then(|url| {
        let port = url.port().or(match url.scheme() {
            "amqp" => Some(5672),
            "amqps" => Some(5671),
            "postgres" | "postgresql" => Some(5432),
            _ => Some(6379),
        })?;
        Some(format!("{}:{port}", url.host_str()?))
    });
    // Brokers have no scheme; one of them is enough to answer.
    let places = place.map_or_else(|| url.split(',').map(str::to_owned).collect(), |place| vec![place]);
    let mut addresses = places.iter().filter_map(|place| place.to_socket_addrs().ok()).flatten();
    addresses.any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok())
}

/// A URL as it may be shown: without a password that somebody chose.
pub(super) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some_and(|password| password != "guest") => {
            // Only a URL without a host has no room for it.
            let _ = parsed.set_password(Some("***"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let with = format!("postgres://{}@db/x", "me:hidden");
        assert_eq!(shown(&with), "postgres://me:***@db/x");
        for plain in ["a:9092,b:9092", "127.0.0.1:9092", "amqp://guest:guest@127.0.0.1:5672/%2f"] {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn others_servers_are_asked_for_a_connection() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for url in [format!("127.0.0.1:{port}"), format!("postgres://a:b@127.0.0.1:{port}/c")] {
            assert!(takes_connections(&url), "{url}");
        }
        drop(listener);
        assert!(!takes_connections(&format!("127.0.0.1:{port}")));
    }
}
