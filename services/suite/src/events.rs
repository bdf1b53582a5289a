use std::{io::Read, path::PathBuf};

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::{Args, Subcommand};
use septet_chassis::{
    cli::print,
    contract::{Timestamp, cloudevents},
};
use septet_proto_common::v1::{
    PublishRecordRequest, RecordHeader, ReplayTopicRequest, ReplayTopicResponse, TailEventsRequest,
    admin_service_client::AdminServiceClient,
};
use tokio_stream::StreamExt;

use crate::{
    cli::Global,
    connect::{Connection, told},
};

#[derive(Subcommand)]
pub enum EventsCommand {
    /// Print events as they happen, one line of CloudEvents JSON each
    Tail {
        /// Topics; none for all
        topics: Vec<String>,
        /// From the first kept event
        #[arg(long)]
        from_start: bool,
        /// Only what is there already
        #[arg(long)]
        until_end: bool,
    },
    /// Publish one event to a topic, exactly as a Kafka client would
    Publish(PublishArgs),
}

#[derive(Args)]
pub struct PublishArgs {
    topic: String,
    /// Record key
    #[arg(long)]
    key: Option<String>,
    /// Event type: sends the value as the JSON of this type, with CloudEvents headers
    #[arg(long = "type", value_name = "TYPE")]
    r#type: Option<String>,
    /// Header; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// The value
    #[arg(long, conflicts_with = "file", value_name = "TEXT")]
    value: Option<String>,
    /// File with the value [default: standard input]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Args)]
pub struct ReplayArgs {
    /// Service whose handlers run
    #[arg(long)]
    service: String,
    #[arg(long)]
    topic: String,
    /// Events appended at or after this time, as RFC 3339
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Only this event type
    #[arg(long, value_name = "TYPE", default_value = "")]
    handler: String,
}

pub async fn run(global: Global, command: EventsCommand) -> anyhow::Result<()> {
    let connection = Connection::open(&global).await?;
    let done = match command {
        EventsCommand::Tail { topics, from_start, until_end } => {
            tail(&connection, TailEventsRequest { topics, from_start, until_end }).await
        }
        EventsCommand::Publish(args) => publish(&connection, args).await,
    };
    connection.close().await?;
    done
}

async fn tail(connection: &Connection, request: TailEventsRequest) -> anyhow::Result<()> {
    let mut client = AdminServiceClient::new(connection.channel.clone());
    let mut events = client.tail_events(request).await.map_err(|status| told(&status))?.into_inner();
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        let Some(event) = event else { return Ok(()) };
        let event = event.map_err(|status| told(&status))?;
        if event.error.is_empty() {
            print(&format!("{}\n", event.cloud_event_json))?;
        } else {
            tracing::warn!(
                topic = event.topic,
                partition = event.partition,
                offset = event.offset,
                "{}",
                event.error
            );
        }
    }
}

async fn publish(connection: &Connection, args: PublishArgs) -> anyhow::Result<()> {
    let value: Bytes = match (args.value, args.file) {
        (Some(value), _) => value.into(),
        (None, Some(path)) => {
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?.into()
        }
        (None, None) => {
            let mut value = Vec::new();
            std::io::stdin().read_to_end(&mut value).context("cannot read standard input")?;
            value.into()
        }
    };
    let mut headers = Vec::new();
    if let Some(r#type) = args.r#type {
        let id = uuid::Uuid::now_v7().to_string();
        headers.extend([
            ("content-type".to_owned(), cloudevents::JSON.to_owned()),
            ("ce_specversion".to_owned(), "1.0".to_owned()),
            ("ce_id".to_owned(), id),
            ("ce_source".to_owned(), "/septet/cli".to_owned()),
            ("ce_type".to_owned(), r#type),
            ("ce_time".to_owned(), Timestamp::now().to_string()),
        ]);
    }
    for header in &args.headers {
        let Some((name, value)) = header.split_once('=') else {
            bail!("--header {header}: write it as NAME=VALUE");
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let request = PublishRecordRequest {
        topic: args.topic.clone(),
        key: args.key.map(Bytes::from),
        headers: headers
            .into_iter()
            .map(|(name, value)| RecordHeader { key: name.into(), value: Some(value.into()) })
            .collect(),
        value: Some(value),
    };
    let mut client = AdminServiceClient::new(connection.channel.clone());
    let reply = client.publish_record(request).await.map_err(|status| told(&status))?.into_inner();
    print(&format!("{} partition {} offset {}\n", args.topic, reply.partition, reply.offset))
}

pub async fn replay(global: Global, args: ReplayArgs) -> anyhow::Result<()> {
    let from = Timestamp::parse_rfc3339(&args.from)
        .with_context(|| format!("--from {}: write a time such as 2026-01-31T00:00:00Z", args.from))?;
    let connection = Connection::open(&global).await?;
    let mut client = AdminServiceClient::new(connection.channel.clone());
    let request = ReplayTopicRequest {
        service: args.service,
        topic: args.topic,
        from: Some(from.into()),
        handler: args.handler,
    };
    let replayed = async {
        let mut progress = client.replay_topic(request).await?.into_inner();
        let mut whole = ReplayTopicResponse::default();
        while let Some(so_far) = progress.next().await {
            whole = so_far?;
        }
        Ok(whole)
    }
    .await;
    connection.close().await?;
    let reply = replayed.map_err(|status: tonic::Status| told(&status))?;
    print(&format!(
        "{} handled, {} skipped, {} failed (inbox consumer {})\n",
        reply.handled, reply.skipped, reply.failed, reply.consumer
    ))
}
