//! The second half of each service's README, which the service tells of itself.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::command;

/// What stands between what people wrote and what is generated.
const MARK: &str = "<!-- From `septet describe --markdown` on; `cargo xtask generate` rewrites it. -->\n";

/// Rewrites them all. A test of the journeys says whether they are up to date.
pub(crate) fn write(root: &Path) -> Result<()> {
    command::run(command::cargo(root).args(["build", "--package", "septet"]))?;
    let services = root.join("services");
    let data = tempfile::tempdir()?;
    for entry in services.read_dir().context("services")? {
        let folder = entry?.path();
        let readme = folder.join("README.md");
        let Ok(present) = std::fs::read_to_string(&readme) else { continue };
        let Some((written, _)) = present.split_once(MARK) else { continue };
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut describe = Command::new(root.join("target/debug/septet"));
        describe.args(["describe", &name, "--markdown", "--data"]).arg(data.path());
        // Not where a `septet.toml` lies: the values shown are the defaults.
        let output = describe.current_dir(data.path()).output().context("septet describe")?;
        ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let generated = String::from_utf8(output.stdout)?;
        let wanted = format!("{written}{MARK}\n{generated}");
        if wanted != present {
            std::fs::write(&readme, wanted).with_context(|| readme.display().to_string())?;
            println!("wrote services/{name}/README.md");
        }
    }
    Ok(())
}
