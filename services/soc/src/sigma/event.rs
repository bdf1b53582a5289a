//! Events as rules see them.

use std::{borrow::Cow, cell::OnceCell, collections::HashMap};

use serde_json::{Map, Value};

/// A field's number within [`Fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldId(u32);

/// The names of all fields that rules ask for.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    names: Vec<String>,
    ids: HashMap<String, FieldId>,
}

impl Fields {
    /// The number of a name, which is given one where it has none.
    pub fn id(&mut self, name: &str) -> FieldId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        // Rules are limited to far fewer.
        let id = FieldId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        id
    }

    /// The name of a number.
    pub fn name(&self, id: FieldId) -> &str {
        self.names.get(id.0 as usize).map_or("", String::as_str)
    }
}

/// One event. Each field is looked up and folded at most once, however many rules ask for it.
pub struct Event<'e> {
    fields: &'e Fields,
    root: &'e Map<String, Value>,
    found: Vec<OnceCell<Vec<Item<'e>>>>,
    whole: OnceCell<Vec<Item<'e>>>,
}

/// A value that is neither a list nor an object.
pub struct Item<'e> {
    /// The value.
    pub value: &'e Value,
    text: OnceCell<Cow<'e, str>>,
    folded: OnceCell<Cow<'e, str>>,
}

impl<'e> Event<'e> {
    /// The event that these members are.
    pub fn new(fields: &'e Fields, root: &'e Map<String, Value>) -> Self {
        let found = fields.names.iter().map(|_| OnceCell::new()).collect();
        Self { fields, root, found, whole: OnceCell::new() }
    }

    /// All values of a field: a member of that name, else, where the name has dots, the member of a member. Lists stand for
    /// each of their values.
    pub fn values(&self, id: FieldId) -> &[Item<'e>] {
        self.found.get(id.0 as usize).map_or(&[], |cell| {
            cell.get_or_init(|| {
                let mut items = Vec::new();
                member(self.root, self.fields.name(id), &mut |value| leaves(value, &mut items));
                items
            })
        })
    }

    /// True if the field is there, whatever its value.
    pub fn has(&self, id: FieldId) -> bool {
        let mut found = false;
        member(self.root, self.fields.name(id), &mut |_| found = true);
        found
    }

    /// Every value of the event.
    pub fn whole(&self) -> &[Item<'e>] {
        self.whole.get_or_init(|| {
            let mut items = Vec::new();
            self.root.values().for_each(|value| all_leaves(value, &mut items));
            items
        })
    }

    /// The name of a field.
    pub fn name(&self, id: FieldId) -> &'e str {
        self.fields.name(id)
    }
}

impl<'e> Item<'e> {
    fn new(value: &'e Value) -> Self {
        Self { value, text: OnceCell::new(), folded: OnceCell::new() }
    }

    /// Its text; `None` for null.
    pub fn text(&self) -> Option<&str> {
        if self.value.is_null() {
            return None;
        }
        Some(self.text.get_or_init(|| match self.value {
            Value::String(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        }))
    }

    /// Its text without difference between large and small letters; `None` for null.
    pub fn folded(&self) -> Option<&str> {
        let text = self.text()?;
        Some(self.folded.get_or_init(|| match self.value {
            Value::String(text) => folded(text),
            _ => Cow::Owned(folded(text).into_owned()),
        }))
    }
}

/// A text without difference between large and small letters.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    } else {
        // Letter by letter: the letters of a text's part fold as they do in the text.
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    }
}

fn member<'e>(object: &'e Map<String, Value>, path: &str, found: &mut impl FnMut(&'e Value)) {
    if let Some(value) = object.get(path) {
        found(value);
        return;
    }
    for (dot, _) in path.match_indices('.') {
        if let Some(value) = object.get(&path[..dot]) {
            below(value, &path[dot + 1..], found);
        }
    }
}

fn below<'e>(value: &'e Value, path: &str, found: &mut impl FnMut(&'e Value)) {
    match value {
        Value::Object(object) => member(object, path, found),
        Value::Array(items) => items.iter().for_each(|item| below(item, path, found)),
        _ => {}
    }
}

fn leaves<'e>(value: &'e Value, items: &mut Vec<Item<'e>>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| leaves(value, items)),
        Value::Object(_) => {}
        leaf => items.push(Item::new(leaf)),
    }
}

fn all_leaves<'e>(value: &'e Value, items: &mut Vec<Item<'e>>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| all_leaves(value, items)),
        Value::Object(object) => object.values().for_each(|value| all_leaves(value, items)),
        leaf => items.push(Item::new(leaf)),
    }
}
