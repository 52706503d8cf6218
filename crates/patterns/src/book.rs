//! What is known of all forms: the part that changes only when something new is seen.

use crate::cells::Cells;
use crate::journal::{Entries, Entry, JournalError, Loaded};
use crate::keys::{ByHash, Keys, MAX_INDEXED};
use crate::scan::Var;
use crate::sets::Sets;
use crate::skeleton::{Skeleton, form_of};
use crate::wide::{Layouts, OPEN_IN_LAYOUT, OPEN_IN_SET, layout, widen, widest, words};
use crate::{FormId, PatternId};

/// Forms, sets, keys and layouts, and the journal of what came last.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub index: ByHash<u32>,
    pub sets: Sets,
    keys: Keys,
    layouts: Layouts,
    /// Layouts in the order in which something opened in them.
    opened: Vec<(u64, u64)>,
    journal: Vec<u8>,
    headed: bool,
    /// Rises with every change.
    pub revision: u64,
}

impl Book {
    /// The form with this id.
    pub(crate) fn form(&self, id: u64) -> Option<u32> {
        self.index.get(&id).copied()
    }

    /// The pattern that an id (of a form or a pattern) belongs to now.
    pub(crate) fn resolve(&self, id: u64) -> Option<PatternId> {
        self.form(id).map(|form| self.sets.pattern(form))
    }

    /// The wide form of a line that is not known as it stands, with its variables.
    pub(crate) fn wide_form(&self, line: &[u8], vars: &[Var]) -> Option<(u32, Vec<Var>)> {
        if self.opened.is_empty() {
            return None;
        }
        let words = words(line, vars);
        self.layouts.masks(layout(line, &words)).iter().find_map(|&mask| {
            let wide = widen(vars, &words, mask);
            let form = self.form(form_of(line, &wide).0)?;
            self.sets.forms()[form as usize].skeleton.matches(line, &wide).then_some((form, wide))
        })
    }

    /// Whether there is room for `most` forms and one more.
    pub(crate) fn has_room(&self, most: usize) -> bool {
        self.sets.forms().len() < most.min(MAX_INDEXED)
    }

    /// Enters a form that is not known, and groups it. `None` when its id is taken by another text.
    pub(crate) fn insert(&mut self, skeleton: Skeleton) -> Option<u32> {
        let id = skeleton.id();
        if self.index.contains_key(&id.0) {
            return None;
        }
        self.write(Entry::Form(skeleton.as_bytes()));
        let (line, vars) = skeleton.rendered();
        let covering = self.wide_form(&line, &vars);
        let cells = Cells::of(&skeleton);
        let form = self.sets.push(id, skeleton, &cells);
        self.index.insert(id.0, form);
        self.keys.enter(&mut self.sets, form, &cells);
        if let Some((wide, _)) = covering {
            self.sets.unite(wide, form);
            self.sets.cover(form);
        }
        let layout = layout(&line, &words(&line, &vars));
        let count = self.layouts.push(layout, form);
        if count.is_multiple_of(OPEN_IN_SET) {
            self.open_widest(layout, form, count);
        }
        self.revision += 1;
        Some(form)
    }

    /// Opens one more position in a layout that has too many forms.
    fn open_widest(&mut self, layout: u64, form: u32, count: usize) {
        let all: Vec<u32> = self.layouts.forms(layout).filter(|&f| !self.sets.forms()[f as usize].covered).collect();
        let set = |f: &u32| self.sets.forms()[*f as usize].set;
        let mine: Vec<u32> = all.iter().copied().filter(|f| set(f) == set(&form)).collect();
        let rows = if mine.len() >= OPEN_IN_SET {
            mine
        } else if count.is_multiple_of(OPEN_IN_LAYOUT) {
            all
        } else {
            return;
        };
        let (line, vars) = self.sets.forms()[form as usize].skeleton.rendered();
        let own = words(&line, &vars);
        // A word that is one variable already is open in all forms that share it.
        let already = own
            .iter()
            .enumerate()
            .filter(|(_, word)| vars.contains(word))
            .fold(0u64, |mask, (at, _)| mask | 1u64.checked_shl(at as u32).unwrap_or(0));
        let texts: Vec<Vec<Vec<u8>>> = rows.iter().map(|&row| self.texts(row)).collect();
        if let Some(at) = widest(&texts, |at| already >> at & 1 == 0) {
            self.open(layout, already_open(&own, &vars, &texts) | 1 << at);
        }
    }

