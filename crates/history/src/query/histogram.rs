//! Counts over time, by level or source.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;

use super::scan::Range;
use super::sink::{Counted, Needs, Row, Sink, Times};
use crate::file::dictionary::Dictionary;
use crate::{Chart, Histogram, SplitBy, Total};

/// Sources with a series of their own.
const MAX_SERIES: usize = 20;

/// Takes counts in by bucket.
pub(crate) struct Buckets {
    by: SplitBy,
    chart: Chart,
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
        let chart = Chart::over(range, buckets);
        let levels = match by {
            SplitBy::Level => std::array::from_fn(|_| vec![0; chart.len]),
            SplitBy::Source => Default::default(),
        };
        let (sources, entered, pending) = (HashMap::new(), None, Vec::new());
        Buckets { by, chart, levels, sources, entered, pending, total: 0 }
    }

    fn add(&mut self, timestamp: i64, source: u32, level: Level, rows: u64) {
        let Some(at) = self.chart.bucket_of(timestamp) else { return };
        let counts = match self.by {
            SplitBy::Level => &mut self.levels[level as usize],
            SplitBy::Source => {
                let source = source as usize;
                if source >= self.pending.len() {
                    self.pending.resize(source + 1, Vec::new());
                }
                if self.pending[source].is_empty() {
                    self.pending[source] = vec![0; self.chart.len];
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
            let mut all = vec![0; self.chart.len];
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
        Histogram { from: self.chart.from, bucket: self.chart.bucket, series: self.series(), total }
    }
}

impl Sink for Buckets {
    fn needs(&self) -> Needs {
        let source = self.by == SplitBy::Source;
        Needs { source, level: !source, ..Needs::default() }
    }

    fn times(&self) -> Times {
        Times::Within(self.chart.bucket)
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
        filled * (self.chart.len * size_of::<u64>() + 64)
    }
}
