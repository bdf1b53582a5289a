//! What a month will have cost at its end: its days so far, and a forecast of those that remain.
//!
//! Statistics are floats; what was charged already stays exact.

mod seasonal;
mod simple;

use septet_proto_cost::v1::ForecastMethod;

/// Days of history from which a weekly season can be told: four weeks.
const SEASONAL_FROM: usize = 28;
/// Days of history from which a straight line is drawn.
const LINEAR_FROM: usize = 7;

/// A forecast of days.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Cost of each day to come.
    pub days: Vec<f64>,
    /// Lower and upper limit of their sum; `None` where there is too little history to have one.
    pub interval: Option<(f64, f64)>,
    /// How it was made.
    pub method: ForecastMethod,
    /// Why so, and what the interval means.
    pub explanation: String,
}

/// Forecasts the `horizon` days that follow on these days, oldest first; `level` is how sure the interval is to be, in percent.
/// Values that are no finite numbers count as nothing.
pub fn forecast(history: &[f64], horizon: usize, level: u32) -> Forecast {
    let history: Vec<f64> = history.iter().map(|day| if day.is_finite() { *day } else { 0.0 }).collect();
    let level = f64::from(level.clamp(50, 99)) / 100.0;
    let forecast = match history.len() {
        _ if horizon == 0 => none("the month is over"),
        0 => none("there are no charges to forecast from"),
        1 => simple::mean(&history, horizon, level),
        days if days < LINEAR_FROM => simple::mean(&history, horizon, level),
        days if days < SEASONAL_FROM => {
            simple::linear(&history, horizon, level, "less than four weeks of history")
        }
        _ => seasonal::mstl(&history, horizon, level)
            .unwrap_or_else(|why| simple::linear(&history, horizon, level, &why)),
    };
    bounded(forecast, &history)
}

/// What has never been negative will not be.
fn bounded(mut forecast: Forecast, history: &[f64]) -> Forecast {
    if history.iter().all(|day| *day >= 0.0) {
        forecast.days.iter_mut().for_each(|day| *day = day.max(0.0));
        forecast.interval = forecast.interval.map(|(lower, upper)| (lower.max(0.0), upper.max(0.0)));
    }
    // The interval is about the sum, which raising a day to nothing may have moved.
    let sum: f64 = forecast.days.iter().sum();
    forecast.interval = forecast.interval.map(|(lower, upper)| (lower.min(sum), upper.max(sum)));
    forecast
}

fn none(why: &str) -> Forecast {
    Forecast { days: Vec::new(), interval: None, method: ForecastMethod::None, explanation: why.to_owned() }
}
