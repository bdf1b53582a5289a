//! Texts of rules: wildcards, escapes, encodings.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::field::Utf16;
use crate::sigma::pattern::{DASHES, Piece, Place};

/// A text with wildcards that is still being changed, and need not be UTF-8 meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    One,
    Many,
    Dash,
}

impl Text {
    /// Reads a value: `*` and `?` are wildcards, and a backslash before one of them or before another backslash takes its
    /// meaning away.
    pub fn read(value: &str) -> Self {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut chars = value.chars().peekable();
        while let Some(c) = chars.next() {
            let wildcard = match c {
                '\\' => {
                    literal.push(chars.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\'));
                    continue;
                }
                '*' => Part::Many,
                '?' => Part::One,
                plain => {
                    literal.push(plain);
                    continue;
                }
            };
            flush(&mut literal, &mut parts);
            if wildcard != Part::Many || parts.last() != Some(&Part::Many) {
                parts.push(wildcard);
            }
        }
        flush(&mut literal, &mut parts);
        Self(parts)
    }

    /// With wildcards where something may stand before or after.
    pub fn at(mut self, place: Place) -> Self {
        if matches!(place, Place::End | Place::Anywhere) && self.0.first() != Some(&Part::Many) {
            self.0.insert(0, Part::Many);
        }
        if matches!(place, Place::Start | Place::Anywhere) && (self.0.last() != Some(&Part::Many)) {
            self.0.push(Part::Many);
        }
        self
    }

    /// With any dash in the place of each one that begins an option: what stands before it is no part of a word, and what
    /// follows is.
    pub fn with_dashes(self) -> Result<Self, String> {
        let mut parts = Vec::new();
        for part in self.0 {
            let Part::Bytes(bytes) = part else {
                parts.push(part);
                continue;
            };
            let text = String::from_utf8(bytes).map_err(|_| not_text("windash"))?;
            let (mut before, mut literal) = (None, String::new());
            let mut chars = text.chars().peekable();
            while let Some(c) = chars.next() {
                let begins = DASHES.contains(&c)
                    && !before.is_some_and(is_of_word)
                    && chars.peek().is_some_and(|next| is_of_word(*next));
                if begins {
                    flush(&mut literal, &mut parts);
                    parts.push(Part::Dash);
                } else {
                    literal.push(c);
                }
                before = Some(c);
            }
            flush(&mut literal, &mut parts);
        }
        Ok(Self(parts))
    }

    /// In Base64.
    pub fn base64(self) -> Result<Self, String> {
        Ok(Self::plain(STANDARD.encode(self.bytes("base64")?)))
    }

    /// What of it is the same in every text in Base64 that has it, for each of the three places where it can begin.
    pub fn base64_offsets(self) -> Result<Vec<Self>, String> {
        let bytes = self.bytes("base64offset")?;
        let offsets = (0..3).map(|offset| {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(&bytes);
            let encoded = STANDARD.encode(&shifted);
            // Characters at the ends also hold bits of what stands before and after.
            let start = [0, 2, 3][offset];
            let end = encoded.len() - [0, 3, 2][shifted.len() % 3];
            Self::plain(encoded.get(start..end).unwrap_or_default().to_owned())
        });
        let offsets: Vec<Self> = offsets.collect();
        if offsets.iter().any(|text| text.0.is_empty()) {
            return Err("the text is too short for `base64offset`".to_owned());
        }
        Ok(offsets)
    }

    /// In UTF-16.
    pub fn utf16(self, form: Utf16) -> Result<Self, String> {
        let mut parts = Vec::new();
        if form == Utf16::Marked {
            parts.push(Part::Bytes(vec![0xFF, 0xFE]));
        }
        for part in self.0 {
            let Part::Bytes(bytes) = part else {
                parts.push(part);
                continue;
            };
            let text = String::from_utf8(bytes).map_err(|_| not_text("utf16"))?;
            let units = text.encode_utf16();
            let encoded: Vec<u8> = match form {
                Utf16::Big => units.flat_map(u16::to_be_bytes).collect(),
                Utf16::Little | Utf16::Marked => units.flat_map(u16::to_le_bytes).collect(),
            };
            match parts.last_mut() {
                Some(Part::Bytes(before)) => before.extend(encoded),
                _ => parts.push(Part::Bytes(encoded)),
            }
        }
        Ok(Self(parts))
    }

    /// The text without wildcards.
    pub fn into_plain(self) -> Result<String, String> {
        let bytes = self.bytes("the modifier")?;
        String::from_utf8(bytes).map_err(|_| not_text("the modifier"))
    }

    /// The pieces to look for.
    pub fn into_pieces(self) -> Result<Vec<Piece>, String> {
        let pieces = self.0.into_iter().map(|part| match part {
            Part::One => Ok(Piece::One),
            Part::Many => Ok(Piece::Many),
            Part::Dash => Ok(Piece::Dash),
            Part::Bytes(bytes) => String::from_utf8(bytes).map(Piece::Literal).map_err(|_| {
                "these bytes are no text that an event could have; add `base64` or `base64offset`".to_owned()
            }),
        });
        pieces.collect()
    }

    fn plain(text: String) -> Self {
        Self(if text.is_empty() { Vec::new() } else { vec![Part::Bytes(text.into_bytes())] })
    }

    fn bytes(self, modifier: &str) -> Result<Vec<u8>, String> {
        let mut all = Vec::new();
        for part in self.0 {
            let Part::Bytes(bytes) = part else {
                return Err(format!("{modifier} cannot be applied to a text with wildcards"));
            };
            all.extend(bytes);
        }
        Ok(all)
    }
}

fn flush(literal: &mut String, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Bytes(std::mem::take(literal).into_bytes()));
    }
}

fn not_text(modifier: &str) -> String {
    format!("{modifier} cannot be applied to encoded text")
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
