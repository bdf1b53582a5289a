//! The sections of a change's page, one a service. Each is made by itself, so that it can be sent by itself when it changes.

mod cost;
mod cx;
mod docs;
mod files;
mod head;
mod journey;
mod pipeline;
mod release;
mod review;
mod soc;

use askama::Template;
use septet_proto_devops::v1::{
    Change, GetChangeRequest, GetJourneyRequest, GetReleaseRequest, JourneyStep, Release,
    devops_service_client::DevopsServiceClient,
};
use tonic::Status;

use super::{Console, format::short, part::ask, row};

/// Items that a section lists at most.
const ITEMS: u32 = 100;

/// A change's page, but for its frame.
pub struct Sections {
    /// Of the page.
    pub title: String,
    /// Each section by its name, in the order of the page.
    pub parts: Vec<(&'static str, String)>,
}

/// What every section is about.
struct About {
    change: Change,
    steps: Vec<JourneyStep>,
    /// What became of the release; an error where devops cannot tell.
    release: Result<Option<Release>, Status>,
}

impl About {
    /// A service's word, in short.
    fn mark(&self, service: &'static str) -> row::Mark {
        row::of_service(service, &self.steps, self.decided())
    }

    fn decided(&self) -> Option<&Release> {
        self.release.as_ref().ok().and_then(Option::as_ref)
    }
}

impl Console {
    /// The page of a change as it is now.
    ///
    /// # Errors
    /// devops does not know the change, or cannot tell. What another service does not tell is a line in its section.
    pub(super) async fn sections(&self, id: &str) -> Result<Sections, Status> {
        let about = self.about(id).await?;
        let (review, docs, cost, soc, cx, pipeline) = tokio::join!(
            review::load(&self.channel, &about),
            docs::load(&self.channel, &about),
            cost::load(&self.channel, &about),
            soc::load(&self.channel, &about),
            cx::load(&self.channel, &about),
            pipeline::load(&self.channel, &about),
        );
        let title = format!("{} · {}", row::line(&about.change.subject), short(&about.change.commit));
        let parts = vec![
            ("head", html(&head::of(&about))?),
            ("release", html(&release::of(&about))?),
            ("journey", html(&journey::of(&about))?),
            ("review", html(&review)?),
            ("docs", html(&docs)?),
            ("cost", html(&cost)?),
            ("soc", html(&soc)?),
            ("cx", html(&cx)?),
            ("pipeline", html(&pipeline)?),
            ("files", html(&files::of(&about))?),
        ];
        Ok(Sections { title, parts })
    }

    async fn about(&self, id: &str) -> Result<About, Status> {
        let (mut one, mut two, mut three) = (
            DevopsServiceClient::new(self.channel.clone()),
            DevopsServiceClient::new(self.channel.clone()),
            DevopsServiceClient::new(self.channel.clone()),
        );
        let change_id = id.to_owned();
        let (change, journey, release) = tokio::join!(
            ask(one.get_change(GetChangeRequest {
                change_id: change_id.clone(),
                ..GetChangeRequest::default()
            })),
            ask(two.get_journey(GetJourneyRequest { change_id: change_id.clone() })),
            ask(three.get_release(GetReleaseRequest { change_id })),
        );
        let change = change?.change.ok_or_else(|| Status::not_found("there is no such change"))?;
        Ok(About { change, steps: journey?.steps, release: release.map(|reply| reply.release) })
    }
}

fn html(section: &impl Template) -> Result<String, Status> {
    section.render().map_err(|error| Status::internal(error.to_string()))
}
