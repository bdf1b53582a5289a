//! Writes `proto/asyncapi.json`, and with `--baseline` also `proto/baseline.binpb`, from the files in `proto/`:
//! `cargo run -p septet-contract-build --example contracts [-- --baseline]`. A new baseline belongs to a release.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    fs::write(proto.join("asyncapi.json"), septet_contract_build::asyncapi(&proto)?)?;
    if std::env::args().any(|argument| argument == "--baseline") {
        fs::write(proto.join("baseline.binpb"), septet_contract_build::descriptors(&proto)?)?;
    }
    Ok(())
}
