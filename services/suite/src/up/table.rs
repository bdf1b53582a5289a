use std::{collections::VecDeque, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use septet_chassis::{Channel, cli::print};
use septet_proto_devops::v1::{
    GetReleaseRequest, WatchChangesRequest, WatchChangesResponse, devops_service_client::DevopsServiceClient,
};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Streaming};

use super::{
    repositories::Watched,
    row::{self, Row},
};
use crate::{connect::told, text};

/// Changes whose rows fill up before one's eyes; those after them wait.
const FILLING: usize = 8;
/// Pauses between two looks at the rows that fill up.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_millis(200);
/// How often the figures below the table are brought up to date.
const REFRESH: Duration = Duration::from_millis(250);

/// The live table: one line for each change, oldest first. Where somebody watches, rows that fill up stand below the full
/// ones; elsewhere a row comes when it is full.
pub struct Table<'a> {
    channel: &'a Channel,
    watched: &'a Watched,
    finish: &'a CancellationToken,
    screen: MultiProgress,
    figures: ProgressBar,
}

/// A row and its place on the screen.
struct Filling {
    row: Row,
    line: ProgressBar,
}

impl<'a> Table<'a> {
    pub fn new(channel: &'a Channel, watched: &'a Watched, finish: &'a CancellationToken) -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let figures = screen.add(ProgressBar::new(0));
        figures.set_style(style("{spinner} {pos} of {len} changes decided {wide_msg}"));
        Self { channel, watched, finish, screen, figures }
    }

    /// Shows changes until the process ends; with `finish`, until all that are known by then are shown.
    pub async fn run(self) -> anyhow::Result<()> {
        let shown = tokio::select! {
            shown = self.rows() => shown,
            failed = self.count() => failed,
        };
        // However this ends, an interrupt included.
        self.figures.finish_and_clear();
        // The screen is only what somebody sees.
        let _ = self.screen.clear();
        shown
    }

    async fn rows(&self) -> anyhow::Result<()> {
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        let request = WatchChangesRequest { repository_id: String::new(), include_existing: true };
        let mut changes = devops.watch_changes(request).await.map_err(|status| told(&status))?.into_inner();
        let mut filling = VecDeque::new();
        let mut shown = 0;
        let mut pause = *PAUSES.start();
        loop {
            let finished = self.finish.is_cancelled();
            if finished && filling.is_empty() && shown >= self.watched.changes(self.channel).await? {
                return Ok(());
            }
            self.fill(&mut changes, &mut filling, pause).await?;
            let mut moved = false;
            for one in &mut filling {
                moved |= self.look(one).await?;
            }
            // Rows leave in the order in which their changes came. Once all is done, nothing more comes to a row.
            while filling.front().is_some_and(|one| one.row.is_full() || finished) {
                let Some(one) = filling.pop_front() else { break };
                one.line.finish_and_clear();
                self.screen.remove(&one.line);
                if shown == 0 {
                    self.show(&row::header())?;
                }
                self.show(&one.row.line())?;
                shown += 1;
                self.figures.set_position(shown);
                moved = true;
            }
            pause = if moved { *PAUSES.start() } else { (pause * 2).min(*PAUSES.end()) };
        }
    }

    /// Takes in the changes that are there, as long as there is room for them; where there is none, waits for `pause`.
    async fn fill(
        &self,
        changes: &mut Streaming<WatchChangesResponse>,
        filling: &mut VecDeque<Filling>,
        pause: Duration,
    ) -> anyhow::Result<()> {
        if filling.len() >= FILLING {
            tokio::time::sleep(pause).await;
            return Ok(());
        }
        let next = tokio::select! {
            next = changes.next() => next,
            () = tokio::time::sleep(pause) => return Ok(()),
        };
        let Some(next) = next else { anyhow::bail!("the server ended the list of changes") };
        let Some(change) = next.map_err(|status| told(&status))?.change else { return Ok(()) };
        if self.watched.contains(&change.repository_id) {
            let line = self.screen.insert_before(&self.figures, ProgressBar::new_spinner());
            line.set_style(style("{wide_msg}"));
            filling.push_back(Filling { row: Row::new(change), line });
        }
        Ok(())
    }

    /// True if there is something new in the row.
    async fn look(&self, one: &mut Filling) -> anyhow::Result<bool> {
        if one.row.is_full() {
            return Ok(false);
        }
        let mut devops = DevopsServiceClient::new(self.channel.clone());
        let request = GetReleaseRequest { change_id: one.row.change_id().to_owned() };
        let release = match devops.get_release(request).await {
            Ok(reply) => reply.into_inner().release,
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => return Err(told(&status)),
        };
        let moved = one.row.set(release);
        if moved {
            one.line.set_message(one.row.line().trim_end().to_owned());
        }
        Ok(moved)
    }

    /// Keeps the line below the table up to date.
    async fn count(&self) -> anyhow::Result<()> {
        loop {
            let repositories = self.watched.list(self.channel).await?;
            self.figures.set_length(repositories.iter().map(|repository| repository.changes).sum());
            let failed = repositories.iter().find(|repository| !repository.last_error.is_empty());
            let importing = repositories.iter().any(|repository| repository.importing);
            self.figures.set_message(match failed {
                Some(repository) => {
                    text::fit(&format!("· {}: {}", repository.name, repository.last_error), 200)
                }
                None if importing => "· importing".to_owned(),
                None => "· watching".to_owned(),
            });
            self.figures.tick();
            tokio::time::sleep(REFRESH).await;
        }
    }

    fn show(&self, line: &str) -> anyhow::Result<()> {
        // Out of the way of the lines below for as long as it takes.
        self.screen.suspend(|| print(line))
    }
}

/// The templates are constants that are valid.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
