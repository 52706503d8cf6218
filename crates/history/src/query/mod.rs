//! Answers over a snapshot.

mod histogram;
mod meter;
mod scan;

use hashbrown::HashMap;
use whittle_patterns::PatternId;

use crate::store::FileHistory;
use crate::{
    Budget, FacetField, Facets, Filter, Histogram, PatternCount, Patterns, Positions, QueryError, Reader, Recent,
    SplitBy, Stats, StoredRow, Total,
};
use histogram::{arrange, bucket_width};
use meter::Meter;
use scan::{Found, Scan};

impl Reader for FileHistory {
    fn recent(&self, filter: &Filter, limit: usize, offset: u64, budget: &Budget) -> Result<Recent, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter);
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let keep = skip.saturating_add(limit);
        let (mut rows, mut count) = (Vec::new(), 0);
        let total = scan.rows(&meter, &mut |found: &Found<'_>| {
            count += 1;
            if limit > 0 {
                rows.push(found.to_row());
                if rows.len() >= keep.saturating_mul(2).max(1024) {
                    newest(&mut rows, keep);
                }
            }
        })?;
        newest(&mut rows, keep);
        rows.drain(..skip.min(rows.len()));
        let until = filter.until.clone().unwrap_or(scan.snapshot.head.clone());
        Ok(Recent { rows, total: total.of(count), until })
    }

    fn histogram(
        &self,
        filter: &Filter,
        buckets: usize,
        by: SplitBy,
        budget: &Budget,
    ) -> Result<Histogram, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter);
        let Some((first, last)) = scan.range() else {
            return Ok(Histogram {
                from: 0,
                bucket: 60_000_000,
                series: arrange(HashMap::new(), by, 0),
                total: Total::Exact(0),
            });
        };
        let first = filter.from.unwrap_or(first);
        let last = filter.to.map_or(last, |to| to.saturating_sub(1)).max(first);
        let bucket = bucket_width(first, last, buckets);
        let from = first.div_euclid(bucket) * bucket;
        let len = ((last - from) / bucket + 1) as usize;
        let mut series: HashMap<String, Vec<u64>> = HashMap::new();
        let mut count = 0;
        let total = scan.rows(&meter, &mut |found| {
            let name = match by {
                SplitBy::Level => found.level.as_str(),
                SplitBy::Source => found.source,
            };
            let at = ((found.timestamp - from) / bucket) as usize;
            if let Some(cell) = series.entry_ref(name).or_insert_with(|| vec![0; len]).get_mut(at) {
                *cell += 1;
                count += 1;
            }
        })?;
        Ok(Histogram { from, bucket, series: arrange(series, by, len), total: total.of(count) })
    }

    fn facets(
        &self,
        filter: &Filter,
        fields: &[FacetField],
        limit: usize,
        budget: &Budget,
    ) -> Result<Facets, QueryError> {
        let meter = Meter::new(budget);
        let scan = Scan::new(self, filter);
        let mut counts: Vec<HashMap<String, u64>> = vec![HashMap::new(); fields.len()];
        let mut count = 0;
        let total = scan.rows(&meter, &mut |found| {
            count += 1;
            for (field, values) in fields.iter().zip(&mut counts) {
                if let Some(value) = found.facet(field) {
                    *values.entry(value).or_insert(0) += 1;
                }
            }
        })?;
        let top = |values: HashMap<String, u64>| {
            let mut values = by_count(values);
            values.truncate(limit);
            values
        };
        Ok(Facets { total: total.of(count), fields: fields.iter().cloned().zip(counts.into_iter().map(top)).collect() })
    }

    fn patterns(&self, filter: &Filter, budget: &Budget) -> Result<Patterns, QueryError> {
        let meter = Meter::new(budget);
        let all = Filter::default();
        let everything = Scan::new(self, &all);
        let mut first: HashMap<PatternId, i64> = HashMap::new();
        everything.rows(&meter, &mut |found| {
            let seen = first.entry(found.pattern).or_insert(found.timestamp);
            *seen = (*seen).min(found.timestamp);
        })?;
        type Counts = ([u64; 4], HashMap<String, u64>, (i64, i64));
        let mut patterns: HashMap<PatternId, Counts> = HashMap::new();
        let mut count = 0;
        let total = Scan::new(self, filter).rows(&meter, &mut |found| {
            count += 1;
            let new = || ([0; 4], HashMap::new(), (found.timestamp, found.timestamp));
            let (levels, sources, seen) = patterns.entry(found.pattern).or_insert_with(new);
            levels[found.level as usize] += 1;
            *sources.entry_ref(found.source).or_insert(0) += 1;
            *seen = (seen.0.min(found.timestamp), seen.1.max(found.timestamp));
        })?;
        let counted = |(pattern, (levels, sources, seen)): (PatternId, Counts)| {
            let first_ever = first.get(&pattern).copied().unwrap_or(seen.0);
            PatternCount { pattern, levels, sources: by_count(sources), seen, first_ever }
        };
        let mut patterns: Vec<PatternCount> = patterns.into_iter().map(counted).collect();
        let rows = |p: &PatternCount| p.levels.iter().sum::<u64>();
        patterns.sort_by(|a, b| rows(b).cmp(&rows(a)).then(a.pattern.cmp(&b.pattern)));
        Ok(Patterns { total: total.of(count), patterns, oldest: everything.range().map(|range| range.0) })
    }

    fn around(&self, partition: u32, offset: u64, each: usize, budget: &Budget) -> Result<Vec<StoredRow>, QueryError> {
        let meter = Meter::new(budget);
        let mut source = None;
        Scan::new(self, &Filter::default()).rows(&meter, &mut |found| {
            if (found.partition, found.offset) == (partition, offset) {
                source = Some(found.source.to_owned());
            }
        })?;
        let Some(source) = source else { return Ok(Vec::new()) };
        let filter = Filter { source: Some(source), ..Filter::default() };
        let mut rows = Vec::new();
        Scan::new(self, &filter).rows(&meter, &mut |found| {
            if found.partition == partition {
                rows.push(found.to_row());
            }
        })?;
        rows.sort_by_key(|row: &StoredRow| row.offset);
        let at = rows.partition_point(|row| row.offset < offset);
        let (first, last) = (at.saturating_sub(each), at.saturating_add(each + 1).min(rows.len()));
        Ok(rows.drain(first..last).collect())
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

fn newest(rows: &mut Vec<StoredRow>, keep: usize) {
    rows.sort_by_key(|row| std::cmp::Reverse((row.timestamp, row.offset, row.partition)));
    rows.truncate(keep);
}

/// Most frequent first, then by value.
fn by_count(values: HashMap<String, u64>) -> Vec<(String, u64)> {
    let mut values: Vec<(String, u64)> = values.into_iter().collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values
}