    fn texts(&self, form: u32) -> Vec<Vec<u8>> {
        let (line, vars) = self.sets.forms()[form as usize].skeleton.rendered();
        words(&line, &vars).iter().map(|word| line[word.range()].to_vec()).collect()
    }

    /// Opens positions of a layout, enters the wide forms that follow and covers what they say.
    fn open(&mut self, layout: u64, mask: u64) {
        if !self.layouts.open(layout, mask) {
            return;
        }
        self.opened.push((layout, mask));
        self.write(Entry::Open { layout, mask });
        let forms: Vec<u32> = self.layouts.forms(layout).collect();
        for form in forms {
            let (line, vars) = self.sets.forms()[form as usize].skeleton.rendered();
            let wide = widen(&vars, &words(&line, &vars), mask);
            let id = form_of(&line, &wide);
            if wide == vars || self.sets.forms()[form as usize].covered {
                continue;
            }
            let wide = self.form(id.0).or_else(|| self.insert(Skeleton::of(&line, &wide)));
            if let Some(wide) = wide {
                self.sets.unite(wide, form);
                self.sets.cover(form);
            }
        }
    }

    fn write(&mut self, entry: Entry<'_>) {
        if !std::mem::replace(&mut self.headed, true) {
            Entry::head().encode(&mut self.journal);
        }
        entry.encode(&mut self.journal);
    }

    /// What is new since the last call, for the end of the journal.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.journal)
    }

    /// All that is known, as a journal of its own.
    pub(crate) fn export(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Entry::head().encode(&mut out);
        for form in self.sets.forms() {
            Entry::Form(form.skeleton.as_bytes()).encode(&mut out);
        }
        for &(layout, mask) in &self.opened {
            Entry::Open { layout, mask }.encode(&mut out);
        }
        out
    }

    /// Reads a journal into what is known. What it adds is new to this state's own journal unless `own`.
    pub(crate) fn load(&mut self, bytes: &[u8], own: bool) -> Result<Loaded, JournalError> {
        let (mut entries, mut loaded) = (Entries::of(bytes), Loaded::default());
        let kept = self.journal.len();
        for entry in entries.by_ref() {
            match entry {
                Entry::Head { format, .. } if format > crate::JOURNAL_VERSION => {
                    return Err(JournalError::Newer { found: format });
                }
                Entry::Head { scanner, .. } => loaded.scanner = scanner,
                Entry::Form(packed) => {
                    let known = |id: FormId| self.index.contains_key(&id.0);
                    if let Some(skeleton) = Skeleton::from_bytes(packed).filter(|s| !known(s.id())) {
                        loaded.new_forms += usize::from(self.insert(skeleton).is_some());
                    }
                }
                Entry::Open { layout, mask } => self.open(layout, mask),
            }
        }
        loaded.valid = entries.valid();
        if own {
            self.journal.truncate(kept);
            self.headed = loaded.valid > 0;
        }
        Ok(loaded)
    }
}

/// The positions of a layout that are one variable in every row.
fn already_open(own: &[Var], vars: &[Var], rows: &[Vec<Vec<u8>>]) -> u64 {
    let hole = |at: usize| rows.iter().all(|row| row.get(at).is_some_and(|word| word == &[crate::skeleton::HOLE]));
    (0..own.len().min(64)).filter(|&at| vars.contains(&own[at]) && hole(at)).fold(0, |mask, at| mask | 1 << at)
}
