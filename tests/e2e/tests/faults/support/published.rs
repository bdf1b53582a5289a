//! Effects beside the events that tell of them: each effect has exactly one event, and the event says what is in the
//! database.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use uuid::Uuid;

/// Complaints that are kept in full.
const KEPT: usize = 20;

/// The effects of one kind. Takes some 60 bytes for each.
#[derive(Default)]
pub struct Published {
    effects: HashMap<Uuid, Effect>,
    repeated: u64,
    complaints: Vec<String>,
    complained: u64,
}

struct Effect {
    content: u64,
    event: Option<Uuid>,
}

impl Published {
    /// Notes an effect as the database has it.
    pub fn effect(&mut self, id: Uuid, content: &impl Hash) {
        if self.effects.insert(id, Effect { content: digest(content), event: None }).is_some() {
            self.complain(format!("{id} is in the database twice"));
        }
    }

    /// Notes an event as the topic has it. The same one may stand there again, since delivery is at least once.
    pub fn event(&mut self, id: Uuid, event: Uuid, content: &impl Hash) {
        let Some(effect) = self.effects.get_mut(&id) else {
            return self.complain(format!("event {event} tells of {id}, which is not in the database"));
        };
        let same = effect.content == digest(content);
        match effect.event.replace(event) {
            Some(earlier) if earlier != event => {
                self.complain(format!("events {earlier} and {event} both tell of {id}"));
            }
            Some(_) => self.repeated += 1,
            None => {}
        }
        if !same {
            self.complain(format!("event {event} says something else of {id} than the database"));
        }
    }

    /// The event that tells of an effect.
    pub fn event_of(&self, id: Uuid) -> Option<Uuid> {
        self.effects.get(&id).and_then(|effect| effect.event)
    }

    /// Complains of every effect that no event tells of. After the last event.
    pub fn finish(&mut self) {
        let silent: Vec<Uuid> =
            self.effects.iter().filter(|(_, effect)| effect.event.is_none()).map(|(id, _)| *id).collect();
        for id in silent {
            self.complain(format!("no event tells of {id}"));
        }
    }

    /// Events that stand on the topic again.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// What is wrong with effects or events.
    pub fn complained(&self) -> u64 {
        self.complained
    }

    /// Notes that something is wrong.
    pub fn complain(&mut self, complaint: String) {
        self.complained += 1;
        if self.complaints.len() < KEPT {
            self.complaints.push(complaint);
        }
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} complaints, such as {:#?}", self.complained, self.complaints)
    }
}

fn digest(content: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}
