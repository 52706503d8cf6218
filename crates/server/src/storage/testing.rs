//! A history in memory for tests of the routes: it answers at once, and runs out of its budget where a test wants it to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use whittle_domain::Level;
use whittle_domain::knowledge::Knowledge;
use whittle_history::{
    Budget, FacetField, Facets, Filter, Histogram, PatternCount, Patterns, Positions, QueryError, Reader, Recent,
    SplitBy, Stats, StoredRow, Total,
};
use whittle_patterns::{Catalog, Miner, PatternId};

use super::{Replay, Storage};
use crate::insights::Insights;
use crate::model::ModelStatus;
use crate::pipeline::{Feed, FeedLimits};

/// The clock of the tests.
pub(super) const NOW: i64 = 1_800_000_000_000_000;

/// Rows, and how much a question may read.
pub(super) struct Rows {
    /// Newest first.
    pub rows: Vec<StoredRow>,
    /// A question that matches more rows than this gives half a page, and no exact count.
    pub most: usize,
    /// Why counts over time are not whole.
    pub trend_cut: Option<&'static str>,
    /// Rows that questions looked at, one entry a question.
    pub looked: Mutex<Vec<usize>>,
    /// So many of the oldest rows have been dropped by retention.
    pub dropped: AtomicUsize,
}

impl Default for Rows {
    fn default() -> Self {
        Rows {
            rows: Vec::new(),
            most: usize::MAX,
            trend_cut: None,
            looked: Mutex::default(),
            dropped: AtomicUsize::new(0),
        }
    }
}

impl Rows {
    /// Rows at these times, which fall.
    pub(super) fn at(times: impl IntoIterator<Item = i64>) -> Self {
        let times: Vec<i64> = times.into_iter().collect();
        let last = times.len() as u64;
        let row = |(index, &timestamp): (usize, &i64)| row(last - index as u64, timestamp);
        Rows { rows: times.iter().enumerate().map(row).collect(), ..Rows::default() }
    }

    fn stored(&self) -> &[StoredRow] {
        &self.rows[..self.rows.len() - self.dropped.load(Ordering::Relaxed)]
    }
}

/// A row.
pub(super) fn row(offset: u64, timestamp: i64) -> StoredRow {
    StoredRow {
        partition: 0,
        offset,
        timestamp,
        received_at: NOW,
        level: Level::Info,
        level_text: String::new(),
        source: "s".to_owned(),
        message: format!("row {offset}"),
        context: String::new(),
        pattern: PatternId(1),
    }
}

/// The service over rows.
pub(super) fn storage_over(reader: Arc<dyn Reader>) -> Arc<Storage> {
    storage_with(reader, Miner::default().catalog())
}

/// The service over rows with patterns.
pub(super) fn storage_with(reader: Arc<dyn Reader>, catalog: Catalog) -> Arc<Storage> {
    static KNOWLEDGE: LazyLock<Arc<Knowledge>> =
        LazyLock::new(|| Arc::new(Knowledge::builtin().expect("the rules compile")));
    let insights = Insights::new(KNOWLEDGE.clone(), catalog.clone(), false);
    let feed = Arc::new(Feed::new(&[0], &[0], FeedLimits { bytes: 1, lag_records: 1 }));
    Storage::new(reader, catalog, insights, ModelStatus::off(), Replay::new(feed, &[0], &[0]), || NOW)
}

impl Reader for Rows {
    fn recent(&self, filter: &Filter, limit: usize, offset: u64, _: &Budget) -> Result<Recent, QueryError> {
        let within = |row: &&StoredRow| {
            filter.from.is_none_or(|from| from <= row.timestamp) && filter.to.is_none_or(|to| row.timestamp < to)
        };
        let matching: Vec<&StoredRow> = self.stored().iter().filter(within).collect();
        self.looked.lock().expect("no test panics in here").push(matching.len());
        let cut = matching.len() > self.most;
        let page = matching.iter().skip(offset as usize).take(if cut { limit / 2 } else { limit });
        let total = match cut {
            true => Total::AtLeast(self.most as u64, "more than it may read".to_owned()),
            false => Total::Exact(matching.len() as u64),
        };
        Ok(Recent { rows: page.map(|row| (*row).clone()).collect(), total, until: self.head() })
    }

    fn histogram(&self, filter: &Filter, _: usize, _: SplitBy, budget: &Budget) -> Result<Histogram, QueryError> {
        let rows = self.recent(filter, 0, 0, budget)?.total;
        let total = match (self.trend_cut, rows) {
            (Some(reason), Total::Exact(count)) => Total::AtLeast(count, reason.to_owned()),
            (_, total) => total,
        };
        let series = match &total {
            Total::Exact(count) => vec![("info".to_owned(), vec![*count])],
            Total::AtLeast(..) => Vec::new(),
        };
        Ok(Histogram { from: filter.from.unwrap_or(0), bucket: 1_000_000, series, total })
    }

    fn facets(&self, _: &Filter, fields: &[FacetField], _: usize, _: &Budget) -> Result<Facets, QueryError> {
        let fields = fields.iter().map(|field| (field.clone(), Vec::new())).collect();
        Ok(Facets { total: Total::Exact(0), fields })
    }

    fn patterns(&self, filter: &Filter, budget: &Budget) -> Result<Patterns, QueryError> {
        let found = self.recent(filter, usize::MAX, 0, budget)?;
        let mut patterns: Vec<PatternCount> = Vec::new();
        for row in found.rows.iter().filter(|row| filter.pattern.is_none_or(|wanted| wanted == row.pattern)) {
            let seen = (row.timestamp, row.timestamp);
            let new = PatternCount { pattern: row.pattern, levels: [0; 4], sources: vec![], seen, first_ever: seen.0 };
            let at = patterns.iter().position(|known| known.pattern == row.pattern);
            let at = at.unwrap_or_else(|| {
                patterns.push(new);
                patterns.len() - 1
            });
            patterns[at].levels[row.level as usize] += 1;
            patterns[at].seen.0 = row.timestamp;
            patterns[at].first_ever = row.timestamp;
        }
        Ok(Patterns { total: found.total, patterns, oldest: self.stats().range.map(|range| range.0) })
    }

    fn around(&self, _: u32, offset: u64, _: usize, _: &Budget) -> Result<Vec<StoredRow>, QueryError> {
        Ok(self.rows.iter().filter(|row| row.offset == offset).cloned().collect())
    }

    fn head(&self) -> Positions {
        Positions::from([(0, self.rows.len() as u64 + 1)])
    }

    fn stats(&self) -> Stats {
        let range =
            self.stored().last().zip(self.stored().first()).map(|(first, last)| (first.timestamp, last.timestamp));
        let dropped_rows = self.dropped.load(Ordering::Relaxed) as u64;
        Stats { rows: self.stored().len() as u64, range, dropped_rows, ..Stats::default() }
    }
}
