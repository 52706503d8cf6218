//! A batch as it is stored: which rows are new, the bytes of both `COPY`s, the counts.

use hashbrown::HashMap;
use whittle_domain::{Batch, Row, RowText};
use whittle_history::Positions;

use super::days::{DAY, of_day};
use crate::copy::CopyRows;
use crate::identity::row_id;
use crate::series::KeyRef;
use crate::text::{exact, storable};

const MINUTE: i64 = 60_000_000;

/// Rows of a batch that are not stored yet, and where they end.
#[derive(Debug)]
pub(crate) struct Fresh {
    rows: Vec<u32>,
    /// For each partition of these rows where it stood, and where it stands once they are stored.
    pub(crate) moved: Vec<(u32, u64, u64)>,
}

impl Fresh {
    /// The rows at or above the positions.
    pub(crate) fn of(batch: &Batch, positions: &Positions) -> Fresh {
        let mut fresh = Fresh { rows: Vec::with_capacity(batch.len()), moved: Vec::new() };
        let mut current: Option<usize> = None;
        for (at, row) in batch.rows().iter().enumerate() {
            let known = current.filter(|&at| fresh.moved[at].0 == row.partition);
            let of = known.unwrap_or_else(|| fresh.partition(row.partition, positions));
            current = Some(of);
            let next = &mut fresh.moved[of].2;
            if row.offset >= *next {
                *next = row.offset + 1;
                fresh.rows.push(at as u32);
            }
        }
        fresh.moved.retain(|(_, known, next)| next > known);
        fresh
    }

    fn partition(&mut self, partition: u32, positions: &Positions) -> usize {
        if let Some(at) = self.moved.iter().position(|(known, _, _)| *known == partition) {
            return at;
        }
        let next = positions.get(&partition).copied().unwrap_or(0);
        self.moved.push((partition, next, next));
        self.moved.len() - 1
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows, each with its place in the batch.
    pub(crate) fn rows<'b>(&self, batch: &'b Batch) -> impl Iterator<Item = (usize, &'b Row)> {
        self.rows.iter().filter_map(move |&at| Some((at as usize, batch.rows().get(at as usize)?)))
    }
}

/// A row's series, as it is looked up.
pub(crate) fn key<'b>(batch: &'b Batch, row: &Row) -> KeyRef<'b> {
    KeyRef { source: batch.str(row.source), level: row.level, form: row.form }
}

/// What the rows' bytes need beside the batch.
pub(crate) struct Known<'a> {
    /// The series of each new row.
    pub(crate) series: &'a [i32],
    /// The insight of a series.
    pub(crate) insights: &'a HashMap<i32, String>,
    /// Insights that rows bring with them, by their place in the batch.
    pub(crate) own: Option<&'a [String]>,
    /// Days (since 1970) that rows may be kept under: receipts beyond them count as received at the nearest.
    pub(crate) days: (i32, i32),
    /// PostgreSQL refused something: contexts are looked at more closely.
    pub(crate) careful: bool,
}

/// What is stored of a batch beside its rows.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Rows by minute, series and day.
    pub(crate) cells: HashMap<(i64, i32, i32), i64>,
    /// First timestamp by day and series.
    pub(crate) firsts: HashMap<(i32, i32), i64>,
    /// Rows, first and last timestamp by day and partition.
    pub(crate) days: HashMap<(i32, u32), (i64, i64, i64)>,
}

/// The rows' bytes, and their counts.
pub(crate) fn encode(batch: &Batch, rows: &Fresh, known: &Known<'_>) -> (bytes::Bytes, Counts) {
    let mut copy = CopyRows::new(12, rows.len() * 420);
    let mut counts = Counts::default();
    for ((at, row), &series) in rows.rows(batch).zip(known.series) {
        let day = of_day(row.received_at).clamp(known.days.0, known.days.1);
        let insight = match known.own.and_then(|own| own.get(at)) {
            Some(own) => own,
            None => known.insights.get(&series).map_or("{}", String::as_str),
        };
        push(&mut copy, row, &batch.text(row), Place { series, day, insight, careful: known.careful });
        counts.add(row, series, day);
    }
    (copy.finish(), counts)
}

/// Where a row belongs.
struct Place<'a> {
    series: i32,
    day: i32,
    insight: &'a str,
    careful: bool,
}

/// Columns in the order of [`COLUMNS`].
fn push(copy: &mut CopyRows, row: &Row, text: &RowText<'_>, place: Place<'_>) {
    let malformed = !is_json(text.context, place.careful);
    copy.row();
    copy.bigint(row_id(row.partition, row.offset));
    copy.time(row.timestamp);
    copy.time(row.received_at);
    copy.int(place.series);
    copy.day(place.day);
    copy.bytes(storable(text.source).as_bytes());
    copy.bytes(row.level.as_str().as_bytes());
    copy.bytes(storable(text.message).as_bytes());
    copy.jsonb(place.insight);
    copy.bytes(if text.context.is_empty() || malformed { b"{}" } else { text.context.as_bytes() });
    copy.bytes(storable(text.level_text).as_bytes());
    copy.bytes(&exact(text, malformed).unwrap_or_default());
}

/// The columns of a row.
pub(crate) const COLUMNS: &str =
    "id, timestamp, received_at, series, day, source, level, message, insight, context, level_text, exact";

/// Whether PostgreSQL takes a context as JSON: it is strict about control characters.
fn is_json(context: &str, careful: bool) -> bool {
    let plain = context.bytes().all(|byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r'));
    plain && (!careful || context.is_empty() || serde_json::from_str::<&serde_json::value::RawValue>(context).is_ok())
}

impl Counts {
    fn add(&mut self, row: &Row, series: i32, day: i32) {
        let time = row.timestamp;
        *self.cells.entry((time.div_euclid(MINUTE), series, day)).or_insert(0) += 1;
        let first = self.firsts.entry((day, series)).or_insert(time);
        *first = time.min(*first);
        let of_day = self.days.entry((day, row.partition)).or_insert((0, time, time));
        *of_day = (of_day.0 + 1, of_day.1.min(time), of_day.2.max(time));
    }

    /// The cells as rows of `whittle.fresh`.
    pub(crate) fn cells(&self) -> bytes::Bytes {
        let mut copy = CopyRows::new(4, self.cells.len() * 48);
        for (&(minute, series, day), &rows) in &self.cells {
            copy.row();
            copy.bigint(minute);
            copy.int(series);
            copy.day(day);
            copy.bigint(rows);
        }
        copy.finish()
    }

    /// First and last timestamp of all.
    pub(crate) fn seen(&self) -> (i64, i64) {
        let (first, last) = (self.days.values().map(|day| day.1).min(), self.days.values().map(|day| day.2).max());
        first.zip(last).unwrap_or_default()
    }
}

/// The days that rows may be kept under, by a clock: those that retention keeps, and some ahead.
pub(crate) fn days_around(now: i64, keep_age: std::time::Duration) -> (i32, i32) {
    let keep = i64::try_from(keep_age.as_micros()).unwrap_or(i64::MAX);
    (of_day(now.saturating_sub(keep)) - 2, of_day(now.saturating_add(3 * DAY)))
}
