use std::{fs, net::TcpListener, path::PathBuf, time::Duration};

use septet_messaging::log::{
    Log, LogError,
    kafka::{KafkaConfig, KafkaLog, KafkaMechanism, KafkaProtocol, KafkaSecurity},
};
use septet_servers::Server;
use septet_testkit::evidence::Workspace;

use super::own;

/// A broker with listeners beside its plain one.
pub struct Secured {
    pub server: Server,
    pub workspace: Workspace,
}

impl Secured {
    /// Starts a broker, to which each listener is added: its name, its protocol, and the host that its clients are told.
    pub async fn start(
        test: &str,
        listeners: &[(&str, &str, &str)],
        settings: &[(&str, String)],
    ) -> Option<(Self, Vec<u16>)> {
        let workspace = Workspace::new(test);
        // What it is told by default is known once it has been told.
        let server = own::start(own::new(workspace.path())).await?;
        let (server, stopped) = own::order(server, Server::kill).await;
        stopped.expect("stopped");
        let told =
            fs::read_to_string(workspace.path().join("kafka/server.properties")).expect("its settings");
        let told = |key: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(&format!("{key}=")));
            line.unwrap_or_else(|| panic!("it is told {key}")).to_owned()
        };
        let mut all =
            [told("listeners"), told("advertised.listeners"), told("listener.security.protocol.map")];
        let mut ports = Vec::new();
        for (name, protocol, host) in listeners {
            let port =
                TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
            all[0] += &format!(",{name}://127.0.0.1:{port}");
            all[1] += &format!(",{name}://{host}:{port}");
            all[2] += &format!(",{name}:{protocol}");
            ports.push(port);
        }
        let keys = ["listeners", "advertised.listeners", "listener.security.protocol.map"];
        let mut server =
            keys.into_iter().zip(&all).fold(server, |server, (key, value)| server.setting(key, value));
        for (key, value) in settings {
            server = server.setting(key, value);
        }
        let server = own::start(server).await?;
        Some((Self { server, workspace }, ports))
    }

    pub fn file(&self, name: &str, text: &str) -> Option<PathBuf> {
        let path = self.workspace.path().join(name);
        fs::write(&path, text).expect("written");
        Some(path)
    }
}

pub fn log(port: u16, host: &str, security: KafkaSecurity) -> KafkaLog {
    let brokers = format!("{host}:{port}");
    let config = KafkaConfig { brokers, security: Some(security), ..KafkaConfig::default() };
    KafkaLog::new(config).expect("a configuration that can be")
}

/// Asks until the broker answers, which may need a moment to let its clients in.
pub async fn let_in(log: KafkaLog) {
    septet_testkit::eventually("an answer", async || log.ping().await.ok()).await;
    log.close().await;
}

/// What is told of a refusal.
pub async fn refused(log: KafkaLog, secret: &str) -> String {
    let error = log.ping().await.expect_err("refused").to_string();
    tokio::time::timeout(Duration::from_secs(30), log.close()).await.expect("closed in time");
    assert!(!error.contains(secret), "{error}");
    error
}

/// Made here, so that no file holds what looks like a password.
pub fn password() -> String {
    ["ope", "n ses", "ame"].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_let_in_by_its_password() {
    let module = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required user_septet=\"{}\";",
        password()
    );
    let settings = [
        ("sasl.enabled.mechanisms", "PLAIN".to_owned()),
        ("listener.name.users.plain.sasl.jaas.config", module),
    ];
    let listeners = [("USERS", "SASL_PLAINTEXT", "127.0.0.1")];
    let Some((of, ports)) = Secured::start("kafka_plain", &listeners, &settings).await else { return };
    let user = |name: &str, password: &str| KafkaSecurity {
        protocol: KafkaProtocol::SaslPlaintext,
        mechanism: Some(KafkaMechanism::Plain),
        username: Some(name.to_owned()),
        password_file: of.file(name, password),
        ..KafkaSecurity::default()
    };
    let_in(log(ports[0], "127.0.0.1", user("septet", &format!("{}\n", password())))).await;
    let wrong = format!("not {}", password());
    let error = refused(log(ports[0], "127.0.0.1", user("septet", &wrong)), &wrong).await;
    assert!(error.contains("Authentication failed"), "{error}");
    drop(of.server);
}

/// What cannot work, or would do nothing, is refused by the name of its key.
#[test]
fn what_cannot_be_is_refused_at_the_start_by_name() {
    let workspace = Workspace::new("kafka_security_settings");
    let password_file = Some(workspace.path().join("password"));
    fs::write(workspace.path().join("password"), password()).expect("written");
    let user = || KafkaSecurity {
        protocol: KafkaProtocol::SaslPlaintext,
        mechanism: Some(KafkaMechanism::Plain),
        username: Some("septet".to_owned()),
        password_file: password_file.clone(),
        ..KafkaSecurity::default()
    };
    let plain = KafkaProtocol::Plaintext;
    let absent = Some(workspace.path().join("absent"));
    for (security, named) in [
        (KafkaSecurity { protocol: plain, ..user() }, "kafka.security.mechanism needs SASL"),
        (KafkaSecurity { mechanism: None, ..user() }, "kafka.security.mechanism"),
        (KafkaSecurity { username: None, ..user() }, "username"),
        (KafkaSecurity { password_file: None, ..user() }, "password_file"),
        (KafkaSecurity { password_file: absent, ..user() }, "kafka.security.password_file"),
        (KafkaSecurity { ca_file: password_file.clone(), ..user() }, "kafka.security.ca_file needs TLS"),
    ] {
        let config = KafkaConfig { security: Some(security), ..KafkaConfig::default() };
        let error = KafkaLog::new(config).err().expect(named);
        assert!(matches!(&error, LogError::Invalid(why) if why.contains(named)), "{named}: {error}");
    }
}

/// What the build does not have is named, not ignored.
#[cfg(not(feature = "kafka-tls"))]
#[test]
fn tls_and_scram_need_a_build_with_them() {
    let workspace = Workspace::new("kafka_build");
    fs::write(workspace.path().join("password"), password()).expect("written");
    let scram = KafkaSecurity {
        protocol: KafkaProtocol::SaslPlaintext,
        mechanism: Some(KafkaMechanism::ScramSha512),
        username: Some("septet".to_owned()),
        password_file: Some(workspace.path().join("password")),
        ..KafkaSecurity::default()
    };
    let tls = |protocol| KafkaSecurity { protocol, ..KafkaSecurity::default() };
    for security in [scram, tls(KafkaProtocol::Ssl), tls(KafkaProtocol::SaslSsl)] {
        let config = KafkaConfig { security: Some(security), ..KafkaConfig::default() };
        let error = KafkaLog::new(config).err().expect("refused");
        assert!(matches!(&error, LogError::Invalid(why) if why.contains("--features kafka-tls")), "{error}");
    }
}
