use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use septet_chassis::ServiceConfig;
use serde::{Deserialize, Serialize};

use crate::{amount::Amount, estimate::Prices};

/// Bytes of a price file at most.
const MAX_PRICES: u64 = 1 << 20;

/// Settings of the cost service.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Prices in TOML instead of the built-in example prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices_file: Option<PathBuf>,
    /// The gate of releases.
    pub release: Release,
}

/// What a release may cost, in the currency of the prices, beside the budgets of its repository.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Release {
    /// Most that a month of what a change deploys may cost, as a text such as "250.00". Absent: as much as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_monthly: Option<String>,
    /// Most that it may cost more than its parent's. Absent: as much as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_increase: Option<String>,
}

/// Most that a month may cost, and most that it may cost more.
pub(crate) type Limits = (Option<Amount>, Option<Amount>);

impl Release {
    /// The two limits.
    ///
    /// # Errors
    /// The key, and what is wrong with it.
    pub(crate) fn limits(&self) -> Result<Limits, (&'static str, String)> {
        let read = |key, text: &Option<String>| match text.as_deref().map(Amount::parse) {
            None => Ok(None),
            Some(Ok(parsed)) if parsed.amount >= Amount::ZERO => Ok(Some(parsed.amount)),
            Some(_) => Err((key, "must be an amount such as \"250.00\"".to_owned())),
        };
        Ok((
            read("release.max_monthly", &self.max_monthly)?,
            read("release.max_increase", &self.max_increase)?,
        ))
    }
}

/// The prices of this file, or the example prices without one.
///
/// # Errors
/// The file cannot be read, or is no price file.
pub(crate) fn prices(file: Option<&Path>) -> anyhow::Result<Prices> {
    let Some(path) = file else { return Ok(Prices::example()?) };
    let read = || -> anyhow::Result<String> {
        if std::fs::metadata(path)?.len() > MAX_PRICES {
            bail!("larger than {MAX_PRICES} bytes");
        }
        Ok(std::fs::read_to_string(path)?)
    };
    let text = read().with_context(|| format!("cannot read {}", path.display()))?;
    Prices::from_toml(&text).with_context(|| path.display().to_string())
}

impl ServiceConfig for Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        self.release.limits()?;
        prices(self.prices_file.as_deref()).map(drop).map_err(|error| ("prices_file", format!("{error:#}")))
    }
}
