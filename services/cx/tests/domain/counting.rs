//! Figures that are added and taken away bit by bit against figures that are computed from everything at once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use septet_cx::analysis::{EXCLUDED, Exposure, Kind, Moments, add_event, changes, micros, of_events};

const WINDOW: i64 = 50;

#[derive(Clone, Debug)]
enum Did {
    Expose { variation: i64, at: i64 },
    Event { at: i64, value: i64 },
}

fn did() -> impl Strategy<Value = (u8, Did)> {
    let what = prop_oneof![
        (0..2_i64, 0..100_i64).prop_map(|(variation, at)| Did::Expose { variation, at }),
        (0..150_i64, -3_000_000..9_000_000_i64).prop_map(|(at, value)| Did::Event { at, value }),
    ];
    (0..6_u8, what)
}

/// What a unit did so far, and what was counted of it.
#[derive(Default)]
struct Unit {
    exposure: Option<Exposure>,
    events: Vec<(i64, i64)>,
    figure: i64,
}

impl Unit {
    fn in_window(&self, exposure: &Exposure) -> Vec<i64> {
        let window = exposure.at..exposure.at + WINDOW;
        self.events.iter().filter(|(at, _)| window.contains(at)).map(|(_, value)| *value).collect()
    }

    fn recounted(&self, kind: Kind, exposure: &Exposure) -> i64 {
        let values = self.in_window(exposure);
        let sum = values.iter().copied().map(i128::from).sum();
        of_events(kind, values.len() as i64, sum).unwrap()
    }
}

fn figures(units: &BTreeMap<u8, Unit>, kind: Kind) -> BTreeMap<i64, Moments> {
    let mut all: BTreeMap<i64, Moments> = BTreeMap::new();
    for unit in units.values() {
        let Some(exposure) = unit.exposure else { continue };
        let (variation, moments) = match exposure.is_several {
            true => (EXCLUDED, Moments { units: 1, ..Moments::default() }),
            false => (exposure.variation, Moments::of([unit.recounted(kind, &exposure)])),
        };
        let sum = all.entry(variation).or_default();
        *sum = sum.and(moments);
    }
    all
}

fn count(history: &[(u8, Did)], kind: Kind) -> (BTreeMap<i64, Moments>, BTreeMap<i64, Moments>) {
    let mut units: BTreeMap<u8, Unit> = BTreeMap::new();
    let mut counted: BTreeMap<i64, Moments> = BTreeMap::new();
    for (id, did) in history {
        let unit = units.entry(*id).or_default();
        let before = unit.exposure;
        let to = match did {
            Did::Expose { variation, at } => {
                let after = Exposure::after(before, *variation, *at);
                unit.exposure = Some(after);
                if after.is_several { 0 } else { unit.recounted(kind, &after) }
            }
            Did::Event { at, value } => {
                unit.events.push((*at, *value));
                match before {
                    Some(exposure)
                        if !exposure.is_several && (exposure.at..exposure.at + WINDOW).contains(at) =>
                    {
                        add_event(kind, unit.figure, *value).unwrap()
                    }
                    _ => continue,
                }
            }
        };
        let after = unit.exposure.unwrap();
        for change in changes(before.as_ref(), &after, &[("metric".to_owned(), unit.figure, to)]) {
            let sum = counted.entry(change.variation).or_default();
            *sum = sum.and(change.by);
        }
        unit.figure = to;
    }
    counted.retain(|_, moments| *moments != Moments::default());
    (counted, figures(&units, kind))
}

proptest! {
    #[test]
    fn counting_bit_by_bit_is_counting_all_at_once(history in proptest::collection::vec(did(), 0..60)) {
        for kind in [Kind::Proportion, Kind::Count, Kind::Mean] {
            let (counted, all) = count(&history, kind);
            prop_assert_eq!(counted, all);
        }
    }

    #[test]
    fn the_order_of_hearing_does_not_matter_for_one_variation(
        history in proptest::collection::vec(did(), 0..40), turn in 0..40_usize,
    ) {
        let one = |history: &[(u8, Did)]| -> Vec<(u8, Did)> {
            history.iter().cloned().map(|(id, did)| match did {
                // The variation of a unit is always the same: which one is first would depend on the order.
                Did::Expose { at, .. } => (id, Did::Expose { variation: i64::from(id % 2), at }),
                event => (id, event),
            }).collect()
        };
        let first = one(&history);
        let mut second = first.clone();
        let length = second.len().max(1);
        second.rotate_left(turn % length);
        prop_assert_eq!(count(&first, Kind::Mean).0, count(&second, Kind::Mean).0);
    }
}

#[test]
fn values_are_kept_to_a_millionth_and_within_bounds() {
    assert_eq!(micros(19.99), Some(19_990_000));
    assert_eq!(micros(-0.000_000_6), Some(-1));
    assert_eq!(micros(1e9), Some(1_000_000_000_000_000));
    for wrong in [1.1e9, -1.1e9, f64::INFINITY, f64::NAN] {
        assert_eq!(micros(wrong), None);
    }
    let most = micros(1e9).unwrap();
    let full = (0..10).try_fold(0, |figure, _| add_event(Kind::Mean, figure, most)).unwrap();
    assert_eq!(add_event(Kind::Mean, full, 1), None);
    assert_eq!(add_event(Kind::Mean, full, -1), Some(full - 1));
    assert_eq!(add_event(Kind::Proportion, full, 1), Some(1_000_000));
}
