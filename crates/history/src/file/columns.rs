//! The rows of one row group as columns, before they are written.

use std::collections::BTreeMap;

use super::filter::{Filter, Gathered};
use super::index::{Group, Offsets};

/// Texts of a column, one after another.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    /// Where each text starts, and where the last ends.
    pub(crate) ends: Vec<i32>,
    pub(crate) bytes: Vec<u8>,
}

impl Default for Texts {
    fn default() -> Self {
        Texts { ends: vec![0], bytes: Vec::new() }
    }
}

impl Texts {
    /// Ends a text whose bytes have been appended. A row group is cut long before 2 GiB.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }

    /// The text of a row.
    pub(crate) fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.ends[row] as usize..self.ends[row + 1] as usize]
    }

    fn only(&self, rows: &[usize]) -> Texts {
        let mut texts = Texts::default();
        rows.iter().for_each(|&row| texts.push(self.get(row)));
        texts
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.end();
    }
}

/// Rows of a row group. All columns are of one length.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) partition: Vec<u32>,
    pub(crate) offset: Vec<u64>,
    pub(crate) timestamp: Vec<i64>,
    pub(crate) received: Vec<i64>,
    /// Index into the series of the file.
    pub(crate) series: Vec<u32>,
    pub(crate) level_text: Texts,
    pub(crate) variables: Texts,
    pub(crate) context: Texts,
    /// The words that touch variables.
    pub(crate) words: Gathered,
    /// The timestamps are far from the receipts.
    pub(crate) late: bool,
}

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.offset.len()
    }

    /// Bytes of text.
    pub(crate) fn text_bytes(&self) -> usize {
        self.level_text.bytes.len() + self.variables.bytes.len() + self.context.bytes.len()
    }

    /// Some of the rows, in this order, without their words.
    pub(crate) fn only(&self, rows: &[usize]) -> Columns {
        fn pick<T: Copy>(from: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| from[row]).collect()
        }
        Columns {
            partition: pick(&self.partition, rows),
            offset: pick(&self.offset, rows),
            timestamp: pick(&self.timestamp, rows),
            received: pick(&self.received, rows),
            series: pick(&self.series, rows),
            level_text: self.level_text.only(rows),
            variables: self.variables.only(rows),
            context: self.context.only(rows),
            words: Gathered::default(),
            late: self.late,
        }
    }

    /// The bounds of the rows; there must be some.
    pub(crate) fn bounds(&self) -> Group {
        let mut offsets: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for (partitions, offset) in self.partition.chunk_by(|a, b| a == b).scan(0, |at, run| {
            let of_run = &self.offset[*at..*at + run.len()];
            *at += run.len();
            Some((run, of_run))
        }) {
            let (first, last) = offset.iter().fold((u64::MAX, 0), |(lo, hi), &o| (lo.min(o), hi.max(o)));
            let all = offsets.entry(partitions[0]).or_insert((first, last));
            *all = (all.0.min(first), all.1.max(last));
        }
        let offsets = offsets.into_iter().map(|(partition, (first, last))| Offsets { partition, first, last });
        Group {
            rows: self.len() as u32,
            late: self.late,
            seen: range(&self.timestamp),
            offsets: offsets.collect(),
            filter: Filter::NONE,
        }
    }
}

/// Least and greatest; (0, 0) of nothing.
pub(crate) fn range(times: &[i64]) -> (i64, i64) {
    let first = times.first().copied().unwrap_or_default();
    times.iter().fold((first, first), |(lo, hi), &t| (lo.min(t), hi.max(t)))
}
