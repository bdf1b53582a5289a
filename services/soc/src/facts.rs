use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use septet_chassis::{Channel, HandleError};
use septet_proto_devops::v1::{GetChangeRequest, devops_service_client::DevopsServiceClient};
use tonic::Code;

use crate::signal::Facts;

/// Changes that are remembered.
const REMEMBERED: usize = 4_096;

/// Who made a change, and on which ref: from the changes that were seen of late, else from devops.
pub(crate) struct ChangeFacts {
    devops: Channel,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    facts: HashMap<String, Facts>,
    /// Oldest first.
    order: VecDeque<String>,
}

impl ChangeFacts {
    pub fn new(devops: Channel) -> Self {
        Self { devops, seen: Mutex::default() }
    }

    /// Remembers what is known of a change.
    pub fn remember(&self, change_id: &str, facts: Facts) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.facts.insert(change_id.to_owned(), facts).is_none() {
            seen.order.push_back(change_id.to_owned());
            if seen.order.len() > REMEMBERED
                && let Some(oldest) = seen.order.pop_front()
            {
                seen.facts.remove(&oldest);
            }
        }
    }

    /// What is known of a change; `None` where devops does not know it.
    ///
    /// # Errors
    /// devops does not answer: transient.
    pub async fn of(&self, change_id: &str) -> Result<Option<Facts>, HandleError> {
        if let Some(facts) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).facts.get(change_id) {
            return Ok(Some(facts.clone()));
        }
        let request = GetChangeRequest { change_id: change_id.to_owned(), ..Default::default() };
        match DevopsServiceClient::new(self.devops.clone()).get_change(request).await {
            Ok(reply) => {
                let facts = reply.into_inner().change.as_ref().map(Facts::of);
                if let Some(facts) = &facts {
                    self.remember(change_id, facts.clone());
                }
                Ok(facts)
            }
            // What devops does not know will not appear by waiting, and the rest of the event is worth a look without it.
            Err(status) => match status.code() {
                Code::NotFound | Code::InvalidArgument | Code::OutOfRange => Ok(None),
                Code::Unavailable => Err(HandleError::outage(status)),
                _ => Err(status.into()),
            },
        }
    }
}
