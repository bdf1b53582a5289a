use std::path::Path;

use anyhow::{Context, Result, bail};
use septet_contract_build as contract_build;

const ASYNCAPI: &str = "proto/asyncapi.json";
/// The descriptors of the last release, relative to the root.
pub(crate) const BASELINE: &str = "proto/baseline.binpb";

/// Writes `proto/asyncapi.json`, or with `check` only compares it with what the contracts say.
pub(crate) fn asyncapi(root: &Path, check: bool) -> Result<()> {
    let wanted = contract_build::asyncapi(&root.join("proto"))?;
    let path = root.join(ASYNCAPI);
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    if present == wanted {
        println!("{ASYNCAPI} is up to date");
        return Ok(());
    }
    if check {
        let line =
            wanted.lines().zip(present.lines()).take_while(|(wanted, present)| wanted == present).count() + 1;
        bail!(
            "{ASYNCAPI} differs from the contracts from line {line} on; run `cargo xtask generate` and commit it"
        );
    }
    std::fs::write(&path, wanted).with_context(|| format!("cannot write {ASYNCAPI}"))?;
    println!("wrote {ASYNCAPI}");
    Ok(())
}

/// Makes the present contracts the ones that later changes may not break.
pub(crate) fn baseline(root: &Path) -> Result<()> {
    let descriptors = contract_build::descriptors(&root.join("proto"))?;
    std::fs::write(root.join(BASELINE), &descriptors).with_context(|| format!("cannot write {BASELINE}"))?;
    println!("wrote {BASELINE} ({} bytes)", descriptors.len());
    Ok(())
}
