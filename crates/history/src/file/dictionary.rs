//! What the rows of one file, or of the tail, have in common: sources, forms, and the series that rows fall into.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;
use whittle_patterns::FormId;

use super::forms::Form;

/// Rows of one form, source and level: what a question about levels, sources and patterns cannot tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    /// Index of the form.
    pub(crate) form: u32,
    /// Index of the source.
    pub(crate) source: u32,
    /// The level.
    pub(crate) level: Level,
}

/// Sources, forms and series by their indexes. Only grows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dictionary {
    pub(crate) sources: Vec<Arc<str>>,
    pub(crate) forms: Vec<Arc<Form>>,
    pub(crate) series: Vec<Series>,
}

impl Dictionary {
    #[inline]
    pub(crate) fn form(&self, series: u32) -> &Arc<Form> {
        &self.forms[self.series[series as usize].form as usize]
    }

    /// Appends what a [`Finder`] gave indexes to.
    pub(crate) fn append(&mut self, additions: &mut Dictionary) {
        self.sources.append(&mut additions.sources);
        self.forms.append(&mut additions.forms);
        self.series.append(&mut additions.series);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.forms.is_empty() && self.series.is_empty()
    }

    /// The index of a source.
    pub(crate) fn source(&self, text: &str) -> Option<u32> {
        self.sources.iter().position(|source| **source == *text).map(|at| at as u32)
    }
}

/// Finds the index of what a dictionary holds. What it does not hold yet gets the next index and is put among the
/// additions, which the caller appends to the dictionary.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    sources: HashMap<Arc<str>, u32>,
    forms: HashMap<u64, u32>,
    series: HashMap<Series, u32>,
}

impl Finder {
    pub(crate) fn source(&mut self, text: &str, additions: &mut Dictionary) -> (Arc<str>, u32) {
        if let Some((text, &at)) = self.sources.get_key_value(text) {
            return (text.clone(), at);
        }
        let (text, at) = (Arc::<str>::from(text), self.sources.len() as u32);
        additions.sources.push(text.clone());
        self.sources.insert(text.clone(), at);
        (text, at)
    }

    #[inline]
    pub(crate) fn form(&mut self, id: FormId, form: impl FnOnce() -> Arc<Form>, additions: &mut Dictionary) -> u32 {
        let next = self.forms.len() as u32;
        *self.forms.entry(id.0).or_insert_with(|| {
            additions.forms.push(form());
            next
        })
    }

    #[inline]
    pub(crate) fn series(&mut self, series: Series, additions: &mut Dictionary) -> u32 {
        let next = self.series.len() as u32;
        *self.series.entry(series).or_insert_with(|| {
            additions.series.push(series);
            next
        })
    }
}
