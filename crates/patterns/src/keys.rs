//! The keys by which forms meet: equal weak keys, positions opened by many words, other readings.
//!
//! Every rule only ever adds equalities, and what it adds follows from the forms alone. So the groups at the end
//! are the same for every order in which the forms came.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

use crate::Rules;
use crate::cells::Cells;
use crate::sets::Sets;

/// Keys are hashes already.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

pub(crate) type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Identity>>;

/// Words seen in one hole: one, packed with its form; several; or the hole is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hole {
    form: u32,
    word: u32,
}

const SEVERAL: u32 = 1 << 31;
const OPEN: u32 = 1 << 30;

/// Most forms that the index can number: two bits of a number are marks.
pub(crate) const MAX_INDEXED: usize = (OPEN - 1) as usize;

/// Positions of one form that may be open together.
const MAX_OPEN: u32 = 6;

/// The key of the hole at `at` of what has the key `opened`. Words that need other numbers to open it are counted
/// apart, so that whether a hole opens does not depend on which word comes last.
fn hole_key(opened: u64, at: usize, least: u8) -> u64 {
    opened.rotate_left(32) ^ at as u64 ^ u64::from(least) << 48
}

#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Keys that forms have: one form of each.
    schemas: ByHash<u32>,
    /// Keys with one plain word left out.
    holes: ByHash<Hole>,
    /// Holes with several words that are not open yet.
    several: Vec<Vec<Hole>>,
    /// Other readings that no form has yet, and who waits for one.
    readings: ByHash<Vec<u32>>,
}

impl Keys {
    /// Groups a new form with all that it belongs to.
    pub(crate) fn enter(&mut self, sets: &mut Sets, form: u32, cells: &Cells, rules: &Rules) {
        let mut work = vec![0u128];
        while let Some(mask) = work.pop() {
            let key = cells.key(mask);
            if let Some(&known) = self.schemas.get(&key) {
                sets.unite(known, form);
                continue;
            }
            self.schemas.insert(key, form);
            for at in cells.slots(mask) {
                self.open(sets, form, hole_key(key, at, rules.slot_words));
            }
            for waiting in self.readings.remove(&key).unwrap_or_default() {
                sets.unite(waiting, form);
            }
            if mask.count_ones() < MAX_OPEN {
                let thresholds = cells.thresholds(mask, rules).into_iter().enumerate().filter(|&(_, least)| least > 0);
                for (at, least) in thresholds {
                    if self.leave_out(sets, form, cells, mask | 1 << at, at, least) {
                        work.push(mask | 1 << at);
                    }
                }
            }
        }
        if let Some(key) = cells.other_reading().filter(|_| rules.other_readings) {
            match self.schemas.get(&key) {
                Some(&known) => _ = sets.unite(known, form),
                None => self.readings.entry(key).or_default().push(form),
            }
        }
    }

    /// Notes the word at `at` in its hole, the last that `mask` opens. Says whether the hole is open now.
    fn leave_out(&mut self, sets: &mut Sets, form: u32, cells: &Cells, mask: u128, at: usize, least: u8) -> bool {
        let opened = cells.key(mask);
        let key = hole_key(opened, at, least);
        let word = crate::skeleton::hash_parts([cells.bytes(at)].into_iter()) as u32;
        let new = Hole { form, word };
        if cells.in_slot(at, mask)
            && let Some(&natural) = self.schemas.get(&opened)
        {
            sets.unite(natural, form);
            self.open(sets, form, key);
            return true;
        }
        let hole = self.holes.entry(key).or_insert(new);
        if hole.form & OPEN != 0 {
            sets.unite(hole.form & !OPEN, form);
            return true;
        }
        if *hole == new {
            return false;
        }
        if hole.form & SEVERAL == 0 {
            let seen = vec![*hole];
            hole.form = SEVERAL | self.several.len() as u32;
            self.several.push(seen);
        }
        let seen = &mut self.several[(hole.form & !SEVERAL) as usize];
        seen.push(new);
        let mut words: Vec<u32> = seen.iter().map(|hole| hole.word).collect();
        words.sort_unstable();
        words.dedup();
        if words.len() < usize::from(least) {
            return false;
        }
        for other in std::mem::take(seen) {
            sets.unite(other.form, form);
        }
        hole.form = OPEN | form;
        true
    }

    /// Opens a hole, if any word was left out there, for a form that has a variable in its place.
    fn open(&mut self, sets: &mut Sets, form: u32, key: u64) {
        let Some(hole) = self.holes.get_mut(&key) else { return };
        if hole.form & OPEN != 0 {
            sets.unite(hole.form & !OPEN, form);
        } else if hole.form & SEVERAL != 0 {
            for other in std::mem::take(&mut self.several[(hole.form & !SEVERAL) as usize]) {
                sets.unite(other.form, form);
            }
        } else {
            sets.unite(hole.form, form);
        }
        hole.form = OPEN | form;
    }
}
