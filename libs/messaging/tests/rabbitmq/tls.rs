use std::{fs, net::TcpListener, path::PathBuf};

use septet_messaging::queue::{
    Queue, QueueError,
    rabbitmq::{RabbitConfig, RabbitQueue},
};
use septet_servers::Server;
use septet_testkit::{
    certificates::{Authority, Certificate},
    evidence::Workspace,
};

use super::own;

/// A broker with a certificate for `localhost`, which asks for a client's.
struct Secured {
    _server: Server,
    port: u16,
    authority: Authority,
    workspace: Workspace,
}

impl Secured {
    async fn start(test: &str) -> Option<Self> {
        let workspace = Workspace::new(test);
        let authority = Authority::new("a test's authority");
        let Certificate { chain, key } = authority.sign(&["localhost"]);
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let server = own::new(workspace.path());
        let at = |name: &str, text: &str| {
            let path = workspace.path().join("rabbitmq").join(name);
            fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let server = server
            .setting("listeners.ssl.1", &format!("127.0.0.1:{port}"))
            .setting("ssl_options.cacertfile", &at("ca.pem", &authority.pem()))
            .setting("ssl_options.certfile", &at("server.pem", &chain))
            .setting("ssl_options.keyfile", &at("server.key", &key))
            .setting("ssl_options.verify", "verify_peer")
            .setting("ssl_options.fail_if_no_peer_cert", "true");
        let server = own::start(server).await?;
        Some(Self { _server: server, port, authority, workspace })
    }

    fn file(&self, name: &str, text: &str) -> Option<PathBuf> {
        let path = self.workspace.path().join(name);
        fs::write(&path, text).expect("written");
        Some(path)
    }

    /// A client that knows the broker and is known to it.
    fn known(&self) -> RabbitConfig {
        self.shown(&self.authority.sign(&["client"]))
    }

    fn shown(&self, certificate: &Certificate) -> RabbitConfig {
        let url = format!("amqps://guest@localhost:{}/%2f", self.port);
        RabbitConfig {
            ca_file: self.file("authority.pem", &self.authority.pem()),
            certificate_file: self.file("client.pem", &certificate.chain),
            key_file: self.file("client.key", &certificate.key),
            ..own::config(self.workspace.path(), url)
        }
    }

    /// The refusal, which carries neither a key nor the password.
    async fn refused(&self, config: RabbitConfig) -> String {
        let queue = RabbitQueue::new(config).expect("a configuration that can be");
        let error = queue.ping().await.expect_err("refused").to_string();
        let available = queue.available().await.expect_err("refused");
        queue.close().await;
        assert!(!error.contains("BEGIN") && !error.contains("guest"), "{error}");
        assert!(available.contains("rabbitmq."), "{available}");
        error
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_show_who_they_are() {
    let Some(of) = Secured::start("rabbitmq_tls").await else { return };
    let queue = RabbitQueue::new(of.known()).expect("a configuration that can be");
    queue.ping().await.expect("both know each other");
    queue.available().await.expect("it takes jobs");
    queue.close().await;

    let stranger = Authority::new("another");
    let unknown =
        of.refused(RabbitConfig { ca_file: of.file("another.pem", &stranger.pem()), ..of.known() }).await;
    assert!(unknown.contains("not in rabbitmq.ca_file"), "{unknown}");
    let wrong_name = of.known();
    let wrong_name = of
        .refused(RabbitConfig { url: wrong_name.url.replace("localhost", "127.0.0.1"), ..wrong_name })
        .await;
    assert!(wrong_name.contains("not for the host of rabbitmq.url"), "{wrong_name}");
    let anonymous = of.refused(RabbitConfig { certificate_file: None, key_file: None, ..of.known() }).await;
    assert!(anonymous.contains("rabbitmq.certificate_file"), "{anonymous}");
    let unsigned = of.refused(of.shown(&stranger.sign(&["client"]))).await;
    assert!(unsigned.contains("rabbitmq.certificate_file"), "{unsigned}");
}

#[test]
fn what_cannot_be_is_refused_at_the_start_by_name() {
    let workspace = Workspace::new("rabbitmq_tls_settings");
    let file = |name: &str, text: &str| {
        let path = workspace.path().join(name);
        fs::write(&path, text).expect("written");
        Some(path)
    };
    let authority = Authority::new("an authority");
    let (one, other) = (authority.sign(&["one"]), authority.sign(&["other"]));
    let ca_file = file("ca.pem", &authority.pem());
    let (chain, key) = (file("chain.pem", &one.chain), file("one.key", &one.key));
    let (foreign, empty) = (file("other.key", &other.key), file("empty", "no PEM"));
    let tls = || RabbitConfig {
        url: "amqps://guest@localhost/%2f".to_owned(),
        ca_file: ca_file.clone(),
        ..RabbitConfig::default()
    };
    for (config, named) in [
        (RabbitConfig { ca_file: ca_file.clone(), ..RabbitConfig::default() }, "rabbitmq.ca_file needs TLS"),
        (RabbitConfig { ca_file: empty.clone(), ..tls() }, "rabbitmq.ca_file"),
        (RabbitConfig { ca_file: Some(workspace.path().join("absent")), ..tls() }, "rabbitmq.ca_file"),
        (RabbitConfig { certificate_file: chain.clone(), ..tls() }, "rabbitmq.key_file"),
        (RabbitConfig { certificate_file: chain.clone(), key_file: empty, ..tls() }, "rabbitmq.key_file"),
        (RabbitConfig { certificate_file: chain, key_file: foreign, ..tls() }, "rabbitmq.key_file"),
        (RabbitConfig { certificate_file: key.clone(), key_file: key, ..tls() }, "rabbitmq.certificate_file"),
    ] {
        let error = RabbitQueue::new(config).err().expect(named);
        assert!(matches!(&error, QueueError::Invalid(why) if why.contains(named)), "{named}: {error}");
    }
}
