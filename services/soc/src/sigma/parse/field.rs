//! A field with its modifiers, for example `CommandLine|contains|all`.

use crate::sigma::{
    ir::{Comparison, TimePart},
    pattern::Place,
};

/// Bytes of a field's name.
const MAX_NAME: usize = 256;

/// What a map's key says.
#[derive(Debug)]
pub(super) struct Field {
    /// Empty: the whole event.
    pub name: String,
    /// Every value has to match instead of any.
    pub all: bool,
    /// None of the values may match.
    pub differs: bool,
    /// Case matters.
    pub cased: bool,
    /// Placeholders are replaced.
    pub expand: bool,
    /// What is done to the text of each value, in this order.
    pub changes: Vec<Change>,
    pub kind: Kind,
}

/// A change of a value's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    At(Place),
    Dashes,
    Base64,
    Base64Offset,
    Utf16(Utf16),
}

/// A form of UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Utf16 {
    Little,
    Big,
    /// Little, with a byte order mark before.
    Marked,
}

/// What a value is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Regex(Flags),
    Network,
    Exists,
    Compare(Comparison),
    OtherField,
    Time(TimePart, Comparison),
}

/// Flags of a regular expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_takes_all: bool,
}

impl Field {
    /// Reads a key.
    pub fn read(key: &str) -> Result<Self, String> {
        let mut parts = key.split('|');
        let name = parts.next().unwrap_or_default();
        if name.len() > MAX_NAME {
            return Err(format!("a field's name is longer than {MAX_NAME} bytes"));
        }
        let mut field = Self {
            name: name.to_owned(),
            all: false,
            differs: false,
            cased: false,
            expand: false,
            changes: Vec::new(),
            kind: Kind::Plain,
        };
        for modifier in parts {
            field.modify(modifier).map_err(|reason| format!("`{key}`: {reason}"))?;
        }
        field.check().map_err(|reason| format!("`{key}`: {reason}"))?;
        Ok(field)
    }

    fn modify(&mut self, modifier: &str) -> Result<(), String> {
        match modifier {
            "all" => self.all = true,
            "neq" => self.differs = true,
            "cased" => self.cased = true,
            "expand" => self.expand = true,
            "contains" => self.changes.push(Change::At(Place::Anywhere)),
            "startswith" => self.changes.push(Change::At(Place::Start)),
            "endswith" => self.changes.push(Change::At(Place::End)),
            "windash" => self.changes.push(Change::Dashes),
            "base64" => self.changes.push(Change::Base64),
            "base64offset" => self.changes.push(Change::Base64Offset),
            "wide" | "utf16le" => self.changes.push(Change::Utf16(Utf16::Little)),
            "utf16be" => self.changes.push(Change::Utf16(Utf16::Big)),
            "utf16" => self.changes.push(Change::Utf16(Utf16::Marked)),
            "re" => self.become_kind(Kind::Regex(Flags::default()))?,
            "cidr" => self.become_kind(Kind::Network)?,
            "exists" => self.become_kind(Kind::Exists)?,
            "fieldref" => self.become_kind(Kind::OtherField)?,
            "i" | "m" | "s" => return self.flag(modifier),
            "lt" => return self.compare(Comparison::Less),
            "lte" => return self.compare(Comparison::AtMost),
            "gt" => return self.compare(Comparison::Greater),
            "gte" => return self.compare(Comparison::AtLeast),
            other => match TimePart::from_name(other) {
                Some(part) => self.become_kind(Kind::Time(part, Comparison::Equal))?,
                None => return Err(format!("there is no modifier `{other}`")),
            },
        }
        Ok(())
    }

    fn become_kind(&mut self, kind: Kind) -> Result<(), String> {
        if self.kind != Kind::Plain {
            return Err("has two modifiers that exclude each other".to_owned());
        }
        self.kind = kind;
        Ok(())
    }

    fn flag(&mut self, flag: &str) -> Result<(), String> {
        let Kind::Regex(flags) = &mut self.kind else {
            return Err(format!("`{flag}` is a modifier of `re` and stands after it"));
        };
        match flag {
            "i" => flags.ignore_case = true,
            "m" => flags.multi_line = true,
            _ => flags.dot_takes_all = true,
        }
        Ok(())
    }

    fn compare(&mut self, comparison: Comparison) -> Result<(), String> {
        match &mut self.kind {
            Kind::Time(_, of_time) if *of_time == Comparison::Equal => *of_time = comparison,
            _ => self.become_kind(Kind::Compare(comparison))?,
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let places_only = self.changes.iter().all(|change| matches!(change, Change::At(_)));
        match self.kind {
            Kind::Plain => {}
            Kind::OtherField if places_only => {}
            _ if self.changes.is_empty() => {}
            _ => return Err("has a modifier of text together with one that takes no text".to_owned()),
        }
        if self.cased && !matches!(self.kind, Kind::Plain | Kind::OtherField) {
            return Err("`cased` is for text; a regular expression minds case unless it has `i`".to_owned());
        }
        if self.expand && !matches!(self.kind, Kind::Plain | Kind::Regex(_) | Kind::Network) {
            return Err("`expand` is for text".to_owned());
        }
        if self.name.is_empty() && !matches!(self.kind, Kind::Plain | Kind::Regex(_) | Kind::Network) {
            return Err("the modifier needs a field".to_owned());
        }
        Ok(())
    }
}
