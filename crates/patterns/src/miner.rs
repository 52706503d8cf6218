//! The hot path: scan a line, look its form up. Everything else happens once for each new form.

use hashbrown::HashMap;

use crate::catalog::Catalog;
use crate::journal::{JournalError, Loaded};
use crate::keys::ByHash;
use crate::scan::{Scanner, Var};
use crate::skeleton::{Skeleton, form_of};
use crate::{FormId, PatternId, Rules};

/// How much a miner may learn. Beyond it a line that is new is one variable as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Forms in all.
    pub forms: usize,
    /// Forms that one source may bring.
    pub forms_per_source: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { forms: 200_000, forms_per_source: 20_000 }
    }
}

/// Sources that are counted apart; those that come later share one count.
const MAX_SOURCES: usize = 4096;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The form: never changes for a text.
    pub form: FormId,
    /// The pattern that the form belongs to as far as is known now.
    pub pattern: PatternId,
    /// The form was not known before.
    pub new_form: bool,
    /// The line made a pattern of its own.
    pub new_pattern: bool,
}

/// A form as the hot path knows it.
struct Known {
    skeleton: Skeleton,
    pattern: PatternId,
}

/// Finds the form and the pattern of each line. Belongs to one thread; [`Miner::catalog`] is for the others.
pub struct Miner {
    scanner: Scanner,
    index: ByHash<u32>,
    known: Vec<Known>,
    catalog: Catalog,
    limits: Limits,
    sources: HashMap<Box<str>, usize>,
    other_sources: usize,
}

impl Default for Miner {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Miner {
    /// A miner that knows nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self::with_rules(limits, Rules::default())
    }

    /// The same with other rules, to measure what each is worth. Its ids and those of other rules do not mix.
    pub fn with_rules(limits: Limits, rules: Rules) -> Self {
        let mut miner = Miner {
            scanner: Scanner::new(),
            index: ByHash::default(),
            known: Vec::new(),
            catalog: Catalog::default(),
            limits,
            sources: HashMap::new(),
            other_sources: 0,
        };
        // The form of whatever finds no room: one variable. Known from the start, so that it never needs any.
        let everything = Skeleton::of(b"-", &[Var { start: 0, len: 1 }]);
        miner.catalog.write().found(everything, rules);
        miner.refresh();
        miner
    }

    /// The form and pattern of a line; its variables are appended to `vars`, in order and apart.
    pub fn observe(&mut self, line: &str, vars: &mut Vec<Var>) -> Match {
        self.observe_bytes("", line.as_bytes(), vars)
    }

    /// The same for a line of a source, which may bring only so many forms.
    pub fn observe_from(&mut self, source: &str, line: &str, vars: &mut Vec<Var>) -> Match {
        self.observe_bytes(source, line.as_bytes(), vars)
    }

    /// The same for bytes of any kind.
    #[inline]
    pub fn observe_bytes(&mut self, source: &str, line: &[u8], vars: &mut Vec<Var>) -> Match {
        let first = vars.len();
        self.scanner.scan_bytes(line, vars);
        let form = form_of(line, &vars[first..]);
        if let Some(known) = self.index.get(&form.0).map(|&at| &self.known[at as usize])
            && known.skeleton.matches(line, &vars[first..])
        {
            return Match { form, pattern: known.pattern, new_form: false, new_pattern: false };
        }
        self.learn(source, line, vars, first)
    }

    /// A line whose form is not known as it stands.
    #[cold]
    fn learn(&mut self, source: &str, line: &[u8], vars: &mut Vec<Var>, first: usize) -> Match {
        let wide = self.catalog.read().wide_form(line, &vars[first..]);
        if let Some((form, wide, _)) = wide {
            vars.truncate(first);
            vars.extend(wide);
            return self.answer(form, false, false);
        }
        let room = self.catalog.read().has_room(self.limits.forms) && self.may_bring(source);
        let entered = room.then(|| self.enter(Skeleton::of(line, &vars[first..]))).flatten();
        if let Some((form, new_pattern)) = entered {
            return self.answer(form, true, new_pattern);
        }
        vars.truncate(first);
        vars.push(Var { start: 0, len: line.len() as u32 });
        self.answer(0, false, false)
    }

    /// Groups a new form, and says whether it makes a pattern of its own. `None` when its id is another text's.
    fn enter(&mut self, skeleton: Skeleton) -> Option<(u32, bool)> {
        let entered = {
            let mut book = self.catalog.write();
            let before = book.sets.patterns();
            book.insert(skeleton).map(|form| (form, book.sets.patterns() > before))
        };
        self.refresh();
        entered
    }

    fn answer(&self, form: u32, new_form: bool, new_pattern: bool) -> Match {
        let book = self.catalog.read();
        let id = book.sets.forms()[form as usize].id;
        Match { form: id, pattern: book.sets.pattern(form), new_form, new_pattern }
    }

    fn may_bring(&mut self, source: &str) -> bool {
        if !self.sources.contains_key(source) && self.sources.len() < MAX_SOURCES {
            self.sources.insert(source.into(), 0);
        }
        let count = self.sources.get_mut(source).unwrap_or(&mut self.other_sources);
        *count += 1;
        *count <= self.limits.forms_per_source
    }

    /// Brings the hot path's copy up to date.
    fn refresh(&mut self) {
        let mut book = self.catalog.write();
        for at in book.sets.take_changed() {
            let (form, pattern) = (&book.sets.forms()[at as usize], book.sets.pattern(at));
            match self.known.get_mut(at as usize) {
                Some(known) => known.pattern = pattern,
                None => {
                    self.index.insert(form.id.0, at);
                    self.known.push(Known { skeleton: form.skeleton.clone(), pattern });
                }
            }
        }
    }

    /// The shared view of what this miner knows.
    pub fn catalog(&self) -> Catalog {
        self.catalog.clone()
    }

    /// The pattern that any id ever shown (a form's or a pattern's) belongs to now.
    pub fn resolve(&self, id: u64) -> Option<PatternId> {
        self.catalog.read().resolve(id)
    }

    /// What is new since the last call, to be appended to the journal.
    pub fn drain_journal(&mut self) -> Vec<u8> {
        self.catalog.write().drain()
    }

    /// Reads this miner's own journal again, after a restart.
    pub fn load(&mut self, journal: &[u8]) -> Result<Loaded, JournalError> {
        self.take_in(journal, true)
    }

    /// Reads another miner's journal or export. Any order and any repetition gives the same patterns; what was
    /// not known goes to this miner's journal too.
    pub fn merge(&mut self, other: &[u8]) -> Result<Loaded, JournalError> {
        self.take_in(other, false)
    }

    fn take_in(&mut self, bytes: &[u8], own: bool) -> Result<Loaded, JournalError> {
        let loaded = self.catalog.write().load(bytes, own);
        self.refresh();
        loaded
    }
}
