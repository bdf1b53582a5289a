//! What the review found.

use askama::Template;
use septet_chassis::Channel;
use septet_proto_common::v1::PageRequest;
use septet_proto_review::v1::{
    GetReviewRequest, ListFindingsRequest, ListedFinding, Review as Reviewed,
    review_service_client::ReviewServiceClient,
};

use super::{
    super::{
        part::{Part, ask},
        row::{Mark, line},
    },
    About, ITEMS,
};
use crate::text::{count, severity};

/// The section.
#[derive(Template)]
#[template(path = "sections/review.html")]
pub struct Review {
    mark: Mark,
    part: Part<Shown>,
}

struct Shown {
    scanned: String,
    findings: Vec<Finding>,
    /// Findings that are not shown.
    more: bool,
}

struct Finding {
    severity: &'static str,
    place: String,
    rule: String,
    description: String,
    excerpt: String,
}

/// Of a change.
pub async fn load(channel: &Channel, about: &About) -> Review {
    let (mut one, mut two) =
        (ReviewServiceClient::new(channel.clone()), ReviewServiceClient::new(channel.clone()));
    let change_id = about.change.id.clone();
    let request = ListFindingsRequest {
        change_id: change_id.clone(),
        page: Some(PageRequest { page_size: ITEMS, page_token: String::new() }),
        ..ListFindingsRequest::default()
    };
    let (review, findings) = tokio::join!(
        ask(one.get_review(GetReviewRequest { review_id: String::new(), change_id })),
        ask(two.list_findings(request)),
    );
    let shown = review.and_then(|review| {
        let findings = findings?;
        let more = !findings.page.unwrap_or_default().next_page_token.is_empty();
        Ok(review.review.map(|review| shown(&review, findings.findings, more)))
    });
    Review { mark: about.mark("review"), part: Part::of("review", "Not reviewed yet.", shown) }
}

fn shown(review: &Reviewed, findings: Vec<ListedFinding>, more: bool) -> Shown {
    let findings = findings.into_iter().filter_map(|listed| listed.finding).map(|finding| Finding {
        severity: severity(finding.severity()),
        place: format!("{}:{}", line(&finding.file), finding.line),
        rule: finding.rule_id,
        description: line(&finding.description),
        excerpt: line(&finding.excerpt),
    });
    let (lines, files) =
        (count(review.lines_scanned.into(), "added line"), count(review.files_scanned.into(), "file"));
    Shown { scanned: format!("{lines} in {files} read"), findings: findings.collect(), more }
}
