use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use septet_contract_build as contract_build;

use crate::command;
use crate::generate::BASELINE;

/// The release of buf that CI lints with; a later one may add rules.
const BUF: &str = "@bufbuild/buf@1.75.0";
const TOOLS: &str = "target/tools";

/// Lints the contracts and compares them with the released ones: with buf, or without npm by their descriptors.
pub(crate) fn run(root: &Path) -> Result<()> {
    if !root.join(BASELINE).exists() {
        bail!(
            "{BASELINE} is missing, so nothing tells what was released; run `cargo xtask baseline` and commit it"
        );
    }
    match buf(root) {
        Ok(buf) => {
            println!("checking with buf");
            command::run(Command::new(&buf).current_dir(root).args(["lint", "proto"]))?;
            // buf and our compiler bring google/protobuf's own files in different releases: not ours to compare.
            let arguments = ["breaking", "proto", "--against", BASELINE, "--exclude-imports"];
            command::run(Command::new(&buf).current_dir(root).args(arguments))
        }
        Err(reason) => {
            println!("checking the descriptors only (no lint): {reason:#}");
            descriptors(root)
        }
    }
}

/// Path of buf, installed below `target` if it is not there yet.
fn buf(root: &Path) -> Result<PathBuf> {
    let tools = root.join(TOOLS);
    let buf = tools.join("node_modules/.bin/buf");
    // The stamp names the release, so that raising it above installs anew.
    let stamp = tools.join("buf.release");
    if buf.exists() && std::fs::read_to_string(&stamp).is_ok_and(|release| release == BUF) {
        return Ok(buf);
    }
    if !command::exists("npm") {
        bail!("npm is not installed, so neither is buf");
    }
    std::fs::create_dir_all(&tools).with_context(|| format!("cannot create {TOOLS}"))?;
    let mut install = Command::new("npm");
    install.current_dir(root).args([
        "install",
        "--prefix",
        TOOLS,
        "--no-save",
        "--no-audit",
        "--no-fund",
        BUF,
    ]);
    command::run(&mut install)?;
    if !buf.exists() {
        bail!("npm installed {BUF} but it has no program at {}", buf.display());
    }
    std::fs::write(&stamp, BUF).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(buf)
}

fn descriptors(root: &Path) -> Result<()> {
    let released = std::fs::read(root.join(BASELINE)).with_context(|| format!("cannot read {BASELINE}"))?;
    let current = contract_build::descriptors(&root.join("proto"))?;
    let broken = contract_build::breaking(&released, &current)?;
    if broken.is_empty() {
        println!("the contracts break nothing that was released");
        return Ok(());
    }
    for change in &broken {
        eprintln!("{change}");
    }
    bail!("{} changes break released contracts; add fields instead, or begin a new v2 package", broken.len())
}
