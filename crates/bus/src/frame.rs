//! A frame: an entry as it stands in a segment.
//!
//! Little-endian, 64 bytes of head and then the payload (key, headers, body):
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | magic; its first byte never occurs in UTF-8 |
//! | 4 | 4 | CRC32C of the head from byte 8 on |
//! | 8 | 4 | CRC32C of the payload |
//! | 12 | 4 | length of the payload |
//! | 16 | 8 | generation: a random number of the segment, which tells its frames from what a recycled file held before |
//! | 24 | 8 | offset of the first record |
//! | 32 | 8 | offset up to which the partition was durable before this was written |
//! | 40 | 8 | time of the producer, microseconds since 1970 |
//! | 48 | 4 | count of records; 0 for a mark, which only says what is durable |
//! | 52 | 4 | length of the key |
//! | 56 | 4 | length of the headers |
//! | 60 | 4 | zero |
//!
//! Each header is two lengths of 4 bytes, then name and value. The head has a checksum of its own so that a damaged
//! body leaves its length and count known: the frame behind it is found at once, and what was lost is counted exactly.

use bytes::Bytes;

use crate::api::{Entry, Frame, Headers};

/// Bytes of a frame's head.
pub const HEAD_BYTES: usize = 64;
/// The first bytes of each frame.
pub const MAGIC: [u8; 4] = [0xF5, b'W', b'L', b'F'];

/// What a frame's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the segment that it was written to.
    pub generation: u64,
    /// Offset of its first record.
    pub base_offset: u64,
    /// Offset up to which the partition was durable before it was written.
    pub durable_before: u64,
    /// Microseconds since 1970, by the clock of the producer.
    pub time: i64,
    /// How many records; 0 for a mark.
    pub count: u32,
    payload: u32,
    payload_crc: u32,
    key: u32,
    headers: u32,
}

/// What [`decode`] makes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// A whole frame of [`Head::len`] bytes.
    Whole(Head),
    /// So many bytes are needed to tell.
    Short(usize),
    /// The head is right, the payload is not.
    BadPayload(Head),
    /// Not a frame, or one whose head is damaged.
    BadHead,
}

/// What the writer knows of a frame besides its entry.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Number of the segment.
    pub generation: u64,
    /// Offset of the first record.
    pub base_offset: u64,
    /// Offset up to which the partition is durable.
    pub durable_before: u64,
}

impl Head {
    /// Bytes of the whole frame.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        HEAD_BYTES + self.payload as usize
    }

    /// The offset after its last record.
    pub fn next_offset(&self) -> u64 {
        self.base_offset.saturating_add(u64::from(self.count))
    }

    fn parse(head: &[u8; HEAD_BYTES]) -> Option<Head> {
        if head[..4] != MAGIC || u32_at(head, 4) != crc32c::crc32c(&head[8..]) {
            return None;
        }
        let parsed = Head {
            payload_crc: u32_at(head, 8),
            payload: u32_at(head, 12),
            generation: u64_at(head, 16),
            base_offset: u64_at(head, 24),
            durable_before: u64_at(head, 32),
            time: u64_at(head, 40).cast_signed(),
            count: u32_at(head, 48),
            key: u32_at(head, 52),
            headers: u32_at(head, 56),
        };
        let fits = u64::from(parsed.key) + u64::from(parsed.headers) <= u64::from(parsed.payload);
        (fits && parsed.base_offset.checked_add(u64::from(parsed.count)).is_some()).then_some(parsed)
    }
}

/// Looks for a frame at the start of `input`. Never panics and allocates nothing, whatever the bytes are.
pub fn decode(input: &[u8]) -> Decoded {
    let Some(head) = input.first_chunk() else { return Decoded::Short(HEAD_BYTES) };
    let Some(head) = Head::parse(head) else { return Decoded::BadHead };
    let Some(payload) = input.get(HEAD_BYTES..head.len()) else { return Decoded::Short(head.len()) };
    let start = head.key as usize;
    let sound = head.payload_crc == crc32c::crc32c(payload) && walk(&payload[start..start + head.headers as usize]);
    if sound { Decoded::Whole(head) } else { Decoded::BadPayload(head) }
}

/// The head at the start of `input`, whatever may be with its payload.
pub fn decode_head(input: &[u8]) -> Option<Head> {
    Head::parse(input.first_chunk()?)
}

