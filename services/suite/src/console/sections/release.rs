//! Whether the change may be released: what devops decided, and by what.

use askama::Template;
use septet_proto_devops::v1::Release as Decided;

use super::{
    super::{
        format::Moment,
        part::Part,
        row::{self, Mark, SERVICES, line},
    },
    About,
};

/// The section.
#[derive(Template)]
#[template(path = "sections/release.html")]
pub struct Release {
    mark: Mark,
    part: Part<Shown>,
}

struct Shown {
    reasons: Vec<String>,
    checks: Vec<Mark>,
    decided: Moment,
    revision: u32,
    /// Why `.septet.toml` could not be read; empty if it could.
    settings_error: String,
}

/// Of a change.
pub fn of(about: &About) -> Release {
    let part = match &about.release {
        Ok(Some(release)) => Part::Said(shown(about, release)),
        Ok(None) => Part::Nothing(NOTHING.to_owned()),
        Err(status) => Part::silent("devops", NOTHING, status),
    };
    Release { mark: Mark { summary: String::new(), ..row::of_release(about.decided()) }, part }
}

const NOTHING: &str = "Nothing was decided yet.";

fn shown(about: &About, release: &Decided) -> Shown {
    Shown {
        reasons: release.reasons.iter().map(|reason| line(reason)).collect(),
        checks: SERVICES.iter().map(|service| about.mark(service)).collect(),
        decided: Moment::of(release.decided_time),
        revision: release.revision,
        settings_error: release.settings.as_ref().map(|settings| line(&settings.error)).unwrap_or_default(),
    }
}
