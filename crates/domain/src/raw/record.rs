//! One record: known fields into a [`RawRow`], the rest kept as it is.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sonic_rs::LazyValue;

use super::depth::{deeper_than, has_lone_surrogate};
use super::errors::{self, Invalid, ParseError};
use super::names::Names;
use super::{Extra, Limits, RawLevel, RawRow};
use crate::{Span, timestamp};

const HALF_PAIR: &str = "Half of a surrogate pair is not text";

type Parts = (String, Vec<RawRow>, Vec<Extra>);

/// Collects the records of a body.
pub(super) struct Parser<'t> {
    text: &'t str,
    limits: &'t Limits,
    scratch: String,
    rows: Vec<RawRow>,
    extras: Vec<Extra>,
    names: Names,
    invalid: Invalid,
    index: usize,
    single: bool,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, limits: &'t Limits, rows: usize) -> Self {
        Parser {
            text,
            limits,
            scratch: String::new(),
            rows: Vec::with_capacity(rows),
            extras: Vec::new(),
            names: Names::default(),
            invalid: Invalid::default(),
            index: 0,
            single: false,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        self.limits
    }

    /// The body is one record: error keys carry no index.
    pub(super) fn single(&mut self) {
        self.single = true;
    }

    /// Whether no more errors are taken: what follows changes nothing any more.
    pub(super) fn is_full(&self) -> bool {
        self.invalid.is_full()
    }

    /// Reads the next record, which stands at `json` in the body.
    pub(super) fn record(&mut self, json: &'t str) -> Result<(), ParseError> {
        if self.index == self.limits.records {
            return Err(ParseError::TooLarge(format!("more than {} records in one request", self.limits.records)));
        }
        if json.len() > self.limits.record_bytes {
            let message = format!("record {} is larger than {} bytes", self.index, self.limits.record_bytes);
            return Err(ParseError::TooLarge(message));
        }
        if deeper_than(json, self.limits.depth) {
            self.record_error(format!("nested deeper than {} levels", self.limits.depth));
        } else {
            self.read(json);
        }
        self.index += 1;
        if self.extras.len() > self.limits.body_fields {
            let most = self.limits.body_fields;
            return Err(ParseError::TooLarge(format!("more than {most} unknown fields in one request")));
        }
        Ok(())
    }

    fn read(&mut self, json: &'t str) {
        let mut deserializer = sonic_rs::Deserializer::from_str(json);
        let read = RecordSeed { parser: self }.deserialize(&mut deserializer);
        let read = read.and_then(|row| deserializer.end().map(|()| row));
        match read {
            Ok(row) => {
                let json = self.span(json);
                self.rows.push(RawRow { json, ..row });
            }
            Err(e) => self.record_error(errors::json_error(json, &e)),
        }
    }

    /// What was read, unless something is wrong with it.
    pub(super) fn finish(mut self, single: bool) -> Result<Parts, Invalid> {
        if self.index == 0 && self.invalid.is_empty() {
            self.invalid = Invalid::form("there is no record in the body");
        }
        debug_assert!(single == self.single);
        if self.invalid.is_empty() { Ok((self.scratch, self.rows, self.extras)) } else { Err(self.invalid) }
    }

    fn record_error(&mut self, message: String) {
        if self.invalid.is_full() {
            return;
        }
        let message = if self.single { message } else { format!("record {}: {message}", self.index) };
        self.invalid.form_errors.push(message);
    }

    fn field_error(&mut self, field: &str, message: impl Into<String>) {
        if !self.invalid.is_full() {
            let key = if self.single { field.to_owned() } else { format!("{}.{field}", self.index) };
            self.invalid.field(key, message);
        }
    }

    /// Where a string stands: in the body when it is a part of it, else in the scratch text.
    fn span(&mut self, text: &str) -> Span {
        let start = (text.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if start <= self.text.len() && start + text.len() <= self.text.len() {
            return Span { start: start as u32, len: text.len() as u32 };
        }
        let start = self.text.len() + self.scratch.len();
        self.scratch.push_str(text);
        Span { start: start as u32, len: text.len() as u32 }
    }

    fn required(&mut self, field: &str, value: Scalar) -> Span {
        match value {
            Scalar::Text(span) if span.len > 0 => return span,
            Scalar::Text(_) => self.field_error(field, "String must contain at least 1 character(s)"),
            Scalar::Missing => self.field_error(field, "Required"),
            Scalar::Number(_) | Scalar::Integer(_) => self.field_error(field, "Expected string, received number"),
            Scalar::Other(kind) => self.field_error(field, format!("Expected string, received {kind}")),
        }
        Span::default()
    }

    fn level(&mut self, value: Scalar) -> RawLevel {
        match value {
            Scalar::Missing => RawLevel::Absent,
            Scalar::Text(span) => RawLevel::Text(span),
            Scalar::Integer(n) => RawLevel::Number(n as f64),
            Scalar::Number(n) => RawLevel::Number(n),
            Scalar::Other(kind) => {
                self.field_error("level", format!("Expected string or number, received {kind}"));
                RawLevel::Absent
            }
        }
    }

    fn timestamp(&mut self, value: Scalar) -> Option<i64> {
        let parsed = match value {
            Scalar::Missing => return None,
            Scalar::Text(span) => timestamp::parse(self.text_of(span)),
            Scalar::Integer(n) => timestamp::from_epoch_integer(n),
            Scalar::Number(n) => timestamp::from_epoch_float(n),
            Scalar::Other(kind) => {
                self.field_error("timestamp", format!("Expected string or number, received {kind}"));
                return None;
            }
        };
        if parsed.is_none() {
            let what = "Expected RFC 3339, or an epoch in s, ms, µs or ns, between the years 1970 and 9999";
            self.field_error("timestamp", what);
        }
        parsed
    }

    fn text_of(&self, span: Span) -> &str {
        text_at(self.text, &self.scratch, span)
    }

    /// The context that won, or an empty stretch where there was none.
    fn context(&mut self, json: Span) -> Span {
        let text = self.text_of(json);
        if text.is_empty() {
            return json;
        }
        if !text.starts_with('{') {
            let kind = kind_of(text);
            self.field_error("context", format!("Expected object, received {kind}"));
        } else if has_lone_surrogate(text) {
            self.field_error("context", HALF_PAIR);
        }
        json
    }

    /// Checks the unknown fields that a record is left with. How many they are.
    fn finish_extras(&mut self, row_start: usize) -> u32 {
        let count = self.extras.len() - row_start;
        if self.extras[row_start..].iter().any(|extra| has_lone_surrogate(self.text_of(extra.value))) {
            self.field_error("context", HALF_PAIR);
        }
        if count > self.limits.fields {
            self.record_error(format!("more than {} unknown fields", self.limits.fields));
        }
        count as u32
    }

    /// Of duplicate keys the last wins. One field more than may be is kept, which tells that there were more.
    fn keep_extra(&mut self, row_start: usize, extra: Extra) {
        let (text, scratch) = (self.text, &self.scratch);
        let row = &self.extras[row_start..];
        let name_of = |i: usize| text_at(text, scratch, row[i].name);
        let name = text_at(text, scratch, extra.name);
        match self.names.find(row.len(), name, name_of) {
            Some(i) => self.extras[row_start + i] = extra,
            None if row.len() > self.limits.fields => {}
            None => {
                self.names.add(row.len(), name, name_of);
                self.extras.push(extra);
            }
        }
    }
}

