//! `logs.raw` with one record a message: the JSON as it was sent.

use bytes::Bytes;
use whittle_bus::{Entry, Frame};
use whittle_domain::{Arrival, BodyFormat, Limits, ParseError, RawBatch, raw};

use super::heads::{self, IDEMPOTENCY_KEY, TRACEPARENT};
use crate::ingest::Envelope;

/// Why a message of `logs.raw` cannot be read: it goes to the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// A later program wrote it.
    #[error("its schema-version is not one that this version reads")]
    Version,
    /// It is no record.
    #[error("it is no record: {0}")]
    Body(#[from] ParseError),
    /// It is not one record.
    #[error("it is a list; a message of logs.raw holds one record")]
    List,
}

/// The messages of a request's records, in their order.
pub fn entries(raw: &RawBatch, envelope: &Envelope) -> Vec<Entry> {
    let body = raw.body();
    let mut entries = Vec::with_capacity(raw.rows().len());
    for (index, row) in (0_u128..).zip(raw.rows()) {
        let event_id = envelope.event_id.wrapping_add(index);
        let mut headers = heads::of_record(event_id, None, envelope.received_at, envelope.traceparent.clone());
        headers.extend(envelope.idempotency_key.clone().map(|key| (IDEMPOTENCY_KEY.to_owned(), key)));
        entries.push(Entry {
            key: Bytes::copy_from_slice(raw.str(row.source).as_bytes()),
            partition: None,
            headers,
            // A record's own JSON always stands in the body.
            body: body.slice(row.json.range()),
            count: 1,
            time: envelope.received_at,
        });
    }
    entries
}

/// The record of a message, when and under which id it arrived, and its trace.
///
/// # Errors
/// When it is not one record that ingestion would let through.
pub fn decode(frame: &Frame, topic: &str) -> Result<(RawBatch, Arrival, Option<Bytes>), RawError> {
    if !heads::is_readable(frame) {
        return Err(RawError::Version);
    }
    let raw = raw::parse(frame.body.clone(), BodyFormat::Json, &Limits::replay())?;
    if !raw.is_single() {
        return Err(RawError::List);
    }
    let arrival = Arrival {
        partition: frame.partition,
        base_offset: frame.base_offset,
        received_at: heads::received_at(frame),
        event_id: heads::event_id(frame, topic),
    };
    Ok((raw, arrival, heads::value(frame, TRACEPARENT).cloned()))
}
