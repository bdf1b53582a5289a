//! Every replica of every service restarted, one after the other, under calls of standard clients and all other load: no
//! call fails, nothing is lost, and each drain is short.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use septet_e2e::{Deployment, Python, Servers};
use septet_testkit::{Deadline, evidence::Workspace, within};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

use crate::{
    links::traffic::Traffic,
    support::{report::Report, size::is_full},
};

/// How long a process may take from being asked to end to its end.
const DRAIN: Duration = Duration::from_secs(10);
/// How long one call of the suite's own client may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between a replica that is ready and the end of the next one, as a rollout has it.
const SETTLE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_call_and_loses_nothing() {
    let workspace = Workspace::new("faults::rolling");
    let Some(python) = Python::find() else { return };
    let Some(servers) = Servers::start(&workspace) else { return };
    let rounds = if is_full() { 3 } else { 1 };
    let mut deployment = Deployment::services_on(&workspace.path().join("septet"), &servers, 2).up().await;
    let calls = StandardCalls::start(&python, &deployment, &workspace.path().join("python"));
    let traffic = Traffic::start(&deployment, &workspace, &urls(&deployment, "review"), DEADLINE).await;
    let mut drains = Vec::new();
    for _ in 0..rounds {
        for name in deployment.names() {
            sleep(SETTLE).await;
            let asked = Instant::now();
            let ended = deployment.terminate(&name).await;
            drains.push(asked.elapsed());
            assert!(ended.status.success(), "{name}: {}\n{}", ended.status, ended.stderr);
            deployment.start(&name);
            deployment.ready().await;
        }
    }
    sleep(SETTLE).await;
    let standard = calls.finish().await;
    let failed = traffic.failed();
    let (ended, told) = traffic.finish().await;
    let mut report = Report::new("rolling");
    report.figure("restarts", drains.len() as f64, "");
    report.times("drain", drains, Some(DRAIN));
    report.figure("calls of grpcio with its retryPolicy", standard.made, "");
    report.at_most("failed calls of grpcio", standard.failed.len() as f64, "", 0.0);
    report.at_most("failed calls of the suite's client", failed as f64, "", 0.0);
    told.report(&mut report);
    ended.check(&deployment, &workspace, report).await;
    assert!(standard.made > 0.0, "calls were made");
    assert!(standard.failed.is_empty(), "failed calls of grpcio: {:#?}", standard.failed);
    assert_eq!(failed, 0, "failed calls of the suite's client");
    told.check();
}

fn urls(deployment: &Deployment, service: &str) -> String {
    let urls: Vec<_> =
        deployment.addresses(service).iter().map(|address| format!("http://{address}")).collect();
    urls.join(",")
}

/// A client of another make, with what gRPC's documentation advises and nothing of ours.
struct StandardCalls(Child);

struct Outcome {
    made: f64,
    failed: Vec<String>,
}

impl StandardCalls {
    fn start(python: &Python, deployment: &Deployment, dir: &Path) -> Self {
        python.modules(&dir.join("modules"));
        fs::write(dir.join("token"), deployment.token()).expect("the token is written");
        let mut command = python.client("keep_calling.py");
        command.env("PYTHONPATH", dir.join("modules")).arg("--token-file").arg(dir.join("token"));
        for service in ["review", "devops"] {
            for address in deployment.addresses(service) {
                command.arg(format!("--{service}")).arg(address.to_string());
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Command::from(command).kill_on_drop(true).spawn().expect("Python starts"))
    }

    async fn finish(mut self) -> Outcome {
        // Its end is what it waits for.
        drop(self.0.stdin.take());
        let output = within(Deadline::LONG, "the calls to end", self.0.wait_with_output()).await;
        let output = output.expect("Python ends");
        assert!(output.status.success(), "Python: {}", String::from_utf8_lossy(&output.stderr));
        let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let failed = said["failed"].as_array().expect("failed calls").iter();
        Outcome {
            made: said["made"].as_f64().expect("a number"),
            failed: failed.map(ToString::to_string).collect(),
        }
    }
}
