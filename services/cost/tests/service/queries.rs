//! Costs by dimension, and forecasts.

use std::{collections::BTreeMap, path::Path};

use septet_cost::amount::Amount;
use septet_proto_common::v1::PageRequest;
use septet_proto_cost::v1::{
    ChargeFormat, CostFilter, CostLine, Dimension, ForecastCostRequest, ForecastMethod, Granularity,
    Grouping, QueryCostRequest,
};
use septet_testkit::{on_both_stores, service::Bed};
use serde_json::Value;
use tonic::Code;

use crate::bed::{Running, charge, file, header};

fn question(granularity: Granularity, group_by: &[(Dimension, &str)]) -> QueryCostRequest {
    let group_by = group_by
        .iter()
        .map(|(dimension, tag)| Grouping { dimension: (*dimension).into(), tag: (*tag).to_owned() })
        .collect();
    QueryCostRequest {
        from: "2024-01-01".to_owned(),
        until: "2027-01-01".to_owned(),
        granularity: granularity.into(),
        group_by,
        ..QueryCostRequest::default()
    }
}

async fn lines(running: &Running, mut question: QueryCostRequest, size: u32) -> Vec<CostLine> {
    let mut all = Vec::new();
    let mut page = PageRequest { page_size: size, ..PageRequest::default() };
    loop {
        question.page = Some(page.clone());
        let reply = running.client().query_cost(question.clone()).await.unwrap().into_inner();
        assert!(reply.lines.len() <= size as usize);
        all.extend(reply.lines);
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            return all;
        }
    }
}

fn plain(money: Option<&septet_proto_cost::v1::Money>) -> String {
    let text = Amount::of(money.unwrap()).unwrap().to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

async fn the_samples_costs_are_those_of_python_by_every_dimension(bed: Bed) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cost/focus-1.0-sample.csv");
    let Ok(rows) = std::fs::read(&path) else {
        septet_testkit::skipped("FOCUS's sample rows", &format!("they are not at {}", path.display()));
        return;
    };
    let expected: Value = serde_json::from_str(include_str!("../data/sample-totals.json")).unwrap();
    let running = Running::on(&bed).await;
    let summary = running.import(header(ChargeFormat::Csv), &rows).await.unwrap();
    assert_eq!((summary.accepted, summary.rejected), (1_000, 0), "{summary:#?}");
    let again = running.import(header(ChargeFormat::Csv), &rows).await.unwrap();
    assert_eq!((again.accepted, again.replaced, again.duplicates), (0, 0, 1_000));
    for (name, question) in [
        ("service", question(Granularity::Total, &[(Dimension::Service, "")])),
        ("region", question(Granularity::Total, &[(Dimension::Region, "")])),
        ("account", question(Granularity::Total, &[(Dimension::Account, "")])),
        ("environment", question(Granularity::Total, &[(Dimension::Tag, "environment")])),
        ("day", question(Granularity::Day, &[])),
    ] {
        let got: BTreeMap<String, Value> = lines(&running, question, 7)
            .await
            .into_iter()
            .map(|line| {
                let figures = serde_json::json!([
                    plain(line.billed.as_ref()),
                    plain(line.effective.as_ref()),
                    line.charges
                ]);
                (line.values.first().cloned().unwrap_or(line.period), figures)
            })
            .collect();
        let expected: BTreeMap<String, Value> = serde_json::from_value(expected["by"][name].clone()).unwrap();
        assert_eq!(got, expected, "by {name}");
    }
    let reply = running.client().query_cost(question(Granularity::Month, &[])).await.unwrap().into_inner();
    assert_eq!(plain(reply.totals[0].billed.as_ref()), expected["billed"]);
    assert_eq!(plain(reply.totals[0].list.as_ref()), expected["list"]);
}

