//! The headers of messages, as text that any program can read.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use whittle_bus::{Frame, Headers, Position};
use whittle_domain::timestamp;

/// Version of values and headers.
pub const SCHEMA_VERSION: &str = "1";

/// UUIDv7 of the record.
pub(super) const EVENT_ID: &str = "event-id";
/// Partition and offset in `logs.raw`, like `3-120034`.
pub(super) const RAW_POSITION: &str = "raw-position";
/// What was added to the offset where `logs.raw` was deleted and made again; absent where it never was.
pub(super) const RAW_BASE: &str = "raw-base";
/// The clock of ingestion, as RFC 3339.
pub(super) const RECEIVED_AT: &str = "received-at";
/// [`SCHEMA_VERSION`].
pub(super) const VERSION: &str = "schema-version";
/// The W3C trace that the request belonged to.
pub(super) const TRACEPARENT: &str = "traceparent";
/// The client's `Idempotency-Key`.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A header's value.
pub(super) fn value<'f>(frame: &'f Frame, name: &str) -> Option<&'f Bytes> {
    frame.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn text<'f>(frame: &'f Frame, name: &str) -> Option<&'f str> {
    value(frame, name).and_then(|value| std::str::from_utf8(value).ok())
}

/// Whether this program knows how to read it: messages without a version are other programs', and are taken as of this one.
pub(super) fn is_readable(frame: &Frame) -> bool {
    text(frame, VERSION).is_none_or(|version| version == SCHEMA_VERSION)
}

/// The event id; where another program wrote the message, one that follows from where it stands.
pub(super) fn event_id(frame: &Frame, topic: &str) -> u128 {
    let said = text(frame, EVENT_ID).and_then(|id| Uuid::try_parse(id).ok());
    said.map_or_else(|| derived_id(topic, frame.partition, frame.base_offset), |id| id.as_u128())
}

fn derived_id(topic: &str, partition: u32, offset: u64) -> u128 {
    let mut hash = Sha256::new();
    hash.update(topic.as_bytes());
    hash.update([0]);
    hash.update(partition.to_be_bytes());
    hash.update(offset.to_be_bytes());
    let digest = hash.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    // Version 8: an id of one's own making.
    uuid::Builder::from_custom_bytes(id).into_uuid().as_u128()
}

/// The clock of ingestion; Kafka's own where another program wrote the message.
pub(super) fn received_at(frame: &Frame) -> i64 {
    text(frame, RECEIVED_AT).and_then(timestamp::parse).unwrap_or(frame.time)
}

/// Where the record stands in `logs.raw`.
pub(super) fn raw_position(frame: &Frame) -> Option<Position> {
    let (partition, offset) = text(frame, RAW_POSITION)?.split_once('-')?;
    Some(Position { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
}

/// What was added to the offset in `logs.raw`.
pub(super) fn raw_base(frame: &Frame) -> u64 {
    text(frame, RAW_BASE).and_then(|base| base.parse().ok()).unwrap_or(0)
}

/// The headers of a record that a stage writes.
pub(super) fn of_record(event_id: u128, position: Option<Position>, received_at: i64, trace: Option<Bytes>) -> Headers {
    let mut headers = Headers::with_capacity(5);
    let mut id = Uuid::encode_buffer();
    let id = Uuid::from_u128(event_id).hyphenated().encode_lower(&mut id);
    headers.push((EVENT_ID.to_owned(), Bytes::copy_from_slice(id.as_bytes())));
    if let Some(Position { partition, offset }) = position {
        headers.push((RAW_POSITION.to_owned(), Bytes::from(format!("{partition}-{offset}"))));
    }
    headers.push((RECEIVED_AT.to_owned(), Bytes::from(timestamp::to_string(received_at))));
    headers.push((VERSION.to_owned(), Bytes::from_static(SCHEMA_VERSION.as_bytes())));
    if let Some(trace) = trace {
        headers.push((TRACEPARENT.to_owned(), trace));
    }
    headers
}
