use std::io::Read;

use anyhow::{Context, bail};
use clap::Args;
use prost_reflect::{DynamicMessage, MethodDescriptor, ServiceDescriptor};
use septet_chassis::{
    cli::print,
    contract::{Catalog, Limits, json},
};
use tokio_stream::StreamExt;
use tonic::client::Grpc;

use crate::{
    cli::Global,
    connect::{Connection, told},
    rpc::DynamicCodec,
    suite,
};

/// Bytes of a request at most.
const MAX_REQUEST: u64 = 4 * 1024 * 1024;

#[derive(Args)]
pub struct CallArgs {
    /// The RPC, such as `review.ListFindings`, `admin.ListTopics`, or by its full name; none lists them
    #[arg(value_name = "SERVICE.METHOD")]
    method: Option<String>,
    /// The request as JSON, or `-` for standard input
    #[arg(default_value = "{}", value_name = "JSON")]
    request: String,
}

pub async fn run(global: Global, args: CallArgs) -> anyhow::Result<()> {
    let catalog = suite::process().catalog();
    let Some(name) = args.method else {
        return print(&list(&catalog));
    };
    let method = find(&catalog, &name)?;
    if method.is_client_streaming() {
        bail!("{name} takes a stream of requests; use a gRPC client of your language for it");
    }
    let text = if args.request == "-" {
        let mut text = String::new();
        std::io::stdin().take(MAX_REQUEST).read_to_string(&mut text).context("cannot read standard input")?;
        text
    } else {
        args.request
    };
    let limits = Limits { max_bytes: MAX_REQUEST as usize, ..Limits::default() };
    let bytes = json::from_json(&method.input(), text.as_bytes(), &limits)
        .with_context(|| format!("the request is not a {}", method.input().full_name()))?;
    let request = DynamicMessage::decode(method.input(), bytes)?;

    let connection = Connection::open(&global).await?;
    let result = call(&connection, &method, request).await;
    connection.close().await?;
    result
}

async fn call(
    connection: &Connection,
    method: &MethodDescriptor,
    request: DynamicMessage,
) -> anyhow::Result<()> {
    let mut client = Grpc::new(connection.channel.clone());
    client.ready().await.map_err(|error| anyhow::anyhow!("cannot reach the server: {error}"))?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name()).parse()?;
    let codec = DynamicCodec { reply: method.output() };
    // A unary call is a stream of one, on the wire and here.
    let mut replies = client
        .server_streaming(tonic::Request::new(request), path, codec)
        .await
        .map_err(|status| told(&status))?
        .into_inner();
    while let Some(reply) = replies.next().await {
        let reply = reply.map_err(|status| told(&status))?;
        let text = if method.is_server_streaming() {
            serde_json::to_string(&reply)?
        } else {
            serde_json::to_string_pretty(&reply)?
        };
        print(&format!("{text}\n"))?;
    }
    Ok(())
}

fn services(catalog: &Catalog) -> Vec<ServiceDescriptor> {
    let mut services: Vec<_> =
        catalog.contracts().flat_map(|contract| (contract.pool)().services()).collect();
    services.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    // A contract's pool holds those of its imports too.
    services.dedup_by(|a, b| a.full_name() == b.full_name());
    services
}

/// `review` for `septet.review.v1.ReviewService`.
fn short(service: &ServiceDescriptor) -> String {
    service.name().strip_suffix("Service").unwrap_or(service.name()).to_lowercase()
}

fn find(catalog: &Catalog, name: &str) -> anyhow::Result<MethodDescriptor> {
    let Some((service, method)) = name.rsplit_once(['.', '/']) else {
        bail!("write the RPC as SERVICE.METHOD; `septet call` lists them");
    };
    let service = service.trim_start_matches('/');
    services(catalog)
        .iter()
        .filter(|known| known.full_name() == service || short(known) == service.to_lowercase())
        .flat_map(|known| known.methods().collect::<Vec<_>>())
        .find(|known| known.name().eq_ignore_ascii_case(method))
        .with_context(|| format!("there is no RPC {name}; `septet call` lists them"))
}

fn list(catalog: &Catalog) -> String {
    let mut text = String::new();
    for service in services(catalog) {
        for method in service.methods() {
            let stream = if method.is_server_streaming() { " (stream)" } else { "" };
            text.push_str(&format!("{}.{}{stream}\n", short(&service), method.name()));
        }
    }
    text
}
