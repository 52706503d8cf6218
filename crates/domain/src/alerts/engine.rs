//! The state machine: rows in, notices out.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use whittle_patterns::PatternId;

use super::{Notice, RuleSet, Window};
use crate::{Batch, Level, Row, Severity};

/// Open windows at most; further fingerprints are counted and say nothing.
const MAX_WINDOWS: usize = 10_000;
/// Patterns whose matching rules are remembered.
const MAX_CACHED: usize = 100_000;
/// Rows whose own time is this far behind their receipt are backfill.
const BACKFILL_MICROS: i64 = 3_600 * 1_000_000;

/// What the engine asks about patterns.
pub trait PatternFacts {
    /// The pattern that an id belongs to now.
    fn resolve(&self, id: PatternId) -> PatternId;
    /// The severity of a pattern's insight for rows of a level.
    fn severity(&self, id: PatternId, level: Level) -> Severity;
    /// Changes whenever an earlier answer may have.
    fn version(&self) -> u64;
}

/// What survives a restart: windows as of the positions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineState {
    /// For each raw partition the next offset to look at; rows below are skipped.
    pub positions: BTreeMap<u32, u64>,
    /// The open windows.
    pub windows: Vec<Window>,
}

#[derive(Debug, Clone, Copy)]
struct Matching {
    rules: u64,
    pattern: PatternId,
    severity: Severity,
}

/// Watches rows. One instance sees all rows of all partitions.
#[derive(Debug)]
pub struct AlertEngine {
    rules: RuleSet,
    by_level: [u64; 4],
    matching: HashMap<(PatternId, Level), Matching>,
    version: u64,
    windows: HashMap<(usize, PatternId), HashMap<String, Window>>,
    open: usize,
    positions: BTreeMap<u32, u64>,
    clock: i64,
    /// Rows that matched a rule.
    pub matched: u64,
    /// Rows that were left out because they were backfill.
    pub backfill: u64,
    /// Rows that found no room for a window of their own.
    pub overflowed: u64,
}

impl AlertEngine {
    /// An engine that goes on from a state. Windows of rules that are gone are dropped.
    pub fn new(rules: RuleSet, state: EngineState) -> Self {
        let by_level = Level::ALL.map(|level| rules.by_level(level));
        let mut engine = AlertEngine {
            rules,
            by_level,
            matching: HashMap::new(),
            version: 0,
            windows: HashMap::new(),
            open: 0,
            positions: state.positions,
            clock: i64::MIN,
            matched: 0,
            backfill: 0,
            overflowed: 0,
        };
        for window in state.windows {
            engine.insert(window);
        }
        engine
    }

    /// The state as of now.
    pub fn state(&self) -> EngineState {
        let mut windows: Vec<Window> = self.windows.values().flat_map(HashMap::values).cloned().collect();
        windows.sort_by_key(|w| (w.first, w.rule.clone()));
        EngineState { positions: self.positions.clone(), windows }
    }

    /// The next offset of a partition that has not been looked at; none before the first.
    pub fn position(&self, partition: u32) -> Option<u64> {
        self.positions.get(&partition).copied()
    }

    /// Open windows.
    pub fn open_windows(&self) -> usize {
        self.open
    }

    /// Looks at a batch; windows that its rows end give their last notice to `out`.
    ///
    /// Rows below the position of their partition have been seen and are skipped.
    pub fn observe(&mut self, batch: &Batch, facts: &dyn PatternFacts, out: &mut Vec<Notice>) {
        self.refresh(facts.version());
        let by_level = self.by_level;
        for row in batch.rows().iter().filter(|row| by_level[row.level as usize] != 0) {
            let position = self.positions.get(&row.partition).copied().unwrap_or(0);
            if row.offset >= position {
                self.observe_row(batch, row, facts, out);
            }
        }
        // Offsets rise within a partition, so its last row tells how far the batch reaches.
        let mut last_partition = None;
        for row in batch.rows().iter().rev() {
            if last_partition != Some(row.partition) {
                last_partition = Some(row.partition);
                let position = self.positions.entry(row.partition).or_insert(0);
                *position = (*position).max(row.offset + 1);
            }
        }
        if let Some(last) = batch.rows().last() {
            self.clock = last.received_at;
        }
    }

