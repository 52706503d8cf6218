//! What is known about each pattern: local knowledge at once, a model's words once there are any.
//!
//! An insight belongs to a pattern and a level, never to a line: rows are joined with it when they are read, so that rows
//! stored before the model answered have it too. Reading is a look-up in a map that all readers share; what a look-up finds
//! is made once and thrown away when its pattern changes. A model's words are paid for, so they are in a journal and synced
//! before anyone sees them.

mod journal;
#[cfg(test)]
mod tests;
mod words;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use tokio::sync::broadcast;
use whittle_disk::Disk;
use whittle_domain::alerts::PatternFacts;
use whittle_domain::insight::ANALYSIS_FAILED;
use whittle_domain::knowledge::{Knowledge, Local};
use whittle_domain::prompt::raised;
use whittle_domain::{Insight, InsightStatus, Level, Severity};
use whittle_patterns::{Catalog, PatternId};

pub(crate) use journal::Journal;
pub use journal::JournalError;
pub use words::Words;

/// Insights that are kept ready; beyond it all are made anew.
const MAX_READY: usize = 200_000;
/// Changes that a slow subscriber may be behind before it misses some.
const UPDATES: usize = 1_024;

/// The store. Clones share it.
#[derive(Clone)]
pub struct Insights(Arc<Store>);

struct Store {
    knowledge: Arc<Knowledge>,
    catalog: Catalog,
    configured: bool,
    ready: RwLock<HashMap<(PatternId, Level), Ready>>,
    known: RwLock<Known>,
    keep: Mutex<Keep>,
    version: AtomicU64,
    /// The catalog's revision that everything here agrees with.
    revision: AtomicU64,
    updates: broadcast::Sender<Update>,
}

/// Tells words about a pattern to all copies of the program, and waits until they are durable.
type Publish = Box<dyn FnMut(PatternId, &[u8]) -> Result<(), String> + Send>;

/// Where a model's words are kept.
enum Keep {
    /// Until the end of the process.
    Memory,
    /// In a file of this one.
    File(Journal),
    /// Where all copies read them.
    Shared(Publish),
}

/// An insight, ready to be given out.
#[derive(Clone)]
struct Ready {
    pattern: PatternId,
    insight: Arc<Insight>,
    json: Arc<str>,
}

/// What is known beyond the local rules, by the pattern's id as it resolves.
#[derive(Default)]
struct Known {
    words: HashMap<PatternId, Arc<Words>>,
    states: HashMap<PatternId, InsightStatus>,
}

/// The insight of a pattern became known or changed.
#[derive(Debug, Clone)]
pub struct Update {
    /// The pattern, as it resolves now.
    pub pattern: PatternId,
    /// The level that the insight is for: the highest at which the pattern was seen when the model was asked.
    pub level: Level,
    /// What is known now.
    pub insight: Arc<Insight>,
    /// The same as JSON.
    pub json: Arc<str>,
}

impl Insights {
    /// A store that keeps a model's words in memory alone. `configured` says whether a model will be asked.
    pub fn new(knowledge: Arc<Knowledge>, catalog: Catalog, configured: bool) -> Self {
        Insights(Arc::new(Store {
            knowledge,
            catalog,
            configured,
            ready: RwLock::default(),
            known: RwLock::default(),
            keep: Mutex::new(Keep::Memory),
            version: AtomicU64::new(1),
            revision: AtomicU64::new(0),
            updates: broadcast::Sender::new(UPDATES),
        }))
    }

    /// A store that keeps a model's words in a journal in `dir` (made when missing), and starts with what is there.
    ///
    /// # Errors
    /// When the journal cannot be read, or a newer program wrote it.
    pub fn open(
        knowledge: Arc<Knowledge>,
        catalog: Catalog,
        configured: bool,
        disk: Arc<dyn Disk>,
        dir: &Path,
    ) -> Result<Self, JournalError> {
        let (journal, entries) = Journal::open(disk, dir, "insights.journal")?;
        let insights = Self::new(knowledge, catalog, configured);
        {
            let mut known = insights.0.known_mut();
            for words in entries.iter().filter_map(|entry| Words::decode(entry)) {
                known.words.insert(words.pattern, Arc::new(words));
            }
        }
        *insights.0.keep() = Keep::File(journal);
        insights.refresh();
        Ok(insights)
    }

