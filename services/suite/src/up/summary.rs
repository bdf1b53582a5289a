use std::fmt;

use septet_chassis::Channel;
use septet_proto_common::v1::{PageRequest, Severity};
use septet_proto_review::v1::{
    ListFindingsRequest, ListReviewsRequest, ListedFinding, review_service_client::ReviewServiceClient,
};

use super::repositories::Watched;
use crate::{connect::told, text};

/// Findings that the summary shows.
const SHOWN: u32 = 20;

/// What became of the repositories of this command.
pub struct Summary {
    changes: u64,
    reviewed: u64,
    failed: u64,
    findings: u64,
    worst: Vec<ListedFinding>,
}

impl Summary {
    pub async fn of(channel: &Channel, watched: &Watched) -> anyhow::Result<Self> {
        let mut client = ReviewServiceClient::new(channel.clone());
        let mut summary = Self { changes: 0, reviewed: 0, failed: 0, findings: 0, worst: Vec::new() };
        for repository in watched.list(channel).await? {
            let page = || Some(PageRequest { page_size: SHOWN, page_token: String::new() });
            let request = ListReviewsRequest {
                repository_id: repository.id.clone(),
                page: page(),
                ..Default::default()
            };
            let reviews = client.list_reviews(request).await.map_err(|status| told(&status))?.into_inner();
            let request =
                ListFindingsRequest { repository_id: repository.id, page: page(), ..Default::default() };
            let findings = client.list_findings(request).await.map_err(|status| told(&status))?.into_inner();
            summary.changes += repository.changes;
            summary.reviewed += reviews.total;
            summary.failed += reviews.failed;
            summary.findings += reviews.findings;
            summary.worst.extend(findings.findings);
        }
        let severity = |listed: &ListedFinding| {
            listed.finding.as_ref().map_or(Severity::Unspecified, |finding| finding.severity())
        };
        summary.worst.sort_by_key(|listed| std::cmp::Reverse(severity(listed)));
        summary.worst.truncate(SHOWN as usize);
        Ok(summary)
    }

    /// Changes whose gate failed.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// True if a change has no review.
    pub fn is_incomplete(&self) -> bool {
        self.reviewed < self.changes
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{} reviewed: {} passed, {} failed; {}",
            text::count(self.reviewed, "change"),
            self.reviewed.saturating_sub(self.failed),
            self.failed,
            text::count(self.findings, "finding")
        )?;
        for listed in &self.worst {
            let Some(finding) = &listed.finding else { continue };
            writeln!(
                f,
                "  {:8}  {}:{}  {}  {} {}",
                text::severity(finding.severity()),
                text::fit(&finding.file, 80),
                finding.line,
                finding.rule_id,
                listed.repository_name,
                listed.commit.get(..8).unwrap_or(&listed.commit)
            )?;
        }
        if self.findings > self.worst.len() as u64 {
            writeln!(f, "  … `septet call review.ListFindings` has all")?;
        }
        Ok(())
    }
}
