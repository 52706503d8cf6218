//! Which parts of a record are read: a plain line wholly, a stack trace in part, a JSON object's message.

use std::ops::Range;

use super::MAX_SCAN;

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

    /// The first line, and the innermost cause of a stack trace. A break at the very end ends the line.
    fn lines(line: &[u8], end: usize) -> Self {
        if line[end..].trim_ascii().is_empty() {
            return Self::one(clipped(line, 0..line.len()));
        }
        let first = clipped(line, 0..line[..end].trim_ascii_end().len());
        let second =
            [&b"\nCaused by: "[..], b"\ncaused by: "].iter().filter_map(|mark| memchr::memmem::rfind(line, mark)).max();
        let second = second.filter(|&at| at + 1 > first.end).map(|at| {
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

/// Fields of a JSON object that are looked at before giving up.
const MAX_FIELDS: usize = 64;

/// The text of the message field at the top of a JSON object, without its quotes.
fn json_message(line: &[u8]) -> Option<Range<usize>> {
    if line.trim_ascii_end().last() != Some(&b'}') {
        return None;
    }
    let mut best: Option<(usize, Range<usize>)> = None;
    let mut at = 1;
    for _ in 0..MAX_FIELDS {
        at = skip_blanks(line, at);
        if line.get(at) != Some(&b'"') {
            break;
        }
        let key = string(line, at)?;
        at = skip_blanks(line, key.end + 1);
        if line.get(at) != Some(&b':') {
            return None;
        }
        at = skip_blanks(line, at + 1);
        let rank = MESSAGE_KEYS.iter().position(|name| *name == &line[key.clone()]);
        if line.get(at) == Some(&b'"') {
            let value = string(line, at)?;
            at = value.end + 1;
            if let Some(rank) = rank.filter(|&rank| !value.is_empty() && best.as_ref().is_none_or(|(b, _)| rank < *b)) {
                best = Some((rank, value));
            }
        } else {
            at = skip_value(line, at)?;
        }
        at = skip_blanks(line, at);
        if line.get(at) != Some(&b',') {
            break;
        }
        at += 1;
    }
    best.map(|(_, range)| range)
}

fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The inside of the string that opens at `at`.
fn string(line: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at + 1;
    let mut to = from;
    loop {
        to += memchr::memchr2(b'"', b'\\', line.get(to..)?)?;
        if line[to] == b'"' {
            return Some(from..to);
        }
        to += 2;
    }
}

/// The end of a value that is not a string.
fn skip_value(line: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => at = string(line, at)?.end,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}
