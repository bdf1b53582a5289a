use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of each of a program's two outputs that are kept for later tasks.
pub(super) const MAX_OUTPUT: usize = 64 << 10;
/// Bytes of the end of what was written that are kept for people.
pub(super) const MAX_LOG: usize = 16 << 10;

/// What a program writes, read to the end so that it need not wait, and kept in part.
#[derive(Default)]
pub(super) struct Output {
    pub start: Vec<u8>,
    tail: VecDeque<u8>,
    pub is_cut: bool,
}

impl Output {
    /// Reads until the other side ends.
    pub async fn read(mut from: impl AsyncRead + Unpin) -> Self {
        let mut output = Self::default();
        let mut buffer = vec![0; 16 << 10];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return output,
                Ok(read) => output.push(&buffer[..read]),
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = MAX_OUTPUT - self.start.len();
        self.start.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.is_cut |= bytes.len() > room;
        self.tail.extend(bytes);
        let over = self.tail.len().saturating_sub(MAX_LOG);
        self.tail.drain(..over);
    }

    /// The beginning, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.start).into_owned()
    }

    /// The end, as text without what moves a cursor.
    pub fn log(&self) -> String {
        let bytes: Vec<u8> = self.tail.iter().copied().collect();
        String::from_utf8_lossy(&bytes)
            .chars()
            .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
            .collect()
    }
}
