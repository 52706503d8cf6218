//! The normalizer's stage: raw records into rows of one shape.
//!
//! Levels fall into the four, with the original kept; a missing time becomes
//! the time of receipt; unknown fields move into the context; secrets are
//! scrubbed where that is switched on.

mod merge;

use std::fmt::Write as _;
use std::ops::Range;

use crate::raw::{RawBatch, RawLevel, RawRow};
use crate::scrub::Scrubber;
use crate::{Batch, BatchBuilder, Level, Row, Span};

/// Where and when the records of a body arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Partition of `logs.raw`.
    pub partition: u32,
    /// Offset of the first record there.
    pub base_offset: u64,
    /// The clock of ingestion, in microseconds since 1970.
    pub received_at: i64,
    /// Event id of the first record; those after it count up.
    pub event_id: u128,
}

/// Turns raw batches into normalized ones; several small ones become one.
#[derive(Debug, Default)]
pub struct Normalizer {
    scrubber: Option<Scrubber>,
    builder: BatchBuilder,
    /// A merged context before it is scrubbed; kept for its room.
    merged: String,
}

impl Normalizer {
    /// A normalizer that scrubs, if asked to.
    pub fn new(scrubber: Option<Scrubber>) -> Self {
        Normalizer { scrubber, ..Normalizer::default() }
    }

    /// Adds the records of a body that stand in `range`.
    pub fn push(&mut self, raw: &RawBatch, arrival: Arrival, range: Range<usize>) {
        if self.builder.is_empty() {
            self.builder = BatchBuilder::with_capacity(raw.rows().len(), raw.memory() * 3 / 4);
        }
        for (index, row) in range.clone().zip(&raw.rows()[range]) {
            self.push_row(raw, row, arrival, index as u64);
        }
    }

    /// The rows so far, as a batch.
    pub fn take(&mut self) -> Batch {
        std::mem::take(&mut self.builder).finish()
    }

    fn push_row(&mut self, raw: &RawBatch, row: &RawRow, arrival: Arrival, index: u64) {
        let (level, sent) = level_of(raw, row.level);
        let source = self.builder.push_text(raw.str(row.source));
        let message = self.push_scrubbed(raw.str(row.message));
        let context = self.push_context(raw, row);
        let level_text = self.push_sent(sent);
        self.builder.push_row(Row {
            partition: arrival.partition,
            offset: arrival.base_offset + index,
            event_id: arrival.event_id.wrapping_add(u128::from(index)),
            timestamp: row.timestamp.unwrap_or(arrival.received_at),
            received_at: arrival.received_at,
            level,
            source,
            message,
            context,
            level_text,
            vars_start: 0,
            vars_len: 0,
            form: Default::default(),
            pattern: Default::default(),
        });
    }

    fn push_scrubbed(&mut self, text: &str) -> Span {
        match &self.scrubber {
            None => self.builder.push_text(text),
            Some(scrubber) => self.builder.push_text(&scrubber.scrub(text)),
        }
    }

    fn push_sent(&mut self, sent: SentLevel<'_>) -> Span {
        match sent {
            SentLevel::SaysNoMore => Span::default(),
            SentLevel::Text(text) => self.builder.push_text(text),
            SentLevel::Number(n) => self.builder.push_with(|out| {
                // Writing to a string never fails.
                let _ = write!(out, "{n}");
            }),
        }
    }

    fn push_context(&mut self, raw: &RawBatch, row: &RawRow) -> Span {
        let context = raw.str(row.context);
        if row.extras_len == 0 && is_empty_object(context) {
            return Span::default();
        }
        match &self.scrubber {
            None if row.extras_len == 0 => self.builder.push_text(context),
            None => self.builder.push_with(|out| merge::merge(raw, row, context, out)),
            Some(scrubber) if row.extras_len == 0 => self.builder.push_text(&scrubber.scrub_json(context)),
            Some(scrubber) => {
                self.merged.clear();
                merge::merge(raw, row, context, &mut self.merged);
                self.builder.push_text(&scrubber.scrub_json(&self.merged))
            }
        }
    }
}

fn is_empty_object(json: &str) -> bool {
    json.is_empty() || json.strip_prefix('{').is_some_and(|rest| rest.trim_ascii() == "}")
}

/// A level as it was sent, where that is not the level's own name.
enum SentLevel<'a> {
    SaysNoMore,
    Text(&'a str),
    Number(f64),
}

