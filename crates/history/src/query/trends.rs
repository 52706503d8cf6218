//! The courses of some patterns over one range, from one scan.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_patterns::PatternId;

use super::judge::Judge;
use super::scan::Range;
use super::sink::{Counted, Needs, Row, Sink, Times};
use crate::Chart;
use crate::file::dictionary::Dictionary;
use crate::{Total, Trends};

/// Takes counts in by pattern and bucket.
pub(crate) struct TrendCounts<'a> {
    judge: &'a Judge<'a>,
    chart: Chart,
    places: HashMap<PatternId, usize>,
    entered: Option<Arc<Dictionary>>,
    /// Of the forms of the dictionary that was entered last: the places of their patterns.
    forms: Vec<Option<usize>>,
    counts: Vec<Vec<u64>>,
    total: u64,
}

impl<'a> TrendCounts<'a> {
    pub(crate) fn new(judge: &'a Judge<'a>, range: Range, patterns: &[PatternId], buckets: usize) -> Self {
        let chart = Chart::over(range, buckets);
        let places = patterns.iter().enumerate().map(|(place, pattern)| (*pattern, place)).collect();
        let counts = vec![vec![0; chart.len]; patterns.len()];
        TrendCounts { judge, chart, places, entered: None, forms: Vec::new(), counts, total: 0 }
    }

    fn add(&mut self, timestamp: i64, form: u32, rows: u64) {
        self.total += rows;
        let place = self.forms.get(form as usize).copied().flatten();
        let (Some(place), Some(at)) = (place, self.chart.bucket_of(timestamp)) else { return };
        self.counts[place][at] += rows;
    }

    /// The rows that match, of whatever pattern.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn finish(self, total: Total) -> Trends {
        Trends { from: self.chart.from, bucket: self.chart.bucket, counts: self.counts, total }
    }
}

impl Sink for TrendCounts<'_> {
    fn needs(&self) -> Needs {
        Needs { form: true, ..Needs::default() }
    }

    fn times(&self) -> Times {
        Times::Within(self.chart.bucket)
    }

    fn enter(&mut self, dictionary: &Arc<Dictionary>) {
        if self.entered.as_ref().is_some_and(|entered| Arc::ptr_eq(entered, dictionary)) {
            return;
        }
        let patterns = dictionary.forms.iter().map(|form| self.judge.pattern_of(form));
        self.forms = patterns.map(|pattern| self.places.get(&pattern).copied()).collect();
        self.entered = Some(dictionary.clone());
    }

    fn counted(&mut self, counted: &Counted) {
        let Some(series) = counted.series else { return };
        self.add(counted.seen.0, series.form, counted.rows);
    }

    fn row(&mut self, row: &Row<'_>) {
        self.add(row.timestamp, row.form, 1);
    }

    fn memory(&self) -> usize {
        self.counts.len() * (self.chart.len * size_of::<u64>() + 64)
    }
}
