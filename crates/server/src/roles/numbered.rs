//! The embedded history over several partitions of `logs.raw`: an offset alone is no name of a row there.

use std::sync::Arc;

use whittle_history::{
    Budget, FacetField, Facets, Filter, Histogram, Patterns, Positions, QueryError, Reader, Recent, SplitBy, Stats,
    StoredRow, Trends,
};
use whittle_patterns::PatternId;

/// Partitions that an id tells apart.
const PARTITIONS: u32 = 1024;

/// A history whose ids are made of partition and offset: below 2^53, rising with the offset.
pub(super) struct Numbered(pub Arc<dyn Reader>);

impl Reader for Numbered {
    fn recent(&self, filter: &Filter, limit: usize, offset: u64, budget: &Budget) -> Result<Recent, QueryError> {
        self.0.recent(filter, limit, offset, budget)
    }

    fn histogram(
        &self,
        filter: &Filter,
        buckets: usize,
        by: SplitBy,
        budget: &Budget,
    ) -> Result<Histogram, QueryError> {
        self.0.histogram(filter, buckets, by, budget)
    }

    fn facets(
        &self,
        filter: &Filter,
        fields: &[FacetField],
        limit: usize,
        budget: &Budget,
    ) -> Result<Facets, QueryError> {
        self.0.facets(filter, fields, limit, budget)
    }

    fn patterns(&self, filter: &Filter, budget: &Budget) -> Result<Patterns, QueryError> {
        self.0.patterns(filter, budget)
    }

    fn trends(
        &self,
        filter: &Filter,
        patterns: &[PatternId],
        buckets: usize,
        budget: &Budget,
    ) -> Result<Trends, QueryError> {
        self.0.trends(filter, patterns, buckets, budget)
    }

    fn around(&self, partition: u32, offset: u64, each: usize, budget: &Budget) -> Result<Vec<StoredRow>, QueryError> {
        self.0.around(partition, offset, each, budget)
    }

    fn head(&self) -> Positions {
        self.0.head()
    }

    fn unavailable(&self) -> Option<String> {
        self.0.unavailable()
    }

    fn id(&self, row: &StoredRow) -> u64 {
        row.offset * u64::from(PARTITIONS) + u64::from(row.partition % PARTITIONS)
    }

    fn stats(&self) -> Stats {
        self.0.stats()
    }
}
