/// Something that runs, and what one replica of it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// For example `Deployment/checkout`; the same in two states of a repository if it is the same workload.
    pub name: String,
    /// Where it is said.
    pub file: String,
    /// What in the file says so.
    pub path: String,
    /// How many of it.
    pub replicas: u32,
    /// Thousandths of a processor.
    pub cpu_millis: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Persistent storage by class; the class is empty where none is named.
    pub storage: Vec<(String, u64)>,
    /// Hours of a month that its processors and memory are in use; `None` for all of them.
    pub hours: Option<Hours>,
    /// What was assumed.
    pub notes: Vec<String>,
}

/// A part of the hours of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Minutes of use a month.
    pub minutes: u64,
}

/// A part of the manifests that is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unpriced {
    /// The file.
    pub file: String,
    /// Where in it.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// What manifests say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What runs.
    pub workloads: Vec<Workload>,
    /// What is left out.
    pub unpriced: Vec<Unpriced>,
}

impl Found {
    pub(super) fn leave_out(&mut self, file: &str, path: &str, reason: impl Into<String>) {
        self.unpriced.push(Unpriced { file: file.to_owned(), path: path.to_owned(), reason: reason.into() });
    }
}
