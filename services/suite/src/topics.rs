use std::fmt::Write;

use clap::Subcommand;
use septet_chassis::cli::print;
use septet_proto_common::v1::{
    ApplyTopicsRequest, ListTopicsRequest, Topic, admin_service_client::AdminServiceClient,
};

use crate::{
    cli::Global,
    connect::{Connection, told},
};

#[derive(Subcommand)]
pub enum TopicsCommand {
    /// Create the topics of the contracts that are missing, and widen those with too few partitions
    Apply,
}

pub async fn run(global: Global, command: Option<TopicsCommand>) -> anyhow::Result<()> {
    let connection = Connection::open(&global).await?;
    let mut client = AdminServiceClient::new(connection.channel.clone());
    let result = match command {
        None => client.list_topics(ListTopicsRequest {}).await.map(|reply| table(&reply.into_inner().topics)),
        Some(TopicsCommand::Apply) => client.apply_topics(ApplyTopicsRequest {}).await.map(|reply| {
            let reply = reply.into_inner();
            let created = reply.created.iter().map(|topic| format!("created {topic}\n"));
            let widened = reply.widened.iter().map(|topic| format!("widened {topic}\n"));
            let text: String = created.chain(widened).collect();
            if text.is_empty() { "every topic is there\n".to_owned() } else { text }
        }),
    };
    connection.close().await?;
    print(&result.map_err(|status| told(&status))?)
}

fn table(topics: &[Topic]) -> String {
    let width = topics.iter().map(|topic| topic.name.len()).max().unwrap_or(5).max(5);
    let mut text = format!("{:width$}  {:>10}  {:>8}  lag\n", "topic", "partitions", "records");
    for topic in topics {
        let records: i64 = topic.partitions.iter().map(|partition| partition.end - partition.start).sum();
        let lag = topic.groups.iter().map(|group| format!("{} {}", group.group, group.records));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:width$}  {:>10}  {records:>8}  {}",
            topic.name,
            topic.partitions.len(),
            lag.collect::<Vec<_>>().join(", ")
        );
    }
    text
}
