//! Counts over time, by level or source.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;

use super::scan::Range;
use super::sink::{Counted, Needs, Row, Sink, Times};
use crate::file::dictionary::Dictionary;
use crate::{Histogram, SplitBy, Total};

const SECOND: i64 = 1_000_000;

/// Widths of buckets in seconds, as a reader of a chart expects them; beyond, days by powers of two.
const WIDTHS: [i64; 17] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];

/// No timestamp is further from 1970: 10,000 years.
const FAR: i64 = 10_000 * 366 * 86_400 * SECOND;

/// Most buckets of an answer.
const MAX_BUCKETS: usize = 500;

/// Sources with a series of their own.
const MAX_SERIES: usize = 20;

/// The least width that needs no more than `buckets` buckets.
fn bucket_width((first, last): Range, buckets: usize) -> i64 {
    let most = buckets.clamp(1, MAX_BUCKETS) as i64;
    let fits = |&width: &i64| last.div_euclid(width) - first.div_euclid(width) < most;
    let days = (0..23).map(|power| (86_400 * SECOND) << power);
    WIDTHS.into_iter().map(|seconds| seconds * SECOND).chain(days).find(fits).unwrap_or(i64::MAX)
}

/// Equal buckets over a range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: i64,
    pub(super) bucket: i64,
    pub(super) len: usize,
}

impl Axis {
    /// At most so many buckets.
    pub(super) fn new(range: Range, buckets: usize) -> Self {
        let range = (range.0.clamp(-FAR, FAR), range.1.clamp(-FAR, FAR));
        let bucket = bucket_width(range, buckets);
        let from = range.0.div_euclid(bucket) * bucket;
        let len = if range.1 < range.0 { 0 } else { usize::try_from((range.1 - from) / bucket + 1).unwrap_or(0) };
        Axis { from, bucket, len }
    }

    /// The bucket that a time stands in.
    pub(super) fn at(&self, timestamp: i64) -> Option<usize> {
        let at = timestamp.saturating_sub(self.from).div_euclid(self.bucket);
        usize::try_from(at).ok().filter(|&at| at < self.len)
    }
}

/// Takes counts in by bucket.
pub(crate) struct Buckets {
    by: SplitBy,
    axis: Axis,
    levels: [Vec<u64>; 4],
    sources: HashMap<Arc<str>, Vec<u64>>,
    /// Of the dictionary that was entered last: its sources, and their counts so far.
    entered: Option<Arc<Dictionary>>,
    pending: Vec<Vec<u64>>,
    total: u64,
}

impl Buckets {
    /// Buckets for a range.
    pub(crate) fn new(range: Range, buckets: usize, by: SplitBy) -> Self {
        let axis = Axis::new(range, buckets);
        let levels = match by {
            SplitBy::Level => std::array::from_fn(|_| vec![0; axis.len]),
            SplitBy::Source => Default::default(),
        };
        let (sources, entered, pending) = (HashMap::new(), None, Vec::new());
        Buckets { by, axis, levels, sources, entered, pending, total: 0 }
    }

    fn add(&mut self, timestamp: i64, source: u32, level: Level, rows: u64) {
        let Some(at) = self.axis.at(timestamp) else { return };
        let counts = match self.by {
            SplitBy::Level => &mut self.levels[level as usize],
            SplitBy::Source => {
                let source = source as usize;
                if source >= self.pending.len() {
                    self.pending.resize(source + 1, Vec::new());
                }
                if self.pending[source].is_empty() {
                    self.pending[source] = vec![0; self.axis.len];
                }
                &mut self.pending[source]
            }
        };
        counts[at] += rows;
        self.total += rows;
    }

    fn settle(&mut self) {
        let Some(dictionary) = self.entered.take() else { return };
        for (source, counts) in dictionary.sources.iter().zip(self.pending.drain(..)) {
            if counts.is_empty() {
                continue;
            }
            match self.sources.get_mut(source) {
                Some(sums) => sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n),
                None => drop(self.sources.insert(source.clone(), counts)),
            }
        }
    }

    /// The series in the order of the answer.
    fn series(mut self) -> Vec<(String, Vec<u64>)> {
        if self.by == SplitBy::Level {
            return Level::ALL.iter().map(|level| level.as_str().to_owned()).zip(self.levels).collect();
        }
        self.settle();
        let named = self.sources.into_iter().map(|(name, counts)| (name.to_string(), counts));
        let mut series: Vec<(String, Vec<u64>)> = named.collect();
        series.sort_by_cached_key(|(name, counts)| (std::cmp::Reverse(counts.iter().sum::<u64>()), name.clone()));
        let others = series.split_off(series.len().min(MAX_SERIES));
        if !others.is_empty() {
            let mut all = vec![0; self.axis.len];
            others.iter().for_each(|(_, counts)| all.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n));
            series.push(("Other".to_owned(), all));
        }
        series
    }

    /// The rows counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn finish(self, total: Total) -> Histogram {
        Histogram { from: self.axis.from, bucket: self.axis.bucket, series: self.series(), total }
    }
}

impl Sink for Buckets {
    fn needs(&self) -> Needs {
        let source = self.by == SplitBy::Source;
        Needs { source, level: !source, ..Needs::default() }
    }

    fn times(&self) -> Times {
        Times::Within(self.axis.bucket)
    }

    fn enter(&mut self, dictionary: &Arc<Dictionary>) {
        if !self.entered.as_ref().is_some_and(|entered| Arc::ptr_eq(entered, dictionary)) {
            self.settle();
            self.entered = Some(dictionary.clone());
        }
    }

    fn counted(&mut self, counted: &Counted) {
        let source = counted.series.map_or(0, |series| series.source);
        self.add(counted.seen.0, source, counted.level, counted.rows);
    }

    fn row(&mut self, row: &Row<'_>) {
        self.add(row.timestamp, row.source, row.level, 1);
    }

    fn memory(&self) -> usize {
        let filled = self.pending.iter().filter(|counts| !counts.is_empty()).count() + self.sources.len();
        filled * (self.axis.len * size_of::<u64>() + 64)
    }
}
