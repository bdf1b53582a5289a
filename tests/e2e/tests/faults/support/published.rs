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

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(effects: &[u128], events: &[(u128, u128, &str)]) -> String {
        let mut published = Published::default();
        effects.iter().for_each(|id| published.effect(Uuid::from_u128(*id), &"content"));
        for (id, event, content) in events {
            published.event(Uuid::from_u128(*id), Uuid::from_u128(*event), content);
        }
        published.finish();
        published.complaints.join("; ")
    }

    #[test]
    fn one_event_for_each_effect_is_well_however_often_it_comes() {
        assert_eq!(complaints(&[1, 2], &[(1, 10, "content"), (2, 20, "content"), (1, 10, "content")]), "");
    }

    #[test]
    fn a_missing_a_second_an_invented_and_a_different_event_are_found() {
        assert!(complaints(&[1], &[]).contains("no event tells of"));
        assert!(complaints(&[1], &[(1, 10, "content"), (1, 11, "content")]).contains("both tell of"));
        assert!(complaints(&[], &[(1, 10, "content")]).contains("not in the database"));
        assert!(complaints(&[1], &[(1, 10, "other")]).contains("says something else"));
        assert!(complaints(&[1, 1], &[(1, 10, "content")]).contains("in the database twice"));
    }
}
