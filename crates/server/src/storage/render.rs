//! Rows as JSON. Written by hand: an insight is spliced in as text that was rendered once for its pattern.

use whittle_domain::timestamp;
use whittle_history::{Reader, StoredRow};

use crate::insights::Insights;

/// Appends a JSON string.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a row as `/recent` has it, under the id that its history gives it.
pub(super) fn push_row(out: &mut Vec<u8>, id: u64, row: &StoredRow, insights: &Insights) {
    out.extend_from_slice(format!("{{\"id\":{id},\"seq\":\"{}-{}\"", row.partition, row.offset).as_bytes());
    out.extend_from_slice(b",\"source\":");
    push_string(out, &row.source);
    out.extend_from_slice(b",\"level\":\"");
    out.extend_from_slice(row.level.as_str().as_bytes());
    out.extend_from_slice(b"\",\"message\":");
    push_string(out, &row.message);
    out.extend_from_slice(b",\"timestamp\":\"");
    timestamp::write(row.timestamp, out);
    out.extend_from_slice(b"\",\"receivedAt\":\"");
    timestamp::write(row.received_at, out);
    out.extend_from_slice(b"\",\"insight\":");
    out.extend_from_slice(insights.json(row.pattern, row.level).as_bytes());
    out.extend_from_slice(b",\"context\":");
    out.extend_from_slice(if row.context.is_empty() { b"{}" } else { row.context.as_bytes() });
    if !row.level_text.is_empty() {
        out.extend_from_slice(b",\"levelText\":");
        push_string(out, &row.level_text);
    }
    out.extend_from_slice(format!(",\"patternId\":\"{}\"}}", row.pattern).as_bytes());
}

/// A JSON array of rows.
pub(super) fn rows(rows: &[StoredRow], reader: &dyn Reader, insights: &Insights) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 512 + 2);
    out.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_row(&mut out, reader.id(row), row, insights);
    }
    out.push(b']');
    out
}
