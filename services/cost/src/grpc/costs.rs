use septet_chassis::contract::Timestamp;
use septet_proto_common::v1::{PageRequest, PageResponse};
use septet_proto_cost::v1::{
    CostLine, CostMetric, ForecastCostRequest, ForecastCostResponse, ForecastDay, Granularity,
    QueryCostRequest, QueryCostResponse,
};

use crate::{
    Cost,
    amount::Amount,
    day::{self, Day},
    error::{Error, wrong},
    forecast,
    scope::{self, Key},
    store::{self, Costs, Group, Place, Where},
};

/// Dimensions of a question at most.
const MAX_GROUPINGS: usize = 3;
/// Days of history that a forecast looks at.
const HISTORY: Day = 180;
/// Days at the end without charges that may not have been told of yet.
const LATE: Day = 3;

impl Cost {
    pub(super) async fn costs(
        &self,
        request: &QueryCostRequest,
        page: &PageRequest,
        size: u32,
    ) -> Result<QueryCostResponse, Error> {
        let days = (a_day("from", &request.from)?, a_day("until", &request.until)?);
        if days.0 >= days.1 {
            return Err(wrong("until", "must be after `from`"));
        }
        if request.group_by.len() > MAX_GROUPINGS {
            return Err(wrong("group_by", format!("has more than {MAX_GROUPINGS} dimensions")));
        }
        let keys: Vec<Key> = request
            .group_by
            .iter()
            .map(Key::of_grouping)
            .collect::<Result<_, _>>()
            .map_err(|problem| wrong("group_by", problem))?;
        let filters = scope::filters(&request.filters).map_err(|problem| wrong("filters", problem))?;
        let period = match request.granularity() {
            Granularity::Unspecified | Granularity::Day => Some("day"),
            Granularity::Month => Some("month"),
            Granularity::Total => None,
        };
        let after: Option<Place> = match page.page_token.as_str() {
            "" => None,
            token => Some(
                place(token)
                    .ok_or_else(|| wrong("page.page_token", "is not one that this service gave out"))?,
            ),
        };
        let charges = Where { days, filters: &filters, currency: "" };
        let group = Group { period, keys: &keys };
        let mut tx = self.units.read().await?;
        // One more than asked for tells whether there is another page.
        let mut lines = store::cost_lines(&mut tx, &charges, &group, after.as_ref(), size + 1).await?;
        let totals = store::totals(&mut tx, &charges).await?;
        let more = lines.len() > size as usize;
        lines.truncate(size as usize);
        let next_page_token =
            lines.last().filter(|_| more).map_or_else(String::new, |line| token(&line.place));
        let text = |number: i64| match period {
            Some("day") => day::day_text(number),
            Some(_) => day::month_text(number),
            None => String::new(),
        };
        Ok(QueryCostResponse {
            lines: lines.into_iter().map(|costs| line(costs, text, keys.len())).collect(),
            page: Some(PageResponse { next_page_token }),
            totals: totals.into_iter().map(|costs| line(costs, |_| String::new(), 0)).collect(),
        })
    }

