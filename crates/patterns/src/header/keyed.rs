//! Lines that name their parts: JSON objects and `key=value`.

use super::time::time_len;
use super::{Header, is_level};
use crate::json::Fields;

const TIMES: [&str; 7] = ["time", "timestamp", "ts", "@timestamp", "t", "date", "datetime"];
const LEVELS: [&str; 6] = ["level", "severity", "lvl", "loglevel", "log.level", "@l"];
const SOURCES: [&str; 4] = ["logger", "component", "service", "logger_name"];

/// Pairs at the start of a line that are looked at.
const MAX_PAIRS: usize = 8;

/// Notes a part by its key. Says whether the key is one of a head's.
fn note<'a>(header: &mut Header<'a>, key: &str, value: &'a str) -> bool {
    let part = match () {
        () if TIMES.contains(&key) && time_len(value).is_some() => &mut header.time,
        () if LEVELS.contains(&key) && is_level(value) => &mut header.level,
        () if SOURCES.contains(&key) && !value.is_empty() => &mut header.source,
        () => return false,
    };
    part.get_or_insert(value);
    true
}

/// A header with a time or a level is one; a source alone could be anything.
fn found(header: Header<'_>) -> Option<Header<'_>> {
    (header.time.is_some() || header.level.is_some()).then_some(header)
}

/// `{"time":"…","level":"info","msg":"…"}`: the object as a whole stays the message, since its other fields belong to it.
pub(super) fn object(line: &str) -> Option<Header<'_>> {
    let mut header = Header { message: line, ..Header::default() };
    for field in Fields::of(line.as_bytes())? {
        if let Some(text) = field.text {
            note(&mut header, line.get(field.key)?, line.get(text)?);
        }
    }
    found(header)
}

/// `time=… level=info msg="…"`: what follows the parts of the head is the message.
pub(super) fn pairs(line: &str) -> Option<Header<'_>> {
    let mut header = Header { message: line, ..Header::default() };
    let (mut rest, mut leading) = (line, true);
    for _ in 0..MAX_PAIRS {
        let Some((key, value, after)) = pair(rest) else { break };
        leading &= note(&mut header, key, value);
        if leading {
            header.message = after;
        }
        rest = after;
    }
    found(header)
}

/// The `key=value` at the start, and what follows it.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (key, rest) = text.split_once('=')?;
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-');
    if key.is_empty() || key.len() > 32 || !key.bytes().all(name) {
        return None;
    }
    let (value, after) = match rest.strip_prefix('"') {
        Some(inside) => inside.split_at(inside.find('"')?),
        None => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
    };
    let after = after.strip_prefix('"').unwrap_or(after);
    Some((key, value, after.strip_prefix(' ').unwrap_or(after)))
}
