//! Forms and the sets they stand in: a union-find whose answers do not depend on the order of what it was told.

use crate::cells::Cells;
use crate::skeleton::Skeleton;
use crate::{FormId, PatternId, Rules};

/// No form.
pub(crate) const NONE: u32 = u32::MAX;

/// One form, in the order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub id: FormId,
    pub skeleton: Skeleton,
    pub set: u32,
    /// A wider form says all that this one does: it gives its set no id.
    pub covered: bool,
    /// The next form of the same set.
    next: u32,
}

/// What the forms of a set that have the same number of cells have in common.
#[derive(Debug, Clone)]
struct Fold {
    cells: u32,
    count: u32,
    /// The form with the lowest id: its text is shown.
    base: u32,
    /// The cells in which not all are the same.
    open: u128,
}

/// A group of forms.
#[derive(Debug, Clone)]
struct Set {
    id: u64,
    first: u32,
    last: u32,
    count: u32,
    revision: u32,
    fold: Fold,
    /// Further folds, of other lengths.
    more: Vec<Fold>,
    /// Ids that this set was known by before.
    former: Vec<u64>,
}

/// All forms, in their sets.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    pub rules: Rules,
    forms: Vec<Form>,
    sets: Vec<Set>,
    patterns: usize,
    /// Forms whose pattern is another than before, or new.
    changed: Vec<u32>,
}

impl Sets {
    /// The forms that are new or whose pattern changed since the last call; some may come twice.
    pub(crate) fn take_changed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.changed)
    }

    pub(crate) fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// How many sets there are.
    pub(crate) fn patterns(&self) -> usize {
        self.patterns
    }

    /// A new form in a set of its own.
    pub(crate) fn push(&mut self, id: FormId, skeleton: Skeleton, cells: &Cells) -> u32 {
        let (form, set) = (self.forms.len() as u32, self.sets.len() as u32);
        self.forms.push(Form { id, skeleton, set, covered: false, next: NONE });
        let fold = Fold { cells: cells.len() as u32, count: 1, base: form, open: 0 };
        self.sets.push(Set {
            id: id.0,
            first: form,
            last: form,
            count: 1,
            revision: 1,
            fold,
            more: Vec::new(),
            former: Vec::new(),
        });
        self.patterns += 1;
        self.changed.push(form);
        form
    }

    /// The id of the set that a form stands in.
    pub(crate) fn pattern(&self, form: u32) -> PatternId {
        PatternId(self.sets[self.forms[form as usize].set as usize].id)
    }

    /// How often the set of a form changed, plus one.
    pub(crate) fn revision(&self, form: u32) -> u32 {
        self.sets[self.forms[form as usize].set as usize].revision
    }

    /// Ids that the set of a form was known by before.
    pub(crate) fn former(&self, form: u32) -> &[u64] {
        &self.sets[self.forms[form as usize].set as usize].former
    }

    /// How many forms stand in the set of a form.
    pub(crate) fn size(&self, form: u32) -> usize {
        self.sets[self.forms[form as usize].set as usize].count as usize
    }

    /// The forms of the set of a form.
    pub(crate) fn members(&self, form: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.sets[self.forms[form as usize].set as usize].first;
        std::iter::from_fn(move || {
            let member = (at != NONE).then_some(at)?;
            at = self.forms[member as usize].next;
            Some(member)
        })
    }

    /// One form of each set.
    pub(crate) fn heads(&self) -> impl Iterator<Item = u32> + '_ {
        self.sets.iter().filter(|set| set.first != NONE).map(|set| set.first)
    }

    /// The form that the template of a set is shown by, and its open cells: of the length that most forms have.
    pub(crate) fn shown(&self, form: u32) -> (u32, u128) {
        let set = &self.sets[self.forms[form as usize].set as usize];
        let best = set.more.iter().chain([&set.fold]).max_by_key(|fold| (fold.count, std::cmp::Reverse(fold.cells)));
        best.map_or((form, 0), |fold| (fold.base, fold.open))
    }

    /// Makes one set of two forms' sets. Says whether they were apart.
    pub(crate) fn unite(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.forms[a as usize].set, self.forms[b as usize].set);
        if a == b {
            return false;
        }
        let (into, from) = if self.sets[a as usize].count >= self.sets[b as usize].count { (a, b) } else { (b, a) };
        let mut at = self.sets[from as usize].first;
        while at != NONE {
            self.forms[at as usize].set = into;
            at = self.forms[at as usize].next;
        }
        let gone = self.take(from);
        let (low, into_id) = (gone.id.min(self.sets[into as usize].id), self.sets[into as usize].id);
        self.note(if low == into_id { NONE } else { self.sets[into as usize].first });
        self.note(if low == gone.id { NONE } else { gone.first });
        let last = self.sets[into as usize].last;
        self.forms[last as usize].next = gone.first;
        self.merge(into as usize, gone);
        self.patterns -= 1;
        true
    }

    /// Notes that the pattern of a chain of forms changed.
    fn note(&mut self, mut at: u32) {
        while at != NONE {
            self.changed.push(at);
            at = self.forms[at as usize].next;
        }
    }

    fn take(&mut self, set: u32) -> Set {
        let set = &mut self.sets[set as usize];
        let gone = set.clone();
        (set.first, set.last, set.count) = (NONE, NONE, 0);
        (set.more, set.former) = (Vec::new(), Vec::new());
        gone
    }

    fn merge(&mut self, into: usize, gone: Set) {
        let set = &mut self.sets[into];
        set.last = gone.last;
        set.count += gone.count;
        set.revision = set.revision.max(gone.revision) + 1;
        let (low, high) = (set.id.min(gone.id), set.id.max(gone.id));
        set.id = low;
        for id in gone.former.into_iter().chain([high]) {
            if !set.former.contains(&id) {
                set.former.push(id);
            }
        }
        for fold in [gone.fold].into_iter().chain(gone.more) {
            self.add_fold(into, fold);
        }
        self.uncover(into);
    }

    fn add_fold(&mut self, into: usize, fold: Fold) {
        let set = &mut self.sets[into];
        let same = [&mut set.fold].into_iter().chain(set.more.iter_mut()).find(|known| known.cells == fold.cells);
        let Some(known) = same else { return set.more.push(fold) };
        let [a, b] = [known.base, fold.base].map(|form| &self.forms[form as usize]);
        known.open |= fold.open | Cells::of(&a.skeleton, &self.rules).differences(&Cells::of(&b.skeleton, &self.rules));
        known.count += fold.count;
        if b.id < a.id {
            known.base = fold.base;
        }
    }

    /// Says that a wider form covers this one, which stands in the same set.
    pub(crate) fn cover(&mut self, form: u32) {
        let form = &mut self.forms[form as usize];
        if !std::mem::replace(&mut form.covered, true) {
            let set = form.set as usize;
            self.uncover(set);
        }
    }

    /// Sets the id of a set to the lowest of its forms that no other covers.
    fn uncover(&mut self, set: usize) {
        if self.sets[set].first == NONE {
            return;
        }
        let known = self.sets[set].id;
        let mut lowest = u64::MAX;
        let mut at = self.sets[set].first;
        while at != NONE {
            let form = &self.forms[at as usize];
            if !form.covered {
                lowest = lowest.min(form.id.0);
            }
            at = form.next;
        }
        let set = &mut self.sets[set];
        if lowest != u64::MAX && lowest != known {
            set.former.push(known);
            set.former.retain(|&id| id != lowest);
            set.id = lowest;
            set.revision += 1;
            let first = set.first;
            self.note(first);
        }
    }
}
