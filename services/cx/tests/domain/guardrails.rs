//! What guardrails say of comparisons.

use septet_cx::analysis::{Kind, Moments, Worsening, judge};

fn shares(conversions: i64, units: i64) -> Moments {
    let sum = i128::from(conversions) * 1_000_000;
    Moments { units, sum, squares: sum * 1_000_000 }
}

fn is_breached(higher_is_better: bool, allowed: f64, control: Moments, variation: Moments) -> bool {
    let worsening = Worsening { higher_is_better, allowed };
    judge(Kind::Proportion, &worsening, &control, &variation, 0.95).unwrap().is_breached()
}

#[test]
fn only_a_worsening_beyond_the_allowance_is_a_breach() {
    let (low, high) = (shares(1_000, 10_000), shares(1_300, 10_000));
    assert!(is_breached(false, 0.05, low, high), "errors rose");
    assert!(!is_breached(false, 0.05, high, low), "errors fell");
    assert!(is_breached(true, 0.05, high, low), "conversions fell");
    assert!(!is_breached(true, 0.05, low, high), "conversions rose");
    // About 30 % worse, and surely not less than 15 %.
    assert!(is_breached(false, 0.15, low, high));
    assert!(!is_breached(false, 0.3, low, high));
    let few = (shares(10, 100), shares(13, 100));
    assert!(!is_breached(false, 0.0, few.0, few.1), "that may be chance");
}

#[test]
fn nothing_can_be_allowed_of_nothing() {
    let (none, some) = (shares(0, 1_000), shares(50, 1_000));
    assert!(is_breached(false, 0.5, none, some), "errors where there were none");
    assert!(!is_breached(true, 0.5, none, some));
    assert!(!is_breached(false, 0.5, none, shares(0, 1_000)));
    let never = Worsening { higher_is_better: false, allowed: 0.0 };
    assert_eq!(judge(Kind::Mean, &never, &shares(1, 1), &some, 0.95), None, "one unit says nothing");
}

#[test]
fn a_small_control_hides_nothing() {
    // The interval of the ratio would reach below 1: the control's mean is uncertain.
    assert!(is_breached(false, 0.1, shares(2, 30), shares(20, 30)));
}

#[test]
fn a_control_below_zero_gets_worse_downwards() {
    let control = Moments::of((0..50).map(|index| -4_000_000 + index % 3));
    let better = Moments::of((0..50).map(|index| -3_000_000 + index % 3));
    let worsening = Worsening { higher_is_better: true, allowed: 0.0 };
    let of =
        |from: &Moments, to: &Moments| judge(Kind::Mean, &worsening, from, to, 0.95).unwrap().is_breached();
    assert!(!of(&control, &better));
    assert!(of(&better, &control));
    let allowed = Worsening { allowed: 0.5, ..worsening };
    assert_eq!(judge(Kind::Mean, &allowed, &control, &better, 0.95).unwrap().bound, 1.5 * control.mean());
}
