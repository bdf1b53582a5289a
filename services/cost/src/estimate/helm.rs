use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    found::{Found, Workload},
    pods::{Needs, resources},
    quantity::bytes,
    yaml::{at, count, scalar},
};

/// Levels of values that are looked at.
const MAX_DEPTH: usize = 12;
/// Members that say how many of a component run.
const REPLICAS: [&str; 2] = ["replicaCount", "replicas"];
/// Members that ask for storage.
const STORAGE: [&str; 2] = ["persistence", "persistentVolume"];
/// Members that are no components, whatever they have.
const OTHER: &[&str] = &["autoscaling", "global", "hpa", "resources"];

/// The values of a chart.
pub(super) struct Chart<'a> {
    pub file: &'a str,
    /// Its folder, empty at the root.
    pub folder: &'a str,
    pub values: &'a Value,
}

/// What charts run. Together, since a chart's values have a say in those of the charts within it.
pub(super) fn read(charts: &[Chart<'_>], found: &mut Found) {
    let mut values: BTreeMap<&str, (&str, Value)> =
        charts.iter().map(|chart| (chart.folder, (chart.file, chart.values.clone()))).collect();
    // By path: parents come before what is in them.
    let folders: Vec<&str> = values.keys().copied().collect();
    let mut within: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for folder in &folders {
        let Some((parent, name)) = parent(folder, &folders) else { continue };
        let said = values.get(parent).and_then(|(_, values)| values.get(name)).cloned();
        if let (Some(said), Some((_, own))) = (said, values.get_mut(folder)) {
            merge(own, said);
        }
        within.entry(parent).or_default().push(name.to_owned());
    }
    for folder in &folders {
        let Some((file, values)) = values.get(folder) else { continue };
        let name = if folder.is_empty() { "chart" } else { folder };
        let mut walk = Walk { file, chart: name, not: within.get(folder).map_or(&[], Vec::as_slice), found };
        if walk.component(values, "", None, 0) == 0 {
            found.leave_out(file, "", "names no replicas, resources or storage in a way that can be read");
        }
    }
}

/// The chart that a chart is in, as `<parent>/charts/<name>`, and its name there.
fn parent<'a>(folder: &'a str, folders: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let (before, name) = folder.rsplit_once('/').unwrap_or(("", folder));
    let parent = if before == "charts" { "" } else { before.strip_suffix("/charts")? };
    folders.contains(&parent).then_some((parent, name))
}

/// Puts the values of a parent over those of a chart.
fn merge(own: &mut Value, over: Value) {
    match (own, over) {
        (Value::Object(own), Value::Object(over)) => {
            for (name, value) in over {
                merge(own.entry(name).or_insert(Value::Null), value);
            }
        }
        (own, over) => *own = over,
    }
}

struct Walk<'a, 'b> {
    file: &'a str,
    chart: &'a str,
    /// Members at the root that are charts of their own.
    not: &'a [String],
    found: &'b mut Found,
}

impl Walk<'_, '_> {
    /// Looks at a component and those within it; gives how many things were told of.
    fn component(&mut self, value: &Value, path: &str, above: Option<u32>, depth: usize) -> usize {
        let Some(members) = value.as_object() else { return 0 };
        if depth > MAX_DEPTH {
            self.found.leave_out(self.file, path, format!("is more than {MAX_DEPTH} levels deep"));
            return 1;
        }
        if off(members) {
            return 1;
        }
        let own = self.replicas(members, path);
        let replicas = own.or(above);
        let mut told = usize::from(self.workload(members, path, own, above));
        // In one order, whatever the map's is.
        let within: BTreeMap<_, _> = members.iter().collect();
        for (name, value) in within {
            let is_chart = depth == 0 && self.not.contains(name);
            if is_chart || OTHER.contains(&name.as_str()) || STORAGE.contains(&name.as_str()) {
                continue;
            }
            told += self.component(value, &joined(path, name), replicas, depth + 1);
        }
        if told == 0 && own.is_some() {
            self.found.leave_out(self.file, path, "runs replicas, and says nothing of their resources");
            told = 1;
        }
        told
    }

