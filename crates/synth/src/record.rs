//! One record, ready to be sent.

use std::sync::Arc;

use whittle_domain::{Level, timestamp};

/// A record as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Microseconds since 1970.
    pub time: i64,
    /// Who sends it.
    pub source: Arc<str>,
    /// Its level.
    pub level: Level,
    /// The level as sent: a name, or digits for a number.
    pub sent_level: &'static str,
    /// The message.
    pub message: String,
    /// A JSON object.
    pub context: String,
}

impl Record {
    /// Appends the record as a JSON object, as `POST /ingest` takes it.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        timestamp::write(self.time, out);
        out.extend_from_slice(b"\",\"source\":");
        string(&self.source, out);
        out.extend_from_slice(b",\"level\":");
        if self.sent_level.bytes().all(|b| b.is_ascii_digit()) {
            out.extend_from_slice(self.sent_level.as_bytes());
        } else {
            string(self.sent_level, out);
        }
        out.extend_from_slice(b",\"message\":");
        string(&self.message, out);
        out.extend_from_slice(b",\"context\":");
        out.extend_from_slice(self.context.as_bytes());
        out.push(b'}');
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    // Writing a string to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}