fn level_of(raw: &RawBatch, level: RawLevel) -> (Level, SentLevel<'_>) {
    match level {
        RawLevel::Absent => (Level::Info, SentLevel::SaysNoMore),
        RawLevel::Number(n) => (Level::from_number(n).unwrap_or_default(), SentLevel::Number(n)),
        RawLevel::Text(span) => {
            let text = raw.str(span);
            match Level::from_payload(text) {
                Some(level) => (level, SentLevel::SaysNoMore),
                None => (Level::from_name(text).unwrap_or_default(), SentLevel::Text(text)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{self, BodyFormat, Limits};

    const ARRIVAL: Arrival = Arrival { partition: 0, base_offset: 40, received_at: 1_000_000, event_id: 7 };

    fn normalize(body: &str) -> Batch {
        let raw = raw::parse(body.to_owned().into(), BodyFormat::Json, &Limits::default()).expect("valid");
        let mut normalizer = Normalizer::new(None);
        normalizer.push(&raw, ARRIVAL, 0..raw.rows().len());
        normalizer.take()
    }

    #[test]
    fn fills_in_what_is_missing_and_counts_up() {
        let batch = normalize(r#"[{"source":"a","message":"x"},{"source":"b","message":"y","timestamp":5}]"#);
        let rows = batch.rows();
        assert_eq!((rows[0].offset, rows[0].event_id, rows[0].timestamp), (40, 7, 1_000_000));
        assert_eq!((rows[1].offset, rows[1].event_id, rows[1].timestamp), (41, 8, 5_000_000));
        assert_eq!(rows[0].level, Level::Info);
        assert_eq!(batch.text(&rows[1]).source, "b");
    }

    #[test]
    fn keeps_the_level_as_sent_where_it_says_more() {
        for (level, expected, text) in [
            (r#""info""#, Level::Info, ""),
            (r#""WARNING""#, Level::Warn, "WARNING"),
            (r#""""#, Level::Info, ""),
            (r#""odd""#, Level::Info, "odd"),
            ("50", Level::Error, "50"),
            ("17", Level::Error, "17"),
        ] {
            let batch = normalize(&format!(r#"{{"source":"a","message":"x","level":{level}}}"#));
            let row = &batch.rows()[0];
            assert_eq!((row.level, batch.text(row).level_text), (expected, text), "{level}");
        }
    }

    #[test]
    fn scrubs_message_and_context_where_that_is_on() {
        let body = r#"{"source":"s","message":"mail bob@example.com","context":{ "n": 1.50, "password":"x", "to":"bob@example.com" },"token":7}"#;
        let raw = raw::parse(body.to_owned().into(), BodyFormat::Json, &Limits::default()).expect("valid");
        let mut normalizer = Normalizer::new(Some(Scrubber::mask().expect("compiles")));
        normalizer.push(&raw, ARRIVAL, 0..raw.rows().len());
        let batch = normalizer.take();
        let text = batch.text(&batch.rows()[0]);
        assert_eq!(text.message, "mail <email>");
        assert_eq!(text.context, r#"{ "n": 1.50, "password":"<secret>", "to":"<email>","token":"<secret>"}"#);
    }

    #[test]
    fn unknown_fields_move_into_the_context() {
        for (fields, expected) in [
            (r#""host":"h1""#, r#"{"host":"h1"}"#),
            (r#""context":{},"host":"h1""#, r#"{"host":"h1"}"#),
            (r#""context":{ "a" : 1 },"b":[1, 2]"#, r#"{ "a" : 1,"b":[1, 2]}"#),
            (r#""context":{"a":1},"a":2"#, r#"{"a":1,"field.a":2}"#),
            (r#""context":{"a":1,"field.a":0},"a":2"#, r#"{"a":1,"field.a":0,"field.field.a":2}"#),
            (r#""a":1,"a":2"#, r#"{"a":2}"#),
            (r#""q\"uote":1"#, r#"{"q\"uote":1}"#),
            (r#""context":{ }"#, ""),
            (r#""field.a":3,"context":{"a":1},"a":2"#, r#"{"a":1,"field.a":3,"field.field.a":2}"#),
            (r#""context":{"\u0061":1},"a":2"#, r#"{"\u0061":1,"field.a":2}"#),
            (r#""context":{"b":{"a":1}},"a":2"#, r#"{"b":{"a":1},"a":2}"#),
            (r#""a\u0001\\":1"#, r#"{"a\u0001\\":1}"#),
        ] {
            let batch = normalize(&format!(r#"{{"source":"s","message":"x",{fields}}}"#));
            assert_eq!(batch.text(&batch.rows()[0]).context, expected, "{fields}");
        }
    }

    #[test]
    fn many_unknown_fields_are_told_from_those_of_the_context() {
        let fields: String = (0..100).map(|i| format!(",\"k{i}\":{i}")).collect();
        let batch = normalize(&format!(r#"{{"source":"s","message":"x","context":{{"k70":"own","z":0}}{fields}}}"#));
        let context: serde_json::Value = serde_json::from_str(batch.text(&batch.rows()[0]).context).expect("JSON");
        assert_eq!(context.as_object().map(|o| o.len()), Some(102));
        assert_eq!((&context["k70"], &context["field.k70"]), (&"own".into(), &70.into()));
        assert_eq!(context["k99"], 99);
    }
}
