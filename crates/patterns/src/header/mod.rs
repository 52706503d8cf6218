//! The head that common line formats put before the message: time, level, source.
//!
//! Syslog (both kinds), journal exports, log4j and its like, Python, Apache and nginx errors, klog, Android, plain
//! `LEVEL message`, JSON objects and `key=value` lines. What is not recognised is message: nothing is ever dropped, all parts are stretches of the line.

mod keyed;
mod time;

#[cfg(test)]
mod tests;

use keyed::{object, pairs};
use time::{blanks, time_len};

/// The parts of a line. All are stretches of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header<'a> {
    /// The time as written.
    pub time: Option<&'a str>,
    /// The level as written: a name, a letter, or a syslog priority's number (its severity is the number modulo 8).
    pub level: Option<&'a str>,
    /// The program, logger or component.
    pub source: Option<&'a str>,
    /// What is left: the message.
    pub message: &'a str,
}

/// Names of levels, in any case.
const LEVELS: [&str; 30] = [
    "trace",
    "debug",
    "info",
    "information",
    "notice",
    "warn",
    "warning",
    "error",
    "err",
    "critical",
    "crit",
    "fatal",
    "alert",
    "emerg",
    "emergency",
    "panic",
    "severe",
    "fine",
    "finer",
    "finest",
    "config",
    "verbose",
    "dbug",
    "fail",
    "trce",
    "dbg",
    "inf",
    "wrn",
    "ftl",
    "log",
];

/// Separates a line's head from its message. A line without a known head is message as a whole.
pub fn parse_header(line: &str) -> Header<'_> {
    klog(line)
        .or_else(|| priority(line))
        .or_else(|| timed(line))
        .or_else(|| object(line))
        .or_else(|| pairs(line))
        .or_else(|| level_first(line))
        .unwrap_or(Header { message: line, ..Header::default() })
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find([' ', '\t']).unwrap_or(text.len()))
}

/// `I1124 16:40:31.123456   12345 file.go:123] message`.
fn klog(line: &str) -> Option<Header<'_>> {
    let letter = line.get(..1).filter(|letter| "IWEF".contains(*letter))?;
    let digits = line.get(1..5)?.bytes().all(|b| b.is_ascii_digit());
    let clock = line.get(6..14).is_some_and(|text| text.as_bytes()[2] == b':' && text.as_bytes()[5] == b':');
    let close = line.find("] ").filter(|_| digits && clock)?;
    let (time, _) = line[6..].split_at(line[6..].find(' ')?);
    let place = line[..close].rsplit(' ').next()?;
    let source = place.split(':').next();
    Some(Header { time: Some(&line[1..6 + time.len()]), level: Some(letter), source, message: &line[close + 2..] })
}

/// `<34>` before a line of either kind of syslog: facility and severity.
fn priority(line: &str) -> Option<Header<'_>> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    if number.is_empty() || number.len() > 3 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let head = rest
        .strip_prefix("1 ")
        .and_then(structured)
        .or_else(|| timed(rest))
        .unwrap_or(Header { message: rest, ..Header::default() });
    Some(Header { level: head.level.or(Some(number)), ..head })
}

/// RFC 5424 after its version: time, host, program, process, message id, structured data, message.
fn structured(text: &str) -> Option<Header<'_>> {
    let mut rest = text;
    let mut fields = [""; 5];
    for field in &mut fields {
        let (found, after) = word(rest);
        (*field, rest) = (found, after.strip_prefix(' ')?);
    }
    time_len(fields[0]).or((fields[0] == "-").then_some(0))?;
    let message = if let Some(after) = rest.strip_prefix('-') {
        after
    } else {
        let end = rest
            .starts_with('[')
            .then(|| rest.find("] ").map(|at| at + 1).or(rest.ends_with(']').then_some(rest.len())))??;
        &rest[end..]
    };
    let known = |field: &&str| *field != "-";
    Some(Header {
        time: Some(fields[0]).filter(known),
        level: None,
        source: Some(fields[2]).filter(known),
        message: message.strip_prefix(' ').unwrap_or(message).trim_start_matches('\u{feff}'),
    })
}

/// A line that starts with a time, perhaps in brackets.
fn timed(line: &str) -> Option<Header<'_>> {
    let bracket = line.starts_with('[');
    let text = if bracket { &line[1..] } else { line };
    let len = time_len(text)?;
    let mut rest = &text[len..];
    if bracket {
        rest = rest.strip_prefix(']')?;
    }
    let mut header = Header { time: Some(&text[..len]), ..Header::default() };
    rest = rest.strip_prefix([':', '|', ',']).unwrap_or(rest);
    if bracket {
        return Some(bracketed(header, rest));
    }
    if !rest.starts_with([' ', '\t', '[']) && !rest.is_empty() {
        header.message = rest;
        return Some(header);
    }
    rest = blanks(rest);
    rest = numbers(rest.strip_prefix("- ").unwrap_or(rest));
    if let Some((level, after)) = level(rest) {
        header.level = Some(level);
        return Some(logger(header, after));
    }
    Some(program(header, rest))
}

