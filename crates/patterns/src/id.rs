//! Ids: 64 bits, derived from content, shown as 16 lower-case hex digits.

use std::fmt;
use std::str::FromStr;

/// The id of a form: the hash of its literal text. Never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FormId(pub u64);

/// The id of a pattern: the lowest of its forms' ids. An id once shown resolves for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PatternId(pub u64);

/// A text that is not an id: ids are 16 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadId;

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern id is 16 lower-case hex digits")
    }
}

impl std::error::Error for BadId {}

fn parse_hex(text: &str) -> Result<u64, BadId> {
    let ok = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if ok { u64::from_str_radix(text, 16).map_err(|_| BadId) } else { Err(BadId) }
}

impl fmt::Display for FormId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for FormId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        parse_hex(text).map(FormId)
    }
}

impl FromStr for PatternId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        parse_hex(text).map(PatternId)
    }
}
