//! The most frequent values of fields.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;

use super::judge::Judge;
use super::sink::{Counted, Needs, Row, Sink, Times};
use crate::FacetField;
use crate::file::dictionary::Dictionary;

/// Counts values by field.
pub(crate) struct FacetCounts<'a> {
    judge: &'a Judge<'a>,
    fields: Vec<Field>,
    entered: Option<Arc<Dictionary>>,
    forms: Vec<u64>,
    sources: Vec<u64>,
    levels: [u64; 4],
    total: u64,
    memory: usize,
}

struct Field {
    field: FacetField,
    values: HashMap<String, u64>,
}

impl<'a> FacetCounts<'a> {
    pub(crate) fn new(fields: &[FacetField], judge: &'a Judge<'a>) -> Self {
        let fields = fields.iter().map(|field| Field { field: field.clone(), values: HashMap::new() }).collect();
        FacetCounts {
            judge,
            fields,
            entered: None,
            forms: Vec::new(),
            sources: Vec::new(),
            levels: [0; 4],
            total: 0,
            memory: 0,
        }
    }

    fn has(&self, wanted: impl Fn(&FacetField) -> bool) -> bool {
        self.fields.iter().any(|field| wanted(&field.field))
    }

    fn add(&mut self, form: u32, source: u32, level: Level, rows: u64) {
        self.total += rows;
        self.levels[level as usize] += rows;
        for (counts, at) in [(&mut self.forms, form as usize), (&mut self.sources, source as usize)] {
            if at >= counts.len() {
                counts.resize(at + 1, 0);
            }
            counts[at] += rows;
        }
    }

    /// Turns the indexes of the dictionary that is left into values.
    fn settle(&mut self) {
        let (forms, sources) = (std::mem::take(&mut self.forms), std::mem::take(&mut self.sources));
        let levels = std::mem::take(&mut self.levels);
        let Some(dictionary) = self.entered.take() else { return };
        for Field { field, values } in &mut self.fields {
            let mut count = |value: &str, rows: u64| {
                if rows > 0 {
                    *values.entry_ref(value).or_insert_with(|| {
                        self.memory += value.len() + 64;
                        0
                    }) += rows;
                }
            };
            match field {
                FacetField::Source => {
                    dictionary.sources.iter().zip(&sources).for_each(|(source, &rows)| count(source, rows));
                }
                FacetField::Level => {
                    Level::ALL.iter().zip(levels).for_each(|(level, rows)| count(level.as_str(), rows))
                }
                FacetField::Pattern => {
                    for (form, &rows) in dictionary.forms.iter().zip(&forms).filter(|(_, rows)| **rows > 0) {
                        count(&self.judge.pattern_of(form).to_string(), rows);
                    }
                }
                FacetField::Context(_) => {}
            }
        }
    }

    fn context(&mut self, context: &str) {
        if context.is_empty() {
            return;
        }
        for Field { field, values } in &mut self.fields {
            let FacetField::Context(name) = field else { continue };
            if let Some(value) = top_level(context, name) {
                let len = value.len();
                *values.entry(value).or_insert_with(|| {
                    self.memory += len + 64;
                    0
                }) += 1;
            }
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// For each field its most frequent values.
    pub(crate) fn finish(mut self, limit: usize) -> Vec<(FacetField, Vec<(String, u64)>)> {
        self.settle();
        let top = |field: Field| {
            let mut values = by_count(field.values);
            values.truncate(limit);
            (field.field, values)
        };
        self.fields.into_iter().map(top).collect()
    }
}

/// A field of the context by its name: texts as they are, numbers and truth values as JSON; objects and lists have no value.
fn top_level(context: &str, name: &str) -> Option<String> {
    // A name that is not escaped stands in the text as it is.
    if !context.contains('\\') && !context.contains(name) {
        return None;
    }
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(context).ok()?;
    match object.remove(name)? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => None,
        other => Some(other.to_string()),
    }
}

/// Most frequent first, then by value.
pub(crate) fn by_count<T: Ord>(values: HashMap<T, u64>) -> Vec<(T, u64)> {
    let mut values: Vec<(T, u64)> = values.into_iter().collect();
    values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values
}

impl Sink for FacetCounts<'_> {
    fn needs(&self) -> Needs {
        Needs {
            form: self.has(|field| *field == FacetField::Pattern),
            source: self.has(|field| *field == FacetField::Source),
            level: self.has(|field| *field == FacetField::Level),
            context: self.has(|field| matches!(field, FacetField::Context(_))),
            ..Needs::default()
        }
    }

    fn times(&self) -> Times {
        Times::None
    }

    fn enter(&mut self, dictionary: &Arc<Dictionary>) {
        if !self.entered.as_ref().is_some_and(|entered| Arc::ptr_eq(entered, dictionary)) {
            self.settle();
            self.entered = Some(dictionary.clone());
        }
    }

    fn counted(&mut self, counted: &Counted) {
        let (form, source) = counted.series.map_or((0, 0), |series| (series.form, series.source));
        self.add(form, source, counted.level, counted.rows);
    }

    fn row(&mut self, row: &Row<'_>) {
        self.add(row.form, row.source, row.level, 1);
        self.context(row.context);
    }

    fn memory(&self) -> usize {
        self.memory
    }
}
