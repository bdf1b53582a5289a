use std::fmt;

use anyhow::{Context, bail};
use http::uri::{self, Authority, PathAndQuery, Scheme, Uri};

/// One of the URLs at which a service is reached.
#[derive(Debug)]
pub(super) struct Target {
    scheme: Scheme,
    authority: Authority,
    /// Name or address, without brackets.
    pub host: String,
    pub port: u16,
}

impl Target {
    /// From URLs with commas between.
    pub fn list(urls: &str) -> anyhow::Result<Vec<Self>> {
        urls.split(',').map(|url| Self::parse(url.trim())).collect()
    }

    fn parse(url: &str) -> anyhow::Result<Self> {
        if url.contains('@') {
            bail!("a URL of a service carries no user; name a token by `clients.token_file`");
        }
        let uri: Uri = url.parse().with_context(|| format!("{url:?} is not a URL"))?;
        let port = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => bail!("{url:?} must begin with http:// or https://"),
        };
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            bail!("{url:?} has no host");
        };
        if parts.path_and_query.is_some_and(|path| path != "/") {
            bail!("{url:?} must end after the host and port");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(port);
        Ok(Self { scheme, authority, host, port })
    }

    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The whole URL of a method.
    pub fn url(&self, method: PathAndQuery) -> Option<Uri> {
        let mut parts = uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(method);
        Uri::from_parts(parts).ok()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}
