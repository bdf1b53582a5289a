//! The API of a commit, read incrementally: only blobs that are not known from any commit before are fetched.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use septet_chassis::{Channel, Units, contract::Timestamp};
use septet_proto_devops::v1::GetTreeRequest;
use tokio::sync::Semaphore;

use crate::{
    Config,
    api::Api,
    error::Error,
    resolve::{self, Files},
    source::{Dialect, Facts, Read, Reader},
    store,
    tree::{self, Entry},
};

/// What is known of blobs, shared by the commits of one comparison.
pub(crate) type Known = HashMap<(String, Dialect), Result<Arc<Facts>, String>>;

/// A commit as far as its API goes.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub files: Files,
    /// Blob of each file.
    pub blobs: BTreeMap<String, String>,
    /// Files that could not be read, with the reason.
    pub unread: Vec<(String, String)>,
    /// Files whose content was not known before.
    pub read: u32,
    pub api: Api,
}

/// Reads commits.
pub(crate) struct Snapshots {
    units: Units,
    devops: Channel,
    config: Config,
    turns: Arc<Semaphore>,
}

impl Snapshots {
    pub fn new(units: Units, devops: Channel, config: Config) -> Self {
        let turns = Arc::new(Semaphore::new(config.readers));
        Self { units, devops, config, turns }
    }

    /// The API at a commit.
    ///
    /// # Errors
    /// Devops does not have the commit or does not answer; the database is away.
    pub async fn of(
        &self,
        repository_id: &str,
        request: GetTreeRequest,
        known: &mut Known,
    ) -> Result<Snapshot, Error> {
        let entries = tree::entries(&self.devops, request).await?;
        let mut snapshot = Snapshot::default();
        let (mut wanted, limit) = (Vec::new(), self.config.max_file_bytes);
        for entry in entries {
            if entry.size > limit {
                snapshot.unread.push((entry.path, format!("larger than {limit} bytes")));
            } else if wanted.len() == self.config.max_files {
                let reason = format!("beyond the {} files of docs.max_files", self.config.max_files);
                snapshot.unread.push((entry.path, reason));
            } else {
                wanted.push(entry);
            }
        }
        snapshot.read = self.learn(repository_id, &wanted, known).await?;
        for Entry { path, blob, dialect, .. } in wanted {
            match known.get(&(blob.clone(), dialect)) {
                Some(Ok(facts)) => {
                    snapshot.files.insert(path.clone(), Arc::clone(facts));
                    snapshot.blobs.insert(path, blob);
                }
                Some(Err(reason)) => snapshot.unread.push((path, reason.clone())),
                None => snapshot.unread.push((path, "devops does not have its content".to_owned())),
            }
        }
        let files = snapshot.files.clone();
        snapshot.api = self.busy(move || resolve::api(&files)).await?;
        Ok(snapshot)
    }

    /// Work for the processor, which the runtime's threads must not wait for; only so much at a time.
    pub async fn busy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|error| Error::Reading(error.to_string()))?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| Error::Reading(error.to_string()))
    }

    /// Gets to know all blobs; gives how many had to be fetched.
    async fn learn(&self, repository_id: &str, entries: &[Entry], known: &mut Known) -> Result<u32, Error> {
        let unknown = |known: &Known| -> Vec<Entry> {
            let mut unknown: Vec<Entry> = entries
                .iter()
                .filter(|entry| !known.contains_key(&(entry.blob.clone(), entry.dialect)))
                .cloned()
                .collect();
            unknown.sort_by(|a, b| (&a.blob, a.dialect).cmp(&(&b.blob, b.dialect)));
            unknown.dedup_by(|a, b| (&a.blob, a.dialect) == (&b.blob, b.dialect));
            unknown
        };
        let mut tx = self.units.read().await?;
        for some in unknown(known).chunks(store::MAX_BLOBS) {
            known.extend(store::facts(&mut tx, some).await?);
        }
        drop(tx);
        let missing = unknown(known);
        let mut fetched = 0;
        for portion in tree::portions(&missing) {
            let contents =
                tree::contents(&self.devops, repository_id, portion, self.config.max_file_bytes).await?;
            let there: Vec<Entry> =
                portion.iter().filter(|entry| contents.contains_key(&entry.blob)).cloned().collect();
            let read = self.read(there, contents).await?;
            // In a transaction of its own: what is known is true whatever becomes of the change that asked for it.
            let mut tx = self.units.store().begin().await?;
            store::keep_facts(&mut tx, &read, Timestamp::now()).await?;
            tx.commit().await?;
            fetched += u32::try_from(read.len()).unwrap_or(u32::MAX);
            known.extend(
                read.into_iter().map(|(entry, facts)| ((entry.blob, entry.dialect), facts.map(Arc::new))),
            );
        }
        Ok(fetched)
    }

    async fn read(
        &self,
        entries: Vec<Entry>,
        contents: HashMap<String, Vec<u8>>,
    ) -> Result<Vec<(Entry, Read)>, Error> {
        let reader = Reader { max_file_bytes: self.config.max_file_bytes };
        let read = self.busy(move || {
            let nothing = Vec::new();
            let texts: Vec<(Dialect, &[u8])> = entries
                .iter()
                .map(|entry| (entry.dialect, contents.get(&entry.blob).unwrap_or(&nothing).as_slice()))
                .collect();
            reader.read_all(&texts).map(|read| entries.iter().cloned().zip(read).collect::<Vec<_>>())
        });
        read.await?.map_err(|error| Error::Reading(error.to_string()))
    }
}
