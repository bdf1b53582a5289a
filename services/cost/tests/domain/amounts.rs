//! Money is exact.

use proptest::prelude::*;
use septet_cost::amount::{Amount, AmountError};

fn parsed(text: &str) -> Amount {
    let parsed = Amount::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(!parsed.rounded, "{text}");
    parsed.amount
}

#[test]
fn decimals_are_read_as_focus_writes_them() {
    for (text, shown) in [
        ("0", "0.00"),
        ("-0.0", "0.00"),
        ("12", "12.00"),
        ("12.5", "12.50"),
        (".5", "0.50"),
        ("5.", "5.00"),
        ("+1.25", "1.25"),
        ("-0.000000000000001", "-0.000000000000001"),
        ("0.00000000053", "0.00000000053"),
        ("35.2E-7", "0.00000352"),
        ("35.2E-0007", "0.00000352"),
        ("1e3", "1000.00"),
        ("1000000000", "1000000000.00"),
        ("0e999999", "0.00"),
    ] {
        assert_eq!(parsed(text).to_string(), shown, "{text}");
    }
    for text in [
        "", "-", ".", "1,000", "1 000", "$1", "0x10", "NaN", "inf", "1e", "1e+", "e5", "--1", "1.2.3", "١",
        "1_0",
    ] {
        assert_eq!(Amount::parse(text), Err(AmountError::NotANumber), "{text}");
    }
    assert_eq!(Amount::parse(&"1".repeat(65)), Err(AmountError::NotANumber));
    for text in ["1000000000.000000000000001", "1e10", "-1e10", "1e999999999999", &"9".repeat(60)] {
        assert_eq!(Amount::parse(text), Err(AmountError::TooLarge), "{text}");
    }
}

#[test]
fn what_is_finer_is_rounded_half_to_even_and_said() {
    for (text, shown) in [
        ("0.0000000000000005", "0.00"),
        ("0.0000000000000015", "0.000000000000002"),
        ("0.00000000000000150000001", "0.000000000000002"),
        ("0.0000000000000025", "0.000000000000002"),
        ("0.00000000000000251", "0.000000000000003"),
        ("-0.0000000000000015", "-0.000000000000002"),
        ("9e-16", "0.000000000000001"),
        ("9e-17", "0.00"),
        ("9e-999999999", "0.00"),
    ] {
        let parsed = Amount::parse(text).unwrap();
        assert!(parsed.rounded, "{text}");
        assert_eq!(parsed.amount.to_string(), shown, "{text}");
    }
    assert!(!Amount::parse("0.5000000000000000000").unwrap().rounded, "zeros are no loss");
}

#[test]
fn money_keeps_all_of_it_where_it_fits() {
    let money = |text: &str| {
        let money = parsed(text).money("USD");
        (money.amount, money.scale)
    };
    assert_eq!(money("0"), (0, 2));
    assert_eq!(money("12.5"), (1_250, 2));
    assert_eq!(money("-0.00000000053"), (-53, 11));
    assert_eq!(money("9223.372036854775807"), (i64::MAX, 15));
    assert_eq!(money("9223.372036854775808"), (922_337_203_685_477_581, 14), "rounded where it does not fit");
    assert_eq!(money("1000000000"), (100_000_000_000, 2));
}

proptest! {
    #[test]
    fn any_decimal_comes_back_as_it_was(whole in -999_999_999_i64..999_999_999, fraction in 0_u64..1_000_000_000_000_000) {
        let sign = if whole < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{fraction:015}", whole.unsigned_abs());
        let amount = parsed(&text);
        prop_assert_eq!(parsed(&amount.to_string()), amount);
        let trimmed = text.trim_end_matches('0').trim_end_matches('.');
        let shown = amount.to_string();
        let shown = shown.trim_end_matches('0').trim_end_matches('.');
        // A negative nothing is nothing.
        prop_assert_eq!(shown, if trimmed == "-0" { "0" } else { trimmed });
        let (micros, rest) = amount.parts();
        prop_assert_eq!(Amount::from_parts(micros, rest), amount);
        prop_assert!((0..1_000_000_000).contains(&rest));
    }

    #[test]
    fn the_order_of_a_sum_makes_no_difference(mut amounts in proptest::collection::vec((-1_000_000_000_000_i64..1_000_000_000_000, 0_i64..1_000_000_000), 0..50)) {
        let sum = |amounts: &[(i64, i64)]| amounts.iter().map(|(m, r)| Amount::from_parts(*m, *r)).sum::<Amount>();
        let before = sum(&amounts);
        // As the stores add: each column by itself.
        let columns = amounts.iter().fold((0, 0), |(m, r), (micros, rest)| (m + micros, r + rest));
        prop_assert_eq!(Amount::from_parts(columns.0, columns.1), before);
        amounts.reverse();
        prop_assert_eq!(sum(&amounts), before);
    }

    #[test]
    fn a_product_is_within_half_of_the_last_digit(micros in 0_i64..1_000_000_000, numerator in 0_u64..1_000_000, denominator in 1_u64..1_000_000) {
        let amount = Amount::from_micros(micros);
        let product = amount.times(numerator.into(), denominator.into()).unwrap();
        let exact = i128::from(micros) * 1_000_000_000 * i128::from(numerator);
        let (m, r) = product.parts();
        let got = (i128::from(m) * 1_000_000_000 + i128::from(r)) * i128::from(denominator);
        prop_assert!((exact - got).abs() * 2 <= i128::from(denominator));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,70}") {
        let _ = Amount::parse(&text);
    }
}
