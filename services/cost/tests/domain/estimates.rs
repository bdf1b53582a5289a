//! What manifests deploy, and what it costs.

use proptest::prelude::*;
use septet_cost::{
    amount::Amount,
    estimate::{self, Allowance, Found, Prices, Workload, runs_a_month},
};
use septet_proto_common::v1::Verdict;
use septet_proto_cost::v1::{Estimate, Money};

/// Prices that are easy to reckon with: a processor 1 a month of 100 hours, a GiB of memory 2, a GiB of storage 0.5.
fn prices() -> Prices {
    Prices::from_toml(
        "currency = 'USD'\nsource = 'a test'\ndate = '2026-11-21'\nmonth_hours = 100\nnodes = 4\njob_minutes = 6\n\
         [prices]\ncpu_hour = '0.01'\nmemory_gib_hour = '0.02'\nstorage_gib_month = '0.5'\n[storage_classes]\nfast = '3'\n",
    )
    .unwrap()
}

fn read(files: &[(&str, &str)]) -> Found {
    estimate::read(files.iter().map(|(path, text)| (*path, text.as_bytes())), &prices())
}

fn one(files: &[(&str, &str)]) -> Workload {
    let found = read(files);
    let [workload] = found.workloads.as_slice() else { panic!("{found:#?}") };
    assert!(found.unpriced.is_empty(), "{:?}", found.unpriced);
    workload.clone()
}

fn cost(workload: &Workload) -> String {
    prices().of(workload).unwrap().to_string()
}

fn reasons(found: &Found) -> String {
    found.unpriced.iter().map(|of| format!("{} {} {}\n", of.file, of.path, of.reason)).collect()
}

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    spec:
      initContainers:
      - {name: migrate, resources: {requests: {cpu: '2'}}}
      containers:
      - {name: web, resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {cpu: 4}}}
      - {name: proxy, resources: {limits: {cpu: 250m, memory: 0.5Gi}}}
";

#[test]
fn a_deployment_is_its_replicas_of_what_its_containers_ask_for() {
    let web = one(&[("k8s/web.yaml", DEPLOYMENT)]);
    assert_eq!((web.name.as_str(), web.replicas), ("Deployment/web", 3));
    // What runs before asks for more processors than the others together.
    assert_eq!((web.cpu_millis, web.memory_bytes), (2_000, 1 << 30));
    // 3 × (2 processors at 1 and 1 GiB at 2).
    assert_eq!(cost(&web), "12.00");
    let scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n\
                  spec: {minReplicas: 5, maxReplicas: 9, scaleTargetRef: {kind: Deployment, name: web}}";
    assert_eq!(one(&[("k8s/web.yaml", DEPLOYMENT), ("k8s/scale.yaml", scaler)]).replicas, 5);
    let elsewhere = scaler.replace("{name: web}\n", "{name: web, namespace: other}\n");
    assert_eq!(one(&[("k8s/web.yaml", DEPLOYMENT), ("k8s/scale.yaml", &elsewhere)]).replicas, 3);
}