/// The text under a span: of the body, or of what had to be unescaped.
fn text_at<'a>(text: &'a str, scratch: &'a str, span: Span) -> &'a str {
    let range = span.range();
    match range.start.checked_sub(text.len()) {
        Some(start) if !range.is_empty() => &scratch[start..start + range.len()],
        _ => &text[range],
    }
}

/// The kind of a JSON value, by its first character.
fn kind_of(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// A value that should be a string or a number.
#[derive(Clone, Copy, Default)]
enum Scalar {
    #[default]
    Missing,
    Text(Span),
    Integer(i64),
    Number(f64),
    Other(&'static str),
}

struct RecordSeed<'p, 't> {
    parser: &'p mut Parser<'t>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_, '_> {
    type Value = RawRow;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawRow, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_, '_> {
    type Value = RawRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawRow, A::Error> {
        let parser = self.parser;
        let extras_start = parser.extras.len();
        let (mut source, mut message, mut level, mut timestamp) = Default::default();
        let mut context = Span::default();
        while let Some(key) = map.next_key_seed(KeySeed { parser: &mut *parser })? {
            match key {
                Key::Source => source = map.next_value_seed(ScalarSeed { parser: &mut *parser })?,
                Key::Message => message = map.next_value_seed(ScalarSeed { parser: &mut *parser })?,
                Key::Level => level = map.next_value_seed(ScalarSeed { parser: &mut *parser })?,
                Key::Timestamp => timestamp = map.next_value_seed(ScalarSeed { parser: &mut *parser })?,
                Key::Context => context = parser.span(map.next_value::<LazyValue<'de>>()?.as_raw_str()),
                Key::Other(name) => {
                    let value = parser.span(map.next_value::<LazyValue<'de>>()?.as_raw_str());
                    parser.keep_extra(extras_start, Extra { name, value });
                }
            }
        }
        let source = parser.required("source", source);
        if source.len as usize > parser.limits.source_bytes {
            let most = parser.limits.source_bytes;
            parser.field_error("source", format!("String must contain at most {most} byte(s)"));
        }
        Ok(RawRow {
            json: Span::default(),
            source,
            message: parser.required("message", message),
            level: parser.level(level),
            timestamp: parser.timestamp(timestamp),
            context: parser.context(context),
            extras_start: extras_start as u32,
            extras_len: parser.finish_extras(extras_start),
        })
    }
}

enum Key {
    Source,
    Message,
    Level,
    Timestamp,
    Context,
    Other(Span),
}

struct KeySeed<'p, 't> {
    parser: &'p mut Parser<'t>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_, '_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "source" => Key::Source,
            "message" => Key::Message,
            "level" => Key::Level,
            "timestamp" => Key::Timestamp,
            "context" => Key::Context,
            _ => Key::Other(self.parser.span(key)),
        })
    }
}

struct ScalarSeed<'p, 't> {
    parser: &'p mut Parser<'t>,
}

impl<'de> DeserializeSeed<'de> for ScalarSeed<'_, '_> {
    type Value = Scalar;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed<'_, '_> {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(self.parser.span(text)))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(n).map_or(Scalar::Number(n as f64), Scalar::Integer))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(n))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other("boolean"))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("object"))
    }
}
