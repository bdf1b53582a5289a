//! What it would cost to run what the change deploys.

use askama::Template;
use septet_chassis::Channel;
use septet_proto_cost::v1::{
    Estimate, EstimateLine, GetEstimateRequest, Money, cost_service_client::CostServiceClient,
};

use super::{
    super::{
        format::{difference, money},
        part::{Part, ask},
        row::{Mark, line},
    },
    About, ITEMS,
};

/// The section.
#[derive(Template)]
#[template(path = "sections/cost.html")]
pub struct Cost {
    mark: Mark,
    part: Part<Shown>,
}

struct Shown {
    /// Empty where nothing was priced.
    monthly: String,
    before: String,
    difference: String,
    limit: String,
    prices: String,
    lines: Vec<Priced>,
    /// Lines that are not shown.
    more: u32,
    unpriced: Vec<Unpriced>,
    more_unpriced: u32,
}

struct Priced {
    workload: String,
    place: String,
    needs: String,
    monthly: String,
    difference: String,
    notes: Vec<String>,
}

struct Unpriced {
    place: String,
    reason: String,
}

/// Of a change.
pub async fn load(channel: &Channel, about: &About) -> Cost {
    let mut client = CostServiceClient::new(channel.clone());
    let request = GetEstimateRequest { change_id: about.change.id.clone() };
    let shown = ask(client.get_estimate(request)).await.map(|reply| reply.estimate.as_ref().map(shown));
    Cost { mark: about.mark("cost"), part: Part::of("cost", "Not priced yet.", shown) }
}

fn shown(estimate: &Estimate) -> Shown {
    let amount = |of: &Option<Money>| of.as_ref().map(money).unwrap_or_default();
    let lines: Vec<Priced> = estimate.lines.iter().take(ITEMS as usize).map(priced).collect();
    let unpriced: Vec<Unpriced> = estimate
        .unpriced
        .iter()
        .take(ITEMS as usize)
        .map(|left| Unpriced { place: place(&left.file, &left.path), reason: line(&left.reason) })
        .collect();
    Shown {
        monthly: amount(&estimate.monthly),
        before: amount(&estimate.parent_monthly),
        difference: compared(&estimate.monthly, &estimate.parent_monthly),
        limit: amount(&estimate.limit),
        prices: line(&estimate.prices),
        more: estimate.lines_total.saturating_sub(lines.len() as u32),
        lines,
        more_unpriced: estimate.unpriced_total.saturating_sub(unpriced.len() as u32),
        unpriced,
    }
}

fn priced(of: &EstimateLine) -> Priced {
    Priced {
        workload: line(&of.workload),
        place: place(&of.file, &of.path),
        needs: needs(of),
        monthly: of.monthly.as_ref().map(money).unwrap_or_default(),
        difference: compared(&of.monthly, &of.parent_monthly),
        notes: of.notes.iter().map(|note| line(note)).collect(),
    }
}

fn place(file: &str, path: &str) -> String {
    if path.is_empty() { line(file) } else { format!("{}, {}", line(file), line(path)) }
}

fn compared(now: &Option<Money>, before: &Option<Money>) -> String {
    now.as_ref().zip(before.as_ref()).map(|(now, before)| difference(now, before)).unwrap_or_default()
}

/// "3 × (0.5 CPU, 512 MiB memory)".
fn needs(of: &EstimateLine) -> String {
    let mut needs =
        vec![format!("{} CPU", thousandths(of.cpu_millis)), format!("{} memory", size(of.memory_bytes))];
    if of.storage_bytes > 0 {
        needs.push(format!("{} storage", size(of.storage_bytes)));
    }
    format!("{} × ({})", of.replicas, needs.join(", "))
}

fn thousandths(millis: u64) -> String {
    let digits = format!("{}.{:03}", millis / 1_000, millis % 1_000);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes in the largest unit that gives at least one, to the tenth.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut scaled, mut unit) = (bytes.saturating_mul(10), 0);
    while scaled >= 10_240 && unit + 1 < UNITS.len() {
        scaled /= 1_024;
        unit += 1;
    }
    let tenth = if scaled % 10 == 0 { String::new() } else { format!(".{}", scaled % 10) };
    format!("{}{tenth} {}", scaled / 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_read_by_people() {
        let line = EstimateLine {
            replicas: 3,
            cpu_millis: 250,
            memory_bytes: 512 << 20,
            storage_bytes: (3 << 30) / 2,
            ..EstimateLine::default()
        };
        assert_eq!(needs(&line), "3 × (0.25 CPU, 512 MiB memory, 1.5 GiB storage)");
        assert_eq!((thousandths(2_000), thousandths(0)), ("2".to_owned(), "0".to_owned()));
        assert_eq!((size(0), size(1_023)), ("0 bytes".to_owned(), "1023 bytes".to_owned()));
        assert!(size(u64::MAX).ends_with("TiB"));
    }
}