#[test]
fn state_nodes_jobs_and_claims_are_priced_by_their_kind() {
    let state = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  template: {spec: {containers: [{name: db, resources: {requests: {cpu: 1, memory: 1Gi}}}]}}
  volumeClaimTemplates:
  - {spec: {storageClassName: fast, resources: {requests: {storage: 10Gi}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: files}
spec: {resources: {requests: {storage: 8Gi}}}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: DaemonSet
  metadata: {name: agent}
  spec: {template: {spec: {containers: [{name: a, resources: {requests: {cpu: 100m}}}]}}}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: nightly}
  spec:
    schedule: '0 3 * * *'
    jobTemplate: {spec: {completions: 2, template: {spec: {containers: [{name: a, resources: {requests: {cpu: 10}}}]}}}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
";
    let found = read(&[("k8s/all.yaml", state)]);
    assert!(found.unpriced.is_empty(), "{:?}", found.unpriced);
    let costs: Vec<_> = found.workloads.iter().map(|of| (of.name.as_str(), cost(of))).collect();
    assert_eq!(
        costs,
        [
            // 2 × (1 + 2 + 10 GiB at 3).
            ("StatefulSet/db", "66.00".to_owned()),
            ("PersistentVolumeClaim/files", "4.00".to_owned()),
            // 4 nodes × 0.1 processors.
            ("DaemonSet/agent", "0.40".to_owned()),
            // 2 × 10 processors × 30 runs of 6 minutes, 3 hours at 0.01.
            ("CronJob/nightly", "0.60".to_owned()),
        ]
    );
}

#[test]
fn schedules_come_due_as_often_as_cron_says() {
    for (schedule, times) in [
        ("0 3 * * *", Some(30)),
        ("*/15 * * * *", Some(2_920)),
        ("0 0 1 * *", Some(1)),
        ("0 9-17 * * mon-fri", Some(196)),
        ("0 0 * * 0", Some(4)),
        ("0 0 * * 7", Some(4)),
        ("0,30 0 1,15 * *", Some(4)),
        ("@hourly", Some(730)),
        ("0 0 31 2 *", Some(0)),
        ("60 * * * *", None),
        ("* * * *", None),
        ("*/0 * * * *", None),
        ("5-1 * * * *", None),
        ("often", None),
    ] {
        assert_eq!(runs_a_month(schedule), times, "{schedule}");
    }
}

#[test]
fn compose_files_reserve_or_else_are_limited() {
    let compose = "
x-small: &small {cpus: '0.5', memory: 256M}
services:
  web:
    image: web
    deploy: {replicas: 2, resources: {reservations: *small, limits: {cpus: '9', memory: 9G}}}
  worker: {image: w, cpus: 1.5, mem_limit: 1g, scale: '${WORKERS:-3}'}
  agent: {image: a, deploy: {mode: global, resources: {limits: {cpus: '1', memory: 1gb}}}}
  debug: {image: d, profiles: [debug]}
  plain: {image: p}
  unknown: {image: u, mem_limit: '${LIMIT}'}
volumes: {data: {}}
";
    let found = read(&[("compose.yaml", compose), ("compose.override.yaml", "services: {web: {cpus: 99}}")]);
    let figures: Vec<_> = found
        .workloads
        .iter()
        .map(|of| (of.name.as_str(), of.replicas, of.cpu_millis, of.memory_bytes))
        .collect();
    let mib = 1 << 20;
    assert_eq!(
        figures,
        [
            ("service/agent", 4, 1_000, 1_024 * mib),
            ("service/plain", 1, 0, 0),
            ("service/unknown", 1, 0, 0),
            ("service/web", 2, 500, 256 * mib),
            ("service/worker", 3, 1_500, 1_024 * mib),
        ]
    );
    let reasons = reasons(&found);
    for words in [
        "services.debug starts only with a profile",
        "services.plain asks for neither",
        "services.unknown.mem_limit is no quantity",
        "volumes 1 named",
        "compose.override.yaml  lies over",
    ] {
        assert!(reasons.contains(words), "{words}: {reasons}");
    }
}

#[test]
fn helm_values_of_the_common_layouts_are_read() {
    let simple = "
replicaCount: 2
image: {repository: shop}
resources: {requests: {cpu: 250m, memory: 128Mi}, limits: {cpu: 1}}
persistence: {enabled: true, size: 8Gi, storageClass: fast}
autoscaling: {enabled: false, minReplicas: 7}
service: {type: ClusterIP}
";
    let shop = one(&[
        ("shop/values.yaml", simple),
        ("shop/Chart.yaml", "name: shop"),
        ("shop/templates/a.yaml", "{{ x }}"),
    ]);
    assert_eq!((shop.replicas, shop.cpu_millis, shop.memory_bytes), (2, 250, 128 << 20));
    assert_eq!(shop.storage, [("fast".to_owned(), 8 << 30)]);
    let scaled = one(&[("shop/values.yaml", &simple.replace("enabled: false", "enabled: true"))]);
    assert_eq!(scaled.replicas, 7);
    let off = one(&[(
        "shop/values.yaml",
        &simple.replace("persistence: {enabled: true", "persistence: {enabled: false"),
    )]);
    assert!(off.storage.is_empty());

    let several = "
global: {resources: {requests: {cpu: 99}}}
frontend: {replicas: 3, resources: {requests: {cpu: 100m, memory: 64Mi}}}
backend:
  replicaCount: 2
  resources: {requests: {cpu: 1, memory: 1Gi}}
  metrics: {enabled: true, resources: {requests: {cpu: 50m}}}
  backup: {enabled: false, resources: {requests: {cpu: 5}}}
database: {primary: {resources: {requests: {cpu: 2}}, persistence: {size: 20Gi}}, readReplicas: {replicaCount: 0, resources: {requests: {cpu: 2}}}}
";
    let found = read(&[("deploy/values.yaml", several)]);
    let figures: Vec<_> =
        found.workloads.iter().map(|of| (of.name.as_str(), of.replicas, of.cpu_millis)).collect();
    assert_eq!(
        figures,
        [
            ("deploy:backend", 2, 1_000),
            ("deploy:backend.metrics", 2, 50),
            ("deploy:database.primary", 1, 2_000),
            ("deploy:database.readReplicas", 0, 2_000),
            ("deploy:frontend", 3, 100),
        ]
    );
    assert!(found.unpriced.is_empty(), "{:?}", found.unpriced);
}

#[test]
fn a_charts_values_reach_into_the_charts_within_it() {
    let parent = "replicaCount: 1\nresources: {requests: {cpu: 1}}\ncache: {replicaCount: 3}\nqueue: {enabled: false}\n";
    let child = "replicaCount: 1\nresources: {requests: {cpu: 500m}}\n";
    let files = [
        ("a/values.yaml", parent),
        ("a/charts/cache/values.yaml", child),
        ("a/charts/queue/values.yaml", child),
    ];
    let found = read(&files);
    let figures: Vec<_> =
        found.workloads.iter().map(|of| (of.name.as_str(), of.replicas, of.cpu_millis)).collect();
    assert_eq!(figures, [("a", 1, 1_000), ("a/charts/cache", 3, 500)]);
}

#[test]
fn what_cannot_be_read_is_listed_and_never_guessed() {
    let found = read(&[
        ("chart/values.yaml", "replicaCount: 2\nresources: {}\n"),
        ("chart/values-prod.yaml", "replicaCount: 9\nresources: {requests: {cpu: 9}}\n"),
        ("preset/values.yaml", "replicaCount: 1\nresourcesPreset: nano\nresources: {}\n"),
        ("k8s/broken.yaml", "a: [1\nb: }"),
        ("k8s/template.yaml", "a: {{ .Values.x }}\n"),
        ("k8s/crd.yaml", "apiVersion: x/v1\nkind: Database\nmetadata: {name: db}"),
        ("k8s/none.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}"),
        (
            "k8s/bad.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: q}\nspec: {containers: [{name: c, resources: {requests: {cpu: lots}}}]}",
        ),
        ("k8s/lb.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: LoadBalancer}"),
        ("other.yaml", "hello: world"),
        ("README.md", "# not YAML"),
    ]);
    let reasons = reasons(&found);
    for words in [
        "chart/values.yaml resources asks for neither",
        "chart/values-prod.yaml  is one of several sets",
        "preset/values.yaml resourcesPreset presets",
        "k8s/broken.yaml  is not YAML that can be read, in line",
        "k8s/template.yaml  is a template",
        "k8s/crd.yaml  Database/db: this kind is not priced",
        "k8s/none.yaml spec.containers[0].resources asks for neither",
        "k8s/bad.yaml spec.containers[0].resources.requests.cpu is no quantity",
        "k8s/lb.yaml spec.type Service/s: load balancers",
        "other.yaml  is neither Helm values",
    ] {
        assert!(reasons.contains(words), "{words}: {reasons}");
    }
    assert!(!reasons.contains("README"), "{reasons}");
    assert!(found.workloads.iter().all(|of| of.cpu_millis == 0), "{found:#?}");
}

#[test]
fn quantities_are_those_of_their_tools() {
    for (text, expected) in [
        ("2", Some(2_000)),
        ("0.1", Some(100)),
        ("0.0001", Some(1)),
        ("250m", Some(250)),
        ("1e1", Some(10_000)),
        ("-1", None),
        ("", None),
        ("m", None),
        ("two", None),
    ] {
        assert_eq!(estimate::millis(text), expected, "{text}");
    }
    for (text, expected) in [
        ("128974848", Some(128_974_848)),
        ("129M", Some(129_000_000)),
        ("1.5Gi", Some(3 << 29)),
        ("1e3", Some(1_000)),
        ("100m", Some(1)),
        ("1k", Some(1_000)),
        ("1K", None),
        ("1GB", None),
        ("9999Ei", None),
        ("-1Gi", None),
        ("Gi", None),
    ] {
        assert_eq!(estimate::bytes(text), expected, "{text}");
    }
    for (text, expected) in [
        ("50M", Some(50 << 20)),
        ("1gb", Some(1 << 30)),
        ("512k", Some(512 << 10)),
        ("300b", Some(300)),
        ("0.5g", Some(1 << 29)),
        ("5x", None),
        ("g", None),
    ] {
        assert_eq!(estimate::compose_bytes(text), expected, "{text}");
    }
}

fn compared(now: &str, before: &str) -> Estimate {
    estimate::estimate(read(&[("k8s/web.yaml", now)]), read(&[("k8s/web.yaml", before)]), &prices())
}

fn amount(money: &Option<Money>) -> String {
    Amount::of(money.as_ref().unwrap()).unwrap().to_string()
}

#[test]
fn an_estimate_is_compared_with_that_of_the_parent() {
    let other = DEPLOYMENT.replace("name: web}\nspec", "name: gone}\nspec");
    let estimate =
        compared(&DEPLOYMENT.replace("replicas: 3", "replicas: 4"), &format!("{DEPLOYMENT}---{other}"));
    assert_eq!(
        (amount(&estimate.monthly), amount(&estimate.parent_monthly)),
        ("16.00".to_owned(), "24.00".to_owned())
    );
    assert_eq!(amount(&estimate.difference), "-8.00");
    let lines: Vec<_> = estimate
        .lines
        .iter()
        .map(|of| (of.workload.as_str(), amount(&of.monthly), amount(&of.parent_monthly)))
        .collect();
    assert_eq!(
        lines,
        [
            ("Deployment/web", "16.00".to_owned(), "12.00".to_owned()),
            ("Deployment/gone", "0.00".to_owned(), "12.00".to_owned())
        ]
    );
}

#[test]
fn an_estimate_fits_into_an_event_whatever_the_manifests_are() {
    use prost::Message;
    let name = "ü".repeat(2_000);
    let files: Vec<(String, String)> = (0..1_500)
        .map(|number| {
            (
                format!("{name}/{number}.yaml"),
                DEPLOYMENT.replace("web}\nspec", &format!("{name}{number}}}\nspec")),
            )
        })
        .collect();
    let found = estimate::read(files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())), &prices());
    let estimate = estimate::estimate(found, Found::default(), &prices());
    assert_eq!((estimate.lines_total, amount(&estimate.monthly).as_str()), (1_500, "18000.00"));
    assert!(estimate.encoded_len() < 800 << 10, "{} bytes", estimate.encoded_len());
    assert!(estimate.lines.len() > 100);
}

