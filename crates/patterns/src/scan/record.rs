//! Which parts of a record are read: a plain line wholly, a stack trace in part, a JSON object's message.

use std::ops::Range;

use super::MAX_SCAN;
use crate::json::Fields;

/// At most two stretches of a record that are mined; what stands around them is variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Regions {
    first: Range<usize>,
    second: Option<Range<usize>>,
}

impl Regions {
    #[inline]
    pub(super) fn of(line: &[u8]) -> Self {
        if line.first() == Some(&b'{')
            && let Some(message) = json_message(line)
        {
            return Self::one(clipped(line, message));
        }
        match memchr::memchr(b'\n', line) {
            None => Self::one(clipped(line, 0..line.len())),
            Some(end) => Self::lines(line, end),
        }
    }

    fn one(first: Range<usize>) -> Self {
        Regions { first, second: None }
    }

    /// The first line, and the innermost cause of a stack trace: the one that stands last. A break at the very end ends the line.
    fn lines(line: &[u8], end: usize) -> Self {
        if line[end..].trim_ascii().is_empty() {
            return Self::one(clipped(line, 0..line.len()));
        }
        let first = clipped(line, 0..line[..end].trim_ascii_end().len());
        let marked = CAUSES.iter().filter_map(|mark| memchr::memmem::rfind(line, mark));
        let second = marked.chain(python_error(line)).max().filter(|&at| at + 1 > first.end).map(|at| {
            let from = at + 1;
            let to = memchr::memchr(b'\n', &line[from..]).map_or(line.len(), |n| from + n);
            clipped(line, from..from + line[from..to].trim_ascii_end().len())
        });
        Regions { first, second }
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        [Some(self.first.clone()), self.second.clone()].into_iter().flatten()
    }
}

/// What stands before a cause in the traces of Java and its like, and of .NET.
const CAUSES: [&[u8]; 3] = [b"\nCaused by: ", b"\ncaused by: ", b"\n ---> "];

/// The break before the error at the end of the last Python traceback: its first line that is not indented.
fn python_error(line: &[u8]) -> Option<usize> {
    let mut at = memchr::memmem::rfind(line, b"Traceback (most recent call last):")?;
    loop {
        at += memchr::memchr(b'\n', &line[at..])?;
        if !matches!(line.get(at + 1)?, b' ' | b'\t' | b'\n' | b'\r') {
            return Some(at);
        }
        at += 1;
    }
}

/// The part of a region that is read; it ends between characters and, if it can, between words.
#[inline]
fn clipped(line: &[u8], region: Range<usize>) -> Range<usize> {
    if region.len() <= MAX_SCAN {
        return region;
    }
    let mut end = region.start + MAX_SCAN;
    let blank = line[region.start..end].iter().rposition(|&byte| byte == b' ');
    if let Some(blank) = blank.filter(|&at| at > MAX_SCAN / 2) {
        end = region.start + blank;
    }
    while end > region.start && line[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    region.start..end
}

/// Names that hold the message of a JSON record, best first.
const MESSAGE_KEYS: [&[u8]; 5] = [b"message", b"msg", b"@message", b"log", b"event"];

/// The text of the message field at the top of a JSON object, without its quotes.
fn json_message(line: &[u8]) -> Option<Range<usize>> {
    let mut fields = Fields::of(line)?;
    let mut best: Option<(usize, Range<usize>)> = None;
    for field in fields.by_ref() {
        let rank = MESSAGE_KEYS.iter().position(|name| *name == &line[field.key.clone()]);
        if let (Some(rank), Some(text)) = (rank, field.text)
            && !text.is_empty()
            && best.as_ref().is_none_or(|(known, _)| rank < *known)
        {
            best = Some((rank, text));
        }
    }
    best.filter(|_| !fields.broken()).map(|(_, text)| text)
}
