//! What the change does to the public API, and which pages it leaves behind.

use askama::Template;
use septet_chassis::Channel;
use septet_proto_common::v1::PageRequest;
use septet_proto_docs::v1::{
    CommitRef, Coverage, DiffApiRequest, Difference, DifferenceKind, GetCoverageRequest,
    ListStalePagesRequest, ListedMention, Symbol, docs_service_client::DocsServiceClient,
};

use super::{
    super::{
        part::{Part, ask},
        row::{Mark, line},
    },
    About, ITEMS,
};

/// The section.
#[derive(Template)]
#[template(path = "sections/docs.html")]
pub struct Docs {
    mark: Mark,
    api: Part<Api>,
    stale: Part<Vec<Stale>>,
    /// How much is documented; empty where that is not known.
    coverage: String,
}

struct Api {
    differences: Vec<Shown>,
    /// Differences that are not shown.
    more: u32,
}

struct Shown {
    kind: &'static str,
    breaking: bool,
    path: String,
    place: String,
    reason: String,
    /// Empty where added.
    before: String,
    /// Empty where removed.
    after: String,
}

struct Stale {
    place: String,
    symbol: String,
    text: String,
    renamed_to: String,
}

/// Of a change.
pub async fn load(channel: &Channel, about: &About) -> Docs {
    let client = || DocsServiceClient::new(channel.clone());
    let (mut one, mut two, mut three) = (client(), client(), client());
    let change_id = about.change.id.clone();
    let page = || Some(PageRequest { page_size: ITEMS, page_token: String::new() });
    let head = Some(CommitRef { change_id: change_id.clone(), ..CommitRef::default() });
    let diff = DiffApiRequest { head, page: page(), ..DiffApiRequest::default() };
    let stale = ListStalePagesRequest {
        change_id: change_id.clone(),
        page: page(),
        ..ListStalePagesRequest::default()
    };
    let first = Some(PageRequest { page_size: 1, page_token: String::new() });
    let coverage = GetCoverageRequest { change_id, page: first, ..GetCoverageRequest::default() };
    let (diff, stale, coverage) = tokio::join!(
        ask(one.diff_api(diff)),
        ask(two.list_stale_pages(stale)),
        ask(three.get_coverage(coverage)),
    );
    let api = diff.map(|reply| {
        let differences: Vec<Shown> = reply.differences.iter().map(shown).collect();
        Some(Api { more: reply.total.saturating_sub(differences.len() as u32), differences })
    });
    let stale = stale.map(|reply| Some(reply.mentions.into_iter().filter_map(mention).collect()));
    Docs {
        mark: about.mark("docs"),
        api: Part::of("docs", "The public API was not read yet.", api),
        stale: Part::of("docs", "The pages were not read yet.", stale),
        coverage: coverage.ok().and_then(|reply| reply.total).as_ref().map(covered).unwrap_or_default(),
    }
}

fn shown(difference: &Difference) -> Shown {
    let signature = |symbol: &Option<Symbol>| symbol.as_ref().map(|s| line(&s.signature)).unwrap_or_default();
    let symbol = difference.after.as_ref().or(difference.before.as_ref());
    let kind = match difference.kind() {
        DifferenceKind::Added => "added",
        DifferenceKind::Removed => "removed",
        DifferenceKind::Changed => "changed",
        DifferenceKind::Hidden => "hidden",
        DifferenceKind::Renamed => "renamed",
        DifferenceKind::Unspecified => "differs",
    };
    Shown {
        kind,
        breaking: difference.breaking,
        path: symbol.map(|symbol| line(&symbol.path)).unwrap_or_default(),
        place: symbol.map(|symbol| format!("{}:{}", line(&symbol.file), symbol.line)).unwrap_or_default(),
        reason: line(&difference.reason),
        before: signature(&difference.before),
        after: signature(&difference.after),
    }
}

fn mention(listed: ListedMention) -> Option<Stale> {
    let mention = listed.mention?;
    Some(Stale {
        place: format!("{}:{}", line(&mention.page), mention.line),
        symbol: line(&mention.symbol),
        text: line(&mention.text),
        renamed_to: line(&mention.renamed_to),
    })
}

fn covered(coverage: &Coverage) -> String {
    let Coverage { symbols, documented, .. } = *coverage;
    if symbols == 0 {
        return String::new();
    }
    let percent = u64::from(documented) * 100 / u64::from(symbols);
    format!("{documented} of {symbols} public symbols are documented ({percent} %).")
}
