use std::collections::BTreeMap;

/// Columns of a row at most.
pub const MAX_COLUMNS: usize = 256;
/// Bytes of a row at most, names of columns not counted.
pub const MAX_ROW: usize = 256 << 10;

/// Values by column, those that are null left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    cells: BTreeMap<String, String>,
}

impl Row {
    /// From columns and values. What stands for null in exports is null: nothing, and the word `NULL` in capitals.
    pub fn new(cells: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_null = |value: &str| value.trim().is_empty() || value == "NULL";
        Self { cells: cells.into_iter().filter(|(_, value)| !is_null(value)).collect() }
    }

    /// The value of a column; `None` if it is null.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }

    /// The value of a column, empty if it is null.
    pub fn text(&self, column: &str) -> &str {
        self.get(column).unwrap_or_default()
    }
}
