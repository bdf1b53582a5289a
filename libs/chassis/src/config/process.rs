use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use septet_messaging::{Settings, log::kafka::KafkaConfig, queue::rabbitmq::RabbitConfig};
use septet_store::StoreConfig;
use septet_telemetry as telemetry;
use serde::{Deserialize, Serialize};

use super::tls::{ClientTls, MtlsIdentity, ServerTls};

/// Settings of a process, whichever services run in it. A service's own settings are in the section of its name, where
/// `store` and `messaging` may be set for it alone.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// Directory of everything that the embedded backends keep. Relative to the working directory.
    pub data_dir: PathBuf,
    /// Seconds that a drain may take before the process ends all the same.
    pub drain_secs: u64,
    /// The gRPC listener.
    pub grpc: GrpcConfig,
    /// The HTTP listener for health, metrics and pages.
    pub admin: AdminConfig,
    /// Who may call.
    pub auth: AuthConfig,
    /// Calls to other services.
    pub clients: ClientConfig,
    /// Each service's database.
    pub store: StoreConfig,
    /// The log.
    pub log: LogConfig,
    /// The queue.
    pub queue: QueueConfig,
    /// Bounds of the event and job loops.
    pub messaging: Settings,
    /// Logs, traces and metrics.
    pub telemetry: telemetry::Config,
}

impl ProcessConfig {
    /// Defaults of a process that listens on these loopback ports. `suite` runs everything in one process.
    pub fn defaults(grpc_port: u16, admin_port: u16, suite: bool) -> Self {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Self {
            data_dir: ".septet".into(),
            drain_secs: 25,
            grpc: GrpcConfig {
                listen: loopback(grpc_port),
                max_concurrent_calls: 256,
                call_timeout_secs: 30,
                // A person who ends the suite waits for it.
                drain_grace_ms: if suite { 0 } else { 500 },
                tls: None,
            },
            admin: AdminConfig { listen: loopback(admin_port), names: Vec::new(), tls: None },
            auth: AuthConfig { local_token: suite, ..AuthConfig::default() },
            clients: ClientConfig::default(),
            store: StoreConfig::default(),
            log: LogConfig::default(),
            queue: QueueConfig::default(),
            messaging: Settings::default(),
            telemetry: telemetry::Config::default(),
        }
    }
}

impl ProcessConfig {
    /// Checks what types cannot; the error is the offending key and what is wrong with it.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let signed = |tls: &Option<ServerTls>| tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
        if !self.auth.mtls.is_empty() && !signed(&self.grpc.tls) {
            return Err((
                "auth.mtls",
                "needs `grpc.tls.client_ca_file`: without it nobody shows a certificate",
            ));
        }
        let tls = &self.clients.tls;
        if tls.certificate_file.is_some() != tls.key_file.is_some() {
            return Err((
                "clients.tls",
                "`certificate_file` and `key_file` belong together; set both or neither",
            ));
        }
        if self.clients.timeout_ms == 0 {
            return Err(("clients.timeout_ms", "must be at least 1"));
        }
        Ok(())
    }
}

/// The gRPC listener.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GrpcConfig {
    /// Address and port. Loopback unless set otherwise.
    pub listen: SocketAddr,
    /// Calls that run at a time; more are refused with `RESOURCE_EXHAUSTED`.
    pub max_concurrent_calls: usize,
    /// Seconds that a call may take whose caller sets no deadline. Streams are not bounded by it.
    pub call_timeout_secs: u64,
    /// Milliseconds at the beginning of a drain in which calls are still taken, so that whoever sends them here can
    /// learn from health and readiness to send them elsewhere.
    pub drain_grace_ms: u64,
    /// TLS. Absent: plain HTTP/2.
    pub tls: Option<ServerTls>,
}

/// The HTTP listener for health, metrics and pages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Address and port. Loopback unless set otherwise.
    pub listen: SocketAddr,
    /// Names under which pages may be opened, beside `localhost` and addresses: a page that is asked for under another name
    /// was asked for by somebody else's page.
    pub names: Vec<String>,
    /// TLS. Absent: plain HTTP. With `client_ca_file`, nobody without a certificate sees anything.
    pub tls: Option<ServerTls>,
}

impl AdminConfig {
    /// Its URL as a browser on this machine opens it, without a slash at its end.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut address = self.listen;
        match address.ip() {
            // All addresses of the machine; a browser goes to one.
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("{scheme}://{address}")
    }
}

/// Who may call. Nobody, until one of these is set.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Mint a token with the role `admin` into `<data_dir>/token` (mode 0600) at each start.
    pub local_token: bool,
    /// Accept JSON Web Tokens.
    pub jwt: JwtConfig,
    /// Accept API keys.
    pub api_keys: ApiKeyConfig,
    /// Accept certificates that `grpc.tls.client_ca_file` signed, by their names.
    pub mtls: Vec<MtlsIdentity>,
}

/// Which JSON Web Tokens to accept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct JwtConfig {
    /// File with a JSON Web Key Set.
    pub jwks_file: Option<PathBuf>,
    /// Where to fetch a JSON Web Key Set (`https:`, or `http:` on loopback).
    pub jwks_url: Option<String>,
    /// Required `iss`.
    pub issuer: Option<String>,
    /// Required `aud`.
    pub audience: Option<String>,
    /// Claim that lists the caller's roles; dots go into nested claims.
    pub roles_claim: String,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            jwks_file: None,
            jwks_url: None,
            issuer: None,
            audience: None,
            roles_claim: "roles".to_owned(),
        }
    }
}

/// Which API keys to accept.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiKeyConfig {
    /// TOML file of `[[key]]` tables with `subject`, `roles` and `sha256`; `keys new` makes one. The keys themselves are
    /// kept nowhere.
    pub file: Option<PathBuf>,
}

/// Calls to other services.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    /// URL of each service by name, such as `http://devops:50051`; several separated by commas. Calls are spread over all
    /// addresses of all URLs. Absent: the service's default port on loopback. Not used for a service of the same process.
    pub urls: BTreeMap<String, String>,
    /// File with the token or API key that this process calls other services with.
    pub token_file: Option<PathBuf>,
    /// Milliseconds that a call may take, unless the call that it is made for has less left.
    pub timeout_ms: u64,
    /// TLS of `https:` URLs.
    pub tls: ClientTls,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self { urls: BTreeMap::new(), token_file: None, timeout_ms: 10_000, tls: ClientTls::default() }
    }
}

/// Which log.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `embedded` or `kafka`.
    pub backend: LogBackend,
    /// For `kafka`.
    pub kafka: KafkaConfig,
}

/// Kinds of log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogBackend {
    /// A SQLite file in the data directory.
    #[default]
    Embedded,
    /// Apache Kafka.
    Kafka,
}

/// Which queue.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    /// `embedded` or `rabbitmq`.
    pub backend: QueueBackend,
    /// For `rabbitmq`.
    pub rabbitmq: RabbitConfig,
}

/// Kinds of queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueBackend {
    /// A SQLite file in the data directory.
    #[default]
    Embedded,
    /// RabbitMQ.
    RabbitMq,
}
