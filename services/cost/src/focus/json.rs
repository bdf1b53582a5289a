use serde_json::Value;

use super::row::{MAX_COLUMNS, MAX_ROW, Row};

/// Finds the objects of a JSON text that comes in pieces: one after the other, or in an array.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// The object that is being read, its numbers in quotes so that none of them goes over a float.
    text: Vec<u8>,
    depth: u32,
    state: State,
    /// The object is over the limit, and only its end is looked for.
    too_large: bool,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    #[default]
    Plain,
    Text,
    Escape,
    Number,
}

/// What stands between the objects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotObjects;

impl Objects {
    /// Reads on; `each` gets every object that ends here.
    pub fn read(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(Result<Row, &'static str>),
    ) -> Result<(), NotObjects> {
        for byte in piece {
            if self.depth == 0 && !b" \t\r\n,[]{".contains(byte) {
                return Err(NotObjects);
            }
            if self.byte(*byte) {
                each(self.object());
            }
        }
        Ok(())
    }

    /// True in the middle of an object.
    pub fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// True if the byte ends an object.
    fn byte(&mut self, byte: u8) -> bool {
        match (&self.state, byte) {
            (State::Escape, _) => self.state = State::Text,
            (State::Text, b'\\') => self.state = State::Escape,
            (State::Text, b'"') => self.state = State::Plain,
            (State::Text, _) => {}
            (State::Number, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E') => {}
            (State::Plain, b'-' | b'0'..=b'9') => {
                self.state = State::Number;
                self.keep(b'"');
            }
            (State::Number | State::Plain, _) => {
                if self.state == State::Number {
                    self.keep(b'"');
                }
                self.state = if byte == b'"' { State::Text } else { State::Plain };
                match byte {
                    b'{' | b'[' if self.depth > 0 || byte == b'{' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if byte == b'}' && self.depth == 0 {
                    self.keep(byte);
                    return true;
                }
            }
        }
        if self.depth > 0 {
            self.keep(byte);
        }
        false
    }

    fn keep(&mut self, byte: u8) {
        if self.text.len() < MAX_ROW { self.text.push(byte) } else { self.too_large = true }
    }

    fn object(&mut self) -> Result<Row, &'static str> {
        let text = std::mem::take(&mut self.text);
        if std::mem::take(&mut self.too_large) {
            return Err("a row of at most 256 KiB");
        }
        let cells: serde_json::Map<String, Value> =
            serde_json::from_slice(&text).map_err(|_| "a JSON object")?;
        if cells.len() > MAX_COLUMNS {
            return Err("a row of at most 256 columns");
        }
        Ok(Row::new(cells.into_iter().filter_map(|(name, value)| match value {
            Value::Null => None,
            Value::String(text) => Some((name, text)),
            other => Some((name, other.to_string())),
        })))
    }
}
