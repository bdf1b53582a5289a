use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, MessageDescriptor};

/// Everything that one contract crate declares. Generated.
pub struct Contract {
    /// Service that owns it, for example `review`.
    pub service: &'static str,
    /// Encoded `FileDescriptorSet` of the package and all that it imports, with custom options.
    pub descriptors: &'static [u8],
    /// Its descriptors, decoded once.
    pub pool: fn() -> &'static DescriptorPool,
    /// Event types, in the order of the files.
    pub events: &'static [EventSpec],
    /// Job types, in the order of the files.
    pub jobs: &'static [JobSpec],
    /// RPCs and who may call them.
    pub rpcs: &'static [RpcSpec],
}

/// An event type and where it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSpec {
    /// Full protobuf name.
    pub r#type: &'static str,
    /// Its topic.
    pub topic: TopicSpec,
    /// Name of the key field.
    pub key: &'static str,
}

/// A topic as the contract declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicSpec {
    /// `<domain>.<entity>.v<major>`.
    pub name: &'static str,
    /// Number of partitions.
    pub partitions: u32,
    /// How long a record is kept, in hours.
    pub retention_hours: u32,
    /// True where outside producers write, bare JSON included.
    pub ingest: bool,
}

/// A job type and its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Full protobuf name.
    pub r#type: &'static str,
    /// Its queue.
    pub queue: &'static str,
    /// Deliveries before it is dead-lettered.
    pub max_attempts: u32,
}

/// An RPC and who may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcSpec {
    /// HTTP path, for example `/septet.review.v1.ReviewService/GetReview`.
    pub path: &'static str,
    /// Roles, any one of which may call.
    pub roles: &'static [&'static str],
    /// True where the contract says `NO_SIDE_EFFECTS`.
    pub read_only: bool,
}

/// The contracts that a process knows.
#[derive(Clone, Default)]
pub struct Catalog {
    contracts: Vec<&'static Contract>,
}

impl Catalog {
    /// A catalogue of these contracts; one that is named twice counts once.
    pub fn new(contracts: impl IntoIterator<Item = &'static Contract>) -> Self {
        let mut catalog = Self::default();
        for contract in contracts {
            catalog.add(contract);
        }
        catalog
    }

    /// Adds a contract if it is not there yet.
    pub fn add(&mut self, contract: &'static Contract) {
        if !self.contracts.iter().any(|known| std::ptr::eq(*known, contract)) {
            self.contracts.push(contract);
        }
    }

    /// All contracts, in the order in which they were added.
    pub fn contracts(&self) -> impl Iterator<Item = &'static Contract> + '_ {
        self.contracts.iter().copied()
    }

    /// All event types.
    pub fn events(&self) -> impl Iterator<Item = &'static EventSpec> + '_ {
        self.contracts().flat_map(|contract| contract.events)
    }

    /// The event type with this full name.
    pub fn event(&self, r#type: &str) -> Option<&'static EventSpec> {
        self.events().find(|event| event.r#type == r#type)
    }

    /// All job types.
    pub fn jobs(&self) -> impl Iterator<Item = &'static JobSpec> + '_ {
        self.contracts().flat_map(|contract| contract.jobs)
    }

    /// The job type with this full name.
    pub fn job(&self, r#type: &str) -> Option<&'static JobSpec> {
        self.jobs().find(|job| job.r#type == r#type)
    }

    /// All topics by name. Events of one topic must agree on its options; the build checks that.
    pub fn topics(&self) -> BTreeMap<&'static str, TopicSpec> {
        self.events().map(|event| (event.topic.name, event.topic)).collect()
    }

    /// The one event type of an ingest topic; `None` for any other topic.
    pub fn ingest_event(&self, topic: &str) -> Option<&'static EventSpec> {
        self.events().find(|event| event.topic.name == topic && event.topic.ingest)
    }

    /// The descriptor of a message of any contract.
    pub fn message(&self, full_name: &str) -> Option<MessageDescriptor> {
        self.contracts().find_map(|contract| (contract.pool)().get_message_by_name(full_name))
    }
}
