use std::{path::Path, process::Command};

use septet_messaging::log::kafka::{KafkaMechanism, KafkaProtocol, KafkaSecurity};
use septet_servers::target_dir;
use septet_testkit::{
    certificates::{Authority, Certificate},
    evidence::Workspace,
};

use super::security::{Secured, let_in, log, password, refused};

/// Has the broker know a user, by its plain listener.
fn add_user(workspace: &Path, brokers: &str, mechanism: &str) {
    let tools = std::fs::read_dir(target_dir().join("tools")).expect("Kafka's jars").flatten();
    let jars = tools
        .map(|entry| entry.path())
        .find(|path| path.is_dir() && path.to_string_lossy().contains("kafka-"));
    let classes = jars.expect("Kafka's jars").join("*");
    let added = Command::new("java")
        .current_dir(workspace)
        .arg("-cp")
        .arg(classes)
        .args(["kafka.admin.ConfigCommand", "--bootstrap-server", brokers, "--alter"])
        .args(["--entity-type", "users", "--entity-name", "septet", "--add-config"])
        .arg(format!("{mechanism}=[password={}]", password()))
        .output()
        .expect("Java runs");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
}

/// One listener asks for a user's proof, the other for a client's certificate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_show_who_they_are() {
    let files = Workspace::new("kafka_tls_files");
    let authority = Authority::new("a test's authority");
    let Certificate { chain, key } = authority.sign(&["localhost"]);
    let write = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let (keys, trusted) =
        (write("keys.pem", &format!("{key}{chain}")), write("trusted.pem", &authority.pem()));
    let settings = [
        ("ssl.keystore.type", "PEM".to_owned()),
        ("ssl.keystore.location", keys.display().to_string()),
        ("ssl.truststore.type", "PEM".to_owned()),
        ("ssl.truststore.location", trusted.display().to_string()),
        ("listener.name.mutual.ssl.client.auth", "required".to_owned()),
        ("sasl.enabled.mechanisms", "SCRAM-SHA-256,SCRAM-SHA-512".to_owned()),
        (
            "listener.name.users.scram-sha-256.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned(),
        ),
        (
            "listener.name.users.scram-sha-512.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned(),
        ),
    ];
    let listeners = [("USERS", "SASL_SSL", "localhost"), ("MUTUAL", "SSL", "localhost")];
    let Some((of, ports)) = Secured::start("kafka_tls", &listeners, &settings).await else { return };
    let (users, mutual) = (ports[0], ports[1]);
    // One request takes one credential of a user.
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        add_user(of.workspace.path(), &of.server.url(), mechanism);
    }

    let ca_file = Some(trusted);
    let user = |mechanism, password: &str| KafkaSecurity {
        protocol: KafkaProtocol::SaslSsl,
        mechanism: Some(mechanism),
        username: Some("septet".to_owned()),
        password_file: of.file("password", password),
        ca_file: ca_file.clone(),
        ..KafkaSecurity::default()
    };
    for mechanism in [KafkaMechanism::ScramSha256, KafkaMechanism::ScramSha512] {
        let_in(log(users, "localhost", user(mechanism, &password()))).await;
    }
    let wrong = format!("not {}", password());
    let error = refused(log(users, "localhost", user(KafkaMechanism::ScramSha512, &wrong)), &wrong).await;
    assert!(error.contains("Authentication failed"), "{error}");

    let shown = |certificate: &Certificate| KafkaSecurity {
        protocol: KafkaProtocol::Ssl,
        ca_file: ca_file.clone(),
        certificate_file: of.file("client.pem", &certificate.chain),
        key_file: of.file("client.key", &certificate.key),
        ..KafkaSecurity::default()
    };
    let known = authority.sign(&["client"]);
    let_in(log(mutual, "localhost", shown(&known))).await;
    let stranger = Authority::new("another");
    let unknown = KafkaSecurity { ca_file: of.file("another.pem", &stranger.pem()), ..shown(&known) };
    let error = refused(log(mutual, "localhost", unknown), "BEGIN").await;
    assert!(error.contains("kafka.security.ca_file"), "{error}");
    let error = refused(log(mutual, "127.0.0.1", shown(&known)), "BEGIN").await;
    assert!(error.contains("kafka.brokers"), "{error}");
    let anonymous = KafkaSecurity { certificate_file: None, key_file: None, ..shown(&known) };
    let error = refused(log(mutual, "localhost", anonymous), "BEGIN").await;
    assert!(error.contains("kafka.security.certificate_file"), "{error}");
    let error = refused(log(mutual, "localhost", shown(&stranger.sign(&["client"]))), "BEGIN").await;
    assert!(error.contains("kafka.security.certificate_file"), "{error}");
}
