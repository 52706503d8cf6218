//! What stands in the outbox's file: frames with a checksum, each one record.
//!
//! A frame is `magic u32 | length u32 | CRC32C u32 | body`, little-endian, the checksum over length and body. The body is
//! JSON. A reader that meets a damaged frame looks for the next whole one: damage costs its frame alone.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use whittle_domain::alerts::{Notice, NoticeKind};

/// The format that this program writes.
pub(super) const VERSION: u32 = 1;
const MAGIC: [u8; 4] = *b"WOX\x01";
const HEAD: usize = 12;
/// Longest body: a notice has some kilobytes, a list of keys some hundred.
const MAX_BODY: usize = 4 << 20;
/// Keys in one record.
pub(super) const KEYS_A_RECORD: usize = 1_000;

/// A change of the outbox. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Record<'a> {
    /// First in each file.
    Format(u32),
    /// A notice was taken.
    Add { seq: u64, at: i64, sinks: Vec<Cow<'a, str>>, notice: Cow<'a, Notice> },
    /// A sink is done with it: delivered, or given up for a reason.
    Done { seq: u64, at: i64, sink: Cow<'a, str>, dead: Option<Cow<'a, str>> },
    /// Kept of what was given up, where its `Add` is gone.
    Dead { at: i64, sink: Cow<'a, str>, reason: Cow<'a, str>, notice: Cow<'a, Notice> },
    /// Kept of what was taken, where its `Add` is gone.
    Keys(Vec<KnownKey>),
}

/// A notice that was taken once, and is not to be taken again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownKey {
    #[serde(rename = "k")]
    pub key: String,
    #[serde(rename = "n")]
    pub kind: NoticeKind,
    #[serde(rename = "c")]
    pub count: u64,
    #[serde(rename = "t")]
    pub at: i64,
}

/// Appends a record as a frame.
pub(super) fn encode(record: &Record<'_>, out: &mut Vec<u8>) {
    // Records are plain data, which always become JSON.
    let body = serde_json::to_vec(record).unwrap_or_default();
    let length = (body.len() as u32).to_le_bytes();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&length);
    out.extend_from_slice(&crc32c::crc32c_append(crc32c::crc32c(&length), &body).to_le_bytes());
    out.extend_from_slice(&body);
}

/// What was found in a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Scan {
    /// Records, each with the bytes of its frame.
    pub records: Vec<(Record<'static>, u64)>,
    /// Where the last whole frame ends: what follows is the torn tail.
    pub end: usize,
    /// Stretches between whole frames that are no frames.
    pub damaged: u64,
}

/// Reads all whole frames.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < bytes.len() {
        if let Some((body, next)) = frame(bytes, at) {
            match serde_json::from_slice(body) {
                Ok(record) => scan.records.push((record, (next - at) as u64)),
                Err(_) => scan.damaged += 1,
            }
            (at, scan.end) = (next, next);
            continue;
        }
        let Some(next) = next_frame(bytes, at + 1) else { break };
        scan.damaged += 1;
        at = next;
    }
    scan
}

fn next_frame(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    memchr::memmem::find_iter(rest, &MAGIC).map(|at| from + at).find(|&at| frame(bytes, at).is_some())
}

/// The body of the frame at `at`, and where it ends.
fn frame(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let head = bytes.get(at..at + HEAD)?;
    let length = u32::from_le_bytes(head[4..8].try_into().ok()?) as usize;
    let sum = u32::from_le_bytes(head[8..12].try_into().ok()?);
    if head[..4] != MAGIC || length > MAX_BODY {
        return None;
    }
    let body = bytes.get(at + HEAD..at + HEAD + length)?;
    let whole = crc32c::crc32c_append(crc32c::crc32c(&head[4..8]), body) == sum;
    whole.then_some((body, at + HEAD + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for seq in 0..3 {
            encode(&Record::Done { seq, at: 5, sink: "hook".into(), dead: None }, &mut bytes);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_frames() {
        let (bytes, ends) = three();
        for cut in 0..=bytes.len() {
            let scan = scan(&bytes[..cut]);
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            assert_eq!((scan.records.len(), scan.damaged), (whole, 0), "cut at {cut}");
            assert_eq!(scan.end, ends[..whole].last().copied().unwrap_or(0), "cut at {cut}");
        }
    }

    #[test]
    fn each_flipped_bit_costs_one_frame() {
        let (bytes, ends) = three();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let scan = scan(&flipped);
            assert_eq!(scan.records.len(), 2, "bit {bit}");
            // A flip in the last frame looks like a torn tail.
            assert_eq!(scan.damaged, u64::from(bit / 8 < ends[1]), "bit {bit}");
        }
    }
}
