//! What security rules made of the change.

use askama::Template;
use septet_chassis::Channel;
use septet_proto_common::v1::PageRequest;
use septet_proto_soc::v1::{AlertState, ListAlertsRequest, soc_service_client::SocServiceClient};

use super::{
    super::{
        format::Moment,
        part::{Part, ask},
        row::{Mark, line},
    },
    About, ITEMS,
};
use crate::text::severity;

/// The section.
#[derive(Template)]
#[template(path = "sections/soc.html")]
pub struct Soc {
    mark: Mark,
    part: Part<Shown>,
}

struct Shown {
    alerts: Vec<Alert>,
    /// Whether there are alerts that are not shown.
    more: bool,
}

struct Alert {
    level: &'static str,
    title: String,
    rule: String,
    explanation: String,
    open: bool,
    /// Who closed it and why.
    closed: String,
    time: Moment,
}

/// Of a change.
pub async fn load(channel: &Channel, about: &About) -> Soc {
    let request = ListAlertsRequest {
        change_id: about.change.id.clone(),
        page: Some(PageRequest { page_size: ITEMS, page_token: String::new() }),
        ..ListAlertsRequest::default()
    };
    let mut client = SocServiceClient::new(channel.clone());
    let shown = ask(client.list_alerts(request)).await.map(|reply| {
        let more = !reply.page.unwrap_or_default().next_page_token.is_empty();
        Some(Shown { alerts: reply.alerts.iter().map(alert).collect(), more })
    });
    Soc { mark: about.mark("soc"), part: Part::of("soc", "No alerts.", shown) }
}

fn alert(alert: &septet_proto_soc::v1::Alert) -> Alert {
    let closed = match (alert.closed_by.as_str(), alert.close_reason.as_str()) {
        (by, "") => by.to_owned(),
        (by, why) => format!("{by}: {why}"),
    };
    Alert {
        level: severity(alert.level()),
        open: alert.state() != AlertState::Closed,
        title: line(&alert.title),
        rule: line(&alert.rule_id),
        explanation: line(&alert.explanation),
        closed: line(&closed),
        time: Moment::of(alert.time),
    }
}
