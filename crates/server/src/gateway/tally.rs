//! Events by second, source and level: the numbers that pages draw, whatever their filters.

use std::collections::HashMap;

use whittle_domain::Level;

use super::ring::{Piece, Ring};

/// Sources told apart within a second; the rest is [`OTHER`].
const SOURCES: usize = 100;
/// Sources remembered while a second is counted.
const REMEMBERED: usize = 4096;
/// The rest.
const OTHER: &str = "Other";

/// The counts of one second. No counts: no events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Second {
    /// Epoch second.
    pub second: u64,
    /// Most frequent sources first; only what there was.
    pub counts: Vec<(Box<str>, Level, u64)>,
}

/// Counts as it follows the ring.
#[derive(Debug, Default)]
pub(super) struct Tally {
    at: u64,
    counts: HashMap<Box<str>, [u64; 4]>,
    other: [u64; 4],
}

impl Tally {
    /// Forgets everything and counts from number `at` on.
    pub fn restart(&mut self, at: u64) {
        *self = Tally { at, ..Tally::default() };
    }

    /// Counts what has come. Returns how many events had gone already.
    pub fn follow(&mut self, ring: &Ring) -> u64 {
        let head = ring.head();
        let mut pieces = Vec::new();
        let mut missed = 0;
        while self.at < head {
            pieces.clear();
            let from = ring.read(self.at, head, &mut pieces);
            missed += from - self.at;
            self.at = from;
            if pieces.is_empty() {
                break;
            }
            for piece in &pieces {
                self.count(piece);
            }
        }
        missed
    }

    fn count(&mut self, piece: &Piece) {
        let rows = piece.rows();
        self.at += rows.len() as u64;
        let mut start = 0;
        // Neighbours mostly come from one source: one look-up for all of them.
        while start < rows.len() {
            let source = piece.batch.str(rows[start].source);
            let mut levels = [0; 4];
            let mut end = start;
            while end < rows.len() && piece.batch.str(rows[end].source) == source {
                levels[rows[end].level as usize] += 1;
                end += 1;
            }
            let sum = self.of(source);
            for (sum, n) in sum.iter_mut().zip(levels) {
                *sum += n;
            }
            start = end;
        }
    }

    fn of(&mut self, source: &str) -> &mut [u64; 4] {
        if !self.counts.contains_key(source) {
            if self.counts.len() >= REMEMBERED {
                return &mut self.other;
            }
            self.counts.insert(source.into(), [0; 4]);
        }
        self.counts.get_mut(source).unwrap_or(&mut self.other)
    }

    /// The counts since the last call, as those of a second.
    pub fn take(&mut self, second: u64) -> Second {
        let mut sources: Vec<(Box<str>, [u64; 4])> = self.counts.drain().collect();
        sources.sort_unstable_by(|a, b| total(&b.1).cmp(&total(&a.1)).then_with(|| a.0.cmp(&b.0)));
        let mut other = std::mem::take(&mut self.other);
        for (_, levels) in sources.drain(SOURCES.min(sources.len())..) {
            for (sum, n) in other.iter_mut().zip(levels) {
                *sum += n;
            }
        }
        if total(&other) > 0 {
            sources.push((OTHER.into(), other));
        }
        let counts = sources.into_iter().flat_map(|(source, levels)| {
            let counted = Level::ALL.into_iter().zip(levels).filter(|(_, count)| *count > 0);
            counted.map(move |(level, count)| (source.clone(), level, count)).collect::<Vec<_>>()
        });
        Second { second, counts: counts.collect() }
    }
}

fn total(levels: &[u64; 4]) -> u64 {
    levels.iter().sum()
}
