mod graph;
mod readme;

use std::fmt::Write;

use clap::Args;
use septet_chassis::{cli::print, contract::json::message_to_json};
use septet_proto_common::v1::{
    DescribeRequest, DescribeResponse, ServiceDescription, admin_service_client::AdminServiceClient,
};

use crate::{
    cli::Global,
    connect::{Connection, told},
};

#[derive(Args)]
pub struct DescribeArgs {
    /// Only this service
    service: Option<String>,
    /// As JSON
    #[arg(long, group = "form")]
    json: bool,
    /// Who calls and who hears whom, as a Mermaid flowchart
    #[arg(long, group = "form")]
    graph: bool,
    /// As Markdown: the second half of a service's README
    #[arg(long, group = "form")]
    markdown: bool,
}

pub async fn run(global: Global, args: DescribeArgs) -> anyhow::Result<()> {
    let DescribeArgs { service, json, .. } = args;
    let connection = Connection::open_anywhere(&global).await?;
    let mut client = AdminServiceClient::new(connection.channel.clone());
    let reply = client.describe(DescribeRequest {}).await;
    connection.close().await?;
    let mut services = reply.map_err(|status| told(&status))?.into_inner().services;
    if args.graph {
        return print(&graph::flowchart(&services, service.as_deref()));
    }
    if let Some(name) = service {
        let known = services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>().join(", ");
        services.retain(|service| service.name == name);
        if services.is_empty() {
            anyhow::bail!("there is no service {name}; there are {known}");
        }
    }
    if json {
        let json = message_to_json(&DescribeResponse { services })?;
        return print(&format!("{}\n", serde_json::to_string_pretty(&json)?));
    }
    if args.markdown {
        return print(&services.iter().map(readme::markdown).collect::<Vec<_>>().join("\n"));
    }
    print(&services.iter().map(describe).collect::<Vec<_>>().join("\n"))
}

fn describe(service: &ServiceDescription) -> String {
    let mut text = format!("{} {}\n", service.name, service.version);
    let mut section = |title: &str, lines: Vec<String>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {title}");
        for line in if lines.is_empty() { vec!["nothing".to_owned()] } else { lines } {
            let _ = writeln!(text, "    {line}");
        }
    };
    section(
        "consumes",
        service
            .consumes
            .iter()
            .map(|event| {
                let replay = if event.replayable { "" } else { " (not replayable)" };
                format!("{}  from {}, by {}{replay}", event.r#type, event.topic, event.key)
            })
            .collect(),
    );
    section(
        "publishes",
        service
            .publishes
            .iter()
            .map(|event| format!("{}  to {}, by {}", event.r#type, event.topic, event.key))
            .collect(),
    );
    section(
        "works on",
        service
            .works
            .iter()
            .map(|job| format!("{}  from {}, at most {} attempts", job.r#type, job.queue, job.max_attempts))
            .collect(),
    );
    section(
        "serves",
        service.serves.iter().map(|rpc| format!("{}  for {}", rpc.method, rpc.roles.join(", "))).collect(),
    );
    section("calls", service.calls.clone());
    section("configuration", service.config.lines().map(str::to_owned).collect());
    text
}
