use std::sync::Arc;

use anyhow::anyhow;
use septet_chassis::Tx;
use septet_proto_cost::v1::Estimate;

use crate::{
    Config,
    amount::Amount,
    budget::Limit,
    config,
    error::Error,
    estimate::{self, Allowance, Prices},
    store,
};

/// A manifest: path and content.
pub(crate) type File = (String, bytes::Bytes);

/// Prices releases and judges them.
pub(crate) struct Estimator {
    prices: Arc<Prices>,
    max_monthly: Option<Amount>,
    max_increase: Option<Amount>,
}

/// Whose release it is.
pub(crate) struct Subject {
    /// Empty where a call asks.
    pub change_id: String,
    pub repository_id: String,
    pub repository_name: String,
    pub commit: String,
}

impl Estimator {
    /// Reads the prices.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let (max_monthly, max_increase) =
            config.release.limits().map_err(|(key, problem)| anyhow!("cost.{key}: {problem}"))?;
        Ok(Self {
            prices: Arc::new(config::prices(config.prices_file.as_deref())?),
            max_monthly,
            max_increase,
        })
    }

    /// Prices manifests. Without a verdict.
    pub async fn price(&self, now: Vec<File>, parent: Vec<File>) -> Result<Estimate, Error> {
        let prices = Arc::clone(&self.prices);
        // Parsing takes the processor for a while, which the runtime's threads must not wait for.
        tokio::task::spawn_blocking(move || {
            let read = |files: &[File]| {
                estimate::read(files.iter().map(|(path, content)| (path.as_str(), &content[..])), &prices)
            };
            estimate::estimate(read(&now), read(&parent), &prices)
        })
        .await
        .map_err(|error| Error::Estimate(error.to_string()))
    }

    /// Judges an estimate by the settings and the repository's budgets.
    pub async fn judge(
        &self,
        tx: &mut Tx,
        subject: Subject,
        mut estimate: Estimate,
        left_out: u32,
    ) -> Result<Estimate, Error> {
        let allowance = self.allowance(tx, &subject).await?;
        estimate::judge(&mut estimate, &allowance, left_out);
        estimate.change_id = subject.change_id;
        estimate.repository_id = subject.repository_id;
        estimate.repository_name = subject.repository_name;
        estimate.commit = subject.commit;
        Ok(estimate)
    }

    /// The tightest of all limits.
    async fn allowance(&self, tx: &mut Tx, subject: &Subject) -> Result<Allowance, Error> {
        let setting = self.max_monthly.map(|limit| (limit, "cost.release.max_monthly".to_owned()));
        let mut allowance = Allowance { monthly: setting, increase: self.max_increase, unfit: None };
        for budget in store::release_budgets(tx, &subject.repository_id, &subject.repository_name).await? {
            let Ok(limit) = Limit::of(&budget) else {
                tracing::warn!(budget = budget.id, "a kept budget is not valid any more, and is left out");
                continue;
            };
            if limit.currency != self.prices.currency {
                allowance.unfit = Some(format!(
                    "the budget `{}` is in {}, and the prices are in {}",
                    budget.id, limit.currency, self.prices.currency
                ));
            } else if allowance.monthly.as_ref().is_none_or(|(least, _)| limit.amount < *least) {
                allowance.monthly = Some((limit.amount, format!("the budget `{}`", budget.id)));
            }
        }
        Ok(allowance)
    }
}
