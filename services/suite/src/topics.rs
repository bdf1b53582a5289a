use std::fmt::Write;

use septet_chassis::{
    cli::{TopicsCommand, WaitArgs, print, start_telemetry, topics_applied},
    data_dir_in_use,
};
use septet_proto_common::v1::{
    ApplyTopicsRequest, ListTopicsRequest, Topic, admin_service_client::AdminServiceClient,
};

use crate::{
    cli::Global,
    connect::{Connection, source, told},
    suite,
};

pub async fn run(global: Global, command: Option<TopicsCommand>) -> anyhow::Result<()> {
    match command {
        None => list(&global).await,
        Some(TopicsCommand::Apply(wait)) => apply(&global, wait).await,
    }
}

async fn list(global: &Global) -> anyhow::Result<()> {
    let connection = Connection::open(global).await?;
    let listed = AdminServiceClient::new(connection.channel.clone()).list_topics(ListTopicsRequest {}).await;
    connection.close().await?;
    print(&table(&listed.map_err(|status| told(&status))?.into_inner().topics))
}

/// On the log itself where nobody else holds it, so that no server need run.
async fn apply(global: &Global, wait: WaitArgs) -> anyhow::Result<()> {
    let source = source(global)?;
    let config = source.process()?;
    if global.server.is_none() && !data_dir_in_use(&config.data_dir) {
        let process = suite::process();
        let _telemetry = start_telemetry(&process, &source)?;
        let applied = process.apply_topics(&source, wait.limit()).await?;
        return print(&topics_applied(&applied.created, &applied.widened));
    }
    let connection = Connection::open(global).await?;
    let applied =
        AdminServiceClient::new(connection.channel.clone()).apply_topics(ApplyTopicsRequest {}).await;
    connection.close().await?;
    let applied = applied.map_err(|status| told(&status))?.into_inner();
    print(&topics_applied(&applied.created, &applied.widened))
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
