use serde_json::Value;

use super::{
    found::Found,
    quantity::{bytes, millis},
    yaml::{at, list, scalar},
};

/// What one pod asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub cpu_millis: u64,
    pub memory_bytes: u64,
}

/// What `resources` asks for: its requests, and its limits for what it requests nothing of, as Kubernetes itself does.
pub(super) fn resources(resources: &Value, file: &str, path: &str, found: &mut Found) -> Option<Needs> {
    let mut quantity = |name: &str, read: fn(&str) -> Option<u64>| {
        let given =
            ["requests", "limits"].into_iter().find_map(|kind| Some((kind, at(resources, kind)?.get(name)?)));
        let (kind, value) = given.filter(|(_, value)| !value.is_null())?;
        let number = scalar(value).as_deref().and_then(read);
        if number.is_none() {
            found.leave_out(file, &format!("{path}.{kind}.{name}"), "is no quantity that can be read");
        }
        number
    };
    let (cpu, memory) = (quantity("cpu", millis), quantity("memory", bytes));
    (cpu.is_some() || memory.is_some())
        .then(|| Needs { cpu_millis: cpu.unwrap_or(0), memory_bytes: memory.unwrap_or(0) })
}

/// What a pod of this specification asks for: all of its containers at once, or more where one that runs before them asks for
/// more.
pub(super) fn pod(spec: &Value, file: &str, path: &str, found: &mut Found) -> Needs {
    let mut all = Needs::default();
    for (number, container) in list(spec.get("containers")).iter().enumerate() {
        let here = format!("{path}.containers[{number}].resources");
        match container.get("resources").and_then(|of| resources(of, file, &here, found)) {
            Some(needs) => {
                all.cpu_millis = all.cpu_millis.saturating_add(needs.cpu_millis);
                all.memory_bytes = all.memory_bytes.saturating_add(needs.memory_bytes);
            }
            None => found.leave_out(file, &here, "asks for neither processors nor memory"),
        }
    }
    let mut sidecars = Needs::default();
    for (number, container) in list(spec.get("initContainers")).iter().enumerate() {
        let here = format!("{path}.initContainers[{number}].resources");
        let Some(needs) = container.get("resources").and_then(|of| resources(of, file, &here, found)) else {
            continue;
        };
        // One that is restarted always goes on beside the others.
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            sidecars.cpu_millis = sidecars.cpu_millis.saturating_add(needs.cpu_millis);
            sidecars.memory_bytes = sidecars.memory_bytes.saturating_add(needs.memory_bytes);
        } else {
            all.cpu_millis = all.cpu_millis.max(needs.cpu_millis);
            all.memory_bytes = all.memory_bytes.max(needs.memory_bytes);
        }
    }
    Needs {
        cpu_millis: all.cpu_millis.saturating_add(sidecars.cpu_millis),
        memory_bytes: all.memory_bytes.saturating_add(sidecars.memory_bytes),
    }
}
