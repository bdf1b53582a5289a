use std::borrow::Cow;

use prost_reflect::MessageDescriptor;

use crate::Contract;

/// A message of a contract: knows its full name and its descriptor.
pub trait Message: prost::Message + prost::Name + Default + Clone + Send + Sync + 'static {
    /// Full protobuf name, for example `septet.review.v1.ReviewCompleted`. The one name of a message everywhere.
    const TYPE: &'static str;

    /// Its descriptor, for canonical JSON and reflection.
    fn descriptor() -> MessageDescriptor;

    /// The contract that declares it.
    fn contract() -> &'static Contract;
}

/// A fact, published to a topic. Named as a past participle.
pub trait Event: Message {
    /// The topic that it travels on.
    const TOPIC: &'static str;

    /// The record's key: the id of the entity that the event is about. Events of one key stay in order.
    fn key(&self) -> Cow<'_, str>;
}

/// Work asked of one worker of the same service. Named as an imperative.
pub trait Job: Message {
    /// The queue that it waits in.
    const QUEUE: &'static str;
    /// Deliveries before it is dead-lettered.
    const MAX_ATTEMPTS: u32;
}
