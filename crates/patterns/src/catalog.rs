//! A shared view of what a miner knows, for readers in other threads.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::book::Book;
use crate::cells::Cells;
use crate::{FormId, Kind, PatternId};

/// Answers about forms and patterns. Cheap to clone; the miner writes to it only when a line is new,
/// and never touches it for known lines.
#[derive(Debug, Clone, Default)]
pub struct Catalog(Arc<RwLock<Book>>);

/// A pattern as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternInfo {
    /// The id: the lowest of its forms' ids.
    pub id: PatternId,
    /// The text with `<*>` for what varies.
    pub template: String,
    /// How many forms it has.
    pub forms: usize,
    /// Rises when forms of other patterns join it.
    pub revision: u32,
}

impl Catalog {
    /// The state holds plain values that are whole after every step, so a panic elsewhere does not spoil it.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Book> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pattern that any id ever shown belongs to now.
    pub fn resolve(&self, id: PatternId) -> Option<PatternId> {
        self.read().resolve(id.0)
    }

    /// The pattern that a form belongs to now.
    pub fn pattern_of(&self, form: FormId) -> Option<PatternId> {
        self.read().resolve(form.0)
    }

    /// The template of a pattern, by any of its ids: its text with `<*>` for what varies.
    pub fn template(&self, id: PatternId) -> Option<String> {
        self.with_cells(id, |cells, open, _| cells.template(open, |_, out| out.push_str("<*>")))
    }

    /// The template with the kind of each variable: `took <quantity> at <host>`, `<word>` where words differ.
    pub fn typed_template(&self, id: PatternId) -> Option<String> {
        self.with_cells(id, |cells, open, kinds| {
            cells.template(open, |hole, out| {
                out.push('<');
                out.push_str(hole.and_then(|at| kinds.get(at)).map_or("word", |kind| kind.name()));
                out.push('>');
            })
        })
    }

    fn with_cells(&self, id: PatternId, show: impl FnOnce(&Cells, u128, &[Kind]) -> String) -> Option<String> {
        let (skeleton, open, rules) = {
            let book = self.read();
            let (form, open) = book.sets.shown(book.form(id.0)?);
            (book.sets.forms()[form as usize].skeleton.clone(), open, book.sets.rules)
        };
        let kinds: Vec<Kind> = skeleton.kinds().collect();
        Some(show(&Cells::of(&skeleton, &rules), open, &kinds))
    }

    /// The exact literal text of a form with `hole` for each variable.
    pub fn skeleton_text(&self, form: FormId, hole: &str) -> Option<String> {
        self.skeleton(form).map(|skeleton| skeleton.text(hole))
    }

    /// The skeleton of a form: with a line's variables it gives the line.
    pub fn skeleton(&self, form: FormId) -> Option<crate::Skeleton> {
        let book = self.read();
        book.form(form.0).map(|at| book.sets.forms()[at as usize].skeleton.clone())
    }

    /// The forms of a pattern, by any of its ids, in rising order; empty for an id that was never shown.
    pub fn forms(&self, id: PatternId) -> Vec<FormId> {
        let book = self.read();
        let Some(form) = book.form(id.0) else { return Vec::new() };
        let mut forms: Vec<FormId> = book.sets.members(form).map(|at| book.sets.forms()[at as usize].id).collect();
        forms.sort_unstable();
        forms
    }

    /// Ids that the pattern was known by before, in rising order, without the one that it has now.
    pub fn aliases(&self, id: PatternId) -> Vec<PatternId> {
        let book = self.read();
        let Some(form) = book.form(id.0) else { return Vec::new() };
        let now = book.sets.pattern(form);
        let mut ids: Vec<PatternId> =
            book.sets.former(form).iter().map(|&id| PatternId(id)).filter(|&id| id != now).collect();
        ids.sort_unstable();
        ids
    }

    /// A pattern, by any of its ids.
    pub fn pattern(&self, id: PatternId) -> Option<PatternInfo> {
        let (id, forms, revision) = {
            let book = self.read();
            let form = book.form(id.0)?;
            (book.sets.pattern(form), book.sets.size(form), book.sets.revision(form))
        };
        Some(PatternInfo { id, template: self.template(id)?, forms, revision })
    }

    /// The ids of all patterns, in rising order.
    pub fn list(&self) -> Vec<PatternId> {
        let book = self.read();
        let mut ids: Vec<PatternId> = book.sets.heads().map(|form| book.sets.pattern(form)).collect();
        ids.sort_unstable();
        ids
    }

    /// Rises with every change; equal numbers mean equal answers.
    pub fn revision(&self) -> u64 {
        self.read().revision
    }

    /// How many forms are known.
    pub fn form_count(&self) -> usize {
        self.read().sets.forms().len()
    }

    /// How many patterns they make.
    pub fn pattern_count(&self) -> usize {
        self.read().sets.patterns()
    }

    /// All that is known, as a journal of its own: what another state loads to be merged with this one.
    pub fn export(&self) -> Vec<u8> {
        self.read().export()
    }
}
