//! The bus, beside what it could do at best.

mod embedded;
mod real;
mod sampling;

use anyhow::bail;

use crate::report::Report;

/// Which backends are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Both,
    Embedded,
    Real,
}

impl Group {
    /// From the arguments after the benchmark's name.
    pub fn from_arguments(arguments: &[String]) -> anyhow::Result<Self> {
        match arguments {
            [] => Ok(Self::Both),
            [one] if one == "--embedded" => Ok(Self::Embedded),
            [one] if one == "--real" => Ok(Self::Real),
            _ => bail!("bus takes --embedded, --real, or nothing for both"),
        }
    }
}

pub async fn run(group: Group) -> anyhow::Result<Report> {
    let mut report = Report::new("bus");
    if group != Group::Real {
        report.extend(embedded::run().await?);
    }
    if group != Group::Embedded {
        match real::Servers::from_environment() {
            Ok(servers) => real::run(&servers, &mut report).await?,
            // Without the flag, what there is is measured.
            Err(why) if group == Group::Both => report.skip("real servers", &why.to_string()),
            Err(why) => return Err(why),
        }
    }
    Ok(report)
}
