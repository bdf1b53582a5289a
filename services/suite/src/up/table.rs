use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use septet_chassis::{Channel, cli::print, contract::Timestamp};
use septet_proto_devops::v1::{Change, WatchChangesRequest, devops_service_client::DevopsServiceClient};
use septet_proto_review::v1::{GetReviewRequest, Review, review_service_client::ReviewServiceClient};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::repositories::Watched;
use crate::{connect::told, text};

/// How often the figures below the table are brought up to date.
const REFRESH: Duration = Duration::from_millis(250);
/// Longest pause between two looks for a verdict.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// The live table: one line for each change, oldest first, once its verdict is there.
pub struct Table<'a> {
    channel: &'a Channel,
    watched: &'a Watched,
    finish: &'a CancellationToken,
    progress: ProgressBar,
}

impl<'a> Table<'a> {
    pub fn new(channel: &'a Channel, watched: &'a Watched, finish: &'a CancellationToken) -> Self {
        // Cleared however this ends, an interrupt included.
        let progress = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
            .with_finish(ProgressFinish::AndClear);
        // The template is a constant that is valid.
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {pos} of {len} changes reviewed {wide_msg}")
        {
            progress.set_style(style);
        }
        Self { channel, watched, finish, progress }
    }

    /// Shows changes until the process ends; with `finish`, until all that are known by then are shown.
    pub async fn run(self) -> anyhow::Result<()> {
        let shown = tokio::select! {
            shown = self.rows() => shown,
            failed = self.figures() => failed,
        };
        self.progress.finish_and_clear();
        shown
    }

    async fn rows(&self) -> anyhow::Result<()> {
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        let request = WatchChangesRequest { repository_id: String::new(), include_existing: true };
        let mut changes = devops.watch_changes(request).await.map_err(|status| told(&status))?.into_inner();
        let mut shown = 0;
        loop {
            if self.finish.is_cancelled() && shown >= self.watched.changes(self.channel).await? {
                return Ok(());
            }
            let next = tokio::select! {
                next = changes.next() => next,
                // Look again whether all is shown; once only, for the branch above then decides.
                () = self.finish.cancelled(), if !self.finish.is_cancelled() => continue,
            };
            let Some(next) = next else { return Ok(()) };
            let Some(change) = next.map_err(|status| told(&status))?.change else { continue };
            if !self.watched.contains(&change.repository_id) {
                continue;
            }
            let review = self.review(&change.id).await?;
            if shown == 0 {
                self.show(&header())?;
            }
            self.show(&row(&change, review.as_ref()))?;
            shown += 1;
            self.progress.set_position(shown);
        }
    }

    /// The review of a change, once there is one; `None` if all is done and there is none.
    async fn review(&self, change_id: &str) -> anyhow::Result<Option<Review>> {
        let mut client = ReviewServiceClient::new(self.channel.clone());
        let mut pause = Duration::from_millis(10);
        loop {
            let last_look = self.finish.is_cancelled();
            let request = GetReviewRequest { review_id: String::new(), change_id: change_id.to_owned() };
            match client.get_review(request).await {
                Ok(reply) => return Ok(reply.into_inner().review),
                Err(status) if status.code() == Code::NotFound => {}
                Err(status) => return Err(told(&status)),
            }
            if last_look {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Keeps the line below the table up to date.
    async fn figures(&self) -> anyhow::Result<()> {
        loop {
            let repositories = self.watched.list(self.channel).await?;
            self.progress.set_length(repositories.iter().map(|repository| repository.changes).sum());
            let failed = repositories.iter().find(|repository| !repository.last_error.is_empty());
            let importing = repositories.iter().any(|repository| repository.importing);
            self.progress.set_message(match failed {
                Some(repository) => {
                    text::fit(&format!("· {}: {}", repository.name, repository.last_error), 200)
                }
                None if importing => "· importing".to_owned(),
                None => "· watching".to_owned(),
            });
            self.progress.tick();
            tokio::time::sleep(REFRESH).await;
        }
    }

    fn show(&self, line: &str) -> anyhow::Result<()> {
        // Out of the way of the progress line for as long as it takes.
        self.progress.suspend(|| print(line))
    }
}

fn header() -> String {
    format!(
        "{:8} {:10} {:16} {:44} {:>5} {:>8}  {}\n",
        "commit", "date", "author", "subject", "files", "findings", "verdict"
    )
}

fn row(change: &Change, review: Option<&Review>) -> String {
    let date = change.committed_time.map(|time| Timestamp::from(time).to_string()).unwrap_or_default();
    let author = change.author.as_ref().map_or("", |author| author.name.as_str());
    let (findings, verdict) = match review {
        Some(review) => (
            review.counts.iter().map(|of| of.count).sum::<u32>().to_string(),
            text::verdict(review.verdict()),
        ),
        None => ("-".to_owned(), "not reviewed"),
    };
    format!(
        "{:8} {:10} {:16} {:44} {:>5} {:>8}  {}\n",
        change.commit.get(..8).unwrap_or(&change.commit),
        date.get(..10).unwrap_or_default(),
        text::fit(author, 16),
        text::fit(&change.subject, 44),
        change.files_total,
        findings,
        coloured(verdict),
    )
}

/// Red for what needs a look, where there is someone to see it.
fn coloured(verdict: &str) -> String {
    if verdict == "passed" || !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return verdict.to_owned();
    }
    format!("\x1b[1;31m{verdict}\x1b[0m")
}
