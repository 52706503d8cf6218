//! Lines into records.

use std::borrow::Cow;
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use whittle_domain::raw::{self, Limits, ParseError};
use whittle_domain::{BodyFormat, timestamp};
use whittle_patterns::parse_header;

use super::args::SendArgs;
use super::stamp::{self, Zone};

/// Which lines are records as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON objects with a message are; all others are messages.
    Auto,
    /// All.
    Json,
    /// None.
    Plain,
}

/// Makes records of the lines of one input.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    pub form: Form,
    pub source: String,
    pub zone: Zone,
}

/// What a line became.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A record, which stands in the given buffer.
    Record {
        /// Bytes that are no UTF-8 became U+FFFD.
        mended: bool,
    },
    /// Nothing: an empty line.
    Blank,
    /// No server will take it, for this reason.
    Refused(String),
}

/// A plain line as a record.
#[derive(Serialize)]
struct Plain<'a> {
    source: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<WrittenLevel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

/// A level as written, or the severity of a syslog priority.
#[derive(Serialize)]
#[serde(untagged)]
enum WrittenLevel<'a> {
    Name(&'a str),
    Severity(u32),
}

/// The fields that decide what becomes of a JSON line.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

impl Recorder {
    /// For an input of this path; none is standard input.
    pub(super) fn new(args: &SendArgs, path: Option<&Path>) -> Self {
        let form = match (args.json, args.plain) {
            (true, _) => Form::Json,
            (_, true) => Form::Plain,
            _ => Form::Auto,
        };
        let stem = path.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        let source = args.source.clone().or(stem).unwrap_or_else(|| "stdin".to_owned());
        Recorder { form, source: cut(&source, Limits::default().source_bytes).to_owned(), zone: args.zone }
    }

    /// Turns a line, without its end, into a record in `out`. `now` in microseconds since 1970.
    pub(super) fn record(&self, line: &[u8], now: i64, out: &mut Vec<u8>) -> Line {
        out.clear();
        let text = String::from_utf8_lossy(line);
        let mended = matches!(text, Cow::Owned(_));
        if text.is_empty() || (self.form == Form::Json && text.trim_ascii().is_empty()) {
            return Line::Blank;
        }
        match self.json(&text, out) {
            Some(Ok(())) => Line::Record { mended },
            Some(Err(reason)) => Line::Refused(reason),
            None => {
                self.plain(&text, now, out);
                Line::Record { mended }
            }
        }
    }

    /// The line as the record that it is; nothing where it is a message.
    fn json(&self, text: &str, out: &mut Vec<u8>) -> Option<Result<(), String>> {
        let object = text.trim_ascii();
        if self.form == Form::Plain || (self.form == Form::Auto && !object.starts_with('{')) {
            return None;
        }
        let source = match serde_json::from_str::<Probe<'_>>(object) {
            Ok(Probe { message: Some(_), source }) => source,
            Ok(Probe { message: None, source }) if self.form == Form::Json => source,
            // Duplicate keys, say, of which the last wins.
            Err(_) if self.form == Form::Json || check(object.as_bytes()).is_ok() => Some(RawValue::NULL),
            _ => return None,
        };
        match (source, object.strip_prefix('{')) {
            (None, Some(rest)) => {
                out.extend_from_slice(b"{\"source\":");
                string(&self.source, out);
                let empty = rest.trim_ascii_start().starts_with('}');
                out.extend_from_slice(if empty { b"" } else { b"," });
                out.extend_from_slice(rest.as_bytes());
            }
            _ => out.extend_from_slice(object.as_bytes()),
        }
        Some(check(out))
    }

    fn plain(&self, line: &str, now: i64, out: &mut Vec<u8>) {
        let header = parse_header(line);
        let severity = |text: &str| text.parse::<u32>().map(|priority| WrittenLevel::Severity(priority % 8)).ok();
        let plain = Plain {
            source: &self.source,
            message: line,
            level: header.level.map(|level| severity(level).unwrap_or(WrittenLevel::Name(level))),
            timestamp: header.time.and_then(|time| stamp::read(time, now, self.zone)).map(timestamp::to_string),
        };
        // Plain data always becomes JSON.
        let _ = serde_json::to_writer(out, &plain);
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    // A string always becomes JSON.
    let _ = serde_json::to_writer(out, text);
}

/// Checks a record as ingestion will, but for its size, which is the server's to judge.
fn check(record: &[u8]) -> Result<(), String> {
    let limits = Limits { record_bytes: usize::MAX, ..Limits::default() };
    match raw::parse(Bytes::copy_from_slice(record), BodyFormat::Ndjson, &limits) {
        Ok(_) => Ok(()),
        Err(ParseError::TooLarge(reason)) => Err(reason),
        Err(ParseError::Invalid(invalid)) => {
            let field = invalid.field_errors.iter().next().map(|(key, errors)| {
                let name = key.split_once('.').map_or(key.as_str(), |(_, name)| name);
                format!("{name}: {}", errors.first().map_or("invalid", String::as_str))
            });
            let form = invalid.form_errors.first().map(|error| error.trim_start_matches("record 0: ").to_owned());
            Err(form.or(field).unwrap_or_else(|| "invalid".to_owned()))
        }
    }
}