async fn questions_are_filtered_and_wrong_ones_refused(bed: Bed) {
    let running = Running::on(&bed).await;
    let tagged = |team: &str| format!(r#"{{"team":"{team}"}}"#);
    let rows = file(&[
        charge("2026-10-01", "Machines", "1", &[("Tags", &tagged("a")), ("RegionId", "eu")]),
        charge("2026-10-02", "Machines", "2", &[("Tags", &tagged("b")), ("RegionId", "us")]),
        charge("2026-11-01", "Queues", "4", &[("RegionId", "eu")]),
    ]);
    running.import(header(ChargeFormat::Json), &rows).await.unwrap();
    let filter = |dimension: Dimension, tag: &str, values: &[&str]| CostFilter {
        dimension: dimension.into(),
        tag: tag.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    for (filters, expected) in [
        (vec![filter(Dimension::Region, "", &["eu"])], 500),
        (vec![filter(Dimension::Tag, "team", &["a", "b"])], 300),
        (vec![filter(Dimension::Tag, "team", &[""])], 400),
        (vec![filter(Dimension::Region, "", &["eu"]), filter(Dimension::Service, "", &["Machines"])], 100),
    ] {
        let question = QueryCostRequest { filters, ..question(Granularity::Total, &[]) };
        let reply = running.client().query_cost(question).await.unwrap().into_inner();
        assert_eq!(reply.totals[0].billed.as_ref().unwrap().amount, expected);
    }
    let months = lines(
        &running,
        question(Granularity::Month, &[(Dimension::Tag, "team"), (Dimension::Service, "")]),
        1,
    )
    .await;
    let months: Vec<_> = months.iter().map(|line| (line.period.as_str(), line.values.join("/"))).collect();
    let expected = [("2026-10", "a/Machines"), ("2026-10", "b/Machines"), ("2026-11", "/Queues")];
    assert_eq!(months, expected.map(|(month, values)| (month, values.to_owned())));
    let days = QueryCostRequest {
        from: "2026-10-02".to_owned(),
        until: "2026-11-01".to_owned(),
        ..question(Granularity::Day, &[])
    };
    assert_eq!(lines(&running, days, 10).await.len(), 1, "`until` is not in the range");

    let base = || question(Granularity::Day, &[]);
    for (wrong, field) in [
        (QueryCostRequest { from: "2026-13-01".to_owned(), ..base() }, "`from`"),
        (QueryCostRequest { until: "2020-01-01".to_owned(), ..base() }, "`until`"),
        (question(Granularity::Day, &[(Dimension::Region, ""); 4]), "`group_by`"),
        (question(Granularity::Day, &[(Dimension::Tag, "")]), "`group_by`"),
        (QueryCostRequest { filters: vec![filter(Dimension::Region, "", &[])], ..base() }, "`filters`"),
        (
            QueryCostRequest {
                page: Some(PageRequest { page_token: "7b7d".to_owned(), ..PageRequest::default() }),
                ..base()
            },
            "`page.page_token`",
        ),
    ] {
        let status = running.client().query_cost(wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(
            status.message().contains(field) && status.message().contains("COST-0001"),
            "{field}: {status:?}"
        );
    }
}

async fn a_month_is_forecast_from_its_days_so_far(bed: Bed) {
    let running = Running::on(&bed).await;
    let empty = ForecastCostRequest {
        month: "2026-10".to_owned(),
        as_of: "2026-10-21".to_owned(),
        ..ForecastCostRequest::default()
    };
    let reply = running.client().forecast_cost(empty.clone()).await.unwrap().into_inner();
    assert_eq!(reply.method(), ForecastMethod::None);
    // Ten on each day of the week, 31 on the weekend: the whole of October would be 10 × 22 + 31 × 9.
    let mut rows = Vec::new();
    for (month, days) in [("2026-08", 31), ("2026-09", 30), ("2026-10", 21)] {
        for day in 1..=days {
            let date = format!("{month}-{day:02}");
            let number = septet_cost::day::day(&date).unwrap();
            // 1970-01-01 was a Thursday.
            let billed = if (number + 3) % 7 >= 5 { "31" } else { "10" };
            rows.push(charge(&date, "Machines", billed, &[]));
        }
    }
    running.import(header(ChargeFormat::Json), &file(&rows)).await.unwrap();
    let reply = running.client().forecast_cost(empty.clone()).await.unwrap().into_inner();
    assert_eq!(reply.method(), ForecastMethod::MstlEts, "{}", reply.explanation);
    assert_eq!((reply.as_of.as_str(), reply.history_days, reply.days.len()), ("2026-10-21", 82, 10));
    let units = |money: Option<&septet_proto_cost::v1::Money>| Amount::of(money.unwrap()).unwrap().to_f64();
    // 15 days of the week and 6 of the weekend are over.
    assert_eq!(units(reply.actual.as_ref()), 336.0);
    let total = units(reply.total.as_ref());
    assert!((total - 499.0).abs() < 15.0, "{total}");
    assert!(units(reply.lower.as_ref()) <= total && total <= units(reply.upper.as_ref()));
    // A month that is over is what it was.
    let over = ForecastCostRequest {
        month: "2026-08".to_owned(),
        as_of: "2026-08-31".to_owned(),
        ..ForecastCostRequest::default()
    };
    let over = running.client().forecast_cost(over).await.unwrap().into_inner();
    assert_eq!(over.method(), ForecastMethod::None);
    assert_eq!(units(over.total.as_ref()), 10.0 * 21.0 + 31.0 * 10.0);

    running
        .import(
            header(ChargeFormat::Json),
            &file(&[charge("2026-10-01", "Machines", "1", &[("BillingCurrency", "EUR")])]),
        )
        .await
        .unwrap();
    let several = running.client().forecast_cost(empty).await.unwrap_err();
    assert!(several.message().contains("`currency`"), "{several:?}");
    for (wrong, field) in [
        (ForecastCostRequest { month: "October".to_owned(), ..ForecastCostRequest::default() }, "`month`"),
        (ForecastCostRequest { as_of: "today".to_owned(), ..ForecastCostRequest::default() }, "`as_of`"),
        (ForecastCostRequest { level: 100, ..ForecastCostRequest::default() }, "`level`"),
        (
            ForecastCostRequest {
                month: "2027-06".to_owned(),
                as_of: "2026-10-21".to_owned(),
                currency: "USD".to_owned(),
                ..ForecastCostRequest::default()
            },
            "`month`",
        ),
    ] {
        let status = running.client().forecast_cost(wrong).await.unwrap_err();
        assert!(status.message().contains(field), "{field}: {status:?}");
    }
}

on_both_stores!(
    the_samples_costs_are_those_of_python_by_every_dimension,
    questions_are_filtered_and_wrong_ones_refused,
    a_month_is_forecast_from_its_days_so_far,
);
