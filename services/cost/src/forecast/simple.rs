use distrs::StudentsT;
use septet_proto_cost::v1::ForecastMethod;

use super::Forecast;

/// The mean of the days, with the prediction interval of a sum of days like them.
pub(super) fn mean(history: &[f64], horizon: usize, level: f64) -> Forecast {
    let count = history.len() as f64;
    let mean = history.iter().sum::<f64>() / count;
    let ahead = horizon as f64;
    let squares: f64 = history.iter().map(|day| (day - mean).powi(2)).sum();
    let interval = (history.len() > 1).then(|| {
        let freedom = count - 1.0;
        let deviation = (squares / freedom * (ahead + ahead * ahead / count)).sqrt();
        around(mean * ahead, deviation, level, freedom)
    });
    let about = match interval {
        Some(_) => "the interval is that of a sum of days like them",
        None => "one day gives no interval",
    };
    let days = history.len();
    Forecast {
        days: vec![mean; horizon],
        interval,
        method: ForecastMethod::Mean,
        explanation: format!("less than a week of history ({days}): the mean of the days; {about}"),
    }
}

/// A straight line by least squares, with the prediction interval of the sum of the days on it. For at least three days.
pub(super) fn linear(history: &[f64], horizon: usize, level: f64, why: &str) -> Forecast {
    let count = history.len() as f64;
    let (ahead, middle) = (horizon as f64, (count - 1.0) / 2.0);
    let mean = history.iter().sum::<f64>() / count;
    let numbered = || history.iter().enumerate().map(|(number, day)| (number as f64 - middle, day - mean));
    let spread: f64 = numbered().map(|(x, _)| x * x).sum();
    let slope = numbered().map(|(x, y)| x * y).sum::<f64>() / spread;
    let days: Vec<f64> = (0..horizon).map(|number| mean + slope * (count + number as f64 - middle)).collect();
    let squares: f64 = numbered().map(|(x, y)| (y - slope * x).powi(2)).sum();
    let freedom = count - 2.0;
    // The errors of the days to come, of the line's height, and of its slope.
    let distance: f64 = (0..horizon).map(|number| count + number as f64 - middle).sum();
    let factor = ahead + ahead * ahead / count + distance * distance / spread;
    let deviation = (squares / freedom * factor).sqrt();
    Forecast {
        interval: Some(around(days.iter().sum(), deviation, level, freedom)),
        days,
        method: ForecastMethod::Linear,
        explanation: format!(
            "{why}: a straight line by least squares through {} days; the interval is that of the sum of days on it",
            history.len()
        ),
    }
}

fn around(sum: f64, deviation: f64, level: f64, freedom: f64) -> (f64, f64) {
    let width = StudentsT::ppf(f64::midpoint(1.0, level), freedom) * deviation;
    if width.is_finite() { (sum - width, sum + width) } else { (sum, sum) }
}
