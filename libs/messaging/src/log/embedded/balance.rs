//! Who reads what: partitions are spread evenly over the members of a group, and move as little as possible.

use std::collections::{BTreeMap, BTreeSet};

/// A partition, its topic, and the member that has it now.
#[derive(Clone, Debug)]
pub(super) struct Share<'a> {
    pub(super) partition: i64,
    pub(super) topic: i64,
    pub(super) holder: Option<&'a str>,
}

/// Gives each partition a member that reads its topic, where there is one. Loads differ by at most one among members
/// that read the same topics.
pub(super) fn balance<'a>(
    members: &'a BTreeMap<String, BTreeSet<i64>>,
    shares: &[Share<'_>],
) -> BTreeMap<i64, &'a str> {
    let mut held: BTreeMap<&'a str, BTreeMap<i64, BTreeSet<i64>>> =
        members.keys().map(|member| (member.as_str(), BTreeMap::new())).collect();
    let load = |topics: &BTreeMap<i64, BTreeSet<i64>>| topics.values().map(BTreeSet::len).sum::<usize>();
    let reads = |member: &str, topic: i64| members.get(member).is_some_and(|topics| topics.contains(&topic));

    let (kept, free): (Vec<&Share<'_>>, Vec<&Share<'_>>) =
        shares.iter().partition(|share| share.holder.is_some_and(|holder| reads(holder, share.topic)));
    for share in kept {
        if let Some(topics) = share.holder.and_then(|holder| held.get_mut(holder)) {
            topics.entry(share.topic).or_default().insert(share.partition);
        }
    }
    for share in free {
        let least = held
            .iter_mut()
            .filter(|(member, _)| reads(member, share.topic))
            .min_by_key(|(_, topics)| (load(topics), topics.get(&share.topic).map_or(0, BTreeSet::len)));
        if let Some((_, topics)) = least {
            topics.entry(share.topic).or_default().insert(share.partition);
        }
    }
    // Each move brings two loads nearer to each other, so this ends.
    while let Some((from, to, topic)) = next_move(&held, &reads, &load) {
        let moved = held.get_mut(from).and_then(|topics| topics.get_mut(&topic)).and_then(BTreeSet::pop_last);
        if let (Some(partition), Some(topics)) = (moved, held.get_mut(to)) {
            topics.entry(topic).or_default().insert(partition);
        }
    }
    held.into_iter()
        .flat_map(|(member, topics)| topics.into_values().flatten().map(move |partition| (partition, member)))
        .collect()
}

type Held<'a> = BTreeMap<&'a str, BTreeMap<i64, BTreeSet<i64>>>;

/// The pair with the greatest difference of loads above one, and a topic that both read: the one that they share most
/// unevenly.
fn next_move<'a>(
    held: &Held<'a>,
    reads: &impl Fn(&str, i64) -> bool,
    load: &impl Fn(&BTreeMap<i64, BTreeSet<i64>>) -> usize,
) -> Option<(&'a str, &'a str, i64)> {
    let mut best: Option<(usize, i64, (&str, &str, i64))> = None;
    for (from, mine) in held {
        for (to, theirs) in held {
            let difference = load(mine).saturating_sub(load(theirs));
            if difference < 2 {
                continue;
            }
            for (topic, partitions) in
                mine.iter().filter(|(topic, set)| !set.is_empty() && reads(to, **topic))
            {
                let other = theirs.get(topic).map_or(0, BTreeSet::len);
                let uneven = partitions.len() as i64 - other as i64;
                if best.as_ref().is_none_or(|(d, u, _)| (difference, uneven) > (*d, *u)) {
                    best = Some((difference, uneven, (from, to, *topic)));
                }
            }
        }
    }
    best.map(|(_, _, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(names: &[&str], topics: &[i64]) -> BTreeMap<String, BTreeSet<i64>> {
        names.iter().map(|name| ((*name).to_owned(), topics.iter().copied().collect())).collect()
    }

    fn shares<'a>(count: i64, holder: impl Fn(i64) -> Option<&'a str>) -> Vec<Share<'a>> {
        (0..count)
            .map(|partition| Share { partition, topic: partition % 2, holder: holder(partition) })
            .collect()
    }

    fn loads<'a>(given: &BTreeMap<i64, &'a str>) -> BTreeMap<&'a str, usize> {
        let mut loads = BTreeMap::new();
        for member in given.values() {
            *loads.entry(*member).or_default() += 1;
        }
        loads
    }

    #[test]
    fn every_number_of_members_gets_an_even_share_with_few_moves() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut given: BTreeMap<i64, String> = BTreeMap::new();
        for count in (1..=6).chain((1..6).rev()) {
            let members = members(&names[..count], &[0, 1]);
            let before = given.clone();
            let shares = shares(14, |partition| before.get(&partition).map(String::as_str));
            let after = balance(&members, &shares);
            assert_eq!(after.len(), 14, "every partition has a member");
            let loads = loads(&after);
            let (low, high) = (14 / count, 14_usize.div_ceil(count));
            assert!(loads.values().all(|load| (low..=high).contains(load)), "{count} members: {loads:?}");
            let moved = before
                .iter()
                .filter(|(partition, member)| members.contains_key(*member) && after[*partition] != **member)
                .count();
            assert!(moved <= high, "{moved} moves for one change of membership");
            given = after.into_iter().map(|(partition, member)| (partition, member.to_owned())).collect();
        }
    }

    #[test]
    fn members_get_only_what_they_read() {
        let mut members = members(&["a", "b"], &[0]);
        members.insert("c".to_owned(), [1].into());
        let given = balance(&members, &shares(8, |_| Some("gone")));
        assert!(
            given.iter().all(|(partition, member)| (*member == "c") == (partition % 2 == 1)),
            "{given:?}"
        );
        assert_eq!(loads(&given), [("a", 2), ("b", 2), ("c", 4)].into());
        assert!(balance(&BTreeMap::new(), &shares(8, |_| None)).is_empty());
    }
}
