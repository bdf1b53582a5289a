use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use metrics::{Histogram, SharedString, histogram};

use super::{call::Side, code::Code};
use crate::metrics::names;

/// The methods that get a label of their own. A path is chosen by the caller, so every other one counts as `other`:
/// nobody can make this process keep a time series for each path they invent.
#[derive(Debug, Clone, Default)]
pub struct KnownMethods {
    by_path: HashMap<String, Arc<Method>>,
}

/// One method, as spans and labels name it.
#[derive(Debug)]
pub(super) struct Method {
    /// The Septet service, the `service` label: `docs`.
    pub(super) owner: SharedString,
    /// `septet.docs.v1.DocsService/GetPage`.
    pub(super) full: SharedString,
    /// By side and code. Kept, as finding a series by its labels costs more than recording into it.
    durations: [[OnceLock<Histogram>; Code::COUNT]; 2],
}

impl Method {
    fn new(owner: &str, full: &str) -> Arc<Self> {
        Arc::new(Self { owner: shared(owner), full: shared(full), durations: Default::default() })
    }

    /// What records how long calls take that end so.
    pub(super) fn duration(&self, side: Side, code: Code) -> Option<&Histogram> {
        let (of_side, name) = match side {
            Side::Server => (&self.durations[0], names::RPC_SERVER_CALL_DURATION_SECONDS),
            Side::Client => (&self.durations[1], names::RPC_CLIENT_CALL_DURATION_SECONDS),
        };
        let (service, method) = (&self.owner, &self.full);
        Some(of_side.get(code.index())?.get_or_init(|| {
            histogram!(name, "service" => service.clone(), "method" => method.clone(), "code" => code.name())
        }))
    }

    /// The protobuf service and the method's own name.
    pub(super) fn parts(&self) -> (&str, &str) {
        self.full.rsplit_once('/').unwrap_or((&self.full, &self.full))
    }
}

/// A string whose clones are reference counts, as every call clones its labels.
fn shared(text: &str) -> SharedString {
    SharedString::from_shared(Arc::from(text))
}

impl KnownMethods {
    /// No method at all: every call is `other`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the methods of one service. `service` becomes the `service` label (`docs`); `paths` are gRPC paths such as
    /// `/septet.docs.v1.DocsService/GetPage`, with or without the leading slash.
    #[must_use]
    pub fn with<P: AsRef<str>>(mut self, service: &str, paths: impl IntoIterator<Item = P>) -> Self {
        for path in paths {
            let full = path.as_ref().trim_start_matches('/');
            self.by_path.insert(format!("/{full}"), Method::new(service, full));
        }
        self
    }

    pub(super) fn into_lookup(self) -> Lookup {
        Lookup { by_path: Arc::new(self.by_path), other: Method::new("other", "other") }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Lookup {
    by_path: Arc<HashMap<String, Arc<Method>>>,
    other: Arc<Method>,
}

impl Lookup {
    pub(super) fn method(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.by_path.get(path).unwrap_or(&self.other))
    }
}