/// The entry of a frame that [`decode`] found whole, sharing the memory of `bytes`, which starts with the frame.
/// `None` when `bytes` is not that frame.
pub fn open(head: &Head, bytes: &Bytes, partition: u32) -> Option<Frame> {
    if bytes.len() < head.len() {
        return None;
    }
    let key_end = HEAD_BYTES + head.key as usize;
    let headers_end = key_end + head.headers as usize;
    // An empty slice holds no memory, so that a frame without a key keeps none for it.
    Some(Frame {
        partition,
        base_offset: head.base_offset,
        count: head.count,
        time: head.time,
        key: bytes.slice(HEAD_BYTES..key_end),
        headers: open_headers(bytes.slice(key_end..headers_end))?,
        body: bytes.slice(headers_end..head.len()),
    })
}

fn open_headers(mut rest: Bytes) -> Option<Headers> {
    let mut headers = Headers::new();
    while !rest.is_empty() {
        let (name, value) = header_lengths(&rest)?;
        let mut header = rest.split_to(8 + name + value);
        let value = header.split_off(8 + name);
        headers.push((std::str::from_utf8(&header[8..]).ok()?.to_owned(), value));
    }
    Some(headers)
}

/// Whether these are headers from end to end.
fn walk(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some((name, value)) = header_lengths(rest) else { return false };
        if std::str::from_utf8(&rest[8..8 + name]).is_err() {
            return false;
        }
        rest = &rest[8 + name + value..];
    }
    true
}

/// The lengths of the name and the value at the start, which both are there.
fn header_lengths(rest: &[u8]) -> Option<(usize, usize)> {
    let lengths: &[u8; 8] = rest.first_chunk()?;
    let (name, value) = (u64::from(u32_at(lengths, 0)), u64::from(u32_at(lengths, 4)));
    (8 + name + value <= rest.len() as u64).then_some((name as usize, value as usize))
}

/// Bytes that an entry takes beside its frame's head.
pub fn payload_bytes(entry: &Entry) -> usize {
    let headers: usize = entry.headers.iter().map(|(name, value)| 8 + name.len() + value.len()).sum();
    entry.key.len() + headers + entry.body.len()
}

/// Appends the frame of an entry to `out`, all but the body, which belongs right behind. The whole payload has less than
/// 4 GiB.
pub fn encode(entry: &Entry, stamp: Stamp, out: &mut Vec<u8>) {
    let at = out.len();
    out.resize(at + HEAD_BYTES, 0);
    out.extend_from_slice(&entry.key);
    let headers_at = out.len();
    for (name, value) in &entry.headers {
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(value);
    }
    let front = &out[at + HEAD_BYTES..];
    let head = Head {
        generation: stamp.generation,
        base_offset: stamp.base_offset,
        durable_before: stamp.durable_before,
        time: entry.time,
        count: entry.count.max(1),
        payload: (front.len() + entry.body.len()) as u32,
        payload_crc: crc32c::crc32c_append(crc32c::crc32c(front), &entry.body),
        key: entry.key.len() as u32,
        headers: (out.len() - headers_at) as u32,
    };
    out[at..at + HEAD_BYTES].copy_from_slice(&head_bytes(&head));
}

/// A frame without records that says what is durable.
pub fn mark(generation: u64, durable: u64, time: i64) -> [u8; HEAD_BYTES] {
    head_bytes(&Head {
        generation,
        base_offset: durable,
        durable_before: durable,
        time,
        count: 0,
        payload: 0,
        payload_crc: 0,
        key: 0,
        headers: 0,
    })
}

fn head_bytes(head: &Head) -> [u8; HEAD_BYTES] {
    let mut out = [0; HEAD_BYTES];
    out[..4].copy_from_slice(&MAGIC);
    out[8..12].copy_from_slice(&head.payload_crc.to_le_bytes());
    out[12..16].copy_from_slice(&head.payload.to_le_bytes());
    out[16..24].copy_from_slice(&head.generation.to_le_bytes());
    out[24..32].copy_from_slice(&head.base_offset.to_le_bytes());
    out[32..40].copy_from_slice(&head.durable_before.to_le_bytes());
    out[40..48].copy_from_slice(&head.time.to_le_bytes());
    out[48..52].copy_from_slice(&head.count.to_le_bytes());
    out[52..56].copy_from_slice(&head.key.to_le_bytes());
    out[56..60].copy_from_slice(&head.headers.to_le_bytes());
    let crc = crc32c::crc32c(&out[8..]);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
    out
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}
