use std::panic::{AssertUnwindSafe, catch_unwind};

use augurs::{Fit, Predict, ets::AutoETS, mstl::MSTLModel};
use septet_proto_cost::v1::ForecastMethod;

use super::Forecast;

/// Days of a season.
const WEEK: usize = 7;

/// MSTL takes the week out, and ETS carries on what is left; ETS alone would ignore a season without a word.
///
/// # Errors
/// One line for people: why it does not work for this series.
pub(super) fn mstl(history: &[f64], horizon: usize, level: f64) -> Result<Forecast, String> {
    if history.windows(2).all(|two| two[0] == two[1]) {
        return Err("every day has cost the same".to_owned());
    }
    // MSTL reckons in 32 bits, and ETS's search stops at absolute differences: give both numbers around 1.
    let scale = history.iter().fold(0.0_f64, |most, day| most.max(day.abs()));
    let scaled: Vec<f64> = history.iter().map(|day| day / scale).collect();
    let fitted = catch_unwind(AssertUnwindSafe(|| {
        let model = MSTLModel::new(vec![WEEK], AutoETS::non_seasonal().into_trend_model());
        model.fit(&scaled).and_then(|fitted| fitted.predict(horizon, level))
    }));
    let forecast = match fitted {
        Ok(Ok(forecast)) => forecast,
        Ok(Err(error)) => return Err(format!("MSTL does not fit these days ({error})")),
        Err(_panic) => return Err("MSTL does not fit these days".to_owned()),
    };
    let days: Vec<f64> = forecast.point.iter().map(|day| day * scale).collect();
    let interval = forecast
        .intervals
        .map(|of| (of.lower.iter().sum::<f64>() * scale, of.upper.iter().sum::<f64>() * scale));
    let numbers = interval.iter().flat_map(|(lower, upper)| [lower, upper]).chain(&days);
    if days.len() != horizon || !numbers.copied().all(f64::is_finite) {
        return Err("MSTL gives no number for these days".to_owned());
    }
    let explanation = format!(
        "{} days of history: weekly season by MSTL, the rest by ETS; the interval is the sum of the days' own intervals, \
         so rather too wide than too narrow",
        history.len()
    );
    Ok(Forecast { days, interval, method: ForecastMethod::MstlEts, explanation })
}
