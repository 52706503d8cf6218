//! Records whose content is a function of their number, so that whoever reads one can tell whether it is whole.

use fastrand::Rng;
use serde_json::{Value, json};
use whittle_domain::timestamp;

/// Time of record 0: 2026-01-01, in microseconds since 1970.
const START: i64 = 1_767_225_600_000_000;

/// Microseconds between two records' times. A range of numbers is a range of times, which `from` and `to` can ask for.
pub const STEP: i64 = 1_000;

const SOURCES: [&str; 5] = ["edge", "shop", "db", "queue", "größe"];
const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];
const WORDS: [&str; 12] = [
    "request",
    "timeout",
    "accepted",
    "\"quoted\"",
    "C:\\temp\\x",
    "tab\there",
    "naïve",
    "日本語",
    "😀",
    "\u{1}\u{1f}",
    "10.0.0.7:5432",
    "took=12.5ms",
];

/// The record of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub number: u64,
    /// Who sends it.
    pub source: &'static str,
    /// Its level.
    pub level: &'static str,
    /// The message; it starts with the number.
    pub message: String,
    /// The context.
    pub context: Value,
}

impl Numbered {
    /// The record of a number.
    pub fn new(number: u64) -> Numbered {
        let mut rng = Rng::with_seed(number);
        // Mostly short; now and then one that no buffer was made for.
        let words = if rng.u8(..) == 0 { rng.usize(200..2_000) } else { rng.usize(1..14) };
        let mut message = format!("record {number} says");
        for _ in 0..words {
            message.push(' ');
            message.push_str(WORDS[rng.usize(0..WORDS.len())]);
            if rng.bool() {
                message.push_str(&rng.u32(0..100_000).to_string());
            }
        }
        Numbered {
            number,
            source: SOURCES[rng.usize(0..SOURCES.len())],
            level: LEVELS[rng.usize(0..LEVELS.len())],
            message,
            context: json!({ "number": number, "sum": number.wrapping_mul(0x9e37_79b9) % 1_000_003 }),
        }
    }

    /// Its time, in microseconds since 1970.
    pub fn time(&self) -> i64 {
        START + self.number as i64 * STEP
    }

    /// The record as `POST /ingest` takes it.
    pub fn to_json(&self) -> Value {
        json!({
            "source": self.source, "level": self.level, "message": self.message,
            "timestamp": timestamp::to_string(self.time()), "context": self.context,
        })
    }

    /// The number that a message says it has.
    pub fn number_of(message: &str) -> Option<u64> {
        message.strip_prefix("record ")?.split(' ').next()?.parse().ok()
    }

    /// Whether a row of `/recent` is this record.
    pub fn is(&self, row: &Value) -> bool {
        let text = |field: &str| row[field].as_str().unwrap_or_default();
        text("source") == self.source
            && text("level") == self.level
            && text("message") == self.message
            && timestamp::parse(text("timestamp")) == Some(self.time())
            && row["context"] == self.context
    }
}

/// The query of `/recent` that gives the records from `first` up to but not including `end`.
pub fn query_of(first: u64, end: u64) -> String {
    let at = |number: u64| timestamp::to_string(START + number as i64 * STEP);
    format!("from={}&to={}", at(first), at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gives_one_record_and_its_number_back() {
        for number in 0..2_000 {
            let record = Numbered::new(number);
            assert_eq!(record, Numbered::new(number));
            assert_eq!(Numbered::number_of(&record.message), Some(number));
            assert!(record.is(&record.to_json()));
            assert!(!record.is(&Numbered::new(number + 1).to_json()));
        }
    }

    #[test]
    fn any_change_is_seen() {
        let record = Numbered::new(7);
        for field in ["source", "level", "message", "timestamp", "context"] {
            let mut row = record.to_json();
            row[field] = json!("changed");
            assert!(!record.is(&row), "{field}");
        }
    }
}
