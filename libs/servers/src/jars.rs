//! Kafka's jars: fetched once by Maven, as the project file says.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    Kind, ServerError,
    program::{self, target_dir},
};

/// The project file, whose only purpose is to name what Kafka consists of.
const PROJECT: &str = include_str!("../kafka/pom.xml");

/// The directory with the jars, which is filled first if it has to be.
pub(crate) fn fetch() -> Result<PathBuf, ServerError> {
    let jars = place();
    if jars.exists() {
        return Ok(jars);
    }
    let failed = |error| ServerError::io(Kind::Kafka, jars.display().to_string())(error);
    let tools = target_dir().join("tools");
    fs::create_dir_all(&tools).map_err(failed)?;
    let lock = File::create(tools.join("kafka.lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if jars.exists() {
        return Ok(jars);
    }
    // What was interrupted is not taken for the whole: it gets its name when it is.
    let new = jars.with_extension("new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(failed)?;
    }
    fs::create_dir_all(&new).map_err(failed)?;
    fs::write(new.join("pom.xml"), PROJECT).map_err(failed)?;
    let mut command = Command::new("timeout");
    command.args([program::LIMIT, "mvn"]);
    command.args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
    command.arg("-f").arg(new.join("pom.xml")).arg(format!("-DoutputDirectory={}", new.display()));
    let output = command.stdin(Stdio::null()).output().map_err(failed)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = said.lines().find_map(|line| Some(line.split_once("[ERROR] ")?.1.trim()));
        let why = first.map_or_else(|| format!("it did not say why ({})", output.status), str::to_owned);
        let missing = format!("mvn could not fetch its jars ({why})");
        let remedy = "see that mvn reaches its repository; ~/.m2/settings.xml may name a mirror".to_owned();
        return Err(ServerError::Absent { kind: Kind::Kafka, missing, remedy });
    }
    fs::rename(&new, &jars).map_err(failed)?;
    Ok(jars)
}

/// Whether the jars are there or can be fetched.
pub(crate) fn available() -> bool {
    place().exists() || program::find("mvn").is_some()
}

/// Where the jars are, or will be.
fn place() -> PathBuf {
    target_dir().join("tools").join(format!("kafka-{}", version()))
}

/// Kafka's version, as the project file says.
fn version() -> &'static str {
    let after = PROJECT.split_once("<kafka.version>").map_or("", |(_, after)| after);
    after.split_once('<').map_or("", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_have_the_same_kafka() {
        assert!(version().starts_with("4."), "{}", version());
        let compose = include_str!("../../../compose/compose.yaml");
        assert!(compose.contains(&format!("apache/kafka:{}\n", version())));
    }
}