    /// The insight of rows of a pattern (by any of its ids) and a level.
    pub fn get(&self, pattern: PatternId, level: Level) -> Arc<Insight> {
        self.0.with(pattern, level, |ready| ready.insight.clone())
    }

    /// The same as JSON: what rows and events carry.
    pub fn json(&self, pattern: PatternId, level: Level) -> Arc<str> {
        self.0.with(pattern, level, |ready| ready.json.clone())
    }

    /// The pattern that an id belongs to now.
    pub fn resolve(&self, pattern: PatternId) -> PatternId {
        self.0.resolve(pattern)
    }

    /// Rises whenever an answer may have changed.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// Changes from now on. Who falls behind by more than 1,024 misses the oldest and is told so.
    pub fn subscribe(&self) -> broadcast::Receiver<Update> {
        self.0.updates.subscribe()
    }

    /// Whether a model will be asked about patterns.
    pub fn is_configured(&self) -> bool {
        self.0.configured
    }

    /// Whether there are words of a model or a person about a pattern.
    pub fn has_words(&self, pattern: PatternId) -> bool {
        let pattern = self.resolve(pattern);
        self.0.known().words.contains_key(&pattern)
    }

    /// Patterns about which there are words.
    pub fn words_count(&self) -> usize {
        self.0.known().words.len()
    }

    /// The catalog that the ids are of.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// Takes words about a pattern in: durable first, then visible. Waits for the disk.
    ///
    /// # Errors
    /// When the journal cannot be written; the words are visible all the same, and go to the journal with the next ones.
    pub fn set(&self, words: Words) -> Result<(), JournalError> {
        let pattern = self.resolve(words.pattern);
        let words = Arc::new(Words { pattern, ..words });
        let written = {
            let mut keep = self.0.keep();
            let entry = words.encode();
            let live = || {
                let known = self.0.known();
                let others = known.words.values().filter(|other| other.pattern != pattern);
                others.map(|other| other.encode()).chain([entry.clone()]).collect()
            };
            let written = match &mut *keep {
                Keep::Memory => Ok(()),
                Keep::File(journal) => journal.append(&entry, live),
                Keep::Shared(publish) => publish(pattern, &entry).map_err(JournalError::Shared),
            };
            let mut known = self.0.known_mut();
            known.states.remove(&pattern);
            known.words.insert(pattern, words.clone());
            written
        };
        self.0.forget(pattern);
        self.publish(pattern, words.level);
        written
    }

    /// Keeps words from now on where all copies of the program read them.
    pub fn share(&self, publish: impl FnMut(PatternId, &[u8]) -> Result<(), String> + Send + 'static) {
        *self.0.keep() = Keep::Shared(Box::new(publish));
    }

    /// Takes words in that are kept already: another copy of the program told them.
    pub fn learn(&self, words: Words) {
        let pattern = self.resolve(words.pattern);
        let level = words.level;
        {
            let mut known = self.0.known_mut();
            known.states.remove(&pattern);
            known.words.insert(pattern, Arc::new(Words { pattern, ..words }));
        }
        self.0.forget(pattern);
        self.publish(pattern, level);
    }

    /// Says where a pattern without words stands. What is known already stays. Gives whether that changed anything.
    pub fn set_state(&self, pattern: PatternId, level: Level, status: InsightStatus) -> bool {
        let pattern = self.resolve(pattern);
        {
            let mut known = self.0.known_mut();
            let before = known.states.get(&pattern).copied().unwrap_or(InsightStatus::Pending);
            if known.words.contains_key(&pattern) || before == status {
                return false;
            }
            match status {
                InsightStatus::Pending => known.states.remove(&pattern),
                _ => known.states.insert(pattern, status),
            };
        }
        self.0.forget(pattern);
        self.publish(pattern, level);
        true
    }

    /// Follows the catalog where patterns have become one since the last call. Cheap when nothing has changed.
    pub fn refresh(&self) {
        self.0.refresh();
    }

    fn publish(&self, pattern: PatternId, level: Level) {
        if self.0.updates.receiver_count() == 0 {
            return;
        }
        let update = self.0.with(pattern, level, |ready| Update {
            pattern,
            level,
            insight: ready.insight.clone(),
            json: ready.json.clone(),
        });
        // Fails only when the last subscriber has just left.
        let _ = self.0.updates.send(update);
    }
}

impl PatternFacts for Insights {
    fn resolve(&self, id: PatternId) -> PatternId {
        self.0.resolve(id)
    }