#[test]
fn the_gate_judges_by_every_limit() {
    let judged = |allowance: Allowance, left_out| {
        let mut estimate = compared(DEPLOYMENT, "");
        estimate::judge(&mut estimate, &allowance, left_out);
        (estimate.verdict(), estimate.reason)
    };
    let amount = |text: &str| Amount::parse(text).unwrap().amount;
    let monthly = |text: &str| Allowance {
        monthly: Some((amount(text), "the budget `x`".to_owned())),
        ..Allowance::default()
    };
    assert_eq!(judged(Allowance::default(), 3).0, Verdict::Passed);
    assert_eq!(
        judged(monthly("12"), 0),
        (Verdict::Passed, "12.00 USD a month, 12.00 USD more than its parent".to_owned())
    );
    assert_eq!(judged(monthly("11.999999"), 0).0, Verdict::Failed);
    assert!(judged(monthly("1"), 0).1.contains("over the budget `x` of 1.00 USD"));
    let increase = Allowance { increase: Some(amount("11")), ..Allowance::default() };
    assert_eq!(judged(increase, 0).0, Verdict::Failed);
    assert!(judged(monthly("100"), 2).1.contains("2 manifests are over the limits"));
    let unfit = Allowance { unfit: Some("the budget `e` is in EUR".to_owned()), ..Allowance::default() };
    assert_eq!(judged(unfit, 0).0, Verdict::Failed);
    let mut nothing = compared("", "");
    estimate::judge(&mut nothing, &monthly("1"), 0);
    assert_eq!(
        (nothing.verdict(), nothing.reason.as_str()),
        (Verdict::Passed, "deploys nothing that it can price")
    );
}

