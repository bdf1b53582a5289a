//! Charges that come by a call or an event.

use std::collections::HashMap;

use septet_proto_cost::v1::{
    ChargeFormat, ChargeRow, ChargeSubmitted, ChargesImported, Granularity, ImportHeader, QueryCostRequest,
    import_charges_request::Part,
};
use septet_testkit::{on_both_stores, service::Bed};
use tonic::Code;

use crate::bed::{Running, charge, file, header};

async fn billed(running: &Running) -> Vec<(String, i64, u32)> {
    let request = QueryCostRequest {
        from: "2020-01-01".to_owned(),
        until: "2030-01-01".to_owned(),
        granularity: Granularity::Total.into(),
        ..QueryCostRequest::default()
    };
    let totals = running.client().query_cost(request).await.unwrap().into_inner().totals;
    totals.into_iter().map(|line| line.billed.unwrap()).map(|of| (of.currency, of.amount, of.scale)).collect()
}

async fn restated_rows_replace_and_duplicates_have_no_effect(bed: Bed) {
    let running = Running::on(&bed).await;
    let first = file(&[
        charge("2026-10-01", "Machines", "1.5", &[]),
        charge("2026-10-01", "Queues", "0.000000000000001", &[]),
        charge("2026-10-02", "Machines", "what", &[]),
    ]);
    let summary = running.import(header(ChargeFormat::Json), &first).await.unwrap();
    assert_eq!((summary.accepted, summary.replaced, summary.duplicates, summary.rejected), (2, 0, 0, 1));
    assert_eq!((summary.problems[0].row, summary.problems[0].column.as_str()), (3, "BilledCost"));
    let again = running.import(header(ChargeFormat::Json), &first).await.unwrap();
    assert_eq!((again.accepted, again.replaced, again.duplicates, again.rejected), (0, 0, 2, 1));
    assert_eq!(billed(&running).await, [("USD".to_owned(), 1_500_000_000_000_001, 15)]);
    let restated = file(&[
        charge("2026-10-01", "Machines", "2", &[]),
        charge("2026-10-01", "Machines", "-0.5", &[("ChargeClass", "Correction")]),
        charge("2026-10-01", "Machines", "7", &[("BillingCurrency", "EUR")]),
    ]);
    let summary = running.import(header(ChargeFormat::Json), &restated).await.unwrap();
    assert_eq!((summary.accepted, summary.replaced, summary.duplicates), (2, 1, 0));
    let expected = [("EUR".to_owned(), 700, 2), ("USD".to_owned(), 1_500_000_000_000_001, 15)];
    assert_eq!(billed(&running).await, expected, "currencies are never added up");
    assert_eq!(running.published::<ChargesImported>().await.len(), 3);
}

async fn an_import_of_one_request_id_has_one_reply(bed: Bed) {
    let running = Running::on(&bed).await;
    let once = ImportHeader { request_id: "once".to_owned(), ..header(ChargeFormat::Json) };
    let rows = file(&[charge("2026-10-01", "Machines", "1", &[])]);
    let first = running.import(once.clone(), &rows).await.unwrap();
    assert_eq!(running.import(once.clone(), &rows).await.unwrap(), first);
    assert_eq!(first.accepted, 1);
    let other = ImportHeader { source: "other".to_owned(), ..once };
    assert_eq!(running.import(other, &rows).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(running.published::<ChargesImported>().await.len(), 1);
}

async fn what_is_no_import_is_refused_and_good_rows_before_stay(bed: Bed) {
    let running = Running::on(&bed).await;
    let json = || header(ChargeFormat::Json);
    for (parts, words) in [
        (vec![], "`header`"),
        (vec![Part::Piece("x".into())], "`header`"),
        (vec![Part::Header(ImportHeader { source: String::new(), ..json() })], "`source`"),
        (vec![Part::Header(ImportHeader { request_id: "x".repeat(65), ..json() })], "`request_id`"),
        (vec![Part::Header(header(ChargeFormat::Unspecified))], "`format`"),
        (vec![Part::Header(json()), Part::Header(json())], "`header`"),
        (vec![Part::Header(json()), Part::Piece(vec![b' '; (1 << 20) + 1].into())], "`piece`"),
        (vec![Part::Header(header(ChargeFormat::Csv)), Part::Piece("a,b\n1,2\n".into())], "COST-0002"),
    ] {
        let status = running.stream(parts).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().contains(words), "{words}: {status:?}");
    }
    let mut rows = file(&[charge("2026-10-01", "Machines", "1", &[])]);
    rows.extend(b"{\"BilledCost\": 1");
    let cut = running.import(json(), &rows).await.unwrap_err();
    assert!(cut.message().contains("COST-0002") && cut.message().contains("after row 1"), "{cut:?}");
    assert_eq!(billed(&running).await, [("USD".to_owned(), 100, 2)]);
}

async fn submitted_charges_are_kept_once_and_bad_ones_told(bed: Bed) {
    let running = Running::on(&bed).await;
    let row = |day: &str, billed: &str| {
        let charge = charge(day, "Machines", billed, &[]);
        let columns: HashMap<String, String> = serde_json::from_value(charge).unwrap();
        ChargeRow { columns: columns.into_iter().collect() }
    };
    let event = ChargeSubmitted {
        source: "outside".to_owned(),
        rows: vec![row("2026-10-01", "3"), row("2026-10-02", "what"), row("2026-10-03", "4")],
        ..ChargeSubmitted::default()
    };
    running.push(&event, 2).await;
    running.push(&ChargeSubmitted { rows: vec![row("2026-10-01", "what")], ..event.clone() }, 1).await;
    running.push(&ChargeSubmitted { rows: Vec::new(), ..event }, 1).await;
    let told = running.published::<ChargesImported>().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let summary = told[0].summary.as_ref().unwrap();
    assert_eq!((summary.accepted, summary.rejected, summary.problems[0].row), (2, 1, 2));
    assert_eq!(billed(&running).await, [("USD".to_owned(), 700, 2)]);
}

on_both_stores!(
    restated_rows_replace_and_duplicates_have_no_effect,
    an_import_of_one_request_id_has_one_reply,
    what_is_no_import_is_refused_and_good_rows_before_stay,
    submitted_charges_are_kept_once_and_bad_ones_told,
);
