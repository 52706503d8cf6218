//! The rows of one row group as columns, before they are written.

use std::collections::BTreeMap;

use super::dictionary::Dictionary;
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
        let mut texts = Texts { ends: Vec::with_capacity(rows.len() + 1), bytes: Vec::with_capacity(self.bytes.len()) };
        texts.ends.push(0);
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

    /// The rows by source, those of one source as they came: what one source says is alike and packs well, and a question
    /// about it finds its rows side by side.
    pub(crate) fn by_source(self, dictionary: &Dictionary) -> Columns {
        let source = |&series: &u32| dictionary.series[series as usize].source as usize;
        if self.series.is_sorted_by_key(source) {
            return self;
        }
        let mut starts = vec![0; dictionary.sources.len() + 1];
        self.series.iter().for_each(|series| starts[source(series) + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let mut order = vec![0; self.len()];
        for (row, series) in self.series.iter().enumerate() {
            let place = &mut starts[source(series)];
            order[*place] = row;
            *place += 1;
        }
        let sorted = self.only(&order);
        Columns { words: self.words, ..sorted }
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

#[cfg(test)]
mod tests {
    use whittle_domain::Level;

    use super::super::dictionary::Series;
    use super::*;

    #[test]
    fn rows_of_a_source_stand_together_as_they_came() {
        let series = |source| Series { form: 0, source, level: Level::Info };
        let dictionary = Dictionary {
            sources: vec!["a".into(), "b".into(), "c".into()],
            series: [2, 0, 1, 0].map(series).to_vec(),
            ..Dictionary::default()
        };
        let mut columns = Columns { late: true, ..Columns::default() };
        for (offset, series) in [0, 1, 2, 0, 3, 2, 1].into_iter().enumerate() {
            columns.partition.push(0);
            columns.offset.push(offset as u64);
            columns.timestamp.push(-(offset as i64));
            columns.received.push(offset as i64);
            columns.series.push(series);
            columns.level_text.push(b"");
            columns.variables.push(offset.to_string().as_bytes());
            columns.context.push(b"{}");
        }
        columns.words.add(7);
        let mut sorted = columns.by_source(&dictionary);
        assert_eq!(sorted.offset, [1, 4, 6, 2, 5, 0, 3]);
        assert_eq!(sorted.timestamp, [-1, -4, -6, -2, -5, 0, -3]);
        assert_eq!((sorted.variables.get(1), sorted.variables.get(6)), (&b"4"[..], &b"3"[..]));
        assert!(sorted.late && !sorted.words.finish().is_empty(), "what is known of all of them stays");
    }
}
