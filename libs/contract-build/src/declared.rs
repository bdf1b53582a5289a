use prost_reflect::{
    DescriptorPool, DynamicMessage, FileDescriptor, MessageDescriptor, MethodDescriptor, Value,
};

use crate::sources::{Sources, line_of};
use crate::{DEFAULT_MAX_ATTEMPTS, DEFAULT_PARTITIONS, DEFAULT_RETENTION_HOURS, Violation};

/// What the files of one service declare, as they declare it: nothing is checked yet.
pub(crate) struct Declared {
    pub(crate) service: String,
    pub(crate) files: Vec<FileDescriptor>,
    /// All messages but map entries, nested ones after their parent.
    pub(crate) messages: Vec<MessageDescriptor>,
    pub(crate) events: Vec<Event>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) rpcs: Vec<Rpc>,
}

pub(crate) struct Event {
    pub(crate) message: MessageDescriptor,
    pub(crate) key: String,
    pub(crate) topic: Topic,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: u32,
    pub(crate) retention_hours: u32,
    pub(crate) ingest: bool,
}

pub(crate) struct Job {
    pub(crate) message: MessageDescriptor,
    pub(crate) queue: String,
    pub(crate) max_attempts: u32,
}

pub(crate) struct Rpc {
    pub(crate) method: MethodDescriptor,
    pub(crate) roles: Vec<String>,
    pub(crate) read_only: bool,
}

impl Rpc {
    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.method.parent_service().full_name(), self.method.name())
    }
}

impl Declared {
    /// Of one service of these sources.
    pub(crate) fn of_service(sources: &Sources, service: &str) -> Self {
        Self::of_pool(&sources.pool(), service)
    }

    /// Of one service of these descriptors.
    pub(crate) fn of_pool(pool: &DescriptorPool, service: &str) -> Self {
        let folder = format!("septet/{service}/v1/");
        let mut files: Vec<_> = pool.files().filter(|file| file.name().starts_with(&folder)).collect();
        files.sort_by(|a, b| a.name().cmp(b.name()));
        let mut messages = Vec::new();
        for file in &files {
            file.messages().for_each(|message| flatten(message, &mut messages));
        }
        let events = messages.iter().filter_map(event).collect();
        let jobs = messages.iter().filter_map(job).collect();
        let rpcs = files
            .iter()
            .flat_map(|file| file.services().collect::<Vec<_>>())
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(rpc)
            .collect();
        Self { service: service.to_owned(), files, messages, events, jobs, rpcs }
    }
}

fn flatten(message: MessageDescriptor, all: &mut Vec<MessageDescriptor>) {
    if message.is_map_entry() {
        return;
    }
    let nested: Vec<_> = message.child_messages().collect();
    all.push(message);
    nested.into_iter().for_each(|message| flatten(message, all));
}

/// The event option of a message, with defaults filled in.
pub(crate) fn event(message: &MessageDescriptor) -> Option<Event> {
    let option = option(message.parent_pool(), &message.options(), "septet.common.v1.event")?;
    let or = |value: u32, default: u32| if value == 0 { default } else { value };
    Some(Event {
        message: message.clone(),
        key: text(&option, "key"),
        topic: Topic {
            name: text(&option, "topic"),
            partitions: or(number(&option, "partitions"), DEFAULT_PARTITIONS),
            retention_hours: or(number(&option, "retention_hours"), DEFAULT_RETENTION_HOURS),
            ingest: matches!(option.get_field_by_name("ingest").as_deref(), Some(Value::Bool(true))),
        },
    })
}

/// The job option of a message, with defaults filled in.
pub(crate) fn job(message: &MessageDescriptor) -> Option<Job> {
    let option = option(message.parent_pool(), &message.options(), "septet.common.v1.job")?;
    let max_attempts = match number(&option, "max_attempts") {
        0 => DEFAULT_MAX_ATTEMPTS,
        more => more,
    };
    Some(Job { message: message.clone(), queue: text(&option, "queue"), max_attempts })
}

fn rpc(method: MethodDescriptor) -> Rpc {
    let options = method.options();
    let roles = option(method.parent_pool(), &options, "septet.common.v1.auth")
        .and_then(|auth| {
            let roles = auth.get_field_by_name("roles")?;
            Some(roles.as_list()?.iter().filter_map(|role| role.as_str().map(str::to_owned)).collect())
        })
        .unwrap_or_default();
    let level = options.get_field_by_name("idempotency_level");
    let read_only = level.and_then(|level| level.as_enum_number())
        == Some(prost_types::method_options::IdempotencyLevel::NoSideEffects as i32);
    Rpc { method, roles, read_only }
}

fn option(pool: &DescriptorPool, options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(name)?;
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().cloned()
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn number(message: &DynamicMessage, field: &str) -> u32 {
    message.get_field_by_name(field).and_then(|value| value.as_u32()).unwrap_or_default()
}

/// A violation of a message.
pub(crate) fn of_message(
    message: &MessageDescriptor,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) -> Violation {
    let file = message.parent_file();
    Violation {
        file: file.name().to_owned(),
        line: line_of(file.file_descriptor_proto(), message.path()),
        element: format!("message {}", message.full_name()),
        problem: problem.into(),
        remedy: remedy.into(),
    }
}

/// A violation of an RPC.
pub(crate) fn of_rpc(
    method: &MethodDescriptor,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) -> Violation {
    let file = method.parent_file();
    Violation {
        file: file.name().to_owned(),
        line: line_of(file.file_descriptor_proto(), method.path()),
        element: format!("rpc {}", method.full_name()),
        problem: problem.into(),
        remedy: remedy.into(),
    }
}
