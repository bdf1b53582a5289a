use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use percent_encoding::percent_decode_str;
use url::Url;

/// A PostgreSQL server's URL, taken apart: the password never stands on a command line or in a configuration.
pub(super) struct Postgres {
    url: Url,
    password: Option<String>,
}

impl Postgres {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let mut url = Url::parse(url).context("PostgreSQL's URL")?;
        let password = url.password().map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        if url.set_password(None).is_err() {
            bail!("PostgreSQL's URL has no host: write postgres://role@host:port/database");
        }
        Ok(Self { url, password })
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Where a database of this server is, without the password.
    pub(super) fn database(&self, name: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(name);
        url.to_string()
    }

    /// Creates the databases that are missing, and says which those are.
    pub(super) fn create(&self, names: &[String]) -> Result<Vec<String>> {
        let there = self.psql("SELECT datname FROM pg_database")?;
        let missing: Vec<_> = names.iter().filter(|name| !there.lines().any(|line| line == *name)).collect();
        for name in &missing {
            self.psql(&format!("CREATE DATABASE \"{name}\""))?;
        }
        Ok(missing.into_iter().cloned().collect())
    }

    fn psql(&self, statement: &str) -> Result<String> {
        let mut command = Command::new("psql");
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        command.arg(self.url.as_str()).env("PGCONNECT_TIMEOUT", "10");
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        let Output { status, stdout, stderr } =
            command.output().context("cannot start psql: `apt-get install postgresql-client` adds it")?;
        if !status.success() {
            let said = String::from_utf8_lossy(&stderr).into_owned();
            bail!("psql: {}", said.lines().next().unwrap_or("it said nothing"));
        }
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_url() {
        let url = format!("postgres://{}@db:5433/home?sslmode=require", "me:a%20b");
        let postgres = Postgres::parse(&url).unwrap();
        assert_eq!(postgres.password(), Some("a b"));
        assert_eq!(postgres.database("review"), "postgres://me@db:5433/review?sslmode=require");
        assert!(Postgres::parse("postgres:nonsense").is_err());
    }
}