    /// Gives first notices, and last ones of windows that are over.
    ///
    /// `now` is the wall clock in microseconds where the stream is idle (nothing else says that time passes), none
    /// while rows come in: during a replay the rows' own times rule.
    pub fn tick(&mut self, now: Option<i64>, out: &mut Vec<Notice>) {
        if let Some(now) = now {
            self.clock = self.clock.max(now);
        }
        let clock = self.clock;
        for by_source in self.windows.values_mut() {
            let over: Vec<String> =
                by_source.iter().filter(|(_, w)| clock >= w.ends_at).map(|(source, _)| source.clone()).collect();
            for source in over {
                out.extend(by_source.remove(&source).and_then(Window::last_notice));
                self.open -= 1;
            }
            out.extend(by_source.values_mut().filter_map(Window::first_notice));
        }
        self.windows.retain(|_, by_source| !by_source.is_empty());
    }

    /// Says that the first notice of a window had been given before, with this count: in a run whose state was lost.
    ///
    /// The window's last notice then tells what that one did not. False when the window is over: nothing will.
    pub fn recall(&mut self, first: &Notice, count: u64) -> bool {
        let rule = self.rules.rules().iter().position(|rule| rule.name == first.rule);
        let pattern = first.pattern_id.parse::<PatternId>().ok();
        let by_source = rule.zip(pattern).and_then(|key| self.windows.get_mut(&key));
        match by_source.and_then(|by_source| by_source.get_mut(&first.source)) {
            Some(window) if window.is_of(first) => {
                window.notified = count.max(1);
                true
            }
            _ => false,
        }
    }

    fn observe_row(&mut self, batch: &Batch, row: &Row, facts: &dyn PatternFacts, out: &mut Vec<Notice>) {
        let matching = self.matching(row, facts);
        let mut candidates = matching.rules & self.by_level[row.level as usize];
        if candidates == 0 {
            return;
        }
        if row.received_at.saturating_sub(row.timestamp) > BACKFILL_MICROS {
            self.backfill += 1;
            return;
        }
        let text = batch.text(row);
        while candidates != 0 {
            let rule = candidates.trailing_zeros() as usize;
            candidates &= candidates - 1;
            if self.rules.by_text(rule, text.source, text.message) {
                self.matched += 1;
                out.extend(self.count(rule, matching, batch, row));
            }
        }
    }

    fn matching(&mut self, row: &Row, facts: &dyn PatternFacts) -> Matching {
        let key = (row.pattern, row.level);
        if let Some(matching) = self.matching.get(&key) {
            return *matching;
        }
        let pattern = facts.resolve(row.pattern);
        let severity = facts.severity(pattern, row.level);
        let rules = self.rules.by_pattern(severity, |wanted| facts.resolve(wanted) == pattern);
        let matching = Matching { rules, pattern, severity };
        if self.matching.len() >= MAX_CACHED {
            self.matching.clear();
        }
        self.matching.insert(key, matching);
        matching
    }

    /// Counts a row in its window; opens one where there is none; says what a window that it ends has left to say.
    fn count(&mut self, rule: usize, matching: Matching, batch: &Batch, row: &Row) -> Option<Notice> {
        let text = batch.text(row);
        let by_source = self.windows.entry((rule, matching.pattern)).or_default();
        let mut ended = None;
        if let Some(window) = by_source.get_mut(text.source) {
            if !window.is_over(row.received_at) {
                window.count += 1;
                window.last_at = window.last_at.max(row.received_at);
                return None;
            }
            ended = by_source.remove(text.source).and_then(Window::last_notice);
            self.open -= 1;
        }
        if self.open >= MAX_WINDOWS {
            self.overflowed += 1;
            return ended;
        }
        let window = Window::open(&self.rules.rules()[rule], matching.pattern, matching.severity, row, &text);
        by_source.insert(text.source.to_owned(), window);
        self.open += 1;
        ended
    }

    fn insert(&mut self, window: Window) {
        let Some(rule) = self.rules.rules().iter().position(|rule| rule.name == window.rule) else { return };
        let by_source = self.windows.entry((rule, PatternId(window.pattern))).or_default();
        if by_source.insert(window.source.clone(), window).is_none() {
            self.open += 1;
        }
    }

    fn refresh(&mut self, version: u64) {
        if self.version != version {
            self.version = version;
            self.matching.clear();
        }
    }
}
