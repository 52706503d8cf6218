//! Knows what was acknowledged, and says what the history made of it.
//!
//! Records are [`Numbered`]; requests are ranges of numbers. Afterwards every acknowledged record is there once and whole,
//! no refused one is there, and of a request without an answer all records are there or none.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::Value;

use crate::numbered::Numbered;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// 202: its records are durable.
    Acknowledged,
    /// Refused for good: its records are not there.
    Refused,
    /// The connection broke, or the answer says that it is unknown.
    Unknown,
}

impl Fate {
    /// What an answer's status means.
    pub fn of(status: u16) -> Fate {
        match status {
            202 => Fate::Acknowledged,
            500 => Fate::Unknown,
            _ => Fate::Refused,
        }
    }
}

/// The requests of a test.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    requests: Vec<(Range<u64>, Fate)>,
}

/// What is wrong: numbers, and ids of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged and not there.
    pub missing: Vec<u64>,
    /// There, but refused or never sent.
    pub spurious: Vec<u64>,
    /// There with another content; the rows' ids.
    pub corrupted: Vec<u64>,
    /// There more than once.
    pub twice: Vec<u64>,
    /// Ids that more than one row has.
    pub same_ids: Vec<u64>,
    /// First numbers of requests of which only a part is there.
    pub torn: Vec<u64>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        *self == Verdict::default()
    }
}

impl Oracle {
    /// Notes a request.
    pub fn note(&mut self, numbers: Range<u64>, fate: Fate) {
        self.requests.push((numbers, fate));
    }

    /// Notes all requests of another.
    pub fn extend(&mut self, other: Oracle) {
        self.requests.extend(other.requests);
    }

    /// How many records were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        let acked = self.requests.iter().filter(|(_, fate)| *fate == Fate::Acknowledged);
        acked.map(|(numbers, _)| numbers.end - numbers.start).sum()
    }

    /// The end of the numbers that were sent.
    pub fn end(&self) -> u64 {
        self.requests.iter().map(|(numbers, _)| numbers.end).max().unwrap_or(0)
    }

    /// Compares with all rows of the history that have these numbers.
    pub fn judge(&self, rows: &[Value]) -> Verdict {
        let mut verdict = Verdict::default();
        let mut ids = HashSet::new();
        let mut there: HashMap<u64, u32> = HashMap::new();
        for row in rows {
            let id = row["id"].as_u64().unwrap_or(u64::MAX);
            if !ids.insert(id) {
                verdict.same_ids.push(id);
            }
            match row["message"].as_str().and_then(Numbered::number_of) {
                Some(number) if Numbered::new(number).is(row) => *there.entry(number).or_default() += 1,
                _ => verdict.corrupted.push(id),
            }
        }
        verdict.twice = there.iter().filter(|(_, times)| **times > 1).map(|(number, _)| *number).collect();
        self.judge_requests(there, &mut verdict);
        verdict
    }

    fn judge_requests(&self, mut there: HashMap<u64, u32>, verdict: &mut Verdict) {
        for (numbers, fate) in &self.requests {
            let (found, lost): (Vec<u64>, Vec<u64>) = numbers.clone().partition(|n| there.remove(n).is_some());
            match fate {
                Fate::Acknowledged => verdict.missing.extend(lost),
                Fate::Refused => verdict.spurious.extend(found),
                Fate::Unknown if !found.is_empty() && !lost.is_empty() => verdict.torn.push(numbers.start),
                Fate::Unknown => {}
            }
        }
        verdict.spurious.extend(there.into_keys());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: &[u64]) -> Vec<Value> {
        let row = |(id, number): (usize, &u64)| {
            let mut row = Numbered::new(*number).to_json();
            row["id"] = id.into();
            row
        };
        numbers.iter().enumerate().map(row).collect()
    }

    fn oracle() -> Oracle {
        let mut oracle = Oracle::default();
        oracle.note(0..3, Fate::Acknowledged);
        oracle.note(3..5, Fate::Refused);
        oracle.note(5..7, Fate::Unknown);
        oracle
    }

    #[test]
    fn what_was_promised_is_clean() {
        assert!(oracle().judge(&rows(&[0, 1, 2])).is_clean());
        assert!(oracle().judge(&rows(&[2, 0, 1, 5, 6])).is_clean(), "an unknown request may have arrived");
        assert_eq!((oracle().acknowledged(), oracle().end()), (3, 7));
    }

    #[test]
    fn every_breach_is_named() {
        let verdict = oracle().judge(&rows(&[0, 2, 2, 3, 5, 99]));
        assert_eq!(verdict.missing, [1]);
        assert_eq!(verdict.twice, [2]);
        assert_eq!(verdict.torn, [5]);
        let mut spurious = verdict.spurious;
        spurious.sort_unstable();
        assert_eq!(spurious, [3, 99]);
    }

    #[test]
    fn damage_and_shared_ids_are_seen() {
        let mut damaged = rows(&[0, 1, 2]);
        damaged[1]["message"] = "record 1 says something else".into();
        damaged[2]["id"] = 0.into();
        let verdict = oracle().judge(&damaged);
        assert_eq!((verdict.corrupted, verdict.same_ids, verdict.missing), (vec![1], vec![0], vec![1]));
    }
}
