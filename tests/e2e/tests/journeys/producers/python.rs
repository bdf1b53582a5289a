//! Python: a producer on confluent-kafka, and a client on grpcio.

use septet_e2e::{Deployment, Finished, Python};

use super::files;
use crate::deployed::{Reviews, site::Topology};

#[tokio::test]
async fn a_python_producer_pushes_a_diff_in_each_form_and_it_is_reviewed() {
    let Some(python) = Python::find() else { return };
    Topology::ServicesOnServers
        .travel(async |site| {
            let septet = site.septet().await;
            let (shop, dir) = ("producers/python", site.path("python-producer"));
            python.modules(&dir.join("modules"));
            let diff = files::diff(&dir);
            let forms = ["plain", "json", "protobuf", "structured"];
            for form in forms {
                let mut command = python.client("submit_diff.py");
                command.env("PYTHONPATH", dir.join("modules"));
                command.args(["--brokers", septet.brokers(), "--form", form]);
                command.args(["--repository", shop, "--commit", form]).arg(&diff);
                let finished = Finished::of(command);
                assert!(finished.status.success(), "{form}: {}", finished.stderr);
                assert!(finished.stdout.contains("review.diff.ingest.v1"), "{form}: {}", finished.stdout);
            }
            Reviews::of(&septet).appear(shop, &forms).await;
        })
        .await;
}

#[tokio::test]
async fn a_python_client_calls_a_service_with_a_token_and_is_refused_without() {
    let Some(python) = Python::find() else { return };
    Topology::ServicesOnServers
        .travel(async |site| {
            let septet = site.septet().await;
            let (shop, dir) = ("producers/grpcio", site.path("python-client"));
            python.modules(&dir.join("modules"));
            let diff = files::diff(&dir);
            let call = |token: Option<&str>, septet: &Deployment| {
                let mut command = python.client("review_diff.py");
                command.env("PYTHONPATH", dir.join("modules"));
                command.args(["--address", &septet.addresses("review")[0].to_string()]);
                if let Some(token) = token {
                    let file = dir.join("token");
                    std::fs::write(&file, token).expect("written");
                    command.arg("--token-file").arg(file);
                }
                command.args(["--repository", shop, "--commit", "called"]).arg(&diff);
                Finished::of(command)
            };

            let reviewed = call(Some(&septet.token()), &septet);
            // As of `septet up --once`: a failed gate.
            assert_eq!(reviewed.status.code(), Some(3), "{}", reviewed.stderr);
            assert!(reviewed.stdout.contains("deploy.sh:1"), "{}", reviewed.stdout);
            Reviews::of(&septet).appear(shop, &["called"]).await;
            let nobody = call(None, &septet);
            assert_eq!(nobody.status.code(), Some(1), "{}", nobody.stdout);
            assert!(nobody.stderr.contains("UNAUTHENTICATED"), "{}", nobody.stderr);
            let viewer = call(Some(&septet.token_of("viewer")), &septet);
            assert_eq!(viewer.status.code(), Some(1), "{}", viewer.stdout);
            assert!(viewer.stderr.contains("PERMISSION_DENIED"), "{}", viewer.stderr);
        })
        .await;
}
