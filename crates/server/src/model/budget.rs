//! What calls may cost, reserved before each call and on disk before it is made.
//!
//! A reservation is the most that a call can cost: no tokenizer makes more tokens than there are bytes, and the answer is
//! limited by the request. It is corrected downwards once the server says what was used; where it never says so, because
//! of a time-out or a crash, it stays. So neither a race nor a crash spends more than the limits.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use whittle_disk::Disk;

use super::ModelSettings;
use crate::insights::{Journal, JournalError};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Tokens that a server's own frame around the messages may take.
const FRAME_TOKENS: u64 = 64;

/// What may be spent. Days are UTC.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    calls_per_minute: usize,
    tokens_per_day: u64,
    /// None where the prices are not known.
    micro_usd_per_day: Option<u64>,
    /// Micro-dollars for a token, which are dollars for a million.
    price_in: f64,
    price_out: f64,
}

impl Limits {
    pub(super) fn of(settings: &ModelSettings) -> Self {
        let priced = settings.price_in > 0.0 && settings.price_out > 0.0;
        Limits {
            calls_per_minute: settings.calls_per_minute as usize,
            tokens_per_day: settings.tokens_per_day,
            micro_usd_per_day: priced.then_some((settings.usd_per_day * 1e6) as u64),
            price_in: settings.price_in,
            price_out: settings.price_out,
        }
    }

    fn price(&self, usage: Usage) -> u64 {
        match self.micro_usd_per_day {
            Some(_) => (usage.sent as f64 * self.price_in + usage.received as f64 * self.price_out).ceil() as u64,
            None => 0,
        }
    }
}

/// Tokens of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Usage {
    pub sent: u64,
    pub received: u64,
}

/// What has been spent: the last entry of the journal counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Spent {
    /// Days since 1970.
    day: i64,
    tokens: u64,
    micro_usd: u64,
    /// Milliseconds since 1970 of the calls of the last minute.
    calls: VecDeque<i64>,
}

/// Why there is no call now.
#[derive(Debug)]
pub(super) enum Denied {
    /// The calls of this minute are used up, until then (milliseconds since 1970).
    Minute(i64),
    /// The tokens of this day are used up.
    Tokens,
    /// The money of this day is used up.
    Money,
    /// The reservation cannot be written.
    Disk(JournalError),
}

/// The most that a call may cost, counted as spent until it is settled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reservation {
    day: i64,
    usage: Usage,
    micro_usd: u64,
}

/// How far the limits are used up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub calls: (u64, u64),
    pub tokens: (u64, u64),
    /// Dollars; none where the prices are not known.
    pub usd: Option<(f64, f64)>,
}

/// The budget of the process.
pub(super) struct Budget {
    limits: Limits,
    ledger: Mutex<Ledger>,
}

struct Ledger {
    spent: Spent,
    journal: Journal,
}