/// The longest start of a text that has so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use whittle_domain::Level;

    use super::*;

    fn recorder(form: Form) -> Recorder {
        Recorder { form, source: "app".into(), zone: Zone::default() }
    }

    fn made(form: Form, line: &str) -> Result<Value, Line> {
        let mut out = Vec::new();
        match recorder(form).record(line.as_bytes(), 1_772_366_400_000_000, &mut out) {
            Line::Record { .. } => Ok(serde_json::from_slice(&out).expect("valid JSON")),
            other => Err(other),
        }
    }

    #[test]
    fn a_plain_line_stays_whole_and_its_head_is_read() {
        for (line, level, time) in [
            ("it works", Value::Null, Value::Null),
            ("2026-02-24T16:40:31.123Z ERROR it broke", json!("ERROR"), json!("2026-02-24T16:40:31.123Z")),
            ("<34>Feb 11 22:14:15 host su: failed", json!(2), json!("2026-02-11T22:14:15.000Z")),
            ("I0224 16:40:31.5   12 a.go:1] Hi", json!("I"), json!("2026-02-24T16:40:31.500Z")),
            ("16:40:31 WARN late\t\u{0}", json!("WARN"), Value::Null),
        ] {
            let record = made(Form::Auto, line).expect("a record");
            assert_eq!(record["message"], line);
            assert_eq!(
                (&record["level"], &record["timestamp"], &record["source"]),
                (&level, &time, &json!("app")),
                "{line}"
            );
            assert_eq!(check(record.to_string().as_bytes()), Ok(()), "{line}");
        }
        assert_eq!(Level::from_number(2.0), Some(Level::Error), "what the severity means");
    }

    #[test]
    fn json_lines_are_records_and_get_a_source_where_they_have_none() {
        let whole = r#"{"source":"a","message":"m","level":30,"extra":{"x":[1]}}"#;
        assert_eq!(made(Form::Auto, whole).expect("a record"), serde_json::from_str::<Value>(whole).expect("JSON"));
        assert_eq!(made(Form::Auto, r#" {"message":"m"} "#), Ok(json!({ "source": "app", "message": "m" })));
        let twice = r#"{"source":"a","message":"m","message":"n"}"#;
        assert_eq!(made(Form::Auto, twice).expect("a record")["message"], "n");
        let plain = made(Form::Plain, whole).expect("a record");
        assert_eq!(plain["message"], whole);
    }

    #[test]
    fn other_json_is_a_message_unless_all_lines_are_json() {
        for line in [r#"{"msg":"m"}"#, "{}", "[1]", "{broken", "\"text\"", r#"{"message":7}"#] {
            assert_eq!(made(Form::Auto, line).expect("a record")["message"], line);
            assert!(matches!(made(Form::Json, line), Err(Line::Refused(_))), "{line}");
        }
        let reason = |line| match made(Form::Json, line) {
            Err(Line::Refused(reason)) => reason,
            other => panic!("{other:?} for {line}"),
        };
        assert_eq!(reason("{}"), "message: Required");
        assert_eq!(reason(r#"{"message":"m","source":""}"#), "source: String must contain at least 1 character(s)");
        assert!(reason("{broken").starts_with("invalid JSON"), "{}", reason("{broken"));
        assert!(reason(r#"{"message":"m","timestamp":"soon"}"#).starts_with("timestamp: "));
    }

    #[test]
    fn blank_lines_are_left_out_and_broken_text_is_mended() {
        let mut out = Vec::new();
        assert_eq!(recorder(Form::Auto).record(b"", 0, &mut out), Line::Blank);
        assert_eq!(recorder(Form::Json).record(b"  \t", 0, &mut out), Line::Blank);
        assert_eq!(made(Form::Auto, "  ").expect("a record")["message"], "  ");
        assert_eq!(recorder(Form::Auto).record(b"a\xff\xc3", 0, &mut out), Line::Record { mended: true });
        assert_eq!(serde_json::from_slice::<Value>(&out).expect("JSON")["message"], "a\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_source_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }

    proptest! {
        #[test]
        fn any_line_becomes_a_valid_record(line: Vec<u8>) {
            let mut out = Vec::new();
            if matches!(recorder(Form::Auto).record(&line, 0, &mut out), Line::Record { .. }) {
                prop_assert_eq!(check(&out), Ok(()));
                prop_assert!(!out.contains(&b'\n'));
            }
        }
    }
}
