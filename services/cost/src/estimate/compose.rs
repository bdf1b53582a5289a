use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    found::{Found, Workload},
    price::Prices,
    quantity::{compose_bytes, millis},
    yaml::{at, list, scalar},
};

/// True if this document is a Compose file.
pub(super) fn is_one(document: &Value) -> bool {
    document.get("services").is_some_and(Value::is_object) && document.get("apiVersion").is_none()
}

/// What a Compose file runs.
pub(super) fn read(file: &str, document: &Value, prices: &Prices, found: &mut Found) {
    let Some(services) = document.get("services").and_then(Value::as_object) else { return };
    // In one order, whatever the map's is.
    let services: BTreeMap<_, _> = services.iter().collect();
    for (name, service) in services {
        one(file, name, service, prices, found);
    }
    let volumes = document.get("volumes").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    if volumes > 0 {
        found.leave_out(file, "volumes", format!("{volumes} named, and Compose says no sizes"));
    }
}

fn one(file: &str, name: &str, service: &Value, prices: &Prices, found: &mut Found) {
    let path = format!("services.{name}");
    if !list(service.get("profiles")).is_empty() {
        return found.leave_out(file, &path, "starts only with a profile");
    }
    let mut workload = Workload {
        name: format!("service/{name}"),
        file: file.to_owned(),
        replicas: 1,
        ..Workload::default()
    };
    if at(service, "deploy.mode").and_then(Value::as_str) == Some("global") {
        workload.replicas = prices.nodes;
        workload.notes.push(format!("one on each node, of which {} are assumed", prices.nodes));
    } else if let Some((at, value)) =
        ["deploy.replicas", "scale"].into_iter().find_map(|path| Some((path, at(service, path)?)))
    {
        let Some(replicas) = text(value).and_then(|text| text.trim().parse().ok()) else {
            return found.leave_out(file, &format!("{path}.{at}"), "is no number that can be read");
        };
        workload.replicas = replicas;
    }
    // What is reserved, or else the limit: without either nobody knows.
    let mut from = Vec::new();
    let mut first = |paths: [&'static str; 3], read: fn(&str) -> Option<u64>| {
        let (at, value) = paths.into_iter().find_map(|path| Some((path, at(service, path)?)))?;
        let number = text(value).as_deref().and_then(read);
        match number {
            Some(_) => from.push(at),
            None => found.leave_out(file, &format!("{path}.{at}"), "is no quantity that can be read"),
        }
        number
    };
    let cpu = first(["deploy.resources.reservations.cpus", "deploy.resources.limits.cpus", "cpus"], millis);
    let memory = [
        ["deploy.resources.reservations.memory", "mem_reservation", "deploy.resources.limits.memory"],
        ["mem_limit", "mem_limit", "mem_limit"],
    ]
    .into_iter()
    .find_map(|paths| first(paths, compose_bytes));
    workload.path = match from.as_slice() {
        [] => {
            found.leave_out(file, &path, "asks for neither processors nor memory");
            path
        }
        from => format!("{path}.{{{}}}", from.join(", ")),
    };
    (workload.cpu_millis, workload.memory_bytes) = (cpu.unwrap_or(0), memory.unwrap_or(0));
    found.workloads.push(workload);
}

/// A text or number; a variable by its default, as long as it has one.
fn text(value: &Value) -> Option<String> {
    let text = scalar(value)?;
    let Some(variable) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Some(text);
    };
    let (_name, default) = variable.split_once(":-").or_else(|| variable.split_once('-'))?;
    Some(default.to_owned())
}
