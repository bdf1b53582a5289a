use septet_servers::{Kind, Life, Server, ServerError};

use super::skip;

/// What a test process has of a kind of server.
pub(super) enum Found<T> {
    /// The environment names one, or one was started.
    Server(T),
    /// There is none, and why.
    Absent(String),
}

impl<T> Found<T> {
    /// The server, or else the skip is told.
    pub(super) fn or_skip(&self, kind: Kind) -> Option<&T> {
        match self {
            Self::Server(server) => Some(server),
            Self::Absent(why) => {
                skip(&kind.to_string(), why);
                None
            }
        }
    }
}

/// Gives what the environment names, else what the server says that is started for this process.
///
/// # Panics
/// If a server is installed and does not start.
pub(super) async fn find_or_start<T>(
    kind: Kind,
    settings: &'static [(&'static str, &'static str)],
    of: impl FnOnce(String, Option<Server>) -> T,
) -> Found<T> {
    if let Some(url) = kind.named() {
        return Found::Server(of(url, None));
    }
    match tokio::task::spawn_blocking(move || start(kind, settings))
        .await
        .expect("the start is not cancelled")
    {
        Ok(server) => Found::Server(of(server.url(), Some(server))),
        Err(why @ ServerError::Absent { .. }) => {
            Found::Absent(format!("{why}, or {} names one that runs", kind.variable()))
        }
        Err(why) => panic!("{why}"),
    }
}

fn start(kind: Kind, settings: &[(&str, &str)]) -> Result<Server, ServerError> {
    let server = Server::of_this_process(kind)?;
    let mut server = settings.iter().fold(server, |server, (key, value)| server.setting(key, value));
    server.start(Life::WithParent)?;
    Ok(server)
}
