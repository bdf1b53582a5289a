use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Dialect, Facts, nesting};

/// Parsers call themselves for every level of nesting. Only what is used of it takes memory.
const STACK: usize = 512 << 20;

/// What one text gave: its facts, or on one line why there are none.
pub type Read = Result<Facts, String>;

/// Reads texts.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// Bytes of a file at most.
    pub max_file_bytes: u64,
}

impl Reader {
    /// Reads texts one after the other, on a thread with a stack that is large enough. Takes the processor for as long as
    /// it takes.
    ///
    /// # Errors
    /// The operating system gives no thread. What cannot be read is no error: each text has its own result.
    pub fn read_all(self, texts: &[(Dialect, &[u8])]) -> std::io::Result<Vec<Read>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("docs-reader".to_owned())
                .stack_size(STACK)
                .spawn_scoped(scope, || {
                    texts.iter().map(|(dialect, text)| self.read(*dialect, text)).collect()
                })?
                .join()
                .map_err(|_| std::io::Error::other("reading the files did not end"))
        })
    }

    fn read(self, dialect: Dialect, bytes: &[u8]) -> Read {
        if bytes.len() as u64 > self.max_file_bytes {
            return Err(format!("larger than {} bytes", self.max_file_bytes));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if dialect != Dialect::Page {
            nesting::check(text, dialect == Dialect::Python)?;
        }
        // The parsers are others' work, given whatever a repository holds.
        catch_unwind(AssertUnwindSafe(|| dialect.read(text)))
            .unwrap_or_else(|_| Err("its parser failed".to_owned()))
    }
}
