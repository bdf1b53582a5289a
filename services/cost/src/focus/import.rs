use septet_proto_cost::v1::ChargeFormat;

use super::{charge::Charge, csv::Records, json::Objects, row::Row, summary::Summary, validate::Validator};

/// A file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header with FOCUS's column names, then a record for each charge.
    Csv,
    /// Objects, one after the other or in an array.
    Json,
}

/// Why a file cannot be read on. What was read before it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The first line is no header.
    #[error("the header {0}")]
    Header(&'static str),
    /// There is no header.
    #[error("the file is empty: it has not even a header")]
    Empty,
    /// Something else than objects.
    #[error("after row {row} comes something that is no JSON object")]
    NotJson {
        /// The last row that could be read.
        row: u64,
    },
    /// The end is missing.
    #[error("the file was cut off after row {row}")]
    CutOff {
        /// The last row that could be read.
        row: u64,
    },
}

/// Reads charges from a file that comes in pieces.
pub struct Reader {
    parts: Parts,
    validator: Validator,
    row: u64,
    charges: Vec<Charge>,
    /// What became of the rows so far; those that are kept count once the store has said what they are.
    pub summary: Summary,
}

enum Parts {
    Csv(Box<Records>),
    Json(Objects),
}

impl Format {
    /// The contract's form; `None` where it is not said.
    pub fn of(format: ChargeFormat) -> Option<Self> {
        match format {
            ChargeFormat::Unspecified => None,
            ChargeFormat::Csv => Some(Self::Csv),
            ChargeFormat::Json => Some(Self::Json),
        }
    }
}

impl Reader {
    /// A reader of one file.
    pub fn new(format: Format, validator: Validator) -> Self {
        let parts = match format {
            Format::Csv => Parts::Csv(Box::new(Records::new())),
            Format::Json => Parts::Json(Objects::default()),
        };
        Self { parts, validator, row: 0, charges: Vec::new(), summary: Summary::default() }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    /// [`FormatError`] if what follows cannot be told apart.
    pub fn read(&mut self, piece: &[u8]) -> Result<(), FormatError> {
        // To the CSV reader, nothing means the end.
        if piece.is_empty() { Ok(()) } else { self.take(piece) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`FormatError`] if it was cut off.
    pub fn end(&mut self) -> Result<(), FormatError> {
        match &self.parts {
            Parts::Csv(_) => self.take(&[])?,
            Parts::Json(objects) if objects.is_open() => return Err(FormatError::CutOff { row: self.row }),
            Parts::Json(_) => {}
        }
        match &self.parts {
            Parts::Csv(records) if !records.has_header() => Err(FormatError::Empty),
            _ => Ok(()),
        }
    }

    /// The charges that were read since this was last asked.
    pub fn charges(&mut self) -> Vec<Charge> {
        std::mem::take(&mut self.charges)
    }

    /// How many charges wait to be asked for.
    pub fn waiting(&self) -> usize {
        self.charges.len()
    }

    /// Checks one row.
    pub fn enter(&mut self, row: &Row) {
        let Self { validator, row: number, charges, summary, .. } = self;
        entered(validator, number, charges, summary, Ok(row));
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), FormatError> {
        let Self { parts, validator, row: number, charges, summary } = self;
        let mut each = |row: Result<Row, &'static str>| {
            entered(validator, number, charges, summary, row.as_ref().map_err(|rule| *rule));
        };
        match parts {
            Parts::Csv(records) => {
                records.read(piece, &mut each).map_err(|error| FormatError::Header(error.0))
            }
            Parts::Json(objects) => {
                objects.read(piece, &mut each).map_err(|_| FormatError::NotJson { row: *number })
            }
        }
    }
}

fn entered(
    validator: &Validator,
    number: &mut u64,
    charges: &mut Vec<Charge>,
    summary: &mut Summary,
    row: Result<&Row, &'static str>,
) {
    *number += 1;
    match row {
        Ok(row) => {
            let validated = validator.check(row);
            summary.enter(*number, &validated);
            charges.extend(validated.charge);
        }
        Err(rule) => summary.unreadable(*number, "something else", rule),
    }
}