    fn severity(&self, id: PatternId, level: Level) -> Severity {
        self.0.with(id, level, |ready| ready.insight.severity)
    }

    fn version(&self) -> u64 {
        Insights::version(self)
    }
}

/// The maps hold plain values that are whole after every step, so a panic elsewhere does not spoil them.
impl Store {
    fn ready(&self) -> RwLockReadGuard<'_, HashMap<(PatternId, Level), Ready>> {
        self.ready.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready_mut(&self) -> RwLockWriteGuard<'_, HashMap<(PatternId, Level), Ready>> {
        self.ready.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) -> std::sync::MutexGuard<'_, Keep> {
        self.keep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolve(&self, id: PatternId) -> PatternId {
        self.catalog.resolve(id).unwrap_or(id)
    }

    fn with<T>(&self, pattern: PatternId, level: Level, take: impl Fn(&Ready) -> T) -> T {
        if let Some(ready) = self.ready().get(&(pattern, level)) {
            return take(ready);
        }
        let version = self.version.load(Ordering::Acquire);
        let ready = self.make(pattern, level);
        let answer = take(&ready);
        let mut map = self.ready_mut();
        // What changed meanwhile is made again by the next reader.
        if self.version.load(Ordering::Acquire) == version {
            if map.len() >= MAX_READY {
                map.clear();
            }
            map.insert((pattern, level), ready);
        }
        answer
    }

    #[cold]
    fn make(&self, id: PatternId, level: Level) -> Ready {
        let pattern = self.resolve(id);
        let template = self.catalog.template(pattern).unwrap_or_default();
        let local = self.knowledge.assess(&template, level);
        let insight = {
            let known = self.known();
            match known.words.get(&pattern) {
                Some(words) => joined(local, words),
                None => alone(local, self.status(known.states.get(&pattern))),
            }
        };
        // A struct of texts and numbers always has a JSON form.
        let json = serde_json::to_string(&insight).unwrap_or_else(|_| "null".to_owned());
        Ready { pattern, insight: Arc::new(insight), json: json.into() }
    }

    fn status(&self, known: Option<&InsightStatus>) -> InsightStatus {
        match known {
            Some(status) => *status,
            None if self.configured => InsightStatus::Pending,
            None => InsightStatus::NoKey,
        }
    }

    /// Drops what is ready of a pattern, under each of its ids.
    fn forget(&self, pattern: PatternId) {
        let ids = self.catalog.forms(pattern).into_iter().map(|form| PatternId(form.0)).chain([pattern]);
        let mut map = self.ready_mut();
        for id in ids {
            for level in Level::ALL {
                map.remove(&(id, level));
            }
        }
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    fn refresh(&self) {
        let revision = self.catalog.revision();
        if self.revision.swap(revision, Ordering::AcqRel) == revision {
            return;
        }
        {
            let mut known = self.known_mut();
            let Known { words, states } = &mut *known;
            move_to_resolved(words, |id| self.resolve(id));
            move_to_resolved(states, |id| self.resolve(id));
            states.retain(|id, _| !words.contains_key(id));
        }
        let mut map = self.ready_mut();
        let before = map.len();
        map.retain(|(id, _), ready| self.resolve(*id) == ready.pattern);
        if map.len() != before {
            self.version.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Moves values to the ids that theirs resolve to; a value that stands there stays.
fn move_to_resolved<V>(map: &mut HashMap<PatternId, V>, resolve: impl Fn(PatternId) -> PatternId) {
    let moved: Vec<(PatternId, V)> = map.extract_if(|id, _| resolve(*id) != *id).collect();
    for (id, value) in moved {
        map.entry(resolve(id)).or_insert(value);
    }
}

fn alone(local: Local, status: InsightStatus) -> Insight {
    Insight {
        summary: ANALYSIS_FAILED.to_owned(),
        confidence: 0.0,
        status,
        severity: local.severity,
        category: local.category,
        hint: local.hint,
        remediation: None,
        model: None,
    }
}

fn joined(local: Local, words: &Words) -> Insight {
    Insight {
        summary: words.summary.clone(),
        confidence: words.confidence,
        status: InsightStatus::Ok,
        severity: if words.raise { raised(local.severity) } else { local.severity },
        category: words.category,
        hint: local.hint,
        remediation: words.remediation.clone(),
        model: Some(words.model.clone()),
    }
}
