//! Bytes of files and pipes into chunks of records, on a thread of their own.

use std::io::{self, Read};

use super::batch::Batch;
use super::record::{Line, Recorder};
use super::spool::{Refused, Spool, TooLong};

/// Bytes of a chunk's records after which it is handed on.
const CHUNK: usize = 256 << 10;
/// Bytes read at once.
const READ: usize = 64 << 10;

/// What was made of a stretch of an input.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub records: Batch,
    /// Bytes that were read for it.
    pub bytes: u64,
    pub blank: u64,
    /// Records in which bytes that are no UTF-8 were replaced.
    pub mended: u64,
    /// Lines that no server takes.
    pub refused: Vec<Refused>,
    /// What people should know, with its place in the input.
    pub notes: Vec<Note>,
}

/// Something that is said once it has happened.
#[derive(Debug)]
pub(super) enum Note {
    /// A line was too long and stands in the spool.
    TooLong(String),
    /// A line or the rest of an input is lost: it could be neither sent nor kept, or not be read.
    Failed(String),
}

impl Chunk {
    /// Whether nothing was read and nothing made. The last line of an input is made after all of it was read.
    fn is_empty(&self) -> bool {
        let nothing_made = self.records.is_empty() && self.refused.is_empty() && self.notes.is_empty();
        nothing_made && self.bytes == 0 && self.blank == 0
    }
}

/// Splits bytes into lines and makes records of them.
pub(super) struct Splitter {
    name: String,
    recorder: Recorder,
    spool: Spool,
    max_line: usize,
    number: u64,
    line: Vec<u8>,
    /// Where the rest of a line goes that is too long.
    too_long: Option<io::Result<TooLong>>,
    record: Vec<u8>,
    chunk: Chunk,
}

impl Splitter {
    pub(super) fn new(name: String, recorder: Recorder, spool: Spool, max_line: usize) -> Self {
        let (line, record, chunk) = Default::default();
        Splitter { name, recorder, spool, max_line, number: 0, line, too_long: None, record, chunk }
    }

    /// Takes the next bytes. `now` in microseconds since 1970.
    pub(super) fn feed(&mut self, mut bytes: &[u8], now: i64) {
        self.chunk.bytes += bytes.len() as u64;
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.part(&bytes[..end]);
            self.end_line(now);
            bytes = &bytes[end + 1..];
        }
        self.part(bytes);
    }

    /// The input is at its end: what has no end of line is a line all the same.
    pub(super) fn end(&mut self, now: i64) {
        if !self.line.is_empty() || self.too_long.is_some() {
            self.end_line(now);
        }
    }

    /// Whether what was made should be handed on, though more could be read at once.
    pub(super) fn is_full(&self) -> bool {
        self.chunk.records.body().len() >= CHUNK
    }

    /// What was made since the last time; nothing where nothing was.
    pub(super) fn take(&mut self) -> Option<Chunk> {
        (!self.chunk.is_empty()).then(|| std::mem::take(&mut self.chunk))
    }

    /// Says that the input cannot be read any further.
    pub(super) fn fail(&mut self, error: &io::Error) {
        self.chunk.notes.push(Note::Failed(format!("{} cannot be read any further: {error}", self.name)));
    }

    fn part(&mut self, part: &[u8]) {
        if self.too_long.is_none() && self.line.len() + part.len() > self.max_line {
            let started = self.spool.too_long(&self.recorder.source);
            self.too_long = Some(started.and_then(|mut file| file.write(&self.line).map(|()| file)));
            self.line.clear();
        }
        match &mut self.too_long {
            None => self.line.extend_from_slice(part),
            Some(kept) => {
                if let Ok(file) = kept
                    && let Err(error) = file.write(part)
                {
                    *kept = Err(error);
                }
            }
        }
    }

    fn end_line(&mut self, now: i64) {
        self.number += 1;
        if let Some(kept) = self.too_long.take() {
            self.end_too_long(kept);
            return;
        }
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        match self.recorder.record(line, now, &mut self.record) {
            Line::Record { mended } => {
                self.chunk.mended += u64::from(mended);
                self.chunk.records.push(&self.record);
            }
            Line::Blank => self.chunk.blank += 1,
            Line::Refused(reason) => {
                let reason = format!("{}:{}: {reason}", self.name, self.number);
                let source = self.recorder.source.clone();
                self.chunk.refused.push(Refused { reason, source, line: String::from_utf8_lossy(line).into_owned() });
            }
        }
        self.line.clear();
    }

    fn end_too_long(&mut self, kept: io::Result<TooLong>) {
        let place = format!("{}:{} is longer than {} bytes", self.name, self.number, self.max_line);
        let note = match kept.and_then(TooLong::finish) {
            Ok(path) => Note::TooLong(format!("{place}; kept as {}", path.display())),
            Err(error) => Note::Failed(format!("{place} and could not be kept: {error}")),
        };
        self.chunk.notes.push(note);
    }
}

/// Reads an input to its end. `emit` gets the chunks, each before anything is waited for, and says whether to go on.
pub(super) fn read_all(
    input: &mut dyn Read,
    splitter: &mut Splitter,
    now: impl Fn() -> i64,
    mut emit: impl FnMut(Chunk) -> bool,
) -> bool {
    let mut buffer = vec![0; READ];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => splitter.feed(&buffer[..read], now()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                splitter.fail(&error);
                break;
            }
        }
        // A short read: the pipe is empty for now, or the file ends.
        if let Some(chunk) = splitter.take()
            && !emit(chunk)
        {
            return false;
        }
    }
    splitter.end(now());
    splitter.take().is_none_or(emit)
}
