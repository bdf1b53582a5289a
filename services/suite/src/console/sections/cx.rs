//! What experiments say of the flags that the change is released behind.

use askama::Template;
use septet_chassis::Channel;
use septet_proto_cx::v1::{
    CheckGuardrailsRequest, CheckGuardrailsResponse, cx_service_client::CxServiceClient,
};

use super::{
    super::{
        format::Moment,
        part::{Part, ask},
        row::{Mark, line},
    },
    About,
};

/// The section.
#[derive(Template)]
#[template(path = "sections/cx.html")]
pub struct Cx {
    mark: Mark,
    flags: Vec<String>,
    part: Part<Shown>,
}

struct Shown {
    breached: Vec<Breached>,
    unknown: Vec<String>,
}

struct Breached {
    flag: String,
    metric: String,
    variation: String,
    reason: String,
    since: Moment,
}

/// Of a change: as it is now, which may differ from when the release was decided.
pub async fn load(channel: &Channel, about: &About) -> Cx {
    let flags = about.decided().and_then(|release| release.settings.clone()).unwrap_or_default().flags;
    let part = if flags.is_empty() {
        // The release says so.
        Part::Nothing(String::new())
    } else {
        let mut client = CxServiceClient::new(channel.clone());
        let request = CheckGuardrailsRequest { flag_keys: flags.clone() };
        Part::of(
            "cx",
            "No flag is known.",
            ask(client.check_guardrails(request)).await.map(|reply| Some(shown(reply))),
        )
    };
    Cx { mark: about.mark("cx"), flags: flags.iter().map(|flag| line(flag)).collect(), part }
}

fn shown(reply: CheckGuardrailsResponse) -> Shown {
    let breached = reply.breached.into_iter().map(|guardrail| Breached {
        flag: line(&guardrail.flag_key),
        metric: line(&guardrail.metric),
        variation: line(&guardrail.variation),
        reason: line(&guardrail.reason),
        since: Moment::of(guardrail.time),
    });
    Shown {
        breached: breached.collect(),
        unknown: reply.unknown_flag_keys.iter().map(|flag| line(flag)).collect(),
    }
}
