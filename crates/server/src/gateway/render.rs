//! An event as the JSON of the stream, joined with what is known of its pattern now.

use std::io::Write as _;
use std::sync::Arc;

use uuid::Uuid;
use whittle_domain::{Batch, Level, Row, timestamp};
use whittle_patterns::PatternId;

/// What is known of patterns: asked once for each event that is sent.
pub trait InsightLookup: Send + Sync {
    /// The `insight` object of a line of this pattern and level, as JSON.
    fn json(&self, pattern: PatternId, level: Level) -> Arc<str>;

    /// The pattern that an id, once shown, stands for now.
    fn resolve(&self, pattern: PatternId) -> PatternId;
}

/// Appends the `payload` of a row.
pub(super) fn event(batch: &Batch, row: &Row, insights: &dyn InsightLookup, out: &mut Vec<u8>) {
    let text = batch.text(row);
    let pattern = insights.resolve(row.pattern);
    out.extend_from_slice(b"{\"source\":");
    string(text.source, out);
    out.extend_from_slice(b",\"level\":\"");
    out.extend_from_slice(row.level.as_str().as_bytes());
    out.extend_from_slice(b"\",\"message\":");
    string(text.message, out);
    out.extend_from_slice(b",\"timestamp\":\"");
    timestamp::write(row.timestamp, out);
    out.extend_from_slice(b"\",\"insight\":");
    out.extend_from_slice(insights.json(pattern, row.level).as_bytes());
    out.extend_from_slice(b",\"context\":");
    out.extend_from_slice(if text.context.is_empty() { b"{}" } else { text.context.as_bytes() });
    if !text.level_text.is_empty() {
        out.extend_from_slice(b",\"levelText\":");
        string(text.level_text, out);
    }
    out.extend_from_slice(b",\"receivedAt\":\"");
    timestamp::write(row.received_at, out);
    // Writing to memory cannot fail.
    let _ = write!(out, "\",\"seq\":\"{}-{}\",\"patternId\":\"{pattern}\",\"eventId\":\"", row.partition, row.offset);
    let mut id = Uuid::encode_buffer();
    out.extend_from_slice(Uuid::from_u128(row.event_id).hyphenated().encode_lower(&mut id).as_bytes());
    out.extend_from_slice(b"\"}");
}

/// Appends a JSON string.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    // Writing to memory cannot fail, nor can a string be no JSON.
    let _ = serde_json::to_writer(out, text);
}
