//! The history as anyone would write it who had all the time in the world: a list of rows, and loops.

use std::collections::BTreeMap;

use whittle_domain::Level;
use whittle_domain::query::RowView;
use whittle_history::{FacetField, Filter, PatternCount, Positions, StoredRow};
use whittle_patterns::{Catalog, PatternId};

use crate::rows::Placed;

pub struct Model {
    pub rows: Vec<Placed>,
    pub catalog: Catalog,
}

impl Model {
    pub fn new(catalog: Catalog) -> Self {
        Model { rows: Vec::new(), catalog }
    }

    pub fn head(&self) -> Positions {
        let mut head = Positions::new();
        for row in &self.rows {
            let next = head.entry(row.line.partition).or_insert(0);
            *next = (*next).max(row.offset + 1);
        }
        head
    }

    fn stored(&self, placed: &Placed) -> StoredRow {
        let line = &placed.line;
        StoredRow {
            partition: line.partition,
            offset: placed.offset,
            timestamp: line.timestamp,
            received_at: line.received_at,
            level: line.level,
            level_text: line.level_text.clone(),
            source: line.source.clone(),
            message: line.message.clone(),
            context: line.context.clone(),
            pattern: self.catalog.pattern_of(placed.form).unwrap_or(PatternId(placed.form.0)),
        }
    }

    fn resolve(&self, id: PatternId) -> PatternId {
        self.catalog.resolve(id).unwrap_or(id)
    }

    fn matches(&self, row: &StoredRow, filter: &Filter) -> bool {
        let view = RowView {
            source: &row.source,
            level: row.level,
            message: &row.message,
            context: &row.context,
            pattern: row.pattern,
        };
        filter.levels.contains(row.level)
            && filter.source.as_ref().is_none_or(|source| *source == row.source)
            && filter.from.is_none_or(|from| row.timestamp >= from)
            && filter.to.is_none_or(|to| row.timestamp < to)
            && filter.pattern.is_none_or(|pattern| self.resolve(pattern) == row.pattern)
            && filter.until.as_ref().is_none_or(|until| row.offset < until.get(&row.partition).copied().unwrap_or(0))
            && filter.query.as_ref().is_none_or(|query| query.matches(&view, &|id| self.resolve(id)))
    }

    /// All rows that match, newest first.
    pub fn found(&self, filter: &Filter) -> Vec<StoredRow> {
        let mut rows: Vec<StoredRow> =
            self.rows.iter().map(|row| self.stored(row)).filter(|row| self.matches(row, filter)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.timestamp, row.offset, row.partition)));
        rows
    }

    pub fn facet(&self, filter: &Filter, field: &FacetField, limit: usize) -> Vec<(String, u64)> {
        let value = |row: &StoredRow| match field {
            FacetField::Source => Some(row.source.clone()),
            FacetField::Level => Some(row.level.as_str().to_owned()),
            FacetField::Pattern => Some(row.pattern.to_string()),
            FacetField::Context(name) => context_value(&row.context, name),
        };
        let mut values = by_count(self.found(filter).iter().filter_map(value));
        values.truncate(limit);
        values
    }

    pub fn patterns(&self, filter: &Filter) -> Vec<PatternCount> {
        let mut groups: BTreeMap<PatternId, Vec<StoredRow>> = BTreeMap::new();
        for row in self.found(filter) {
            groups.entry(row.pattern).or_default().push(row);
        }
        let all = self.found(&Filter::default());
        let mut patterns: Vec<PatternCount> = groups
            .into_iter()
            .map(|(pattern, rows)| PatternCount {
                pattern,
                levels: Level::ALL.map(|level| rows.iter().filter(|row| row.level == level).count() as u64),
                sources: by_count(rows.iter().map(|row| row.source.clone())),
                seen: (rows[rows.len() - 1].timestamp, rows[0].timestamp),
                first_ever: all.iter().filter(|row| row.pattern == pattern).map(|row| row.timestamp).min().unwrap(),
            })
            .collect();
        patterns.sort_by_key(|p| (std::cmp::Reverse(p.levels.iter().sum::<u64>()), p.pattern));
        patterns
    }

    pub fn around(&self, partition: u32, offset: u64, each: usize) -> Vec<StoredRow> {
        let rows = || self.rows.iter().filter(|row| row.line.partition == partition);
        let Some(center) = rows().find(|row| row.offset == offset) else { return Vec::new() };
        let mut of_source: Vec<StoredRow> =
            rows().filter(|row| row.line.source == center.line.source).map(|row| self.stored(row)).collect();
        of_source.sort_by_key(|row| row.offset);
        let at = of_source.iter().position(|row| row.offset == offset).unwrap();
        of_source[at.saturating_sub(each)..(at + each + 1).min(of_source.len())].to_vec()
    }
}

/// A top-level field of the context as a facet shows it: texts as they are, numbers and truth values as JSON.
fn context_value(context: &str, name: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(context).ok()?;
    match object.get(name)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => None,
        other => Some(other.to_string()),
    }
}

fn by_count(values: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_insert(0) += 1);
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}
