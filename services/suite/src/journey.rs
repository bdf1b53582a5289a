//! `septet journey`: one change's way through the services, as a tree.

use std::{collections::BTreeSet, fmt::Write};

use clap::Args;
use septet_chassis::{Channel, cli::print, contract::Timestamp, contract::json::message_to_json};
use septet_proto_common::v1::PageRequest;
use septet_proto_devops::v1::{
    Change, GetChangeRequest, GetJourneyRequest, GetJourneyResponse, JourneyStep, ListRepositoriesRequest,
    devops_service_client::DevopsServiceClient,
};
use tonic::Code;

use crate::{
    cli::Global,
    connect::{Connection, source, told},
    text,
};

/// Repositories that are searched for a commit.
const REPOSITORIES: u32 = 1_000;

#[derive(Args)]
pub struct JourneyArgs {
    /// A commit's hash or its first 7 or more digits, or a change's id
    #[arg(value_name = "COMMIT|CHANGE")]
    change: String,
    /// As JSON, as GetJourney gives it
    #[arg(long)]
    json: bool,
}

pub async fn run(global: Global, args: JourneyArgs) -> anyhow::Result<()> {
    let connection = Connection::open(&global).await?;
    let journey = journey(&connection.channel, &args.change).await;
    connection.close().await?;
    let mut journey = journey?;
    // They come in the order in which devops heard them.
    journey.steps.sort_by_key(|step| step.time.map(|time| Timestamp::from(time).micros()));
    if args.json {
        let json = message_to_json(&journey)?;
        return print(&format!("{}\n", serde_json::to_string_pretty(&json)?));
    }
    // Where the console of this data directory's server is; a server elsewhere has its own.
    let console = match global.server {
        None => Some(source(&global)?.process()?.admin.url()),
        Some(_) => None,
    };
    print(&tree(&journey, console.as_deref()))
}

async fn journey(channel: &Channel, asked: &str) -> anyhow::Result<GetJourneyResponse> {
    let change_id = if asked.contains('-') { asked.to_owned() } else { find(channel, asked).await?.id };
    let mut client = DevopsServiceClient::new(channel.clone());
    let reply = client.get_journey(GetJourneyRequest { change_id }).await;
    Ok(reply.map_err(|status| told(&status))?.into_inner())
}

/// The change of a commit, whichever repository has it.
async fn find(channel: &Channel, commit: &str) -> anyhow::Result<Change> {
    let mut client = DevopsServiceClient::new(channel.clone());
    let page = Some(PageRequest { page_size: REPOSITORIES, page_token: String::new() });
    let reply = client.list_repositories(ListRepositoriesRequest { page }).await;
    let repositories = reply.map_err(|status| told(&status))?.into_inner().repositories;
    let mut found = Vec::new();
    for repository in repositories {
        let request = GetChangeRequest {
            repository_id: repository.id,
            commit: commit.to_owned(),
            ..GetChangeRequest::default()
        };
        match client.get_change(request).await {
            Ok(reply) => found.extend(reply.into_inner().change),
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(told(&status)),
        }
    }
    match found.len() {
        0 => {
            anyhow::bail!("no watched repository has a commit {commit}; `septet up --repo PATH` watches one")
        }
        1 => Ok(found.remove(0)),
        _ => {
            let names: Vec<_> = found
                .iter()
                .map(|change| format!("{} ({})", change.id, text::fit(&change.repository_name, 40)))
                .collect();
            anyhow::bail!("several repositories have commit {commit}; name a change: {}", names.join(", "))
        }
    }
}

fn tree(journey: &GetJourneyResponse, console: Option<&str>) -> String {
    let change = journey.change.clone().unwrap_or_default();
    let author = change.author.as_ref().map_or("", |author| author.name.as_str());
    let committed = change.committed_time.map(|time| Timestamp::from(time).to_string()).unwrap_or_default();
    let mut text = format!(
        "{} {}\n{} · {} · {} · change {}\n",
        change.commit.get(..8).unwrap_or(&change.commit),
        text::fit(&change.subject, 100),
        text::fit(&change.repository_name, 40),
        text::fit(author, 40),
        committed,
        change.id
    );
    let times = journey.steps.iter().filter_map(|step| step.time).map(|time| Timestamp::from(time).micros());
    let began = times.min();
    let width = journey.steps.iter().map(|step| step.service.len()).max().unwrap_or_default();
    for (number, step) in journey.steps.iter().enumerate() {
        let branch = if number + 1 == journey.steps.len() { "└─" } else { "├─" };
        let after = began.zip(step.time).map_or_else(String::new, |(began, time)| {
            format!("+{:.3} s", (Timestamp::from(time).micros() - began) as f64 / 1e6)
        });
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{branch} {:width$}  {:7} {:>10}  {}: {}",
            step.service,
            text::verdict(step.outcome()),
            after,
            event(step),
            text::fit(&step.summary, 160)
        );
    }
    if journey.steps.is_empty() {
        text.push_str("└─ no service has said anything yet\n");
    }
    text.push_str(&footer(journey, console));
    text
}

/// The event's type without its package.
fn event(step: &JourneyStep) -> &str {
    step.event_type.rsplit('.').next().unwrap_or(&step.event_type)
}

/// Where to look further.
fn footer(journey: &GetJourneyResponse, console: Option<&str>) -> String {
    let of = |id: fn(&JourneyStep) -> &str| {
        let ids: BTreeSet<&str> = journey.steps.iter().map(id).filter(|id| !id.is_empty()).collect();
        ids.into_iter().collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    for (name, ids) in
        [("correlation", of(|step| &step.correlation_id)), ("trace", of(|step| &step.trace_id))]
    {
        if !ids.is_empty() {
            let _ = writeln!(text, "{name} {ids}");
        }
    }
    let change = journey.change.as_ref().map_or("", |change| change.id.as_str());
    let _ = writeln!(text, "release: septet call devops.GetRelease '{{\"changeId\": \"{change}\"}}'");
    if let Some(console) = console {
        let _ = writeln!(text, "page {console}/changes/{change}, while `septet up` runs");
    }
    text
}
