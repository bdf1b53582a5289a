use std::{
    fmt::Write,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;
use bytes::Bytes;
use clap::{Subcommand, ValueEnum};
use septet_chassis::{
    cli::print,
    contract::{Timestamp, json::message_to_json},
};
use septet_proto_common::v1::{
    DeadLetter, DeadLetterState, DiscardDeadLetterRequest, GetDeadLetterRequest, GetDeadLetterResponse,
    ListDeadLettersRequest, PageRequest, RedriveDeadLetterRequest, admin_service_client::AdminServiceClient,
};

use crate::{
    cli::Global,
    connect::{Connection, told},
};

#[derive(Subcommand)]
pub enum DlqCommand {
    /// List dead letters, newest first
    List {
        /// Only of this service
        #[arg(long)]
        service: Option<String>,
        /// What has become of them
        #[arg(long, value_enum, default_value = "open")]
        state: State,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show a dead letter with its record
    Show { id: String },
    /// Give dead letters to their service again
    Redrive {
        #[arg(required = true)]
        ids: Vec<String>,
        /// Send the content of this file instead of the record's value; `-` for standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Even if it was redriven or discarded before
        #[arg(long)]
        again: bool,
    },
    /// Give dead letters up
    Discard {
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum State {
    Open,
    Redriven,
    Discarded,
}

pub async fn run(global: Global, command: DlqCommand) -> anyhow::Result<()> {
    let connection = Connection::open(&global).await?;
    let done = carry_out(&connection, command).await;
    connection.close().await?;
    print(&done?)
}

async fn carry_out(connection: &Connection, command: DlqCommand) -> anyhow::Result<String> {
    let mut client = AdminServiceClient::new(connection.channel.clone());
    let mut text = String::new();
    match command {
        DlqCommand::List { service, state, limit, json } => {
            let state = match state {
                State::Open => DeadLetterState::Open,
                State::Redriven => DeadLetterState::Redriven,
                State::Discarded => DeadLetterState::Discarded,
            };
            let page = Some(PageRequest { page_size: limit, page_token: String::new() });
            let request =
                ListDeadLettersRequest { service: service.unwrap_or_default(), state: state.into(), page };
            let reply = client.list_dead_letters(request).await.map_err(|status| told(&status))?.into_inner();
            if json {
                for letter in &reply.dead_letters {
                    writeln!(text, "{}", message_to_json(letter)?)?;
                }
            } else if reply.dead_letters.is_empty() {
                text.push_str("no dead letters\n");
            }
            if !json {
                reply.dead_letters.iter().for_each(|letter| text.push_str(&line(letter)));
            }
        }
        DlqCommand::Show { id } => {
            let request = GetDeadLetterRequest { id };
            text =
                show(&client.get_dead_letter(request).await.map_err(|status| told(&status))?.into_inner())?;
        }
        DlqCommand::Redrive { ids, file, again } => {
            let value = file.as_deref().map(read).transpose()?;
            for id in ids {
                let request = RedriveDeadLetterRequest { id: id.clone(), value: value.clone(), again };
                client.redrive_dead_letter(request).await.map_err(|status| told(&status))?;
                writeln!(text, "redriven {id}")?;
            }
        }
        DlqCommand::Discard { ids } => {
            for id in ids {
                let request = DiscardDeadLetterRequest { id: id.clone() };
                client.discard_dead_letter(request).await.map_err(|status| told(&status))?;
                writeln!(text, "discarded {id}")?;
            }
        }
    }
    Ok(text)
}

fn read(path: &Path) -> anyhow::Result<Bytes> {
    let mut value = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut value).context("cannot read standard input")?;
    } else {
        value = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(value.into())
}

fn line(letter: &DeadLetter) -> String {
    format!(
        "{}  {}  {}  {}  {}\n    {}\n",
        letter.id,
        letter.time.map(|time| Timestamp::from(time).to_string()).unwrap_or_default(),
        letter.service,
        place(letter),
        letter.reason,
        letter.error
    )
}

fn place(letter: &DeadLetter) -> String {
    if letter.partition < 0 {
        letter.origin.clone()
    } else {
        format!("{}/{}/{}", letter.origin, letter.partition, letter.offset)
    }
}

fn show(letter: &GetDeadLetterResponse) -> anyhow::Result<String> {
    let mut text = String::new();
    if let Some(about) = &letter.dead_letter {
        writeln!(text, "{}", serde_json::to_string_pretty(&message_to_json(about)?)?)?;
    }
    writeln!(text, "key: {}", letter.key.as_deref().map_or_else(|| "none".to_owned(), printable))?;
    for header in &letter.headers {
        let value = header.value.as_deref().map_or_else(|| "null".to_owned(), printable);
        writeln!(text, "header {}: {value}", printable(&header.key))?;
    }
    writeln!(text, "value: {}", letter.value.as_deref().map_or_else(|| "null".to_owned(), printable))?;
    Ok(text)
}

/// Bytes with everything but printable ASCII escaped: a record comes from anywhere, and this goes to a terminal.
fn printable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
