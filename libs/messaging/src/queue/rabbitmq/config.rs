//! How to reach RabbitMQ.

use std::{fs, path::PathBuf, time::Duration};

use lapin::uri::AMQPUri;
use serde::{Deserialize, Serialize};

use super::super::QueueError;

/// A RabbitMQ (3.10 or later: quorum queues that expire messages) as a queue.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RabbitConfig {
    /// `amqp://user@host:port/vhost`, or `amqps://` for TLS, without a password. The default vhost is written `%2f`.
    pub url: String,
    /// File that holds the password of the URL's user.
    pub password_file: Option<PathBuf>,
    /// File that holds a whole URL, password included; `url` and `password_file` do not count then.
    pub url_file: Option<PathBuf>,
    /// File with the authorities that may have signed the broker's certificate, for `amqps://`. Absent: the system's.
    pub ca_file: Option<PathBuf>,
    /// File with this client's certificate chain, where the broker asks for one.
    pub certificate_file: Option<PathBuf>,
    /// File with the key of that certificate.
    pub key_file: Option<PathBuf>,
    /// Name of this process in RabbitMQ's list of connections.
    pub connection_name: String,
    /// Bytes of headers and value of a job at most.
    pub max_job_bytes: usize,
    /// Milliseconds that a connection may take to come about, and the broker to answer or confirm.
    pub timeout_ms: u64,
    /// Seconds after which a silent connection counts as dead.
    pub heartbeat_secs: u16,
}

impl Default for RabbitConfig {
    fn default() -> Self {
        Self {
            url: "amqp://guest@127.0.0.1:5672/%2f".to_owned(),
            password_file: None,
            url_file: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            connection_name: "septet".to_owned(),
            max_job_bytes: 1 << 20,
            timeout_ms: 10_000,
            heartbeat_secs: 20,
        }
    }
}

impl RabbitConfig {
    /// The URL with its secret, read from the files.
    pub(super) fn uri(&self) -> Result<AMQPUri, QueueError> {
        if self.timeout_ms == 0 || self.max_job_bytes == 0 {
            return invalid("rabbitmq.timeout_ms and rabbitmq.max_job_bytes must be above 0".to_owned());
        }
        let mut uri = match &self.url_file {
            Some(path) => parse("rabbitmq.url_file", &read_secret("rabbitmq.url_file", path)?)?,
            None => {
                let uri = parse("rabbitmq.url", &self.url)?;
                // The parser fills in `guest` where there is no password, so the text itself is asked.
                let user = self.url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
                if user.is_some_and(|(user, _)| user.contains(':')) {
                    return invalid(
                        "rabbitmq.url holds a password; put it into a file and name that in rabbitmq.password_file"
                            .to_owned(),
                    );
                }
                uri
            }
        };
        if let (None, Some(path)) = (&self.url_file, &self.password_file) {
            uri.authority.userinfo.password = read_secret("rabbitmq.password_file", path)?;
        }
        uri.query.heartbeat = Some(self.heartbeat_secs);
        uri.query.connection_timeout = Some(self.timeout_ms);
        Ok(uri)
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// The parser's message is left out: it may quote the URL.
fn parse(key: &str, url: &str) -> Result<AMQPUri, QueueError> {
    url.parse().or_else(|_: String| {
        invalid(format!("{key} does not hold an AMQP URL such as amqp://user@host:5672/%2f"))
    })
}

fn read_secret(key: &str, path: &PathBuf) -> Result<String, QueueError> {
    match fs::read_to_string(path) {
        Ok(secret) => Ok(secret.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => invalid(format!("{key}: {} cannot be read: {error}", path.display())),
    }
}

fn invalid<T>(message: String) -> Result<T, QueueError> {
    Err(QueueError::Invalid(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for url in ["amqp://user:secret@host:5672/%2f", "amqp://user:secret@host:port/%2f"] {
            let error = RabbitConfig { url: url.to_owned(), ..RabbitConfig::default() }.uri().expect_err(url);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_password_comes_from_its_file() {
        let path = std::env::temp_dir().join(format!("septet-rabbitmq-{}", std::process::id()));
        fs::write(&path, "secret\n").expect("written");
        let config = RabbitConfig { password_file: Some(path.clone()), ..RabbitConfig::default() };
        let uri = config.uri().expect("a URL");
        fs::remove_file(path).expect("removed");
        assert_eq!(uri.authority.userinfo.username, "guest");
        assert_eq!(uri.authority.userinfo.password, "secret");
        assert!(!format!("{config:?}").contains("secret"));
    }
}
