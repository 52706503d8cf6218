//! Questions.
//!
//! Each is asked in one read-only transaction over one snapshot. The filter is judged on series first ([`judge`]): what
//! matches for certain is counted from the tables of counts ([`cells`]), what the text decides is read ([`scan`]) and judged
//! by the evaluator that all histories share.

mod around;
mod ask;
mod cells;
mod cut;
mod facets;
mod histogram;
mod judge;
mod narrow;
mod page;
mod patterns;
mod rows;
mod scan;
mod sql;
mod trends;

use whittle_history::{
    Budget, FacetField, Facets, Filter, Histogram, Patterns, Positions, QueryError, Reader, Recent, SplitBy, Stats,
    StoredRow, Trends,
};

use whittle_patterns::PatternId;

use crate::PgHistory;
use crate::shared::Shared;
use ask::{Ask, Stop};

impl PgHistory {
    /// Runs a question on the caller's thread.
    fn ask<T>(
        &self,
        budget: &Budget,
        question: impl AsyncFnOnce(&mut Ask<'_>) -> Result<T, Stop>,
    ) -> Result<T, QueryError> {
        let shared: &Shared = &self.shared;
        let answer = self.handle.block_on(async {
            let mut ask = Ask::begin(shared, budget).await?;
            let answer = question(&mut ask).await;
            ask.end().await;
            answer
        });
        answer.map_err(|stop| match stop {
            Stop::Cancelled => QueryError::Cancelled,
            Stop::Partial | Stop::Full => QueryError::Unavailable("the query took too long".to_owned()),
            Stop::Away(reason) => {
                shared.doubt(&reason);
                QueryError::Unavailable(reason)
            }
        })
    }
}

impl Reader for PgHistory {
    fn recent(&self, filter: &Filter, limit: usize, offset: u64, budget: &Budget) -> Result<Recent, QueryError> {
        self.ask(budget, async |ask| page::recent(ask, filter, limit, offset).await)
    }

    fn histogram(
        &self,
        filter: &Filter,
        buckets: usize,
        by: SplitBy,
        budget: &Budget,
    ) -> Result<Histogram, QueryError> {
        self.ask(budget, async |ask| histogram::histogram(ask, filter, buckets, by).await)
    }

    fn facets(
        &self,
        filter: &Filter,
        fields: &[FacetField],
        limit: usize,
        budget: &Budget,
    ) -> Result<Facets, QueryError> {
        self.ask(budget, async |ask| facets::facets(ask, filter, fields, limit).await)
    }

    fn patterns(&self, filter: &Filter, budget: &Budget) -> Result<Patterns, QueryError> {
        self.ask(budget, async |ask| patterns::patterns(ask, filter).await)
    }

    fn trends(
        &self,
        filter: &Filter,
        patterns: &[PatternId],
        buckets: usize,
        budget: &Budget,
    ) -> Result<Trends, QueryError> {
        self.ask(budget, async |ask| trends::trends(ask, filter, patterns, buckets).await)
    }

    fn around(&self, partition: u32, offset: u64, each: usize, budget: &Budget) -> Result<Vec<StoredRow>, QueryError> {
        self.ask(budget, async |ask| around::around(ask, partition, offset, each).await)
    }

    fn unavailable(&self) -> Option<String> {
        self.shared.trouble()
    }

    fn id(&self, row: &StoredRow) -> u64 {
        crate::row_id(row.partition, row.offset).unsigned_abs()
    }

    fn head(&self) -> Positions {
        self.shared.head()
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }
}
