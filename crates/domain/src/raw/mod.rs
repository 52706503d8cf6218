//! Records as they were ingested: parsed and checked, nothing changed yet.
//!
//! [`parse`] reads a request's body (one JSON object, an array, or NDJSON) and
//! keeps pointing into it: text without escapes is never copied. The same
//! function reads a body back from `logs.raw`, so both give the same records.

mod depth;
mod errors;
mod names;
mod record;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use memchr::memchr;

pub use depth::deeper_than;
pub use errors::{Invalid, ParseError};

use crate::Span;

/// How a body holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// One object, or an array of objects.
    Json,
    /// An object a line; blank lines don't count.
    Ndjson,
}

/// What a body may hold at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records in one body.
    pub records: usize,
    /// Bytes of one record's JSON.
    pub record_bytes: usize,
    /// Bytes of `source`.
    pub source_bytes: usize,
    /// Objects and arrays within each other.
    pub depth: usize,
    /// Top-level fields of one record that the contract does not name.
    pub fields: usize,
    /// The same of all records of a body: each is remembered, and may be shorter than what remembers it.
    pub body_fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            records: 50_000,
            record_bytes: 1 << 20,
            source_bytes: 256,
            depth: 64,
            fields: 1024,
            body_fields: 4 << 20,
        }
    }
}

impl Limits {
    /// The bounds for reading back what was accepted under other, perhaps wider settings.
    pub fn replay() -> Self {
        let any = usize::MAX;
        Limits { records: any, record_bytes: any, source_bytes: any, depth: 128, fields: any, body_fields: any }
    }
}

/// A level as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum RawLevel {
    /// There was none.
    #[default]
    Absent,
    /// A string.
    Text(Span),
    /// A number.
    Number(f64),
}

/// A top-level field that the contract does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extra {
    /// Its name, unescaped.
    pub name: Span,
    /// Its value as JSON text.
    pub value: Span,
}

/// One record; spans point into its [`RawBatch`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RawRow {
    /// The record's own JSON, as it stands in the body.
    pub json: Span,
    /// Who sent it; not empty.
    pub source: Span,
    /// What was sent; not empty.
    pub message: Span,
    /// The level.
    pub level: RawLevel,
    /// Microseconds since 1970, when the client said.
    pub timestamp: Option<i64>,
    /// JSON text of the context object, or empty.
    pub context: Span,
    /// First of the row's fields in [`RawBatch::extras`].
    pub extras_start: u32,
    /// How many there are.
    pub extras_len: u32,
}

/// The records of one body.
#[derive(Debug, Clone, PartialEq)]
pub struct RawBatch {
    body: Bytes,
    scratch: String,
    rows: Vec<RawRow>,
    extras: Vec<Extra>,
    single: bool,
}

impl RawBatch {
    /// The records, in the order of the body.
    pub fn rows(&self) -> &[RawRow] {
        &self.rows
    }

    /// Whether the body was one object rather than a list of them.
    pub fn is_single(&self) -> bool {
        self.single
    }

    /// The body that the records were read from.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The unknown fields of a row.
    pub fn extras(&self, row: &RawRow) -> &[Extra] {
        &self.extras[row.extras_start as usize..(row.extras_start + row.extras_len) as usize]
    }

    /// The text under a span: of the body, or of the text that had to be unescaped.
    pub fn str(&self, span: Span) -> &str {
        let range = span.range();
        if range.start >= self.body.len() && !range.is_empty() {
            let shift = self.body.len();
            &self.scratch[range.start - shift..range.end - shift]
        } else {
            self.text().get(range).unwrap_or_default()
        }
    }

    /// The body as text. Checking each span anew would cost as much as all the rest that the normalizer does with it.
    fn text(&self) -> &str {
        // SAFETY: `parse` alone makes a batch, and only of a body that it found to be UTF-8 as a whole; `Bytes` never change.
        unsafe { std::str::from_utf8_unchecked(&self.body) }
    }

    /// Bytes of memory that the batch holds.
    pub fn memory(&self) -> usize {
        let lists = self.rows.capacity() * size_of::<RawRow>() + self.extras.capacity() * size_of::<Extra>();
        self.body.len() + self.scratch.capacity() + lists
    }
}

/// Reads and checks a body.
///
/// # Errors
/// [`ParseError::Invalid`] when a record breaks the contract or there is none (then no record of the body counts),
/// [`ParseError::TooLarge`] when the body has too many records or one that is too large.
pub fn parse(body: Bytes, format: BodyFormat, limits: &Limits) -> Result<RawBatch, ParseError> {
    let Ok(text) = std::str::from_utf8(&body) else {
        return Err(Invalid::form("the body is not valid UTF-8").into());
    };
    let rows_guess = if format == BodyFormat::Ndjson { text.len() / 128 + 1 } else { 1 };
    let mut parser = record::Parser::new(text, limits, rows_guess.min(limits.records));
    let single = match format {
        BodyFormat::Ndjson => parse_lines(text, &mut parser).map(|()| false)?,
        BodyFormat::Json => parse_json(text, &mut parser)?,
    };
    let (scratch, rows, extras) = parser.finish(single)?;
    Ok(RawBatch { scratch, rows, extras, single, body })
}

fn parse_lines<'t>(text: &'t str, parser: &mut record::Parser<'t>) -> Result<(), ParseError> {
    let mut rest = text;
    while !rest.is_empty() && !parser.is_full() {
        let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or("");
        if !line.trim_ascii().is_empty() {
            parser.record(line)?;
        }
    }
    Ok(())
}

/// Reads one object or an array of them; says whether it was one object.
fn parse_json<'t>(text: &'t str, parser: &mut record::Parser<'t>) -> Result<bool, ParseError> {
    if !text.trim_ascii_start().starts_with('[') {
        if text.trim_ascii().is_empty() {
            return Err(Invalid::form("the body is empty: send a record, an array of records, or NDJSON").into());
        }
        parser.single();
        parser.record(text)?;
        return Ok(true);
    }
    if deeper_than(text, parser.limits().depth + 1) {
        return Err(Invalid::form("objects and arrays are nested too deeply").into());
    }
    parse_array(text, parser).map(|()| false)
}

/// Reads the elements one by one: a list of them could be many times as large as their text.
fn parse_array<'t>(text: &'t str, parser: &mut record::Parser<'t>) -> Result<(), ParseError> {
    // After the last element, or after the opening bracket.
    let mut end = text.len() - text.trim_ascii_start().len() + 1;
    for element in sonic_rs::to_array_iter(text) {
        let element = element.map_err(|e| Invalid::form(errors::json_error(text, &e)))?;
        let json = errors::slice_of(text, element.as_raw_str());
        parser.record(json)?;
        if parser.is_full() {
            return Ok(());
        }
        end = (json.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize).wrapping_add(json.len());
    }
    match text.get(end..).and_then(|rest| rest.trim_ascii_start().strip_prefix(']')).map(str::trim_ascii) {
        Some("") => Ok(()),
        _ => Err(Invalid::form("invalid JSON: trailing characters after the array").into()),
    }
}
