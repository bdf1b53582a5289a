use std::collections::{BTreeMap, VecDeque};

use prost::Message;
use septet_proto_cost::v1::{Estimate, EstimateLine, Unpriced};

use super::{
    found::{Found, Workload},
    price::Prices,
};
use crate::amount::Amount;

/// Lines of an estimate at most.
pub const MAX_LINES: usize = 500;
/// Parts left out that an estimate lists at most.
pub const MAX_UNPRICED: usize = 200;

/// Bytes of an estimate's lines at most: with everything else of it they have to fit into an event.
const MAX_LINES_BYTES: usize = 512 << 10;
/// Bytes of the parts left out at most.
const MAX_UNPRICED_BYTES: usize = 128 << 10;
/// Notes of a line at most.
const MAX_NOTES: usize = 10;

/// What these workloads cost a month, and how much more that is than what the parent's cost. Verdict, repository, commit and time
/// are for the caller to say.
pub fn estimate(now: Found, parent: Found, prices: &Prices) -> Estimate {
    let money = |amount: Amount| Some(amount.money(&prices.currency));
    let mut unpriced = now.unpriced;
    let mut earlier: BTreeMap<(String, String), VecDeque<(Workload, Amount)>> = BTreeMap::new();
    let (mut monthly, mut parent_monthly) = (Amount::ZERO, Amount::ZERO);
    for workload in parent.workloads {
        // What is beyond all measure now is told of; what was, counts as nothing.
        let cost = prices.of(&workload).unwrap_or_default();
        parent_monthly += cost;
        let key = (workload.name.clone(), workload.file.clone());
        earlier.entry(key).or_default().push_back((workload, cost));
    }
    let mut lines: Vec<(Amount, EstimateLine)> = Vec::new();
    for workload in now.workloads {
        let Some(cost) = prices.of(&workload) else {
            unpriced.push(super::Unpriced {
                file: workload.file,
                path: workload.path,
                reason: format!("{}: costs more than a billion a month", workload.name),
            });
            continue;
        };
        monthly += cost;
        let key = (workload.name.clone(), workload.file.clone());
        let before =
            earlier.get_mut(&key).and_then(VecDeque::pop_front).map_or(Amount::ZERO, |(_, cost)| cost);
        lines.push((cost.max(before), line(workload, prices, money(cost), money(before))));
    }
    for (gone, before) in earlier.into_values().flatten() {
        let nothing = Workload { name: gone.name, file: gone.file, path: gone.path, ..Workload::default() };
        let mut line = line(nothing, prices, money(Amount::ZERO), money(before));
        line.notes.push("only the parent has it".to_owned());
        lines.push((before, line));
    }
    // Stable: lines of one cost stay in the order of the files.
    lines.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Estimate {
        monthly: money(monthly),
        parent_monthly: money(parent_monthly),
        difference: money(monthly - parent_monthly),
        lines_total: count(lines.len()),
        lines: fitting(lines.into_iter().map(|(_, line)| line).take(MAX_LINES), MAX_LINES_BYTES),
        unpriced_total: count(unpriced.len()),
        unpriced: fitting(unpriced.iter().take(MAX_UNPRICED).map(message), MAX_UNPRICED_BYTES),
        prices: prices.source.clone(),
        ..Estimate::default()
    }
}

fn line(
    workload: Workload,
    prices: &Prices,
    monthly: Option<septet_proto_cost::v1::Money>,
    parent_monthly: Option<septet_proto_cost::v1::Money>,
) -> EstimateLine {
    let mut notes = workload.notes;
    for (class, _) in workload.storage.iter().filter(|(class, _)| !prices.knows(class)) {
        notes.push(format!("the storage class {} has no price of its own", short(class)));
    }
    notes.truncate(MAX_NOTES);
    EstimateLine {
        workload: short(&workload.name),
        file: short(&workload.file),
        path: short(&workload.path),
        replicas: workload.replicas,
        cpu_millis: workload.cpu_millis,
        memory_bytes: workload.memory_bytes,
        storage_bytes: workload.storage.iter().fold(0, |all: u64, (_, size)| all.saturating_add(*size)),
        monthly,
        parent_monthly,
        notes,
    }
}

fn message(unpriced: &super::Unpriced) -> Unpriced {
    Unpriced { file: short(&unpriced.file), path: short(&unpriced.path), reason: short(&unpriced.reason) }
}

/// The first of them that have so many bytes together.
fn fitting<M: Message>(messages: impl Iterator<Item = M>, limit: usize) -> Vec<M> {
    let mut size = 0;
    messages
        .take_while(|message| {
            size += message.encoded_len();
            size <= limit
        })
        .collect()
}

/// What files say may be of any length; what is told of it is not.
fn short(text: &str) -> String {
    if text.chars().count() <= 256 {
        text.to_owned()
    } else {
        text.chars().take(255).chain(['…']).collect()
    }
}
