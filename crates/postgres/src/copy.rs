//! Rows in the binary form of `COPY`.
//!
//! Format: PostgreSQL's documentation, "COPY", "Binary Format": a signature, for each row the number of fields, each with
//! its length, a trailer. Numbers are big-endian; times are microseconds since 2000.

use bytes::{BufMut as _, Bytes, BytesMut};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Microseconds from 1970 to 2000.
const EPOCH: i64 = 946_684_800_000_000;
/// The first microsecond of the year 1, and the last of the year 9999.
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_300_799_999_999;
/// Days from 1970 to 2000.
const EPOCH_DAYS: i32 = 10_957;

/// Rows, as they are sent.
#[derive(Debug)]
pub(crate) struct CopyRows {
    out: BytesMut,
    fields: i16,
}

impl CopyRows {
    /// Rows of so many fields.
    pub(crate) fn new(fields: i16, capacity: usize) -> Self {
        let mut out = BytesMut::with_capacity(capacity + 64);
        out.put_slice(SIGNATURE);
        CopyRows { out, fields }
    }

    /// Starts a row; its fields follow.
    pub(crate) fn row(&mut self) {
        self.out.put_i16(self.fields);
    }

    pub(crate) fn int(&mut self, value: i32) {
        self.out.put_i32(4);
        self.out.put_i32(value);
    }

    pub(crate) fn bigint(&mut self, value: i64) {
        self.out.put_i32(8);
        self.out.put_i64(value);
    }

    /// Microseconds since 1970 as TIMESTAMPTZ. No clock's nonsense may keep a row out: times beyond the years 1 to 9999 are
    /// the nearest of them.
    pub(crate) fn time(&mut self, micros: i64) {
        self.bigint(micros.clamp(FIRST, LAST) - EPOCH);
    }

    /// Days since 1970 as DATE.
    pub(crate) fn day(&mut self, days: i32) {
        self.int(days - EPOCH_DAYS);
    }

    /// TEXT, JSON or BYTEA.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.out.put_i32(value.len() as i32);
        self.out.put_slice(value);
    }

    /// JSONB, from its text.
    pub(crate) fn jsonb(&mut self, json: &str) {
        self.out.put_i32(json.len() as i32 + 1);
        self.out.put_u8(1);
        self.out.put_slice(json.as_bytes());
    }

    /// All of it.
    pub(crate) fn finish(mut self) -> Bytes {
        self.out.put_i16(-1);
        self.out.freeze()
    }
}
