//! RabbitMQ.

use std::{fs, io, path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::OnceCell,
    time::timeout,
};

use super::{
    process::{Account, free_port, ready, start},
    skip,
};

/// Names a running broker, as `amqp://user:password@host:port/vhost`.
const URL: &str = "SEPTET_TEST_AMQP_URL";

/// Debian's start script, below the one that changes to the `rabbitmq` user.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Erlang's name server. RabbitMQ would start one that outlives it.
const EPMD: &str = "/usr/bin/epmd";

/// What an AMQP 0-9-1 client says first.
const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";

/// A running RabbitMQ. Tests share it: use queue names of your own.
#[derive(Debug)]
pub struct RabbitMq {
    /// `amqp://user:password@host:port/vhost`.
    pub url: String,
}

/// This process's RabbitMQ, started when it is first asked for; `None` where there is none (see [`super`]).
pub async fn rabbitmq() -> Option<&'static RabbitMq> {
    static BROKER: OnceCell<Result<RabbitMq, String>> = OnceCell::const_new();
    match BROKER.get_or_init(find_or_start).await {
        Ok(broker) => Some(broker),
        Err(why) => {
            skip("RabbitMQ", why);
            None
        }
    }
}

async fn find_or_start() -> Result<RabbitMq, String> {
    match std::env::var(URL) {
        Ok(url) => Ok(RabbitMq { url }),
        Err(_) => start_installed().await,
    }
}

async fn start_installed() -> Result<RabbitMq, String> {
    for program in [SERVER, EPMD] {
        if !Path::new(program).exists() {
            return Err(format!("{URL} is not set, and {program} is not installed"));
        }
    }
    let failed = |error: io::Error| format!("cannot start {SERVER}: {error}");
    let account = Account::of("rabbitmq")?;
    let dir = account.directory("rabbitmq").map_err(failed)?;
    let log = dir.join("log");
    let (port, distribution, names) =
        (free_port().map_err(failed)?, free_port().map_err(failed)?, free_port().map_err(failed)?);
    // Readable by the broker's user, which owns the directory and not these files.
    fs::write(dir.join("plugins"), "[].\n").map_err(failed)?;
    fs::write(dir.join("rabbitmq.conf"), "").map_err(failed)?;

    let mut epmd = account.command(Path::new(EPMD), "TERM", &log).map_err(failed)?;
    epmd.args(["-address", "127.0.0.1", "-port", &names.to_string()]);
    start(epmd).map_err(failed)?;
    let mut broker = account.command(Path::new(SERVER), "TERM", &log).map_err(failed)?;
    broker
        .current_dir(&dir)
        .env("HOME", &dir)
        // Has the script become the broker, so that the signal reaches it.
        .env("RUNNING_UNDER_SYSTEMD", "1")
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", names.to_string())
        .env("RABBITMQ_NODENAME", format!("septet-{}@localhost", std::process::id()))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("RABBITMQ_MNESIA_BASE", dir.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", dir.join("logs"))
        .env("RABBITMQ_CONFIG_FILE", dir.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", dir.join("plugins"))
        .env("RABBITMQ_CONF_ENV_FILE", dir.join("none"));
    start(broker).map_err(failed)?;
    ready("RabbitMQ", &log, Duration::from_secs(90), async || greets(port).await).await?;
    Ok(RabbitMq { url: format!("amqp://guest:guest@127.0.0.1:{port}/%2f") })
}

/// Whether a broker answers the greeting with the frame that starts a connection.
async fn greets(port: u16) -> bool {
    let talk = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(GREETING).await?;
        stream.read_u8().await
    };
    matches!(timeout(Duration::from_secs(2), talk).await, Ok(Ok(1)))
}
