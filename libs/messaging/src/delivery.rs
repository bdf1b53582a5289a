use std::sync::Arc;

use bytes::Bytes;
use septet_contract::{
    Catalog, Cause, Envelope, Record, Timestamp,
    cloudevents::{self, Origin},
    json::Limits,
};

use crate::{
    Handlers, Lane, Reason,
    dead_letter::{Burial, REDRIVE_ID, TOPIC},
    handle::Run,
    inbox::Identity,
    log::Fetched,
};

/// What a consumer makes of a record.
pub(crate) enum Delivery {
    /// An event for one of its handlers.
    Event(Box<EventDelivery>),
    /// An event of a type that it has no handler for.
    Unhandled,
    /// A record that cannot be read.
    Unreadable(Box<Unreadable>),
}

pub(crate) struct EventDelivery {
    pub identity: Identity,
    pub envelope: Envelope,
    pub run: Arc<dyn Run>,
    pub origin: Place,
    pub record: Record,
}

pub(crate) struct Unreadable {
    pub identity: Identity,
    pub burial: Burial,
}

/// Where a record was first read.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

impl EventDelivery {
    /// What follows from this event follows from it.
    pub fn cause(&self) -> Cause {
        Cause {
            id: Some(self.envelope.id.clone()),
            correlation_id: self.envelope.correlation_id.clone(),
            traceparent: self.envelope.traceparent.clone(),
        }
    }

    pub fn data(&self) -> Bytes {
        self.envelope.data.clone()
    }

    pub fn age_seconds(&self) -> f64 {
        Timestamp::now().since(self.envelope.time).as_secs_f64()
    }

    pub fn burial(&self, reason: Reason, error: String, attempts: u32) -> Burial {
        Burial {
            lane: Lane::Event,
            origin: self.origin.topic.clone(),
            partition: self.origin.partition,
            offset: self.origin.offset,
            r#type: self.envelope.r#type.clone(),
            attempts,
            reason,
            error,
            record: self.record.clone(),
        }
    }
}

/// Makes a delivery of a record. `redriven` says that it stands on the topic by which dead letters come back: nowhere
/// else are the headers of a redrive believed, since whoever writes to an ingest topic could set them.
pub(crate) fn read(
    topic: &str,
    partition: i32,
    redriven: bool,
    fetched: Fetched,
    catalog: &Catalog,
    handlers: &Handlers,
    limits: &Limits,
) -> Delivery {
    let Fetched { offset, record } = fetched;
    // On its own topic; elsewhere it is in the wrong place, which somebody should know.
    let is_at_home = |r#type: &str| catalog.event(r#type).is_some_and(|event| event.topic.name == topic);
    let unhandled = |r#type: &str| handlers.event(r#type).is_none() && is_at_home(r#type);
    if cloudevents::peek_type(&record).is_some_and(|name| unhandled(&name)) {
        return Delivery::Unhandled;
    }
    planted!(RedriveBelieved: redriven = true);
    // A redriven record is read as what it was where it came from, but is a delivery of its own.
    let redrive_id = text(&record, REDRIVE_ID).filter(|_| redriven);
    let first_topic = text(&record, TOPIC).filter(|_| redrive_id.is_some());
    let place = Place { topic: first_topic.unwrap_or(topic).to_owned(), partition, offset };
    let redriven = redrive_id.map(|id| Identity { source: "/septet/redrive".to_owned(), id: id.to_owned() });
    let origin = Origin { topic: &place.topic, partition, offset };
    planted!(RedriveWithoutNewId: redriven = None);
    match cloudevents::decode(&record, origin, catalog, limits) {
        Ok(envelope) => match handlers.event(&envelope.r#type) {
            None => Delivery::Unhandled,
            Some(handler) => Delivery::Event(Box::new(EventDelivery {
                identity: redriven
                    .unwrap_or_else(|| Identity { source: envelope.source.clone(), id: envelope.id.clone() }),
                run: Arc::clone(&handler.run),
                envelope,
                origin: place,
                record,
            })),
        },
        Err(error) => Delivery::Unreadable(Box::new(Unreadable {
            // It has no identity that can be trusted but its place, and the time at which it came there: a topic that
            // was made anew begins at offset 0 again.
            identity: redriven.unwrap_or_else(|| Identity {
                source: format!("/log/{topic}"),
                id: format!("{partition}/{offset}/{}", record.timestamp.micros()),
            }),
            burial: Burial {
                lane: Lane::Event,
                origin: place.topic.clone(),
                partition,
                offset,
                r#type: cloudevents::peek_type(&record)
                    .filter(|name| catalog.event(name).is_some())
                    .unwrap_or_default(),
                attempts: 1,
                reason: Reason::undecodable(error.reason()),
                error: error.to_string(),
                record,
            },
        })),
    }
}

fn text<'a>(record: &'a Record, header: &str) -> Option<&'a str> {
    std::str::from_utf8(record.header(header)?).ok()
}