/// Apache's `[core:error] [pid 12:tid 34] message`.
fn bracketed<'a>(mut header: Header<'a>, text: &'a str) -> Header<'a> {
    let mut rest = blanks(text);
    while let Some((inside, after)) = group(rest) {
        let (module, name) = inside.rsplit_once(':').map_or((None, inside), |(module, name)| (Some(module), name));
        if header.level.is_none() && is_level(name) {
            (header.level, header.source) = (Some(name), module.filter(|module| !module.is_empty()));
        } else if !inside.starts_with("pid ") {
            break;
        }
        rest = blanks(after);
    }
    if header.level.is_none()
        && let Some((level, after)) = level(rest)
    {
        header.level = Some(level);
        return logger(header, after);
    }
    Header { message: rest, ..header }
}

/// The inside of `[…]` at the start, and what follows.
fn group(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(']').filter(|&end| end <= 128)?;
    Some((&inside[..end], &inside[end + 1..]))
}

/// Numbers of processes and threads between time and level, if a level follows them.
fn numbers(text: &str) -> &str {
    let mut rest = text;
    for _ in 0..3 {
        if level(rest).is_some() {
            return rest;
        }
        let (number, after) = word(rest);
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return text;
        }
        rest = blanks(after);
    }
    if level(rest).is_some() { rest } else { text }
}

/// A level at the start: `ERROR`, `[error]`, `error:`, `<error>`, or a letter that stands alone.
fn level(text: &str) -> Option<(&str, &str)> {
    let (first, after) = word(text);
    let bare = first.trim_end_matches([':', ',', '|']);
    let open = bare.strip_prefix(['[', '(', '<']);
    let name = open.map_or(bare, |name| name.trim_end_matches([']', ')', '>']));
    let letter = open.is_none() && name.len() == 1 && "VDIWEF".contains(name) && !after.is_empty();
    // `[ERROR ]` is padded inside.
    if let Some((inside, rest)) = group(text).filter(|(inside, _)| is_level(inside.trim())) {
        return Some((inside.trim(), rest));
    }
    (is_level(name) || letter).then_some((name, after))
}

/// What stands between level and message: `[thread]`, `logger:`, `a.b.Logger -`.
fn logger<'a>(mut header: Header<'a>, text: &'a str) -> Header<'a> {
    let mut rest = blanks(text);
    for _ in 0..3 {
        let Some((_, after)) = group(rest).filter(|(inside, _)| !inside.is_empty()) else { break };
        rest = blanks(after.strip_prefix(':').unwrap_or(after));
    }
    let (first, after) = word(rest);
    let next = blanks(after);
    let named = first.strip_suffix(':').or_else(|| next.starts_with("- ").then_some(first));
    if let Some(name) = named.filter(|name| is_name(name)) {
        header.source = Some(name.split(['[', '(']).next().unwrap_or(name));
        rest = next.strip_prefix("- ").unwrap_or(next);
    }
    rest = rest.strip_prefix("- ").or_else(|| rest.strip_prefix(": ")).unwrap_or(rest);
    Header { message: blanks(rest), ..header }
}

/// A program's or logger's name.
fn is_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-$/@[]()*".contains(&b))
}

/// Syslog after its time: `host program[pid]: message`, or `program: message`.
fn program<'a>(mut header: Header<'a>, text: &'a str) -> Header<'a> {
    header.message = text;
    let (first, after) = word(text);
    let (second, rest) = word(blanks(after));
    let tag = |word: &'a str| {
        word.strip_suffix(':').filter(|tag| is_name(tag)).map(|tag| tag.split('[').next().unwrap_or(tag))
    };
    if let Some(source) = tag(first) {
        (header.source, header.message) = (Some(source), blanks(after));
    } else if let Some(source) = tag(second).filter(|_| !first.ends_with(['.', ','])) {
        (header.source, header.message) = (Some(source), blanks(rest));
    }
    if header.source.is_some()
        && let Some((level, after)) = level(header.message).filter(|(level, _)| level.len() > 1)
    {
        (header.level, header.message) = (Some(level), blanks(after));
    }
    header
}

/// `ERROR: message`, `[warn] message`, `INFO:logger:message`; a bare word only in upper case.
fn level_first(line: &str) -> Option<Header<'_>> {
    let mut parts = line.splitn(3, ':');
    if let (Some(level), Some(source), Some(message)) = (parts.next(), parts.next(), parts.next())
        && is_level(level)
        && is_name(source)
    {
        return Some(Header { time: None, level: Some(level), source: Some(source), message: blanks(message) });
    }
    let (level, after) = level(line)?;
    let marked = !line.starts_with(level) || word(line).0.ends_with(':');
    let upper = level.len() > 2 && level.bytes().all(|b| b.is_ascii_uppercase());
    (marked && level.len() > 1 || upper).then(|| logger(Header { level: Some(level), ..Header::default() }, after))
}
