use std::{
    cell::Cell,
    fmt,
    io::{self, Read},
};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{DEPTH, Data, Node};

/// Counts the lines that the parser has taken, which it takes byte by byte.
struct Lines<'a> {
    left: &'a [u8],
    line: &'a Cell<u32>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (Some(slot), Some((&byte, rest))) = (buffer.first_mut(), self.left.split_first()) else {
            return Ok(0);
        };
        *slot = byte;
        self.left = rest;
        if byte == b'\n' {
            self.line.set(self.line.get().saturating_add(1));
        }
        Ok(1)
    }
}

pub(super) fn parse(text: &str) -> Result<Node, String> {
    let line = Cell::new(1);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines { left: text.as_bytes(), line: &line };
    let mut parser = serde_json::Deserializer::from_reader(lines);
    let node = Seed { line: &line, depth: 0 }.deserialize(&mut parser);
    node.and_then(|node| parser.end().map(|()| node)).map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    line: &'a Cell<u32>,
    depth: usize,
}

impl Seed<'_> {
    fn node(self, data: Data) -> Node {
        Node { line: self.line.get(), data }
    }

    fn scalar<E>(self, value: impl fmt::Display) -> Result<Node, E> {
        Ok(self.node(Data::Scalar(value.to_string())))
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH {
            return Err(E::custom(format!("it nests deeper than {DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(self.node(Data::Nothing))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.scalar(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.scalar(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.scalar(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        self.scalar(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        self.scalar(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let line = self.line.get();
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Node { line, data: Data::List(list) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let line = self.line.get();
        let mut map = Vec::new();
        while let Some(key) = entries.next_key()? {
            map.push((key, entries.next_value_seed(inner)?));
        }
        Ok(Node { line, data: Data::Map(map) })
    }
}
