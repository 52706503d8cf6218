//! Messages come back as the rows that they were.

use whittle_bus::{Entry, Frame};
use whittle_domain::{Batch, BodyFormat, Limits, Normalizer, RawBatch, raw};

use super::heads;
use super::inlet::{Read as _, ReadRaw, ReadRecords};
use super::*;
use crate::ingest::Envelope;

const BODY: &str = r#"[
    {"source":"a","level":"WARN","message":"one\n\"two\" 😀","timestamp":"2026-01-02T03:04:05.678901Z","context":{"n":1.50},"host":"h"},
    {"source":"größe","message":"three"}
]"#;

fn batch() -> RawBatch {
    raw::parse(BODY.into(), BodyFormat::Json, &Limits::default()).expect("valid")
}

fn envelope() -> Envelope {
    let traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    Envelope { event_id: 7 << 100, received_at: 1_767_000_000_123_456, traceparent, ..Envelope::default() }
}

fn frame(entry: Entry, partition: u32, base_offset: u64) -> Frame {
    let Entry { key, headers, body, time, .. } = entry;
    Frame { partition, base_offset, count: 1, time, key, headers, body }
}

fn normalized(frames: &[Frame]) -> (Batch, Traces, Vec<crate::pipeline::DeadLetter>) {
    let (traces, mut rejected) = (Traces::default(), Vec::new());
    let mut read = ReadRaw::new(traces.clone(), Lives::first());
    let mut raws = read.read("logs.raw", frames, &mut rejected);
    let mut stage = crate::pipeline::Normalize::new(None);
    (crate::pipeline::Stage::process(&mut stage, &mut raws), traces, rejected)
}

#[test]
fn raw_messages_come_back_as_the_rows_that_a_whole_body_gives() {
    let (raw, envelope) = (batch(), envelope());
    let entries = entries(&raw, &envelope);
    assert_eq!(entries[1].key.as_ref(), "größe".as_bytes());
    assert!(entries.iter().all(|entry| entry.count == 1));
    let frames: Vec<Frame> = (40..).zip(entries).map(|(offset, entry)| frame(entry, 3, offset)).collect();
    let (rows, traces, rejected) = normalized(&frames);
    assert!(rejected.is_empty());
    let mut whole = Normalizer::new(None);
    let arrival = whittle_domain::Arrival {
        partition: 3,
        base_offset: 40,
        received_at: envelope.received_at,
        event_id: envelope.event_id,
    };
    whole.push(&raw, arrival, 0..2);
    let whole = whole.take();
    for (row, expected) in rows.rows().iter().zip(whole.rows()) {
        assert_eq!(rows.text(row), whole.text(expected));
        assert_eq!((row.partition, row.offset, row.event_id), (expected.partition, expected.offset, expected.event_id));
        assert_eq!((row.timestamp, row.received_at), (expected.timestamp, expected.received_at));
    }
    assert_eq!(traces.get(3, 41), envelope.traceparent);
}

#[test]
fn what_another_program_wrote_is_taken_with_an_id_that_stays() {
    let body = r#"{"source":"a","message":"x"}"#;
    let foreign = Frame {
        partition: 2,
        base_offset: 9,
        count: 1,
        time: 1_767_000_000_123_000,
        key: "a".into(),
        headers: Vec::new(),
        body: body.into(),
    };
    let (rows, ..) = normalized(std::slice::from_ref(&foreign));
    let (again, ..) = normalized(std::slice::from_ref(&foreign));
    assert_eq!(rows.rows()[0].event_id, again.rows()[0].event_id);
    assert_eq!(rows.rows()[0].received_at, foreign.time);
    let (other, ..) = normalized(&[Frame { base_offset: 10, ..foreign }]);
    assert_ne!(rows.rows()[0].event_id, other.rows()[0].event_id);
}

#[test]
fn what_is_no_record_is_rejected_with_its_bytes() {
    let (ok, mut list, mut newer) = (
        frame(entries(&batch(), &envelope()).remove(0), 0, 0),
        frame(entries(&batch(), &envelope()).remove(0), 0, 1),
        frame(entries(&batch(), &envelope()).remove(0), 0, 2),
    );
    list.body = BODY.into();
    for (name, value) in &mut newer.headers {
        if name == heads::VERSION {
            *value = "2".into();
        }
    }
    let (rows, _, rejected) = normalized(&[ok, list, newer]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rejected[0].offset, rejected[0].body.as_ref()), (1, BODY.as_bytes()));
    assert!(rejected[1].reason.contains("schema-version"), "{}", rejected[1].reason);
}

/// A row as a message of a topic, and read back.
fn there_and_back(rows: &Batch, write: impl Fn(&Batch, &whittle_domain::Row, &mut Vec<u8>)) -> Batch {
    let message = |row: &whittle_domain::Row| {
        let mut body = Vec::new();
        write(rows, row, &mut body);
        let position = whittle_bus::Position { partition: row.partition, offset: row.offset };
        let headers = heads::of_record(row.event_id, Some(position), row.received_at, None);
        frame(Entry { headers, body: body.into(), ..Entry::default() }, row.partition, 1_000 + row.offset)
    };
    let frames: Vec<Frame> = rows.rows().iter().map(message).collect();
    let mut rejected = Vec::new();
    let back = ReadRecords::default().read("logs.normalized", &frames, &mut rejected);
    assert_eq!(rejected, []);
    back
}

#[test]
fn rows_survive_both_topics() {
    let frames: Vec<Frame> =
        (40..).zip(entries(&batch(), &envelope())).map(|(offset, entry)| frame(entry, 3, offset)).collect();
    let (mut rows, ..) = normalized(&frames);
    rows.analyse(|_, _, _, _| (Default::default(), whittle_patterns::PatternId(0xabc)));
    for (pattern, back) in [
        (0, there_and_back(&rows, push_normalized)),
        (0xabc, there_and_back(&rows, |batch, row, out| push_insight(batch, row, "{\"summary\":\"s\"}", out))),
    ] {
        assert_eq!(back.len(), 2);
        for (row, expected) in back.rows().iter().zip(rows.rows()) {
            assert_eq!(back.text(row), rows.text(expected));
            assert_eq!((row.partition, row.offset), (expected.partition, expected.offset));
            assert_eq!((row.event_id, row.level), (expected.event_id, expected.level));
            assert_eq!((row.timestamp, row.received_at), (expected.timestamp, expected.received_at));
            assert_eq!(row.pattern.0, pattern);
        }
    }
}

#[test]
fn values_are_those_of_the_contract() {
    let frames: Vec<Frame> =
        (40..).zip(entries(&batch(), &envelope())).map(|(offset, entry)| frame(entry, 3, offset)).collect();
    let (rows, ..) = normalized(&frames);
    let mut out = Vec::new();
    push_insight(&rows, &rows.rows()[0], r#"{"summary":"analysis_failed","confidence":0}"#, &mut out);
    let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    let expected = serde_json::json!({
        "eventId": uuid::Uuid::from_u128(7 << 100).to_string(), "source": "a", "level": "warn", "levelText": "WARN",
        "message": "one\n\"two\" 😀", "timestamp": "2026-01-02T03:04:05.678901Z",
        "receivedAt": whittle_domain::timestamp::to_string(envelope().received_at),
        "context": {"n": 1.5, "host": "h"}, "seq": "3-40", "patternId": "0000000000000000",
        "insight": {"summary": "analysis_failed", "confidence": 0},
    });
    assert_eq!(value, expected);
}
