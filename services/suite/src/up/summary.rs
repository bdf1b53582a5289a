use std::fmt;

use septet_chassis::Channel;
use septet_proto_common::v1::{PageRequest, Severity};
use septet_proto_devops::v1::{
    ListReleasesRequest, Release, ReleaseState, devops_service_client::DevopsServiceClient,
};
use septet_proto_review::v1::{
    ListFindingsRequest, ListReviewsRequest, ListedFinding, review_service_client::ReviewServiceClient,
};

use super::repositories::Watched;
use crate::{connect::told, text};

/// Findings and blocked changes that the summary shows, each.
const SHOWN: u32 = 20;
/// Releases of a page.
const PAGE: u32 = 1_000;

/// What became of the repositories of this command.
pub struct Summary {
    changes: u64,
    eligible: u64,
    blocked: u64,
    findings: u64,
    /// The newest ones that are blocked.
    reasons: Vec<Release>,
    worst: Vec<ListedFinding>,
}

impl Summary {
    pub async fn of(channel: &Channel, watched: &Watched) -> anyhow::Result<Self> {
        let mut summary =
            Self { changes: 0, eligible: 0, blocked: 0, findings: 0, reasons: Vec::new(), worst: Vec::new() };
        for repository in watched.list(channel).await? {
            summary.changes += repository.changes;
            summary.releases(channel, &repository.id).await?;
            summary.findings(channel, repository.id).await?;
        }
        let severity = |listed: &ListedFinding| {
            listed.finding.as_ref().map_or(Severity::Unspecified, |finding| finding.severity())
        };
        summary.worst.sort_by_key(|listed| std::cmp::Reverse(severity(listed)));
        summary.worst.truncate(SHOWN as usize);
        summary.reasons.truncate(SHOWN as usize);
        Ok(summary)
    }

    async fn releases(&mut self, channel: &Channel, repository_id: &str) -> anyhow::Result<()> {
        let mut client = DevopsServiceClient::new(channel.clone());
        let mut page_token = String::new();
        loop {
            let request = ListReleasesRequest {
                repository_id: repository_id.to_owned(),
                page: Some(PageRequest { page_size: PAGE, page_token }),
                ..ListReleasesRequest::default()
            };
            let reply = client.list_releases(request).await.map_err(|status| told(&status))?.into_inner();
            for release in reply.releases {
                match release.state() {
                    ReleaseState::Eligible => self.eligible += 1,
                    ReleaseState::Blocked => {
                        self.blocked += 1;
                        self.reasons.push(release);
                    }
                    ReleaseState::Pending | ReleaseState::Unspecified => {}
                }
            }
            page_token = reply.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }

    async fn findings(&mut self, channel: &Channel, repository_id: String) -> anyhow::Result<()> {
        let mut client = ReviewServiceClient::new(channel.clone());
        let page = || Some(PageRequest { page_size: SHOWN, page_token: String::new() });
        let request = ListReviewsRequest {
            repository_id: repository_id.clone(),
            page: page(),
            ..ListReviewsRequest::default()
        };
        let reviews = client.list_reviews(request).await.map_err(|status| told(&status))?.into_inner();
        let request = ListFindingsRequest { repository_id, page: page(), ..ListFindingsRequest::default() };
        let findings = client.list_findings(request).await.map_err(|status| told(&status))?.into_inner();
        self.findings += reviews.findings;
        self.worst.extend(findings.findings);
        Ok(())
    }

    /// Changes that may not be released.
    pub fn blocked(&self) -> u64 {
        self.blocked
    }

    /// True if a change is undecided.
    pub fn is_incomplete(&self) -> bool {
        self.eligible + self.blocked < self.changes
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{} decided: {} eligible, {} blocked; {}",
            text::count(self.eligible + self.blocked, "change"),
            self.eligible,
            self.blocked,
            text::count(self.findings, "finding")
        )?;
        for release in &self.reasons {
            let commit = release.commit.get(..8).unwrap_or(&release.commit);
            let name = text::fit(&release.repository_name, 30);
            for reason in &release.reasons {
                writeln!(f, "  blocked   {commit} {name}  {}", text::fit(reason, 120))?;
            }
        }
        if self.blocked > self.reasons.len() as u64 {
            writeln!(f, "  … `septet call devops.ListReleases` has all")?;
        }
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
