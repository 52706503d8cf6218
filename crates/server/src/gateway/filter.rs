//! Which events a client wants.

use std::sync::Arc;

use whittle_domain::query::{Query, RowView};
use whittle_domain::{Batch, Level, Row};
use whittle_patterns::PatternId;

use super::render::InsightLookup;

/// No pattern has this id: who asks for it wants numbers and insights, but no events.
const NO_PATTERN: PatternId = PatternId(0);

/// Levels as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Levels(u8);

impl Levels {
    pub const ALL: Levels = Levels(0b1111);

    /// These levels; none named: all.
    pub fn of(levels: impl IntoIterator<Item = Level>) -> Self {
        match levels.into_iter().fold(0, |bits, level| bits | 1 << level as u8) {
            0 => Levels::ALL,
            bits => Levels(bits),
        }
    }

    fn contains(self, level: Level) -> bool {
        self.0 & 1 << level as u8 != 0
    }
}

/// What tells two filters apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FilterKey {
    pub levels: Levels,
    pub source: Option<String>,
    pub pattern: Option<PatternId>,
    pub q: Option<String>,
}

impl Default for FilterKey {
    fn default() -> Self {
        FilterKey { levels: Levels::ALL, source: None, pattern: None, q: None }
    }
}

/// A filter that was understood.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub key: FilterKey,
    query: Option<Arc<Query>>,
}

impl Filter {
    /// # Errors
    /// Says what is wrong with `q`.
    pub fn new(key: FilterKey) -> Result<Self, String> {
        let query = key.q.as_deref().map(Query::parse).transpose().map_err(|e| format!("q: {e}"))?;
        Ok(Filter { key, query: query.map(Arc::new) })
    }

    /// Whether every event passes.
    pub fn is_open(&self) -> bool {
        self.key == FilterKey::default()
    }

    /// Whether no event passes.
    pub fn is_shut(&self) -> bool {
        self.key.pattern == Some(NO_PATTERN)
    }

    /// Rows that are looked at between two breaths: a query costs some hundred times what the other filters do.
    pub fn stride(&self) -> u64 {
        if self.query.is_some() { 2_048 } else { 16_384 }
    }

    pub fn matches(&self, batch: &Batch, row: &Row, insights: &dyn InsightLookup) -> bool {
        if !self.key.levels.contains(row.level) {
            return false;
        }
        if self.key.source.as_deref().is_some_and(|source| source != batch.str(row.source)) {
            return false;
        }
        let same =
            |wanted: PatternId| wanted == row.pattern || insights.resolve(wanted) == insights.resolve(row.pattern);
        if !self.key.pattern.is_none_or(same) {
            return false;
        }
        let Some(query) = &self.query else { return true };
        let text = batch.text(row);
        let view = RowView {
            source: text.source,
            level: row.level,
            message: text.message,
            context: text.context,
            pattern: insights.resolve(row.pattern),
        };
        query.matches(&view, &|pattern| insights.resolve(pattern))
    }
}
