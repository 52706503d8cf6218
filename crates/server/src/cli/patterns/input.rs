//! Lines of any bytes and any length, and a file that is waited on.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::time::Duration;

/// Most bytes of a line that are kept. The rest of it is skipped: its end would be one variable anyway.
const MAX_LINE: usize = 1 << 20;

/// Reads the next line without its end into `line`; false when there is none.
pub(super) fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            break;
        }
        any = true;
        let end = memchr::memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        line.extend_from_slice(&part[..part.len().min(MAX_LINE - line.len())]);
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(any)
}

/// How often the end of a followed file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A file whose end is only its end so far. A file that becomes shorter is read from its start again.
pub(super) struct Follow {
    inner: BufReader<File>,
}

impl Follow {
    pub(super) fn new(file: File) -> Self {
        Follow { inner: BufReader::new(file) }
    }
}

impl Read for Follow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.fill_buf()?.len().min(buffer.len());
        buffer[..len].copy_from_slice(&self.inner.buffer()[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Follow {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while self.inner.fill_buf()?.is_empty() {
            std::thread::sleep(LOOK_EVERY);
            let at = self.inner.stream_position()?;
            if self.inner.get_ref().metadata()?.len() < at {
                self.inner.rewind()?;
            }
        }
        Ok(self.inner.buffer())
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}
