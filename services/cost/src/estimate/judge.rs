use septet_proto_common::v1::Verdict;
use septet_proto_cost::v1::Estimate;

use crate::amount::Amount;

/// The most that a release may cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Of a month, and who says so.
    pub monthly: Option<(Amount, String)>,
    /// More than its parent, a month.
    pub increase: Option<Amount>,
    /// A budget that cannot be compared with the prices, and why.
    pub unfit: Option<String>,
}

/// Puts verdict, reason and limit into an estimate. `left_out` manifests came over nobody's limits but devops's.
pub fn judge(estimate: &mut Estimate, allowance: &Allowance, left_out: u32) {
    let of = |money: &Option<septet_proto_cost::v1::Money>| {
        money.as_ref().and_then(Amount::of).unwrap_or_default()
    };
    let currency = estimate.monthly.as_ref().map_or_else(String::new, |money| money.currency.clone());
    let (monthly, difference) = (of(&estimate.monthly), of(&estimate.difference));
    let say = |amount: Amount| format!("{} {currency}", amount.rounded(2));
    estimate.limit = allowance.monthly.as_ref().map(|(limit, _)| limit.money(&currency));
    let limited = allowance.monthly.is_some() || allowance.increase.is_some() || allowance.unfit.is_some();
    let (verdict, reason) = if left_out > 0 && limited {
        let files = if left_out == 1 { "1 manifest is" } else { &format!("{left_out} manifests are") };
        (
            Verdict::Failed,
            format!("not priced: {files} over the limits of devops, and there is a budget to keep"),
        )
    } else if estimate.lines_total == 0 {
        let what = match estimate.unpriced_total {
            0 => "deploys nothing that it can price".to_owned(),
            1 => "deploys nothing that it can price; 1 part was left out".to_owned(),
            parts => format!("deploys nothing that it can price; {parts} parts were left out"),
        };
        (Verdict::Passed, what)
    } else if let Some(unfit) = &allowance.unfit {
        (Verdict::Failed, unfit.clone())
    } else if let Some((limit, who)) = allowance.monthly.as_ref().filter(|(limit, _)| monthly > *limit) {
        (Verdict::Failed, format!("{} a month is over {who} of {}", say(monthly), say(*limit)))
    } else if let Some(limit) = allowance.increase.filter(|limit| difference > *limit) {
        let reason = format!(
            "{} a month more than its parent is over cost.release.max_increase of {}",
            say(difference),
            say(limit)
        );
        (Verdict::Failed, reason)
    } else {
        let change = match difference {
            Amount::ZERO => "as its parent".to_owned(),
            more if more > Amount::ZERO => format!("{} more than its parent", say(more)),
            less => format!("{} less than its parent", say(Amount::ZERO - less)),
        };
        let parts = match estimate.unpriced_total {
            0 => String::new(),
            1 => "; 1 part could not be priced".to_owned(),
            parts => format!("; {parts} parts could not be priced"),
        };
        (Verdict::Passed, format!("{} a month, {change}{parts}", say(monthly)))
    };
    (estimate.verdict, estimate.reason) = (verdict.into(), reason);
}
