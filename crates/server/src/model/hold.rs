//! Patterns that wait to be asked about: a pattern seen some more times shows less of what is private and says more.

use hashbrown::HashMap;
use whittle_domain::Level;
use whittle_patterns::PatternId;

use super::ModelSettings;

/// A pattern that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub pattern: PatternId,
    /// The highest level of the lines.
    pub level: Level,
    pub lines: u32,
}

/// A pattern that waits. Times are milliseconds since the worker started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub pattern: PatternId,
    pub level: Level,
    pub lines: u64,
    /// Calls about it that failed.
    pub tries: u32,
    seen_at: u64,
    /// Not before this, after a failure.
    not_before: u64,
}

impl Held {
    /// The same after one more call that failed.
    pub(super) fn failed(self) -> Held {
        Held { tries: self.tries + 1, ..self }
    }
}

/// When patterns are due.
#[derive(Debug, Clone, Copy)]
struct Pace {
    lines: u64,
    wait: u64,
    wait_error: u64,
}

/// The patterns that wait; bounded.
#[derive(Debug)]
pub(super) struct Hold {
    held: HashMap<PatternId, Held>,
    most: usize,
    pace: Pace,
    /// The earliest time at which something may be due; too early rather than too late.
    next: u64,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It waits.
    Waits,
    /// It waits in the place of a less urgent one, which does no longer.
    Instead(PatternId),
    /// All that wait are more urgent.
    Full,
}

impl Hold {
    pub(super) fn new(settings: &ModelSettings) -> Self {
        let pace =
            Pace { lines: u64::from(settings.hold_lines), wait: settings.hold_ms, wait_error: settings.hold_error_ms };
        Hold { held: HashMap::new(), most: settings.held, pace, next: u64::MAX }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Counts lines of a pattern.
    pub(super) fn add(&mut self, candidate: Candidate, now: u64) -> Added {
        let Candidate { pattern, level, lines } = candidate;
        if let Some(held) = self.held.get_mut(&pattern) {
            held.level = held.level.max(level);
            held.lines += u64::from(lines);
            self.next = self.next.min(due(held, &self.pace));
            return Added::Waits;
        }
        self.insert(Held { pattern, level, lines: u64::from(lines), tries: 0, seen_at: now, not_before: 0 })
    }

    /// Takes a pattern back that could not be asked about, to be due at `not_before`.
    pub(super) fn put_back(&mut self, held: Held, not_before: u64) -> Added {
        match self.held.get_mut(&held.pattern) {
            // It was seen again meanwhile.
            Some(again) => {
                again.level = again.level.max(held.level);
                again.lines += held.lines;
                again.tries = again.tries.max(held.tries);
                again.not_before = not_before;
                Added::Waits
            }
            None => self.insert(Held { not_before, ..held }),
        }
    }

    fn insert(&mut self, held: Held) -> Added {
        let mut added = Added::Waits;
        if self.held.len() >= self.most {
            let Some(last) = self.held.values().min_by_key(|h| urgency(h)).copied() else { return Added::Full };
            if urgency(&last) >= urgency(&held) {
                return Added::Full;
            }
            self.held.remove(&last.pattern);
            added = Added::Instead(last.pattern);
        }
        self.next = self.next.min(due(&held, &self.pace));
        self.held.insert(held.pattern, held);
        added
    }

    /// The most urgent pattern that is due, taken out.
    pub(super) fn take_due(&mut self, now: u64) -> Option<Held> {
        if now < self.next {
            return None;
        }
        let due_now = self.held.values().filter(|held| due(held, &self.pace) <= now);
        let first = due_now.max_by_key(|held| urgency(held)).map(|held| held.pattern);
        match first {
            Some(pattern) => self.held.remove(&pattern),
            None => {
                self.next = self.held.values().map(|held| due(held, &self.pace)).min().unwrap_or(u64::MAX);
                None
            }
        }
    }

    /// The patterns that are due.
    pub(super) fn due(&self, now: u64) -> impl Iterator<Item = &Held> {
        self.held.values().filter(move |held| due(held, &self.pace) <= now)
    }

    /// When something may be due next.
    pub(super) fn next_due(&self) -> Option<u64> {
        (self.next != u64::MAX).then_some(self.next)
    }
}

fn due(held: &Held, pace: &Pace) -> u64 {
    let wait = if held.level == Level::Error { pace.wait_error } else { pace.wait };
    let ripe = if held.lines >= pace.lines { held.seen_at } else { held.seen_at + wait };
    ripe.max(held.not_before)
}

/// Errors first, then what has failed least, is seen most, waits longest.
fn urgency(held: &Held) -> (Level, std::cmp::Reverse<u32>, u64, std::cmp::Reverse<u64>, PatternId) {
    (held.level, std::cmp::Reverse(held.tries), held.lines, std::cmp::Reverse(held.seen_at), held.pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(held: usize) -> Hold {
        Hold::new(&ModelSettings { held, ..ModelSettings::default() })
    }

    fn seen(pattern: u64, level: Level, lines: u32) -> Candidate {
        Candidate { pattern: PatternId(pattern), level, lines }
    }

    fn taken(hold: &mut Hold, now: u64) -> Option<u64> {
        hold.take_due(now).map(|held| held.pattern.0)
    }

    #[test]
    fn five_lines_or_half_a_minute_and_errors_two_seconds() {
        let mut hold = hold(10);
        hold.add(seen(1, Level::Info, 1), 0);
        hold.add(seen(2, Level::Error, 1), 0);
        hold.add(seen(3, Level::Info, 4), 0);
        assert_eq!((taken(&mut hold, 1_999), hold.next_due()), (None, Some(2_000)));
        assert_eq!(taken(&mut hold, 2_000), Some(2));
        hold.add(seen(3, Level::Debug, 1), 2_000);
        assert_eq!(taken(&mut hold, 2_000), Some(3));
        assert_eq!((taken(&mut hold, 2_000), hold.next_due()), (None, Some(30_000)));
        assert_eq!(taken(&mut hold, 30_000), Some(1));
        assert_eq!((taken(&mut hold, 30_000), hold.next_due(), hold.len()), (None, None, 0));
    }

    #[test]
    fn the_most_urgent_goes_first_and_the_least_urgent_makes_room() {
        let mut hold = hold(3);
        assert_eq!(hold.add(seen(1, Level::Info, 50), 0), Added::Waits);
        assert_eq!(hold.add(seen(2, Level::Warn, 5), 0), Added::Waits);
        assert_eq!(hold.add(seen(3, Level::Error, 5), 1), Added::Waits);
        assert_eq!(hold.add(seen(4, Level::Debug, 5), 1), Added::Full);
        assert_eq!(hold.add(seen(5, Level::Error, 9), 1), Added::Instead(PatternId(1)));
        assert_eq!([(); 4].map(|()| taken(&mut hold, 1)), [Some(5), Some(3), Some(2), None]);
    }

    #[test]
    fn what_comes_back_waits_and_keeps_what_was_counted() {
        let mut hold = hold(3);
        hold.add(seen(1, Level::Error, 5), 0);
        let held = hold.take_due(0).expect("due");
        hold.add(seen(1, Level::Info, 2), 10);
        hold.put_back(held.failed(), 500);
        assert_eq!(taken(&mut hold, 499), None);
        let again = hold.take_due(500).expect("due");
        assert_eq!((again.lines, again.level, again.tries), (7, Level::Error, 1));
    }
}
