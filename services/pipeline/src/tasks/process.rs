use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{Done, Failure, Tasks, Ticket, checkout, order::ProcessOrder, output::Output};

/// How long what a killed program wrote last is waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Tasks {
    /// Runs commands one after the other in a directory of their own, until one fails or the time is up.
    pub(super) async fn run(
        &self,
        order: ProcessOrder,
        ticket: &Ticket,
        timeout: Duration,
    ) -> Result<Done, Failure> {
        for argv in &order.commands {
            let program = argv.first().map_or("", String::as_str);
            self.program(program).map_err(Failure::lasting)?;
        }
        self.sandbox.allowed().await.map_err(Failure::lasting)?;
        let until = Instant::now() + timeout;
        let work = self.directory(&order, until).await?;
        let directory = inside(work.path(), order.directory.as_deref())?;
        let env = self.environment(work.path(), &order.env, ticket);
        let mut log = String::new();
        let mut result = Value::Null;
        for argv in &order.commands {
            log.push_str(&format!("$ {}\n", argv.join(" ")));
            result = self.command(argv, &directory, &env, until, &mut log).await?;
        }
        Ok(Done { result, log: tail(log) })
    }

    async fn command(
        &self,
        argv: &[String],
        directory: &Path,
        env: &[(String, String)],
        until: Instant,
        log: &mut String,
    ) -> Result<Value, Failure> {
        let mut running = self
            .sandbox
            .start(argv, directory, env)
            .map_err(|error| Failure::lasting(format!("`{}` cannot be started: {error}", argv[0])))?;
        let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(Failure::lasting("a program has no outputs"));
        };
        let outputs = async { tokio::join!(Output::read(stdout), Output::read(stderr)) };
        tokio::pin!(outputs);
        // Read meanwhile: a program whose outputs are full waits.
        let mut read = None;
        let ended = {
            let ended = tokio::time::timeout_at(until, running.wait());
            tokio::pin!(ended);
            loop {
                tokio::select! {
                    ended = &mut ended => break ended,
                    both = &mut outputs, if read.is_none() => read = Some(both),
                }
            }
        };
        // What it left behind in the background ends with it, and lets go of the outputs.
        running.kill();
        let (stdout, stderr) = match read {
            Some(both) => both,
            None => tokio::time::timeout(LAST_WORDS, outputs).await.unwrap_or_default(),
        };
        log.push_str(&stdout.log());
        log.push_str(&stderr.log());
        let failed = |failure: Failure| Failure { log: tail(log.clone()), ..failure };
        let status = match ended {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => {
                return Err(failed(Failure::passing(format!("`{}` was lost: {error}", argv[0]))));
            }
            Err(_) => return Err(failed(Failure::passing(format!("`{}` ran out of time", argv[0])))),
        };
        let Some(code) = status.code() else {
            return Err(failed(Failure::passing(format!("`{}` was killed ({status})", argv[0]))));
        };
        if code != 0 {
            return Err(failed(Failure::passing(format!("`{}` ended with {code}", argv[0]))));
        }
        let text = stdout.text();
        let parsed = serde_json::from_str::<Value>(&text).unwrap_or(Value::Null);
        Ok(json!({
            "exit_code": code, "stdout": text, "stderr": stderr.text(), "json": parsed,
            "is_cut": stdout.is_cut || stderr.is_cut,
        }))
    }

    /// A directory of its own, with the tree of a change where that is asked for. It goes when it is dropped.
    async fn directory(&self, order: &ProcessOrder, until: Instant) -> Result<TempDir, Failure> {
        let work = make(&self.work_dir)
            .map_err(|error| Failure::passing(format!("no directory could be made: {error}")))?;
        if let Some(change_id) = &order.checkout {
            let Some(devops) = self.sisters.get("devops") else {
                return Err(Failure::lasting("`process.checkout` asks devops, which is not here"));
            };
            let tree = work.path().join("tree");
            let fetched = checkout::fetch(devops.clone(), change_id, &tree, self.process.checkout_mib);
            match tokio::time::timeout_at(until, fetched).await {
                Ok(fetched) => fetched?,
                Err(_) => return Err(Failure::passing("fetching the tree ran out of time")),
            }
        }
        Ok(work)
    }

    fn environment(&self, work: &Path, own: &[(String, String)], ticket: &Ticket) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut env = vec![
            ("HOME".to_owned(), text(work.join("home"))),
            ("TMPDIR".to_owned(), text(work.join("tmp"))),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("CI".to_owned(), "true".to_owned()),
        ];
        env.extend(self.process.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
        env.extend(own.iter().cloned());
        env.push(("SEPTET_RUN_ID".to_owned(), ticket.run_id.clone()));
        env.push(("SEPTET_STEP".to_owned(), ticket.step.clone()));
        env.push(("SEPTET_IDEMPOTENCY_KEY".to_owned(), ticket.idempotency_key()));
        env
    }
}

/// Nobody else can look into it.
fn make(parent: &Path) -> std::io::Result<TempDir> {
    std::fs::create_dir_all(parent)?;
    // Absolute, since the programs start in it.
    let parent = parent.canonicalize()?;
    let work = tempfile::Builder::new().prefix("run-").tempdir_in(parent)?;
    for directory in ["tree", "home", "tmp"] {
        std::fs::create_dir(work.path().join(directory))?;
    }
    Ok(work)
}

/// A directory of the tree, which must not lead out of it.
fn inside(work: &Path, directory: Option<&str>) -> Result<PathBuf, Failure> {
    let tree = work.join("tree");
    let Some(directory) = directory.filter(|directory| !directory.is_empty()) else { return Ok(tree) };
    let path = Path::new(directory);
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let real = tree
        .join(path)
        .canonicalize()
        .ok()
        .filter(|real| is_below && real.starts_with(&tree) && real.is_dir());
    real.ok_or_else(|| Failure::lasting("process.directory is no directory of the tree"))
}

/// The end of a log, in whole characters.
fn tail(log: String) -> String {
    let over = log.len().saturating_sub(super::output::MAX_LOG);
    let start = (over..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(log.len());
    if start == 0 { log } else { log[start..].to_owned() }
}
