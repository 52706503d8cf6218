//! Every row of a snapshot that a filter lets through.

use whittle_domain::Level;
use whittle_domain::query::RowView;
use whittle_patterns::{Catalog, FormId, PatternId};

use super::meter::{Meter, Partial};
use crate::file::dictionary::Dictionary;
use crate::file::read::RowFile;
use crate::file::schema::Column;
use crate::file::values::put_message;
use crate::store::{FileHistory, Snapshot};
use crate::tail::Tail;
use crate::{FacetField, Filter, QueryError, StoredRow};

/// A row that matches.
pub(crate) struct Found<'a> {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) timestamp: i64,
    pub(crate) received_at: i64,
    pub(crate) level: Level,
    pub(crate) level_text: &'a str,
    pub(crate) source: &'a str,
    pub(crate) message: &'a str,
    pub(crate) context: &'a str,
    pub(crate) pattern: PatternId,
}

impl Found<'_> {
    pub(crate) fn to_row(&self) -> StoredRow {
        StoredRow {
            partition: self.partition,
            offset: self.offset,
            timestamp: self.timestamp,
            received_at: self.received_at,
            level: self.level,
            level_text: self.level_text.to_owned(),
            source: self.source.to_owned(),
            message: self.message.to_owned(),
            context: self.context.to_owned(),
            pattern: self.pattern,
        }
    }

    pub(crate) fn facet(&self, field: &FacetField) -> Option<String> {
        match field {
            FacetField::Source => Some(self.source.to_owned()),
            FacetField::Level => Some(self.level.as_str().to_owned()),
            FacetField::Pattern => Some(self.pattern.to_string()),
            FacetField::Context(name) => {
                let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(self.context).ok()?;
                match object.get(name)? {
                    serde_json::Value::String(text) => Some(text.clone()),
                    serde_json::Value::Object(_) | serde_json::Value::Array(_) => None,
                    other => Some(other.to_string()),
                }
            }
        }
    }
}

/// A filter over a snapshot.
pub(crate) struct Scan<'a> {
    pub(crate) snapshot: Snapshot,
    pub(crate) filter: &'a Filter,
    catalog: &'a Catalog,
}

type Sink<'s> = &'s mut dyn FnMut(&Found<'_>);

impl<'a> Scan<'a> {
    pub(crate) fn new(history: &'a FileHistory, filter: &'a Filter) -> Self {
        Scan { snapshot: history.snapshot(), filter, catalog: &history.catalog }
    }

    /// First and last timestamp of all that is stored.
    pub(crate) fn range(&self) -> Option<(i64, i64)> {
        self.snapshot.range()
    }

    fn pattern(&self, form: FormId) -> PatternId {
        self.catalog.pattern_of(form).unwrap_or(PatternId(form.0))
    }

    fn resolve(&self, id: PatternId) -> PatternId {
        self.catalog.resolve(id).unwrap_or(id)
    }

    /// Gives each row that matches, in no particular order.
    pub(crate) fn rows(&self, meter: &Meter<'_>, sink: Sink<'_>) -> Result<Partial, QueryError> {
        for tail in &self.snapshot.tails {
            if let Some(reason) = meter.look()? {
                return Ok(Partial(Some(reason)));
            }
            self.tail(tail, sink);
        }
        for file in self.snapshot.files.iter().rev() {
            for group in 0..file.rows.index.groups.len() {
                if let Some(reason) = meter.look()? {
                    return Ok(Partial(Some(reason)));
                }
                self.group(&file.rows, group, sink).map_err(|e| QueryError::Unavailable(e.to_string()))?;
            }
        }
        Ok(Partial(None))
    }

    fn tail(&self, tail: &Tail, sink: Sink<'_>) {
        let patterns = self.patterns(&tail.dictionary);
        for segment in tail.segments() {
            for (row, series) in segment.rows() {
                let text = segment.batch.text(row);
                let found = Found {
                    partition: row.partition,
                    offset: row.offset,
                    timestamp: row.timestamp,
                    received_at: row.received_at,
                    level: row.level,
                    level_text: text.level_text,
                    source: text.source,
                    message: text.message,
                    context: text.context,
                    pattern: patterns[tail.dictionary.series[series as usize].form as usize],
                };
                self.offer(&found, sink);
            }
        }
    }

    fn patterns(&self, dictionary: &Dictionary) -> Vec<PatternId> {
        dictionary.forms.iter().map(|form| self.pattern(form.id)).collect()
    }

    fn group(&self, file: &RowFile, group: usize, sink: Sink<'_>) -> std::io::Result<()> {
        let bad = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let dictionary = &file.index.dictionary;
        let patterns = self.patterns(dictionary);
        let partitions = file.partitions(group)?;
        let offsets = file.longs(group, Column::Offset)?;
        let timestamps = file.longs(group, Column::Timestamp)?;
        let received = file.longs(group, Column::Received)?;
        let (levels, level_codes) = file.codes(group, Column::Level)?;
        let (sources, source_codes) = file.codes(group, Column::Source)?;
        let (forms, form_codes) = file.codes(group, Column::Form)?;
        let (level_texts, level_text_codes) = file.codes(group, Column::LevelText)?;
        let variables = file.texts(group, Column::Variables)?;
        let contexts = file.texts(group, Column::Context)?;
        for at in 0..offsets.len() {
            let form = &forms[form_codes[at] as usize];
            let form = FormId(u64::from_le_bytes(form.first_chunk().copied().unwrap_or_default()));
            let known = dictionary.forms.iter().position(|f| f.id == form).ok_or_else(|| bad("form"))?;
            let mut message = Vec::new();
            if !put_message(dictionary.forms[known].skeleton.as_ref(), &variables[at], &mut message) {
                return Err(bad("variables"));
            }
            let level = std::str::from_utf8(&levels[level_codes[at] as usize]).ok();
            let found = Found {
                partition: partitions[at],
                offset: offsets[at] as u64,
                timestamp: timestamps[at],
                received_at: received[at],
                level: level.and_then(Level::from_payload).ok_or_else(|| bad("level"))?,
                level_text: &text(&level_texts[level_text_codes[at] as usize]),
                source: &text(&sources[source_codes[at] as usize]),
                message: &text(&message),
                context: &text(&contexts[at]),
                pattern: patterns[known],
            };
            self.offer(&found, sink);
        }
        Ok(())
    }

    fn offer(&self, row: &Found<'_>, sink: Sink<'_>) {
        let filter = self.filter;
        let arrived = |until: &crate::Positions| row.offset < until.get(&row.partition).copied().unwrap_or(0);
        let matches = filter.levels.contains(row.level)
            && filter.source.as_ref().is_none_or(|source| source == row.source)
            && filter.from.is_none_or(|from| row.timestamp >= from)
            && filter.to.is_none_or(|to| row.timestamp < to)
            && filter.pattern.is_none_or(|pattern| self.resolve(pattern) == row.pattern)
            && filter.until.as_ref().is_none_or(arrived)
            && filter.query.as_ref().is_none_or(|query| {
                let view = RowView {
                    source: row.source,
                    level: row.level,
                    message: row.message,
                    context: row.context,
                    pattern: row.pattern,
                };
                query.matches(&view, &|id| self.resolve(id))
            });
        if matches {
            sink(row);
        }
    }
}
