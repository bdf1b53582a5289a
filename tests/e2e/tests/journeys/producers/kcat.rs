//! kcat, as Debian packages it.

use std::{path::Path, process::Command};

use septet_e2e::Finished;
use septet_testkit::servers::skip;

use super::files;
use crate::deployed::{
    Reviews,
    site::Topology,
    wire::{INGEST, SUBMITTED},
};

/// Appends a file as one record.
fn kcat(brokers: &str, key: &str, headers: &[&str], file: &Path) {
    let mut command = Command::new("kcat");
    command.args(["-P", "-b", brokers, "-t", INGEST, "-k", key]);
    command.args(headers.iter().flat_map(|header| ["-H", header])).arg(file);
    let finished = Finished::of(command);
    assert!(finished.status.success(), "kcat: {}\n{}", finished.status, finished.stderr);
}

#[tokio::test]
async fn kcat_pushes_a_diff_in_each_form_and_it_is_reviewed() {
    if Command::new("kcat").arg("-V").output().is_err() {
        return skip("kcat", "it is not on the PATH; `apt-get install kcat` installs it");
    }
    Topology::ServicesOnServers
        .travel(async |site| {
            let septet = site.septet().await;
            let (shop, dir, brokers) = ("producers/kcat", site.path("kcat"), septet.brokers());
            let r#type = format!("ce_type={SUBMITTED}");
            let attributes = ["ce_specversion=1.0", "ce_source=/ci/shop", &r#type];
            let with = |own: &[&'static str]| [own, &attributes].concat();

            kcat(brokers, shop, &[], &files::json(&dir, shop, "plain"));
            let structured = files::structured(&dir, shop, "structured");
            kcat(brokers, shop, &["content-type=application/cloudevents+json"], &structured);
            let json = with(&["content-type=application/json", "ce_id=kcat-1"]);
            kcat(brokers, shop, &json, &files::json(&dir, shop, "json"));
            let protobuf = with(&["content-type=application/protobuf", "ce_id=kcat-2"]);
            kcat(brokers, shop, &protobuf, &files::protobuf(&dir, shop, "protobuf"));

            Reviews::of(&septet).appear(shop, &["plain", "structured", "json", "protobuf"]).await;
        })
        .await;
}
