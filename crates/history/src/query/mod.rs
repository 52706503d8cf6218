//! Answers over a snapshot.
//!
//! A filter is judged on dictionaries first ([`judge`]): which series match for certain, which cannot, and for which
//! the text of each row decides. What matches for certain is counted from rollups ([`scan`]); only what is cut by the ends of a
//! range, and what the text decides, is read ([`group`], [`search`]). A [`sink`] takes the counts and rows in.

mod around;
mod cache;
mod columns;
mod facets;
mod fetch;
mod group;
mod histogram;
mod judge;
mod meter;
mod page;
mod patterns;
mod scan;
mod search;
mod sink;
mod tails;
mod text;
mod trends;
mod verdict;

use crate::store::FileHistory;
use crate::{
    Budget, FacetField, Facets, Filter, Histogram, Patterns, Positions, QueryError, Reader, Recent, SplitBy, Stats,
    StoredRow, Trends,
};
use around::Around;
pub(crate) use cache::Caches;
use facets::FacetCounts;
use fetch::fetch;
use histogram::Buckets;
use meter::{Meter, Stop};
use page::{Count, Stretches, places};
use patterns::{PatternCounts, first_ever};
use scan::{Range, Scan, contains};
use trends::TrendCounts;
use whittle_patterns::PatternId;

/// First and last microsecond of a chart: as asked for, else of what is stored.
fn bounds(scan: &Scan<'_>, filter: &Filter) -> Range {
    let stored = scan.snapshot.range().unwrap_or((0, -1));
    let first = filter.from.unwrap_or(stored.0);
    let last = filter.to.map_or(stored.1, |to| to.saturating_sub(1));
    (first, last.max(first.saturating_sub(1)))
}

impl Reader for FileHistory {
    fn recent(&self, filter: &Filter, limit: usize, offset: u64, budget: &Budget) -> Result<Recent, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter, &meter);
        let until = filter.until.clone().unwrap_or_else(|| scan.snapshot.head.clone());
        if limit == 0 {
            let mut count = Count::default();
            meter.settle(scan.tally(&mut count))?;
            return Ok(Recent { rows: Vec::new(), total: meter.total(count.0), until });
        }
        let mut stretches = Stretches::default();
        meter.settle(scan.tally(&mut stretches))?;
        let count = stretches.total();
        let places = match places(&scan, stretches, offset, limit) {
            Ok(places) => places,
            Err(Stop::Partial) => Vec::new(),
            Err(Stop::Cancelled) => return Err(QueryError::Cancelled),
        };
        let rows = fetch(&scan, &places).map_err(unreadable)?;
        Ok(Recent { rows, total: meter.total(count), until })
    }

    fn histogram(
        &self,
        filter: &Filter,
        buckets: usize,
        by: SplitBy,
        budget: &Budget,
    ) -> Result<Histogram, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter, &meter);
        let mut sink = Buckets::new(bounds(&scan, filter), buckets, by);
        meter.settle(scan.tally(&mut sink))?;
        let total = meter.total(sink.total());
        Ok(sink.finish(total))
    }

    fn facets(
        &self,
        filter: &Filter,
        fields: &[FacetField],
        limit: usize,
        budget: &Budget,
    ) -> Result<Facets, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter, &meter);
        let mut counts = FacetCounts::new(fields, &scan.judge);
        meter.settle(scan.tally(&mut counts))?;
        Ok(Facets { total: meter.total(counts.total()), fields: counts.finish(limit) })
    }

    fn patterns(&self, filter: &Filter, budget: &Budget) -> Result<Patterns, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter, &meter);
        let stored = scan.snapshot.range();
        let whole = stored.is_none_or(|stored| contains(scan.range, stored));
        let mut counts = PatternCounts::new(&scan.judge, whole);
        meter.settle(scan.tally(&mut counts))?;
        let total = meter.total(counts.total());
        let patterns = counts.finish(&first_ever(&scan.snapshot, &scan.judge));
        Ok(Patterns { total, patterns, oldest: stored.map(|range| range.0) })
    }

    fn trends(
        &self,
        filter: &Filter,
        patterns: &[PatternId],
        buckets: usize,
        budget: &Budget,
    ) -> Result<Trends, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter, &meter);
        let mut sink = TrendCounts::new(&scan.judge, bounds(&scan, filter), patterns, buckets);
        meter.settle(scan.tally(&mut sink))?;
        let total = meter.total(sink.total());
        Ok(sink.finish(total))
    }

    fn around(&self, partition: u32, offset: u64, each: usize, budget: &Budget) -> Result<Vec<StoredRow>, QueryError> {
        let meter = Meter::new(budget);
        let filter = Filter::default();
        let scan = Scan::new(self, &filter, &meter);
        let around = Around { snapshot: &scan.snapshot, meter: &meter, partition, offset };
        match around.places(each) {
            Ok(places) => fetch(&scan, &places).map_err(unreadable),
            Err(Stop::Cancelled) => Err(QueryError::Cancelled),
            Err(Stop::Partial) => Err(QueryError::Unavailable("the query took too long".to_owned())),
        }
    }

    fn head(&self) -> Positions {
        self.snapshot().head
    }

    fn stats(&self) -> Stats {
        let snapshot = self.snapshot();
        let tail_rows: u64 = snapshot.tails.iter().map(|tail| tail.rows as u64).sum();
        let files = || snapshot.files.iter();
        Stats {
            rows: files().map(|file| file.entry.rows).sum::<u64>() + tail_rows,
            tail_rows,
            tail_bytes: snapshot.tails.iter().map(|tail| tail.bytes as u64).sum(),
            disk_bytes: files().map(|file| file.entry.bytes).sum(),
            files: files().count() as u64,
            range: snapshot.range(),
            dropped_rows: self.dropped_rows(),
        }
    }
}

fn unreadable(error: std::io::Error) -> QueryError {
    QueryError::Unavailable(error.to_string())
}
