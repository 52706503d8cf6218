//! A request's records as one entry of `logs.raw`, and back.
//!
//! The embedded bus keeps a body as it was sent (decoded), so a record's bytes are never written anew; the headers say
//! how to read it.

use bytes::Bytes;
use whittle_bus::{Entry, Frame};
use whittle_domain::{Arrival, BodyFormat, Limits, ParseError, RawBatch, raw};

/// Version of the headers and of what they say about the body.
const SCHEMA_VERSION: &[u8] = b"1";

/// What is known of a request beside its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// UUIDv7 of the first record; those after it count up.
    pub event_id: u128,
    /// The clock of ingestion, in microseconds since 1970.
    pub received_at: i64,
    /// The client's `Idempotency-Key`, kept with the records.
    pub idempotency_key: Option<Bytes>,
    /// The trace that the request belongs to.
    pub traceparent: Option<Bytes>,
}

/// Why an entry of `logs.raw` cannot be read: it goes to the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A header is missing or is not what it should be.
    #[error("header {0} is missing or cannot be read")]
    Header(&'static str),
    /// The body is not what ingestion lets through.
    #[error("the body cannot be read: {0}")]
    Body(#[from] ParseError),
    /// The body holds another number of records than the entry takes offsets.
    #[error("{found} records stand where {expected} are announced")]
    Count {
        /// Offsets of the entry.
        expected: u32,
        /// Records in its body.
        found: usize,
    },
}

/// The entry of a request's records.
pub fn encode(raw: &RawBatch, format: BodyFormat, envelope: &Envelope) -> Entry {
    let kind: &[u8] = match format {
        BodyFormat::Json => b"json",
        BodyFormat::Ndjson => b"ndjson",
    };
    let mut headers = vec![
        ("event-id".to_owned(), Bytes::copy_from_slice(&envelope.event_id.to_be_bytes())),
        ("received-at".to_owned(), Bytes::copy_from_slice(&envelope.received_at.to_be_bytes())),
        ("schema-version".to_owned(), Bytes::from_static(SCHEMA_VERSION)),
        ("format".to_owned(), Bytes::from_static(kind)),
    ];
    headers.extend(envelope.idempotency_key.clone().map(|key| ("idempotency-key".to_owned(), key)));
    headers.extend(envelope.traceparent.clone().map(|trace| ("traceparent".to_owned(), trace)));
    let key = raw.rows().first().map(|row| raw.str(row.source)).unwrap_or_default();
    Entry {
        key: Bytes::copy_from_slice(key.as_bytes()),
        partition: None,
        headers,
        body: raw.body().clone(),
        count: raw.rows().len() as u32,
        time: envelope.received_at,
    }
}

/// The records of an entry, and where and when they arrived.
///
/// # Errors
/// When the entry was not made by [`encode`], or is damaged.
pub fn decode(frame: &Frame) -> Result<(RawBatch, Arrival), FrameError> {
    let header = |name: &'static str| {
        frame.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v).ok_or(FrameError::Header(name))
    };
    let event_id = header("event-id")?.as_ref().try_into().map_err(|_| FrameError::Header("event-id"))?;
    let received_at = header("received-at")?.as_ref().try_into().map_err(|_| FrameError::Header("received-at"))?;
    if header("schema-version")?.as_ref() != SCHEMA_VERSION {
        return Err(FrameError::Header("schema-version"));
    }
    let format = match header("format")?.as_ref() {
        b"json" => BodyFormat::Json,
        b"ndjson" => BodyFormat::Ndjson,
        _ => return Err(FrameError::Header("format")),
    };
    let raw = raw::parse(frame.body.clone(), format, &Limits::replay())?;
    if raw.rows().len() != frame.count as usize {
        return Err(FrameError::Count { expected: frame.count, found: raw.rows().len() });
    }
    let arrival = Arrival {
        partition: frame.partition,
        base_offset: frame.base_offset,
        received_at: i64::from_be_bytes(received_at),
        event_id: u128::from_be_bytes(event_id),
    };
    Ok((raw, arrival))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame_of(entry: Entry) -> Frame {
        Frame {
            partition: 0,
            base_offset: 40,
            count: entry.count,
            time: entry.time,
            key: entry.key,
            headers: entry.headers,
            body: entry.body,
        }
    }

    #[test]
    fn what_was_encoded_comes_back() {
        let body = "{\"source\":\"a\",\"message\":\"1\"}\n{\"source\":\"b\",\"message\":\"2\"}";
        let raw = raw::parse(body.into(), BodyFormat::Ndjson, &Limits::default()).expect("valid");
        let envelope = Envelope { event_id: 7, received_at: 9, ..Envelope::default() };
        let (back, arrival) = decode(&frame_of(encode(&raw, BodyFormat::Ndjson, &envelope))).expect("reads");
        assert_eq!(back, raw);
        assert_eq!(arrival, Arrival { partition: 0, base_offset: 40, received_at: 9, event_id: 7 });
    }

    #[test]
    fn a_count_that_does_not_fit_is_an_error() {
        let raw =
            raw::parse(r#"{"source":"a","message":"1"}"#.into(), BodyFormat::Json, &Limits::default()).expect("valid");
        let mut frame = frame_of(encode(&raw, BodyFormat::Json, &Envelope::default()));
        frame.count = 2;
        assert!(matches!(decode(&frame), Err(FrameError::Count { expected: 2, found: 1 })));
    }

    proptest! {
        #[test]
        fn arbitrary_entries_are_errors_and_no_panics(body: Vec<u8>, event_id: Vec<u8>, format in "json|ndjson|x") {
            let entry = Entry {
                headers: vec![
                    ("event-id".into(), event_id.into()),
                    ("received-at".into(), Bytes::from_static(&[0; 8])),
                    ("schema-version".into(), Bytes::from_static(b"1")),
                    ("format".into(), format.into()),
                ],
                body: body.into(),
                count: 1,
                ..Entry::default()
            };
            let _ = decode(&frame_of(entry));
        }
    }
}