#[test]
fn price_files_are_checked_by_key() {
    let example = Prices::example().unwrap();
    assert!(example.source.contains("example") && example.source.contains("2025-12-01"));
    let good = include_str!("../../prices/example.toml");
    for (before, after, words) in [
        ("cpu_hour = \"0.032\"", "cpu_hour = \"cheap\"", "prices.cpu_hour"),
        ("cpu_hour = \"0.032\"", "cpu_hour = \"-1\"", "prices.cpu_hour"),
        ("cpu_hour = \"0.032\"", "cpu_hour = 0.032", "string"),
        ("gp3 = \"0.08\"", "gp3 = \"\"", "storage_classes.gp3"),
        ("currency = \"USD\"", "currency = \"dollars\"", "currency"),
        ("date = \"2025-12-01\"", "date = \"lately\"", "date"),
        ("month_hours = 730", "month_hours = 0", "month_hours"),
        ("month_hours = 730", "month_hour = 730", "month_hour"),
    ] {
        let error = Prices::from_toml(&good.replace(before, after)).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

proptest! {
    #[test]
    fn no_manifest_panics(text in "(\\PC|\n|: |- |\\{|&a|\\*a|<<: ){0,120}", path in "(k8s/a.yaml|values.yaml|compose.yml|a/charts/b/values.yaml)") {
        let starts = ["", "apiVersion: v1\nkind: Deployment\n", "services:\n", "replicaCount: 1\nresources:\n"];
        for start in starts {
            let text = format!("{start}{text}");
            let found = estimate::read([(path.as_str(), text.as_bytes())], &prices());
            let _ = estimate::estimate(found, Found::default(), &prices());
        }
    }
}
