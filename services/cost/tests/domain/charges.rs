//! Rows of FOCUS.

use std::collections::BTreeMap;

use proptest::prelude::*;
use septet_cost::focus::{Charge, Format, FormatError, Ledger, Reader, Row, Validator};

/// A row that is as FOCUS has it, with some columns changed; an empty value is null.
fn row(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut cells: BTreeMap<String, String> = [
        ("BilledCost", "1.25"),
        ("EffectiveCost", "1.20"),
        ("ListCost", "1.50"),
        ("ContractedCost", "1.25"),
        ("BillingAccountId", "a-1"),
        ("BillingCurrency", "USD"),
        ("BillingPeriodStart", "2026-10-01T00:00:00Z"),
        ("BillingPeriodEnd", "2026-11-01T00:00:00Z"),
        ("ChargePeriodStart", "2026-10-05T00:00:00Z"),
        ("ChargePeriodEnd", "2026-10-06T00:00:00Z"),
        ("ChargeCategory", "Usage"),
        ("ServiceName", "Machines"),
        ("ServiceCategory", "Compute"),
        ("ProviderName", "Cloud"),
        ("PublisherName", "Cloud"),
        ("InvoiceIssuerName", "Cloud"),
        ("SkuId", "S"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    cells.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    cells
}

fn charge(changes: &[(&str, &str)]) -> Charge {
    Validator::default().check(&Row::new(row(changes))).charge.unwrap()
}

fn csv(rows: &[BTreeMap<String, String>]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: Vec<&str>| cells.into_iter().map(quoted).collect::<Vec<_>>().join(",");
    let mut text = line(rows[0].keys().map(String::as_str).collect()) + "\n";
    rows.iter().for_each(|row| text += &(line(row.values().map(String::as_str).collect()) + "\r\n"));
    text
}

fn read(format: Format, text: &[u8], piece: usize) -> (Reader, Result<(), FormatError>) {
    let mut reader = Reader::new(format, Validator::default());
    let result =
        text.chunks(piece.max(1)).try_for_each(|piece| reader.read(piece)).and_then(|()| reader.end());
    (reader, result)
}

#[test]
fn a_row_is_refused_with_column_kind_of_value_and_rule_and_without_the_value() {
    for (column, value, found, rule) in [
        ("BilledCost", "12 dollars", "a text of 10 characters", "a decimal number"),
        ("BilledCost", "", "nothing", "a value"),
        ("EffectiveCost", "1e12", "a text of 4 characters", "a billion"),
        ("BillingCurrency", "usd", "a text of 3 characters", "ISO 4217"),
        ("BillingCurrency", "840", "a number", "ISO 4217"),
        ("ChargePeriodStart", "05/10/2026", "a text of 10 characters", "a time in UTC"),
        ("ChargePeriodStart", "2026-02-30T00:00:00Z", "a text of 20 characters", "a time in UTC"),
        ("ChargePeriodEnd", "2026-10-05T00:00:00Z", "a time", "a time after ChargePeriodStart"),
        ("ChargeCategory", "usage", "a text of 5 characters", "Usage, Purchase, Tax, Credit, Adjustment"),
        ("ChargeClass", "Corrected", "a text of 9 characters", "Correction"),
        ("BillingAccountId", "NULL", "nothing", "a value"),
        ("ServiceName", " ", "nothing", "a value"),
    ] {
        let validated = Validator::default().check(&Row::new(row(&[(column, value)])));
        let problems = validated.charge.unwrap_err();
        let problem = problems
            .iter()
            .find(|problem| problem.column == column)
            .unwrap_or_else(|| panic!("{column}: {problems:?}"));
        assert_eq!(problem.found, found, "{column}");
        assert!(problem.rule.contains(rule), "{column}: {problem:?}");
        assert!(value.len() < 4 || !format!("{problems:?}").contains(value), "{problems:?}");
    }
}

#[test]
fn what_does_not_change_the_cost_is_kept_and_told() {
    for (column, value) in [
        ("ListCost", ""),
        ("ContractedCost", ""),
        ("ServiceCategory", "Computers"),
        ("ChargeFrequency", "Usage-based"),
        ("ChargePeriodStart", "2026-10-05 00:00:00"),
        ("ChargePeriodStart", "2026-10-05T02:00:00+02:00"),
        ("ConsumedQuantity", "many"),
        ("Tags", "team=a"),
    ] {
        let validated = Validator::default().check(&Row::new(row(&[(column, value)])));
        assert!(validated.charge.is_ok(), "{column}: {:?}", validated.charge);
        assert!(
            validated.deviations.iter().any(|of| of.column == column),
            "{column}: {:?}",
            validated.deviations
        );
    }
    assert!(Validator::default().check(&Row::new(row(&[]))).deviations.is_empty());
}

#[test]
fn a_charge_is_itself_whatever_is_restated_and_another_where_it_is_another() {
    let first = charge(&[]);
    for restated in [
        &[("BilledCost", "9"), ("EffectiveCost", "8"), ("ListCost", "7")][..],
        &[("Tags", r#"{"team":"a"}"#)],
        &[("ConsumedQuantity", "3"), ("ListUnitPrice", "0.5")],
        &[("BillingAccountName", "renamed"), ("ServiceCategory", "Other"), ("InvoiceId", "i-1")],
        &[("ChargeDescription", "another text")],
        &[("ChargePeriodStart", "2026-10-05 00:00:00"), ("ChargePeriodEnd", "2026-10-06T02:00:00+02:00")],
    ] {
        assert_eq!(charge(restated).id, first.id, "{restated:?}");
    }
    for other in [
        ("ChargePeriodEnd", "2026-10-07T00:00:00Z"),
        ("BillingPeriodStart", "2026-09-01T00:00:00Z"),
        ("ChargeClass", "Correction"),
        ("ChargeCategory", "Credit"),
        ("ResourceId", "r"),
        ("SubAccountId", "s"),
        ("SkuId", "T"),
        ("RegionId", "eu"),
        ("BillingCurrency", "EUR"),
        ("CommitmentDiscountStatus", "Unused"),
    ] {
        assert_ne!(charge(&[other]).id, first.id, "{other:?}");
    }
    // Without a SKU, the description is all that tells two taxes apart.
    let tax = |text| charge(&[("SkuId", ""), ("ChargeCategory", "Tax"), ("ChargeDescription", text)]).id;
    assert_ne!(tax("VAT"), tax("city tax"));
    let ids = Validator { identity_columns: vec!["x_RowId".to_owned()] };
    let id = |value: &str| ids.check(&Row::new(row(&[("x_RowId", value)]))).charge.unwrap().id;
    assert_ne!(id("1"), id("2"));
}

#[test]
fn duplicates_have_no_effect_restated_rows_replace_and_corrections_add_up() {
    let mut ledger = Ledger::default();
    let mut reader = Reader::new(Format::Json, Validator::default());
    for changes in [
        &[][..],
        &[],
        &[("BilledCost", "2")],
        &[("ChargeClass", "Correction"), ("BilledCost", "-0.5")],
        &[("BilledCost", "what")],
    ] {
        reader.enter(&Row::new(row(changes)));
    }
    let charges = reader.charges();
    ledger.enter(charges, &mut reader.summary);
    let summary = reader.summary.message(10);
    assert_eq!((summary.accepted, summary.replaced, summary.duplicates, summary.rejected), (2, 1, 1, 1));
    assert_eq!((summary.problems[0].row, summary.problems[0].column.as_str()), (5, "BilledCost"));
    let totals = ledger.totals(|_| String::new());
    assert_eq!(totals[&("USD".to_owned(), String::new())].billed.to_string(), "1.50");
}

#[test]
fn csv_and_json_give_the_same_charges_however_they_are_cut() {
    let tricky = "a \"quoted\", comma\nand a line {[\\";
    let rows = [
        row(&[("ResourceId", tricky), ("Tags", r#"{"n": 7, "t": "x"}"#)]),
        row(&[("ResourceId", "ü"), ("Tags", "")]),
    ];
    let csv = csv(&rows);
    let objects: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut object = serde_json::to_value(row).unwrap();
            // A number in JSON, with more digits than a float has.
            object["ListUnitPrice"] = serde_json::Value::Null;
            serde_json::to_string_pretty(&object).unwrap().replace("\"1.25\"", "1.25")
        })
        .collect();
    let lines = objects.join("\n");
    let array = format!("[{}]", objects.join(",\n"));
    let whole = read(Format::Csv, csv.as_bytes(), usize::MAX).0.charges();
    assert_eq!(whole.len(), 2);
    assert_eq!(whole[0].resource, tricky);
    assert_eq!(whole[0].tags["n"], "7");
    for piece in [1, 7, 100] {
        for (format, text) in [(Format::Csv, &csv), (Format::Json, &lines), (Format::Json, &array)] {
            let (mut reader, result) = read(format, text.as_bytes(), piece);
            assert_eq!(result, Ok(()));
            assert_eq!(reader.charges(), whole, "{format:?} in pieces of {piece}");
        }
    }
}

#[test]
fn numbers_in_json_never_go_over_a_float() {
    let mut object = serde_json::to_string(&row(&[])).unwrap();
    object = object.replace(r#""BilledCost":"1.25""#, r#""BilledCost":123456789.123456789012345"#);
    let mut charges = read(Format::Json, object.as_bytes(), 5).0.charges();
    assert_eq!(charges.remove(0).billed.to_string(), "123456789.123456789012345");
}

#[test]
fn good_rows_of_a_bad_file_are_kept() {
    let good = csv(&[row(&[])]);
    let (mut reader, result) = read(Format::Csv, format!("{good}only,two\n").as_bytes(), 9);
    assert_eq!((result, reader.charges().len(), reader.summary.rejected), (Ok(()), 1, 1));
    let header = |text: &str| read(Format::Csv, text.as_bytes(), 3).1;
    assert!(matches!(header("a,b\n1,2\n"), Err(FormatError::Header(_))));
    assert!(matches!(header("BilledCost,x,x\n1,2,3\n"), Err(FormatError::Header(_))));
    assert_eq!(header(""), Err(FormatError::Empty));
    let object = serde_json::to_string(&row(&[])).unwrap();
    let (mut reader, result) = read(Format::Json, format!("{object} oops").as_bytes(), 11);
    assert_eq!((result, reader.charges().len()), (Err(FormatError::NotJson { row: 1 }), 1));
    let (mut reader, result) = read(Format::Json, format!("{object}{{\"a\":").as_bytes(), 11);
    assert_eq!((result, reader.charges().len()), (Err(FormatError::CutOff { row: 1 }), 1));
    let large = format!("{{\"a\": \"{}\"}}{object}", "x".repeat(300 << 10));
    let (mut reader, result) = read(Format::Json, large.as_bytes(), 4_096);
    assert_eq!((result, reader.charges().len(), reader.summary.rejected), (Ok(()), 1, 1));
    let wide = format!("{good}{}\n{}", "x,".repeat(400), good.lines().nth(1).unwrap());
    let (mut reader, result) = read(Format::Csv, wide.as_bytes(), 64);
    assert_eq!((result, reader.charges().len(), reader.summary.rejected), (Ok(()), 2, 1));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        for format in [Format::Csv, Format::Json] {
            let _ = read(format, &bytes, piece);
            let text = [b"BilledCost,Tags\n".as_slice(), &bytes].concat();
            let _ = read(format, &text, piece);
            let text = [b"{\"BilledCost\":".as_slice(), &bytes].concat();
            let _ = read(format, &text, piece);
        }
    }
}
