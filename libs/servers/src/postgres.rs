//! PostgreSQL.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::PathBuf,
    process::Command,
};

use crate::{Kind, ServerError, account::Account, kind::Plan, program};

/// Where Debian installs the servers, one directory for each version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// The directory of the newest installed version's programs.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(INSTALLED).into_iter().flatten().flatten();
    let numbered =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let newest = numbered.map(|(version, dir)| (version, dir.join("bin")));
    let newest = newest.filter(|(_, bin)| bin.join("postgres").exists()).max();
    if let Some((_, bin)) = newest {
        return Some(bin);
    }
    // Elsewhere than on Debian it is on the PATH.
    Some(fs::canonicalize(program::find("postgres")?).ok()?.parent()?.to_owned())
}

pub(crate) fn prepare(plan: &Plan<'_>, account: &Account) -> Result<Command, ServerError> {
    let kind = Kind::Postgres;
    let bin = programs().ok_or_else(|| kind.absent(&["postgresql"]))?;
    let data = plan.dir.join("data");
    if !data.exists() {
        // One that was interrupted leaves a directory that no server would start in: it becomes `data` when it is whole.
        let new = plan.dir.join("data.new");
        let failed = |error| ServerError::io(kind, new.display().to_string())(error);
        if new.exists() {
            fs::remove_dir_all(&new).map_err(failed)?;
        }
        let mut initdb = account.command(&bin.join("initdb"));
        initdb.current_dir(plan.dir).arg("-D").arg(&new);
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        program::run(kind, initdb, &plan.log)?;
        fs::rename(&new, &data).map_err(failed)?;
    }
    // INT is its fast shutdown, which leaves no shared memory behind.
    let server = account.server(&bin.join("postgres"), plan.life, "INT", &plan.log);
    let mut server = server.map_err(ServerError::io(kind, plan.log.display().to_string()))?;
    server.current_dir(plan.dir).arg("-D").arg(&data);
    let defaults = [
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", plan.ports.main().to_string()),
        ("unix_socket_directories", String::new()),
        ("max_connections", "300".to_owned()),
    ];
    for (key, value) in plan.settings(&defaults) {
        server.arg("-c").arg(format!("{key}={value}"));
    }
    Ok(server)
}

/// It refuses connections until it has recovered, so the answer is what follows the authentication.
pub(crate) fn answers(port: u16) -> io::Result<bool> {
    let mut startup = vec![0, 3, 0, 0];
    startup.extend_from_slice(b"user\0postgres\0database\0postgres\0\0");
    let mut stream = program::connect(port)?;
    let length = u32::try_from(startup.len() + 4).unwrap_or_default();
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&startup)?;
    loop {
        let mut header = [0; 5];
        stream.read_exact(&mut header)?;
        let [kind, length @ ..] = header;
        let length = u32::from_be_bytes(length).saturating_sub(4).min(64 * 1024);
        io::copy(&mut (&stream).take(length.into()), &mut io::sink())?;
        match kind {
            b'Z' => {
                // Says goodbye, so that the log has no broken connection; it is ready either way.
                let _ = stream.write_all(&[b'X', 0, 0, 0, 4]);
                return Ok(true);
            }
            b'E' => return Ok(false),
            _ => {}
        }
    }
}
