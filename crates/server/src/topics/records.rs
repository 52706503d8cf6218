//! The values of `logs.normalized` and `logs.insights`: rows as JSON, and back.

use std::borrow::Cow;
use std::io::Write as _;

use serde::Deserialize;
use sonic_rs::{JsonValueTrait as _, LazyValue};
use uuid::Uuid;
use whittle_bus::Frame;
use whittle_domain::{Batch, BatchBuilder, Level, Row, Span, timestamp};
use whittle_patterns::PatternId;

use super::heads;

/// Why a message of `logs.normalized` or `logs.insights` cannot be read: it goes to the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A later program wrote it.
    #[error("its schema-version is not one that this version reads")]
    Version,
    /// The value is no record.
    #[error("it is no record: {0}")]
    Json(String),
    /// A time cannot be read.
    #[error("its {0} is no time")]
    Time(&'static str),
    /// Nothing says where it stands in `logs.raw`.
    #[error("neither its header raw-position nor its seq says where it stands in logs.raw")]
    Position,
}

/// Appends a row as the value of `logs.normalized`.
pub fn push_normalized(batch: &Batch, row: &Row, out: &mut Vec<u8>) {
    push_common(batch, row, out);
    out.push(b'}');
}

/// Appends a row as the value of `logs.insights`; `insight` is the JSON of what is known of its pattern.
pub fn push_insight(batch: &Batch, row: &Row, insight: &str, out: &mut Vec<u8>) {
    push_common(batch, row, out);
    // Writing to memory cannot fail.
    let _ = write!(out, ",\"seq\":\"{}-{}\",\"patternId\":\"{}\",\"insight\":", row.partition, row.offset, row.pattern);
    out.extend_from_slice(insight.as_bytes());
    out.push(b'}');
}

fn push_common(batch: &Batch, row: &Row, out: &mut Vec<u8>) {
    let text = batch.text(row);
    let mut id = Uuid::encode_buffer();
    out.extend_from_slice(b"{\"eventId\":\"");
    out.extend_from_slice(Uuid::from_u128(row.event_id).hyphenated().encode_lower(&mut id).as_bytes());
    out.extend_from_slice(b"\",\"source\":");
    push_string(text.source, out);
    out.extend_from_slice(b",\"level\":\"");
    out.extend_from_slice(row.level.as_str().as_bytes());
    out.extend_from_slice(b"\",\"message\":");
    push_string(text.message, out);
    out.extend_from_slice(b",\"timestamp\":\"");
    timestamp::write(row.timestamp, out);
    out.extend_from_slice(b"\",\"receivedAt\":\"");
    timestamp::write(row.received_at, out);
    out.extend_from_slice(b"\",\"context\":");
    out.extend_from_slice(if text.context.is_empty() { b"{}" } else { text.context.as_bytes() });
    if !text.level_text.is_empty() {
        out.extend_from_slice(b",\"levelText\":");
        push_string(text.level_text, out);
    }
}

fn push_string(text: &str, out: &mut Vec<u8>) {
    // Writing to memory cannot fail, nor can a string be no JSON.
    let _ = serde_json::to_writer(out, text);
}

/// What a reader of these topics needs of a value; what a later program adds is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    #[serde(borrow, default)]
    event_id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    level: Level,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    received_at: Cow<'a, str>,
    #[serde(borrow, default)]
    context: Option<LazyValue<'a>>,
    #[serde(borrow, default)]
    level_text: Cow<'a, str>,
    #[serde(borrow, default)]
    seq: Cow<'a, str>,
    #[serde(borrow, default)]
    pattern_id: Cow<'a, str>,
}

/// Adds the record of a message to a batch.
pub(super) fn push_row(frame: &Frame, topic: &str, batch: &mut BatchBuilder) -> Result<(), RecordError> {
    if !heads::is_readable(frame) {
        return Err(RecordError::Version);
    }
    let value: Value<'_> =
        sonic_rs::from_slice(&frame.body).map_err(|error| RecordError::Json(first_line(&error.to_string())))?;
    let time = |text: &str, name| timestamp::parse(text).ok_or(RecordError::Time(name));
    let (timestamp, received_at) = (time(&value.timestamp, "timestamp")?, time(&value.received_at, "receivedAt")?);
    let (partition, offset) = position(frame, &value.seq).ok_or(RecordError::Position)?;
    let event_id = Uuid::try_parse(&value.event_id).map_or_else(|_| heads::event_id(frame, topic), |id| id.as_u128());
    let source = batch.push_text(&value.source);
    let message = batch.push_text(&value.message);
    let context = push_context(value.context.as_ref(), batch);
    let level_text = if value.level_text.is_empty() { Span::default() } else { batch.push_text(&value.level_text) };
    batch.push_row(Row {
        partition,
        offset,
        event_id,
        timestamp,
        received_at,
        level: value.level,
        source,
        message,
        context,
        level_text,
        vars_start: 0,
        vars_len: 0,
        form: Default::default(),
        pattern: value.pattern_id.parse::<PatternId>().unwrap_or_default(),
    });
    Ok(())
}

/// An empty object is no context, as with records that never left the process.
fn push_context(context: Option<&LazyValue<'_>>, batch: &mut BatchBuilder) -> Span {
    let text = context.filter(|context| context.is_object()).map_or("", |context| context.as_raw_str());
    let inner = text.trim_ascii().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match inner {
        Some(inner) if !inner.trim_ascii().is_empty() => batch.push_text(text),
        _ => Span::default(),
    }
}

fn position(frame: &Frame, seq: &str) -> Option<(u32, u64)> {
    if let Some(position) = heads::raw_position(frame) {
        return Some((position.partition, position.offset));
    }
    let (partition, offset) = seq.split_once('-')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

/// The library's words show the payload from their second line on.
fn first_line(words: &str) -> String {
    words.lines().next().unwrap_or_default().to_owned()
}