    /// How many run: the autoscaler's least where it is on.
    fn replicas(&mut self, members: &Map<String, Value>, path: &str) -> Option<u32> {
        for scaler in ["autoscaling", "hpa"] {
            let Some(scaler) = members.get(scaler).filter(|value| on(value)) else { continue };
            if let Some(least) =
                ["minReplicas", "min", "hpa.minReplicas"].iter().find_map(|name| at(scaler, name))
            {
                return count(least);
            }
        }
        let (name, value) = REPLICAS.iter().find_map(|name| Some((*name, members.get(*name)?)))?;
        if !value.is_string() && !value.is_number() {
            return None;
        }
        let replicas = count(value);
        if replicas.is_none() {
            self.found.leave_out(self.file, &joined(path, name), "is no number");
        }
        replicas
    }

    fn workload(
        &mut self,
        members: &Map<String, Value>,
        path: &str,
        own: Option<u32>,
        above: Option<u32>,
    ) -> bool {
        let here = joined(path, "resources");
        let asked = members.get("resources").filter(|value| value.is_object());
        let needs = asked.and_then(|value| resources(value, self.file, &here, self.found));
        let storage: Vec<(String, u64)> = STORAGE
            .iter()
            .filter_map(|name| Some((name, members.get(*name)?)))
            .flat_map(|(name, value)| self.storage(value, &joined(path, name)))
            .collect();
        if let Some(preset) =
            members.get("resourcesPreset").filter(|preset| needs.is_none() && preset.is_string())
        {
            let preset = preset.as_str().unwrap_or_default();
            if preset != "none" {
                self.found.leave_out(
                    self.file,
                    &joined(path, "resourcesPreset"),
                    "presets of charts are not priced",
                );
            }
        }
        if needs.is_none() && storage.is_empty() {
            // `resources: {}` beside a number of replicas is what a new chart has: something runs.
            if asked.is_none() || own.is_none() {
                return false;
            }
        }
        if needs.is_none() {
            self.found.leave_out(self.file, &here, "asks for neither processors nor memory");
        }
        let Needs { cpu_millis, memory_bytes } = needs.unwrap_or_default();
        let mut notes = Vec::new();
        if own.is_none() {
            match above {
                Some(replicas) => {
                    notes.push(format!("runs beside the component that it is in: {replicas} replicas"));
                }
                None => notes.push("says no number of replicas: one is assumed".to_owned()),
            }
        }
        if !storage.is_empty() && own.or(above).is_some_and(|replicas| replicas > 1) {
            notes.push("a volume for each replica is assumed".to_owned());
        }
        let name = if path.is_empty() { self.chart.to_owned() } else { format!("{}:{path}", self.chart) };
        self.found.workloads.push(Workload {
            name,
            file: self.file.to_owned(),
            path: if needs.is_some() { here } else { joined(path, "persistence") },
            replicas: own.or(above).unwrap_or(1),
            cpu_millis,
            memory_bytes,
            storage,
            hours: None,
            notes,
        });
        true
    }

    /// Volumes: one, or several by name.
    fn storage(&mut self, value: &Value, path: &str) -> Vec<(String, u64)> {
        let Some(members) = value.as_object().filter(|members| !off(members)) else { return Vec::new() };
        let Some(size) = members.get("size").filter(|size| !size.is_null()) else {
            let named = members.iter().filter(|(_, value)| value.get("size").is_some());
            let named: Vec<_> = named.map(|(name, value)| (joined(path, name), value)).collect();
            return named.into_iter().flat_map(|(path, value)| self.storage(value, &path)).collect();
        };
        if members.get("existingClaim").and_then(Value::as_str).is_some_and(|claim| !claim.is_empty()) {
            self.found.leave_out(self.file, path, "a claim that exists already is not priced");
            return Vec::new();
        }
        let class = ["storageClass", "storageClassName"].iter().find_map(|name| members.get(*name));
        match scalar(size).as_deref().and_then(bytes) {
            Some(size) => vec![(class.and_then(scalar).unwrap_or_default(), size)],
            None => {
                self.found.leave_out(self.file, &joined(path, "size"), "is no size that can be read");
                Vec::new()
            }
        }
    }
}

/// True if it says that it is switched off.
fn off(members: &Map<String, Value>) -> bool {
    members.get("enabled").and_then(Value::as_bool) == Some(false)
}

/// True if it says that it is switched on; an autoscaler that does not say is off.
fn on(value: &Value) -> bool {
    ["enabled", "hpa.enabled"].iter().any(|name| at(value, name).and_then(Value::as_bool) == Some(true))
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
