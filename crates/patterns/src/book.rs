//! What is known of all forms: the part that changes only when something new is seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::cells::Cells;
use crate::journal::{Entries, Entry, JournalError, Loaded};
use crate::keys::{ByHash, Keys, MAX_INDEXED};
use crate::renew::rescanned;
use crate::scan::{SCANNER_VERSION, Scanner, Var};
use crate::sets::Sets;
use crate::skeleton::{HOLE, Skeleton, form_of};
use crate::wide::{LEAST_WORDS, Layouts, OPEN_IN_LAYOUT, OPEN_IN_SET, Opening, layout, wide, widen, widest, words};
use crate::{FormId, PatternId, Rules};

/// Forms, sets, keys and layouts, and the journal of what came last.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub index: ByHash<u32>,
    pub sets: Sets,
    keys: Keys,
    layouts: Layouts,
    /// Layouts in the order in which something opened in them.
    opened: Vec<(u64, Opening)>,
    /// Ids of forms of an older scanner, and of what this one finds instead.
    same: BTreeSet<(u64, u64)>,
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

    /// The wide form of a line that is not known as it stands, with its variables and what opened it.
    pub(crate) fn wide_form(&self, line: &[u8], vars: &[Var]) -> Option<(u32, Vec<Var>, Opening)> {
        if self.opened.is_empty() {
            return None;
        }
        let words = words(line, vars);
        self.layouts.masks(layout(line, &words)).iter().find_map(|open| {
            let wide = widen(vars, &words, open.mask);
            let form = self.form(form_of(line, &wide).0)?;
            self.sets.forms()[form as usize].skeleton.matches(line, &wide).then_some((form, wide, *open))
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
        let rules = self.sets.rules;
        let cells = Cells::of(&skeleton, &rules);
        let form = self.sets.push(id, skeleton, &cells);
        self.index.insert(id.0, form);
        self.keys.enter(&mut self.sets, form, &cells, &rules);
        if let Some((wide, _, _)) = covering.filter(|(_, _, open)| !open.loose) {
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

    /// Sets the rules, and enters a form that every state has, so that no journal needs to tell it.
    pub(crate) fn found(&mut self, skeleton: Skeleton, rules: Rules) {
        self.sets.rules = rules;
        self.insert(skeleton);
        self.journal.clear();
        self.headed = false;
    }

    /// Opens what varies most in a layout that has too many forms: one more position where forms of one set are so
    /// many, all positions that vary widely where forms that have nothing else in common are.
    fn open_widest(&mut self, layout: u64, form: u32, count: usize) {
        let all: Vec<u32> = self.layouts.forms(layout).filter(|&f| !self.sets.forms()[f as usize].covered).collect();
        let set = |f: &u32| self.sets.forms()[*f as usize].set;
        let mine: Vec<u32> = all.iter().copied().filter(|f| set(f) == set(&form)).collect();
        if mine.len() >= OPEN_IN_SET {
            let rows: Vec<_> = mine.iter().map(|&row| self.texts(row)).collect();
            if let Some(at) = widest(&rows) {
                self.open(layout, Opening { mask: always_open(&rows) | 1 << at, loose: false });
            }
        } else if count.is_multiple_of(OPEN_IN_LAYOUT) {
            let rows: Vec<_> = all.iter().map(|&row| self.texts(row)).collect();
            self.open(layout, Opening { mask: wide(&rows), loose: true });
        }
    }

    fn texts(&self, form: u32) -> Vec<Vec<u8>> {
        let (line, vars) = self.sets.forms()[form as usize].skeleton.rendered();
        words(&line, &vars).iter().map(|word| line[word.range()].to_vec()).collect()
    }

    /// Opens positions of a layout, enters the wide forms that many forms share and covers those.
    /// A loose opening only takes in what comes later: forms that were there may be a program's own.
    fn open(&mut self, layout: u64, open: Opening) {
        let Opening { mask, loose } = open;
        if mask == 0 {
            return;
        }
        if self.layouts.open(layout, open) {
            self.opened.push((layout, open));
            self.write(Entry::Open { layout, mask, loose });
        }
        let mut shared: BTreeMap<u64, (Skeleton, Vec<u32>)> = BTreeMap::new();
        for form in self.layouts.forms(layout).filter(|&form| !self.sets.forms()[form as usize].covered) {
            let (line, vars) = self.sets.forms()[form as usize].skeleton.rendered();
            let wide = widen(&vars, &words(&line, &vars), mask);
            if wide != vars {
                shared
                    .entry(form_of(&line, &wide).0)
                    .or_insert_with(|| (Skeleton::of(&line, &wide), Vec::new()))
                    .1
                    .push(form);
            }
        }
        for (id, (skeleton, forms)) in shared.into_iter().filter(|(_, (_, forms))| forms.len() >= LEAST_WORDS) {
            let Some(wide) = self.form(id).or_else(|| self.insert(skeleton)) else { continue };
            for form in forms.into_iter().filter(|_| !loose) {
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
        for &(layout, Opening { mask, loose }) in &self.opened {
            Entry::Open { layout, mask, loose }.encode(&mut out);
        }
        for &(old, new) in &self.same {
            Entry::Same { old, new }.encode(&mut out);
        }
        out
    }

    /// Reads a journal into what is known. What it adds is new to this state's own journal unless `own`. What an older
    /// scanner found is scanned again; what follows in an own journal stands behind a head of its own.
    pub(crate) fn load(&mut self, bytes: &[u8], own: bool) -> Result<Loaded, JournalError> {
        let (mut entries, mut loaded) = (Entries::of(bytes), Loaded::default());
        let mut scanner = Scanner::new();
        for entry in entries.by_ref() {
            if let Entry::Head { format, scanner } = entry {
                if format > crate::JOURNAL_VERSION {
                    return Err(JournalError::Newer { found: format });
                }
                loaded.scanner = scanner;
                continue;
            }
            let (written, headed) = (self.journal.len(), self.headed);
            loaded.new_forms += usize::from(self.take(entry));
            if loaded.scanner < SCANNER_VERSION
                && let Entry::Form(packed) = entry
                && let Some(skeleton) = Skeleton::from_bytes(packed)
            {
                self.renew(skeleton.id(), rescanned(&skeleton, &mut scanner));
            }
            if own {
                self.journal.truncate(written);
                self.headed = headed;
            }
        }
        loaded.valid = entries.valid();
        if own {
            self.headed |= loaded.valid > 0 && loaded.scanner == SCANNER_VERSION;
        }
        Ok(loaded)
    }

    /// Takes one entry of a journal. Says whether it was a new form.
    fn take(&mut self, entry: Entry<'_>) -> bool {
        match entry {
            Entry::Head { .. } => false,
            Entry::Form(packed) => Skeleton::from_bytes(packed).is_some_and(|skeleton| self.insert(skeleton).is_some()),
            Entry::Open { layout, mask, loose } => {
                self.open(layout, Opening { mask, loose });
                false
            }
            Entry::Same { old, new } => {
                self.link(old, new);
                false
            }
        }
    }

    /// Enters what today's scanner finds in the lines of an older form, if it is another.
    fn renew(&mut self, old: FormId, new: Skeleton) {
        let id = new.id();
        if id != old {
            self.insert(new);
            self.link(old.0, id.0);
        }
    }

    /// Makes one of two forms, for ever.
    fn link(&mut self, old: u64, new: u64) {
        let (Some(a), Some(b)) = (self.form(old), self.form(new)) else { return };
        if self.same.insert((old, new)) {
            self.write(Entry::Same { old, new });
            self.sets.unite(a, b);
            self.revision += 1;
        }
    }
}

/// The positions of a layout that are one variable in every row.
fn always_open(rows: &[Vec<Vec<u8>>]) -> u64 {
    let columns = rows.iter().map(Vec::len).min().unwrap_or(0).min(64);
    let hole = |at: usize| rows.iter().all(|row| row[at] == [HOLE]);
    (0..columns).filter(|&at| hole(at)).fold(0, |mask, at| mask | 1 << at)
}
