use std::collections::HashMap;

use serde_json::Value;

use super::{
    cron::runs_a_month,
    found::{Found, Hours, Workload},
    pods::pod,
    price::Prices,
    quantity::bytes,
    yaml::{at, count, list, scalar},
};

/// Kinds that cost nothing by themselves, or whose pods others make.
const FREE: &[&str] = &[
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CustomResourceDefinition",
    "EndpointSlice",
    "Endpoints",
    "Ingress",
    "IngressClass",
    "LimitRange",
    "Namespace",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "PriorityClass",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "Secret",
    "ServiceAccount",
    "StorageClass",
];

/// A file's manifest.
pub(super) struct Object<'a> {
    pub file: &'a str,
    pub value: &'a Value,
}

/// True if this document is a manifest of Kubernetes.
pub(super) fn is_one(document: &Value) -> bool {
    document.get("apiVersion").is_some_and(Value::is_string)
        && document.get("kind").is_some_and(Value::is_string)
}

/// What these manifests run. Together, since an autoscaler may stand in another file than what it scales.
pub(super) fn read(objects: &[Object<'_>], prices: &Prices, found: &mut Found) {
    let mut all = Vec::new();
    for object in objects {
        if text(object.value, "kind") == "List" {
            let items = list(object.value.get("items")).iter();
            all.extend(items.map(|value| Object { file: object.file, value }));
        } else {
            all.push(Object { file: object.file, value: object.value });
        }
    }
    let autoscaled: HashMap<(String, String, String), u32> = all
        .iter()
        .filter(|object| text(object.value, "kind") == "HorizontalPodAutoscaler")
        .map(|object| {
            let target = |name: &str| {
                at(object.value, &format!("spec.scaleTargetRef.{name}")).and_then(scalar).unwrap_or_default()
            };
            let least = at(object.value, "spec.minReplicas").and_then(count).unwrap_or(1);
            ((namespace(object.value), target("kind"), target("name")), least)
        })
        .collect();
    for object in &all {
        one(object, &autoscaled, prices, found);
    }
}

fn one(
    object: &Object<'_>,
    autoscaled: &HashMap<(String, String, String), u32>,
    prices: &Prices,
    found: &mut Found,
) {
    let (value, file) = (object.value, object.file);
    let (kind, name) = (text(value, "kind"), name(value));
    let namespace = namespace(value);
    let within = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    let mut workload =
        Workload { name: format!("{within}{kind}/{name}"), file: file.to_owned(), ..Workload::default() };
    let replicas = match at(value, "spec.replicas") {
        None => Some(1),
        Some(replicas) => count(replicas),
    };
    let mut path = "spec.template.spec";
    match kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            match autoscaled.get(&(namespace, kind.clone(), name.clone())) {
                Some(least) => {
                    workload.replicas = *least;
                    workload.notes.push(format!("its autoscaler's least, {least}, is what runs"));
                }
                None => match replicas {
                    Some(replicas) => workload.replicas = replicas,
                    None => {
                        return found.leave_out(
                            file,
                            "spec.replicas",
                            format!("{kind}/{name}: is no number"),
                        );
                    }
                },
            }
        }
        "DaemonSet" => {
            workload.replicas = prices.nodes;
            workload.notes.push(format!("one on each node, of which {} are assumed", prices.nodes));
        }
        "Pod" => {
            workload.replicas = 1;
            path = "spec";
        }
        "Job" => {
            workload.replicas = at(value, "spec.completions").and_then(count).unwrap_or(1);
            runs(&mut workload, 1, prices);
        }
        "CronJob" => {
            path = "spec.jobTemplate.spec.template.spec";
            workload.replicas = at(value, "spec.jobTemplate.spec.completions").and_then(count).unwrap_or(1);
            let schedule = at(value, "spec.schedule").and_then(scalar).unwrap_or_default();
            let Some(times) = runs_a_month(&schedule) else {
                return found.leave_out(file, "spec.schedule", format!("{kind}/{name}: is no schedule"));
            };
            let suspended = at(value, "spec.suspend").and_then(Value::as_bool).unwrap_or(false);
            runs(&mut workload, if suspended { 0 } else { times }, prices);
        }
        "PersistentVolumeClaim" => {
            workload.replicas = 1;
            workload.path = "spec.resources.requests.storage".to_owned();
            workload.storage.extend(claim(value, file, &workload.path.clone(), found));
            return found.workloads.push(workload);
        }
        "Service" => {
            if at(value, "spec.type").and_then(Value::as_str) == Some("LoadBalancer") {
                found.leave_out(file, "spec.type", format!("Service/{name}: load balancers are not priced"));
            }
            return;
        }
        "HorizontalPodAutoscaler" => return,
        "Kustomization" => return found.leave_out(file, "", "kustomizations are not applied"),
        free if FREE.contains(&free) => return,
        other => return found.leave_out(file, "", format!("{other}/{name}: this kind is not priced")),
    }
    let Some(spec) = at(value, path) else {
        return found.leave_out(file, path, format!("{kind}/{name}: is missing"));
    };
    let needs = pod(spec, file, path, found);
    (workload.cpu_millis, workload.memory_bytes) = (needs.cpu_millis, needs.memory_bytes);
    workload.path = format!("{path}.containers[].resources");
    if kind == "StatefulSet" {
        for (number, template) in list(at(value, "spec.volumeClaimTemplates")).iter().enumerate() {
            let path = format!("spec.volumeClaimTemplates[{number}].spec.resources.requests.storage");
            workload.storage.extend(claim(template, file, &path, found));
        }
    }
    found.workloads.push(workload);
}

/// Class and size of a claim.
fn claim(claim: &Value, file: &str, path: &str, found: &mut Found) -> Option<(String, u64)> {
    let size = at(claim, "spec.resources.requests.storage").and_then(scalar).as_deref().and_then(bytes);
    if size.is_none() {
        found.leave_out(file, path, "is no size that can be read");
    }
    let class = at(claim, "spec.storageClassName").and_then(scalar).unwrap_or_default();
    size.map(|size| (class, size))
}

fn runs(workload: &mut Workload, times: u64, prices: &Prices) {
    let minutes = u64::from(prices.job_minutes);
    workload.hours = Some(Hours { minutes: times.saturating_mul(minutes) });
    workload.notes.push(format!("{times} runs a month of {minutes} minutes each are assumed"));
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(scalar).unwrap_or_default()
}

fn name(value: &Value) -> String {
    at(value, "metadata.name")
        .or_else(|| at(value, "metadata.generateName"))
        .and_then(scalar)
        .unwrap_or_default()
}

fn namespace(value: &Value) -> String {
    at(value, "metadata.namespace").and_then(scalar).filter(|name| name != "default").unwrap_or_default()
}