    pub(super) async fn forecast(
        &self,
        request: &ForecastCostRequest,
    ) -> Result<ForecastCostResponse, Error> {
        let level = match request.level {
            0 => 95,
            level @ 50..=99 => level,
            _ => return Err(wrong("level", "must be from 50 to 99, or 0 for 95")),
        };
        let today = day::day_of(Timestamp::now().micros());
        let month = match request.month.as_str() {
            "" => day::month_of(today),
            text => day::month(text).ok_or_else(|| wrong("month", "must be a month such as 2026-11"))?,
        };
        let (first, end) = (day::first_of(month), day::first_of(month + 1));
        let filters = scope::filters(&request.filters).map_err(|problem| wrong("filters", problem))?;
        let said = if request.as_of.is_empty() { None } else { Some(a_day("as_of", &request.as_of)?) };
        // What comes after is not history.
        let latest = said.unwrap_or(today - 1).min(end - 1);
        let mut tx = self.units.read().await?;
        let mut charges = Where {
            days: (latest - HISTORY + 1, latest + 1),
            filters: &filters,
            currency: &request.currency,
        };
        let currency = one_currency(store::totals(&mut tx, &charges).await?, &request.currency)?;
        charges.currency = &currency;
        let last = store::last_day(&mut tx, &charges).await?;
        let as_of = match (said, last) {
            (None, Some(last)) if last < latest && latest == today - 1 => last.max(latest - LATE),
            _ => latest,
        };
        let costs = store::daily(&mut tx, &charges).await?;
        drop(tx);

        let metric = |costs: &Costs| match request.metric() {
            CostMetric::Effective => costs.effective,
            CostMetric::Unspecified | CostMetric::Billed => costs.billed,
        };
        let by_day: Vec<(Day, Amount)> = costs
            .iter()
            .map(|costs| (costs.place.period, metric(costs)))
            .filter(|(day, _)| *day <= as_of)
            .collect();
        let actual: Amount = by_day.iter().filter(|(day, _)| *day >= first).map(|(_, cost)| *cost).sum();
        let history = series(&by_day, as_of);
        // Of a month to come, the days before it have to be forecast as well.
        let ahead = usize::try_from(end - 1 - as_of).unwrap_or(0);
        let skipped = usize::try_from(first - 1 - as_of).unwrap_or(0);
        if ahead > 92 {
            return Err(wrong("month", "is more than two months after the last day with charges"));
        }
        let history_days = u32::try_from(history.len()).unwrap_or(u32::MAX);
        // Fitting takes the processor for a while, which the runtime's threads must not wait for.
        let forecast = tokio::task::spawn_blocking(move || forecast::forecast(&history, ahead, level))
            .await
            .map_err(|error| Error::Estimate(error.to_string()))?;
        let days: Vec<Amount> = forecast.days.iter().skip(skipped).copied().map(Amount::from_f64).collect();
        let remainder: Amount = days.iter().copied().sum();
        let before: f64 = forecast.days.iter().take(skipped).sum();
        let money = |amount: Amount| Some(amount.money(&currency));
        let limit = |limit: f64| money(actual + Amount::from_f64(limit - before));
        Ok(ForecastCostResponse {
            month: day::month_text(month),
            as_of: day::day_text(as_of),
            actual: money(actual),
            remainder: money(remainder),
            total: money(actual + remainder),
            lower: forecast.interval.and_then(|(lower, _)| limit(lower)),
            upper: forecast.interval.and_then(|(_, upper)| limit(upper)),
            level,
            method: forecast.method.into(),
            explanation: forecast.explanation,
            history_days,
            days: (as_of + 1..)
                .skip(skipped)
                .zip(days)
                .map(|(day, cost)| ForecastDay { day: day::day_text(day), cost: money(cost) })
                .collect(),
        })
    }
}

/// The one currency of these charges.
fn one_currency(totals: Vec<Costs>, asked: &str) -> Result<String, Error> {
    let mut currencies = totals.into_iter().map(|costs| costs.place.currency);
    match (asked, currencies.next(), currencies.next()) {
        ("", Some(_), Some(_)) => {
            Err(wrong("currency", "must be given: the charges are in several, which are never added up"))
        }
        ("", Some(only), None) => Ok(only),
        (asked, _, _) => Ok(asked.to_owned()),
    }
}

/// Every day from the first with charges to the last complete one; a day without charges has cost nothing.
fn series(by_day: &[(Day, Amount)], as_of: Day) -> Vec<f64> {
    let Some((first, _)) = by_day.first() else { return Vec::new() };
    let mut days = vec![0.0; usize::try_from(as_of - first + 1).unwrap_or(0)];
    for (day, cost) in by_day {
        if let Some(slot) = usize::try_from(day - first).ok().and_then(|index| days.get_mut(index)) {
            *slot += cost.to_f64();
        }
    }
    days
}

fn line(costs: Costs, period: impl Fn(i64) -> String, dimensions: usize) -> CostLine {
    let Costs { place, billed, effective, list, charges } = costs;
    let money = |amount: Amount| Some(amount.money(&place.currency));
    CostLine {
        period: period(place.period),
        billed: money(billed),
        effective: money(effective),
        list: money(list),
        charges,
        values: place.values.into_iter().take(dimensions).collect(),
    }
}

fn a_day(field: &'static str, text: &str) -> Result<Day, Error> {
    day::day(text).ok_or_else(|| wrong(field, "must be a day such as 2026-11-21"))
}

fn token(place: &Place) -> String {
    // Texts and numbers always have a JSON form.
    hex::encode(serde_json::to_vec(place).unwrap_or_default())
}

fn place(token: &str) -> Option<Place> {
    serde_json::from_slice(&hex::decode(token).ok()?).ok()
}
