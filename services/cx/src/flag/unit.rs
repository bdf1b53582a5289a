use serde_json::{Map, Value};

use super::value::{is_truthy, to_text};

/// The attribute that is hashed, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    pub attribute: String,
    pub value: Value,
}

impl Unit {
    /// The unit by an attribute (`id` where none is named) or, where it is missing or empty, by another one. Lists and objects
    /// are nobody's id.
    pub fn of(
        attributes: &Map<String, Value>,
        attribute: Option<&str>,
        fallback: Option<&str>,
    ) -> Option<Self> {
        [Some(attribute.filter(|name| !name.is_empty()).unwrap_or("id")), fallback]
            .into_iter()
            .flatten()
            .find_map(|name| {
                let value = attributes.get(name).filter(|value| is_truthy(value))?;
                (!value.is_array() && !value.is_object())
                    .then(|| Self { attribute: name.to_owned(), value: value.clone() })
            })
    }

    /// What is hashed.
    pub fn text(&self) -> String {
        to_text(&self.value)
    }
}
