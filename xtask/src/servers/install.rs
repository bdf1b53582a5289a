use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use septet_servers::Kind;

use crate::command;

/// Services of a package are not started when this says no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// What building and testing want beside the servers: the packages that are missing.
fn missing_tools() -> impl Iterator<Item = &'static str> {
    let tools = [
        // Tests make repositories.
        ("git", command::exists("git")),
        // librdkafka is built from source, and reads no gzip batches without zlib.
        ("make", command::exists("make")),
        ("g++", command::exists("g++")),
        ("zlib1g-dev", Path::new("/usr/include/zlib.h").exists()),
        // Producers and clients that are not ours.
        ("kcat", Path::new("/usr/bin/kcat").exists()),
        ("python3-venv", has_venv()),
        // The console is looked at in a browser.
        ("chromium", command::exists("chromium")),
        ("npm", command::exists("npm")),
    ];
    tools.into_iter().filter(|(_, there)| !there).map(|(package, _)| package)
}

fn has_venv() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import ensurepip, venv"]).stderr(std::process::Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

/// Installs the missing Debian packages of these servers, and of the tests that use them.
pub(super) fn install(kinds: &[Kind]) -> Result<()> {
    let mut packages: Vec<&str> = kinds.iter().flat_map(|kind| kind.missing_packages()).collect();
    packages.extend(missing_tools());
    if packages.is_empty() {
        return Ok(());
    }
    if fs::metadata("/proc/self").context("/proc/self")?.uid() != 0 {
        bail!("only root installs packages: run `sudo apt-get install {}` first", packages.join(" "));
    }
    let _policy = Policy::set()?;
    println!("installing {}", packages.join(" "));
    if let Err(error) = apt(&packages) {
        eprintln!("{error:#}; once more in 10 s");
        wait();
        apt(&packages)?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a mirror that fails for a moment tells nobody when it is back"
)]
fn wait() {
    std::thread::sleep(Duration::from_secs(10));
}

fn apt(packages: &[&str]) -> Result<()> {
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    for words in [&["update"][..], &install] {
        let mut command = Command::new("apt-get");
        command.args([
            "-q",
            "-o",
            "Acquire::Retries=3",
            "-o",
            "Dpkg::Use-Pty=0",
            "-o",
            "DPkg::Lock::Timeout=120",
        ]);
        command::run(command.args(words).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}

/// Debian's packages start their services at once, on the usual ports, and ours are others: while this lives they do not.
/// A policy that the machine has is left as it is.
struct Policy {
    ours: bool,
}

impl Policy {
    fn set() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n").context(POLICY)?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)).context(POLICY)?;
        }
        Ok(Self { ours })
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.ours {
            // Nothing else can be done about it, and the next installation says what it finds.
            let _ = fs::remove_file(POLICY);
        }
    }
}
