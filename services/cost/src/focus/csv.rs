use csv_core::{ReadRecordResult, Reader};

use super::row::{MAX_COLUMNS, MAX_ROW, Row};

/// Takes a CSV file apart that comes in pieces.
pub(crate) struct Records {
    reader: Reader,
    header: Option<Vec<String>>,
    /// The record that is being read: its bytes, and where each field ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    used: usize,
    fields: usize,
    too_large: bool,
}

/// Why a file is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadHeader(pub &'static str);

impl Records {
    pub fn new() -> Self {
        Self {
            reader: Reader::new(),
            header: None,
            bytes: vec![0; MAX_ROW],
            ends: vec![0; MAX_COLUMNS + 1],
            used: 0,
            fields: 0,
            too_large: false,
        }
    }

    /// True once the header was read.
    pub fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// Reads on; `each` gets every row that ends here. An empty piece ends the file.
    pub fn read(
        &mut self,
        mut piece: &[u8],
        mut each: impl FnMut(Result<Row, &'static str>),
    ) -> Result<(), BadHeader> {
        let ends = piece.is_empty();
        // To the reader an empty piece is the end, so what was read to its last byte must not be given again.
        while ends || !piece.is_empty() {
            let (result, read, written, ended) =
                self.reader.read_record(piece, &mut self.bytes[self.used..], &mut self.ends[self.fields..]);
            piece = &piece[read..];
            self.used += written;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(()),
                // What does not fit is read over to its end.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (self.used, self.fields, self.too_large) = (0, 0, true);
                }
                ReadRecordResult::Record => {
                    if let Some(row) = self.record()? {
                        each(row);
                    }
                }
            }
        }
        Ok(())
    }

    fn record(&mut self) -> Result<Option<Result<Row, &'static str>>, BadHeader> {
        let (used, fields) = (std::mem::take(&mut self.used), std::mem::take(&mut self.fields));
        let too_large = std::mem::take(&mut self.too_large) || fields > MAX_COLUMNS;
        let limit = "a row of at most 256 columns and 256 KiB";
        let Ok(text) = std::str::from_utf8(&self.bytes[..used]) else {
            return if self.header.is_some() {
                Ok(Some(Err("UTF-8")))
            } else {
                Err(BadHeader("is not UTF-8"))
            };
        };
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let cells =
            starts.zip(&self.ends).take(fields).map(|(start, end)| text.get(start..*end).unwrap_or_default());
        let Some(header) = &self.header else {
            let header: Vec<String> =
                cells.map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
            if too_large {
                return Err(BadHeader("is over 256 columns or 256 KiB"));
            }
            if !header.iter().any(|name| name == "BilledCost") {
                return Err(BadHeader("does not name FOCUS's columns: `BilledCost` is missing"));
            }
            let mut names: Vec<&String> = header.iter().collect();
            names.sort_unstable();
            if names.windows(2).any(|two| two[0] == two[1]) {
                return Err(BadHeader("names a column twice"));
            }
            self.header = Some(header);
            return Ok(None);
        };
        if too_large {
            return Ok(Some(Err(limit)));
        }
        if fields != header.len() {
            return Ok(Some(Err("as many fields as the header has")));
        }
        Ok(Some(Ok(Row::new(header.iter().cloned().zip(cells.map(str::to_owned))))))
    }
}
