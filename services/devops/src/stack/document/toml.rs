use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{DEPTH, Data, Node};

pub(super) fn parse(text: &str) -> Result<Node, String> {
    let table = DeTable::parse(text).map_err(|error| error.message().to_owned())?;
    // Where each line ends, so that a position tells its line.
    let ends: Vec<usize> =
        text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    Reader { ends }.map(table.get_ref(), 1, 0)
}

struct Reader {
    ends: Vec<usize>,
}

impl Reader {
    fn line(&self, position: usize) -> u32 {
        let before = self.ends.partition_point(|end| *end < position);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    fn map(&self, table: &DeTable<'_>, line: u32, depth: usize) -> Result<Node, String> {
        let entries = table.iter().map(|(key, value)| {
            let line = self.line(key.span().start);
            Ok((key.get_ref().clone().into_owned(), self.node(value, line, depth)?))
        });
        Ok(Node { line, data: Data::Map(entries.collect::<Result<_, String>>()?) })
    }

    /// A value on the line of its key, as a table's own position is that of its header.
    fn node(&self, value: &Spanned<DeValue<'_>>, line: u32, depth: usize) -> Result<Node, String> {
        if depth == DEPTH {
            return Err(format!("it nests deeper than {DEPTH}"));
        }
        let scalar = |text: &str| Ok(Node { line, data: Data::Scalar(text.to_owned()) });
        match value.get_ref() {
            DeValue::String(text) => scalar(text),
            DeValue::Integer(number) => scalar(number.as_str()),
            DeValue::Float(number) => scalar(number.as_str()),
            DeValue::Boolean(value) => scalar(if *value { "true" } else { "false" }),
            DeValue::Datetime(time) => scalar(&time.to_string()),
            DeValue::Array(items) => {
                let items = items.iter().map(|item| {
                    let line = self.line(item.span().start).max(line);
                    self.node(item, line, depth + 1)
                });
                Ok(Node { line, data: Data::List(items.collect::<Result<_, String>>()?) })
            }
            DeValue::Table(table) => self.map(table, line, depth + 1),
        }
    }
}
