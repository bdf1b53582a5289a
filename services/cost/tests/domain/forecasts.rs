//! Forecasts of series whose future is known.

use proptest::prelude::*;
use septet_cost::forecast::forecast;
use septet_proto_cost::v1::ForecastMethod;

/// A week with a dear weekend, on a rising trend, with some noise that is always the same.
fn weekly(days: std::ops::Range<usize>) -> Vec<f64> {
    let mut noise = 12_345_u64;
    let all = (0..days.end).map(|day| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (noise >> 40) as f64 / (1 << 24) as f64 - 0.5;
        100.0 + day as f64 * 0.5 + if day % 7 >= 5 { 80.0 } else { 0.0 } + noise * 4.0
    });
    all.collect::<Vec<_>>()[days.start..].to_vec()
}

#[test]
fn a_weekly_season_is_carried_on() {
    let (history, future) = (weekly(0..84), weekly(84..98));
    let forecast = forecast(&history, 14, 95);
    assert_eq!(forecast.method, ForecastMethod::MstlEts, "{}", forecast.explanation);
    let worst = forecast.days.iter().zip(&future).map(|(day, real)| (day - real).abs()).fold(0.0, f64::max);
    assert!(worst < 15.0, "a day is off by {worst}: {:?} for {future:?}", forecast.days);
    let (sum, real): (f64, f64) = (forecast.days.iter().sum(), future.iter().sum());
    assert!((sum - real).abs() / real < 0.03, "{sum} for {real}");
    let (lower, upper) = forecast.interval.unwrap();
    assert!(lower <= real && real <= upper, "{lower} to {upper} for {real}");
    // A forecast without a season would have missed the weekends by 80.
    assert!(forecast.days[0..7].iter().copied().fold(0.0, f64::max) > 200.0, "{:?}", forecast.days);
}

#[test]
fn less_history_gets_a_simpler_method_that_says_so() {
    let line: Vec<f64> = (0..20).map(|day| 10.0 + 2.0 * f64::from(day)).collect();
    let linear = forecast(&line, 3, 95);
    assert_eq!(linear.method, ForecastMethod::Linear);
    for (day, expected) in linear.days.iter().zip([50.0, 52.0, 54.0]) {
        assert!((day - expected).abs() < 1e-9, "{:?}", linear.days);
    }
    let mean = forecast(&[8.0, 12.0, 10.0], 2, 95);
    assert_eq!((mean.method, mean.days.as_slice()), (ForecastMethod::Mean, &[10.0, 10.0][..]));
    // By hand: t of 2 degrees at 97.5 % is 4.302653, deviation 2, sqrt(2 + 4/3) of it.
    let width = 4.302_653 * 2.0 * (2.0_f64 + 4.0 / 3.0).sqrt();
    let (lower, upper) = mean.interval.unwrap();
    assert!((upper - (20.0 + width)).abs() < 1e-3, "{upper}, {width}");
    assert!((lower - (20.0 - width).max(0.0)).abs() < 1e-3, "{lower}");
    let one = forecast(&[7.0], 4, 95);
    assert_eq!((one.method, one.interval), (ForecastMethod::Mean, None));
    assert_eq!(one.days, [7.0; 4]);
    for none in [forecast(&[], 5, 95), forecast(&line, 0, 95)] {
        assert_eq!(none.method, ForecastMethod::None);
        assert!(none.days.is_empty() && !none.explanation.is_empty());
    }
}

#[test]
fn the_line_and_its_interval_are_the_textbooks() {
    // For one day ahead: the prediction interval of simple regression, with t of 6 degrees at 97.5 % from a table.
    let y = [3.1, 4.9, 7.2, 8.8, 11.1, 13.0, 14.8, 17.2];
    let forecast = forecast(&y, 1, 95);
    let (n, mean_x) = (8.0, 4.5);
    let mean_y = y.iter().sum::<f64>() / n;
    let points = || y.iter().zip(1..).map(|(y, x)| (f64::from(x) - mean_x, *y));
    let sxx: f64 = points().map(|(x, _)| x * x).sum();
    let slope = points().map(|(x, y)| x * (y - mean_y)).sum::<f64>() / sxx;
    let residual = (points().map(|(x, y)| (y - mean_y - slope * x).powi(2)).sum::<f64>() / (n - 2.0)).sqrt();
    let (expected, t) = (mean_y + slope * (9.0 - mean_x), 2.446_912);
    let width = t * residual * (1.0 + 1.0 / n + (9.0_f64 - mean_x).powi(2) / sxx).sqrt();
    let (lower, upper) = forecast.interval.unwrap();
    assert!((forecast.days[0] - expected).abs() < 1e-9);
    assert!(
        (upper - expected - width).abs() < 1e-4 && (expected - lower - width).abs() < 1e-4,
        "{lower} {upper}"
    );
}

#[test]
fn odd_series_give_numbers() {
    let flat = vec![5.0; 60];
    let zeros = vec![0.0; 60];
    let spike: Vec<f64> = (0..60).map(|day| if day == 30 { 1e6 } else { 0.0 }).collect();
    let tiny: Vec<f64> = weekly(0..60).iter().map(|day| day * 1e-9).collect();
    let huge: Vec<f64> = weekly(0..60).iter().map(|day| day * 1e7).collect();
    let credits: Vec<f64> = weekly(0..60).iter().map(|day| -day).collect();
    let broken = vec![f64::NAN; 60];
    for (name, series) in [
        ("flat", flat),
        ("zeros", zeros),
        ("spike", spike),
        ("tiny", tiny),
        ("huge", huge),
        ("credits", credits),
        ("broken", broken),
    ] {
        let forecast = forecast(&series, 20, 95);
        assert_eq!(forecast.days.len(), 20, "{name}");
        assert!(forecast.days.iter().all(|day| day.is_finite()), "{name}: {forecast:?}");
        let (lower, upper) = forecast.interval.unwrap();
        assert!(lower.is_finite() && upper.is_finite() && lower <= upper, "{name}: {forecast:?}");
    }
    assert!((forecast(&[5.0; 60], 10, 95).days.iter().sum::<f64>() - 50.0).abs() < 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_series_panics(series in proptest::collection::vec(prop_oneof![Just(0.0), -1e9..1e9, Just(f64::INFINITY)], 0..70), ahead in 0_usize..40, level in 0_u32..120) {
        let forecast = forecast(&series, ahead, level);
        prop_assert!(forecast.days.iter().all(|day| day.is_finite()));
        if let Some((lower, upper)) = forecast.interval {
            prop_assert!(lower <= upper);
        }
    }
}