impl Budget {
    pub(super) fn open(limits: Limits, disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, JournalError> {
        let (journal, entries) = Journal::open(disk, dir, "model-budget.journal")?;
        let last = entries.iter().rev().find_map(|entry| serde_json::from_slice(entry).ok());
        Ok(Budget { limits, ledger: Mutex::new(Ledger { spent: last.unwrap_or_default(), journal }) })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a call of at most so many bytes sent and tokens received. Waits for the disk.
    pub(super) fn reserve(&self, now: i64, bytes: usize, answer_tokens: u64) -> Result<Reservation, Denied> {
        let usage = Usage { sent: bytes as u64 + FRAME_TOKENS, received: answer_tokens };
        let micro_usd = self.limits.price(usage);
        let mut ledger = self.ledger();
        let mut spent = ledger.spent.clone();
        spent.move_to(now);
        if spent.calls.len() >= self.limits.calls_per_minute {
            let first = spent.calls.front().copied().unwrap_or(now);
            return Err(Denied::Minute(first + MINUTE_MS));
        }
        spent.tokens += usage.sent + usage.received;
        spent.micro_usd += micro_usd;
        if spent.tokens > self.limits.tokens_per_day {
            return Err(Denied::Tokens);
        }
        if self.limits.micro_usd_per_day.is_some_and(|most| spent.micro_usd > most) {
            return Err(Denied::Money);
        }
        spent.calls.push_back(now);
        let day = spent.day;
        ledger.write(spent).map_err(Denied::Disk)?;
        Ok(Reservation { day, usage, micro_usd })
    }

    /// Corrects a reservation to what was used. Waits for the disk; where that fails, the higher figure stays there.
    pub(super) fn settle(&self, now: i64, reservation: Reservation, used: Usage) {
        let mut ledger = self.ledger();
        let mut spent = ledger.spent.clone();
        spent.move_to(now);
        if spent.day != reservation.day {
            return;
        }
        let reserved = reservation.usage.sent + reservation.usage.received;
        spent.tokens = spent.tokens.saturating_sub(reserved).saturating_add(used.sent.saturating_add(used.received));
        spent.micro_usd = spent.micro_usd.saturating_sub(reservation.micro_usd).saturating_add(self.limits.price(used));
        let known = spent.clone();
        if let Err(error) = ledger.write(spent) {
            tracing::warn!(%error, "what a call of the model cost is not on disk");
            ledger.spent = known;
        }
    }

    /// When the next call may be made, as far as the calls of a minute go (milliseconds since 1970).
    pub(super) fn next_call(&self, now: i64) -> i64 {
        let mut spent = self.ledger().spent.clone();
        spent.move_to(now);
        match spent.calls.front() {
            Some(first) if spent.calls.len() >= self.limits.calls_per_minute => first + MINUTE_MS,
            _ => now,
        }
    }

    /// How far the limits are used up.
    pub(super) fn level(&self, now: i64) -> Level {
        let mut spent = self.ledger().spent.clone();
        spent.move_to(now);
        let usd = |micro: u64| micro as f64 / 1e6;
        Level {
            calls: (spent.calls.len() as u64, self.limits.calls_per_minute as u64),
            tokens: (spent.tokens, self.limits.tokens_per_day),
            usd: self.limits.micro_usd_per_day.map(|most| (usd(spent.micro_usd), usd(most))),
        }
    }
}

impl Spent {
    /// Lets time pass. A clock that is set back keeps what was spent, so that it buys nothing.
    fn move_to(&mut self, now: i64) {
        let day = now.div_euclid(DAY_MS);
        if day > self.day {
            (self.tokens, self.micro_usd) = (0, 0);
        }
        self.day = day;
        for call in &mut self.calls {
            *call = (*call).min(now);
        }
        while self.calls.front().is_some_and(|call| now - call >= MINUTE_MS) {
            self.calls.pop_front();
        }
    }
}

impl Ledger {
    fn write(&mut self, spent: Spent) -> Result<(), JournalError> {
        // A struct of numbers always has a JSON form.
        let entry = serde_json::to_vec(&spent).unwrap_or_default();
        self.journal.append(&entry, || vec![entry.clone()])?;
        self.spent = spent;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use whittle_disk::OsDisk;

    use super::*;

    const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;

    fn open(dir: &Path, change: impl Fn(&mut ModelSettings)) -> Budget {
        let mut settings = ModelSettings { calls_per_minute: 3, tokens_per_day: 1_000, ..ModelSettings::default() };
        change(&mut settings);
        Budget::open(Limits::of(&settings), Arc::new(OsDisk), dir).expect("opens")
    }

    #[test]
    fn a_minute_has_so_many_calls_whenever_it_starts() {
        let folder = tempfile::tempdir().expect("a folder");
        let budget = open(folder.path(), |_| {});
        for second in [0, 10, 20] {
            budget.reserve(NOON + second * 1_000, 1, 1).expect("a call");
        }
        let at = |ms| budget.reserve(NOON + ms, 1, 1);
        assert!(matches!(at(59_999), Err(Denied::Minute(until)) if until == NOON + 60_000));
        assert_eq!(budget.next_call(NOON + 59_999), NOON + 60_000);
        at(60_000).expect("a call");
        assert!(matches!(at(60_001), Err(Denied::Minute(until)) if until == NOON + 70_000));
    }

    #[test]
    fn tokens_are_reserved_corrected_and_counted_by_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let budget = open(folder.path(), |s| s.calls_per_minute = 100);
        let reservation = budget.reserve(NOON, 536, 300).expect("fits: 600 and 300");
        assert!(matches!(budget.reserve(NOON, 36, 1), Err(Denied::Tokens)));
        budget.settle(NOON, reservation, Usage { sent: 90, received: 10 });
        assert_eq!(budget.level(NOON).tokens, (100, 1_000));
        let late = budget.reserve(NOON, 536, 300).expect("fits");
        assert_eq!(budget.level(NOON + DAY_MS).tokens.0, 0);
        budget.reserve(NOON + DAY_MS, 36, 0).expect("another day");
        budget.settle(NOON + DAY_MS, late, Usage::default());
        assert_eq!(budget.level(NOON + DAY_MS).tokens.0, 100, "a call of yesterday changes nothing today");
    }

    #[test]
    fn money_counts_where_both_prices_are_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let priced = |s: &mut ModelSettings| (s.price_in, s.price_out, s.usd_per_day) = (1.0, 10.0, 0.001);
        let budget = open(folder.path(), priced);
        let reservation = budget.reserve(NOON, 36, 80).expect("100 and 800 micro-dollars");
        assert!(matches!(budget.reserve(NOON, 37, 0), Err(Denied::Money)));
        budget.settle(NOON, reservation, Usage { sent: 100, received: 1 });
        assert_eq!(budget.level(NOON).usd, Some((0.000_11, 0.001)));
        assert_eq!(open(folder.path(), |s| s.price_in = 1.0).level(NOON).usd, None);
    }

    #[test]
    fn a_crash_or_a_clock_set_back_buys_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let budget = open(folder.path(), |_| {});
        let _kept = budget.reserve(NOON, 436, 400).expect("fits");
        drop(budget);
        let budget = open(folder.path(), |_| {});
        assert_eq!(budget.level(NOON).tokens.0, 900);
        assert_eq!(budget.level(NOON).calls.0, 1);
        assert!(matches!(budget.reserve(NOON - DAY_MS, 136, 0), Err(Denied::Tokens)));
        assert!(matches!(budget.reserve(NOON, 136, 0), Err(Denied::Tokens)));
        budget.reserve(NOON - 3 * DAY_MS, 36, 0).expect("what is left");
        assert!(matches!(budget.reserve(NOON - 3 * DAY_MS, 36, 0), Err(Denied::Tokens)));
    }

    #[test]
    fn threads_together_never_spend_more_than_the_limits() {
        let folder = tempfile::tempdir().expect("a folder");
        let budget = open(folder.path(), |s| s.calls_per_minute = 1_000);
        let granted: usize = std::thread::scope(|scope| {
            let ask = || (0..20).filter(|_| budget.reserve(NOON, 6, 0).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|t| t.join().expect("ends")).sum()
        });
        assert_eq!(granted, 1_000 / 70);
        assert_eq!(open(folder.path(), |_| {}).level(NOON).tokens.0, 14 * 70);
    }
}
