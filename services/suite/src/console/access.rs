//! Who may see the pages of this process.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue, header};
use septet_chassis::{HttpBoot, LocalServer};

use super::{
    code, origin,
    session::{self, Sessions},
};

/// What the guards decide by.
pub struct Access {
    /// Without one, nobody can sign in.
    token: Option<String>,
    sessions: Sessions,
    names: Vec<String>,
    scheme: &'static str,
    /// With the port: cookies are kept by host, and two suites may run on one.
    cookie: String,
}

impl Access {
    /// As the process is configured.
    ///
    /// # Errors
    /// The local token cannot be read.
    pub fn new(boot: &HttpBoot) -> anyhow::Result<Self> {
        let config = boot.config();
        let token = config.auth.local_token.then(|| LocalServer::token(boot.data_dir())).transpose()?;
        let scheme = if config.admin.tls.is_some() { "https" } else { "http" };
        Ok(Self::of(token, config.admin.names.clone(), scheme, config.admin.listen.port()))
    }

    pub(super) fn of(token: Option<String>, names: Vec<String>, scheme: &'static str, port: u16) -> Self {
        Self { token, sessions: Sessions::default(), names, scheme, cookie: format!("septet_session_{port}") }
    }

    /// Whether anybody can sign in.
    pub fn is_possible(&self) -> bool {
        self.token.is_some()
    }

    /// Opens a session with a one-time code; gives the header that tells the browser.
    pub fn open(&self, code: &str) -> Option<HeaderValue> {
        let nonce = code::check(self.token.as_deref()?, code, now())?;
        let value = self.sessions.open(nonce, Instant::now())?;
        self.set_cookie(&value, session::LIFETIME.as_secs())
    }

    /// Ends the session of a request; gives the header that tells the browser.
    pub fn close(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if let Some(value) = self.session(headers) {
            self.sessions.close(value);
        }
        self.set_cookie("", 0)
    }

    /// Whether a request comes with an open session.
    pub fn is_signed_in(&self, headers: &HeaderMap) -> bool {
        self.session(headers).is_some_and(|value| self.sessions.holds(value, Instant::now()))
    }

    /// The host that a request is for, if it is one of ours.
    pub fn host<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        origin::is_ours(host, &self.names).then_some(host)
    }

    /// The origin of our pages under a host.
    pub fn origin(&self, host: &str) -> String {
        format!("{}://{host}", self.scheme)
    }

    fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == self.cookie).then_some(value))
    }

    fn set_cookie(&self, value: &str, seconds: u64) -> Option<HeaderValue> {
        let secure = if self.scheme == "https" { "; Secure" } else { "" };
        let cookie =
            format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.cookie);
        let mut cookie = HeaderValue::from_str(&cookie).ok()?;
        cookie.set_sensitive(true);
        Some(cookie)
    }
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
