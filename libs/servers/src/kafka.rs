//! Apache Kafka: one KRaft node, broker and controller in one.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Kind, ServerError, account::Account, jars, kind::Plan, program};

const CONTROLLER: &str = "controller";
/// The listener that a proxy stands before.
pub(crate) const BEHIND: &str = "behind";
pub(crate) const PORTS: [&str; 2] = [CONTROLLER, BEHIND];

/// What Java is told whatever it runs: its log goes to standard error, and says what went wrong.
const LOGGING: [&str; 3] = [
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
];

pub(crate) fn java() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    home.filter(|java| java.is_file()).or_else(|| program::find("java"))
}

pub(crate) fn prepare(plan: &Plan<'_>, account: &Account) -> Result<Command, ServerError> {
    let kind = Kind::Kafka;
    let java = java().ok_or_else(|| kind.absent(&["default-jre-headless"]))?;
    let classes = jars::fetch()?.join("*");
    let config = plan.dir.join("server.properties");
    let data = plan.dir.join("data");
    let lines =
        plan.settings(&defaults(plan, &data)).into_iter().map(|(key, value)| format!("{key}={value}\n"));
    fs::write(&config, lines.collect::<String>())
        .map_err(ServerError::io(kind, config.display().to_string()))?;
    if !data.join("meta.properties").exists() {
        let mut format = account.command(&java);
        format.args(LOGGING).arg("-cp").arg(&classes).args([
            "kafka.tools.StorageTool",
            "format",
            "-t",
            CLUSTER,
        ]);
        format.arg("-c").arg(&config);
        program::run(kind, format, &plan.log)?;
    }
    let server = account.server(&java, plan.life, "KILL", &plan.log);
    let mut server = server.map_err(ServerError::io(kind, plan.log.display().to_string()))?;
    server.current_dir(plan.dir).args(["-Xms256m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]);
    server.args(LOGGING).arg("-cp").arg(&classes).arg("kafka.Kafka").arg(&config);
    Ok(server)
}

/// The cluster's id: 16 bytes in URL-safe base64. Each is a cluster of one, so all may have the same.
const CLUSTER: &str = "c2VwdGV0LWRldi1rYWZrYQ";

fn defaults(plan: &Plan<'_>, data: &Path) -> Vec<(&'static str, String)> {
    let (port, controller) = (plan.ports.main(), plan.ports.named(CONTROLLER));
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
    let mut advertised = format!("PLAINTEXT://127.0.0.1:{port}");
    let mut protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    if let Some(told) = plan.advertised {
        listeners += &format!(",BEHIND://127.0.0.1:{}", plan.ports.named(BEHIND));
        advertised += &format!(",BEHIND://127.0.0.1:{told}");
        protocols += ",BEHIND:PLAINTEXT";
    }
    let fixed = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.listener.names", "CONTROLLER"),
        ("inter.broker.listener.name", "PLAINTEXT"),
        ("auto.create.topics.enable", "false"),
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "4"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("transaction.state.log.num.partitions", "4"),
        ("share.coordinator.state.topic.replication.factor", "1"),
        ("share.coordinator.state.topic.min.isr", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
        // One that was killed is let in again when the session of its former life is over: 9 s by default.
        ("broker.session.timeout.ms", "4000"),
        ("broker.heartbeat.interval.ms", "1000"),
    ];
    let mut all: Vec<_> = fixed.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
    all.extend([
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
        ("listeners", listeners),
        ("advertised.listeners", advertised),
        ("listener.security.protocol.map", protocols),
        ("log.dirs", data.display().to_string()),
    ]);
    all
}

/// It answers which versions it speaks as soon as it listens; the metadata names the broker once the controller has let
/// it in, and only then does it lead partitions.
pub(crate) fn answers(port: u16) -> io::Result<bool> {
    const API_VERSIONS: u16 = 18;
    const METADATA: u16 = 3;
    let mut stream = program::connect(port)?;
    let versions = request(&mut stream, API_VERSIONS, 0, &[])?;
    if versions.get(..2) != Some(&[0, 0]) {
        return Ok(false);
    }
    // Version 1, about no topics: an empty array.
    let metadata = request(&mut stream, METADATA, 1, &[0, 0, 0, 0])?;
    let brokers = metadata.first_chunk().map(|count| i32::from_be_bytes(*count));
    Ok(brokers.is_some_and(|count| count > 0))
}

/// Sends a request and gives the body of its response.
fn request(stream: &mut TcpStream, api: u16, version: u16, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    message.extend_from_slice(&api.to_be_bytes());
    message.extend_from_slice(&version.to_be_bytes());
    // A correlation id, and a client id that is null.
    message.extend_from_slice(&[0, 0, 0, 7, 0xff, 0xff]);
    message.extend_from_slice(body);
    let length = u32::try_from(message.len()).unwrap_or_default();
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&message)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut response = Vec::new();
    (&*stream).take(u32::from_be_bytes(length).min(1024 * 1024).into()).read_to_end(&mut response)?;
    Ok(response.split_off(response.len().min(4)))
}
