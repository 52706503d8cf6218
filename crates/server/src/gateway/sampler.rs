//! How many of the events a page is sent when there are more than it can show.

use std::time::Duration;

use tokio::time::Instant;

/// Seconds of the rate that may come at once and pass whole.
const BURST: f64 = 2.0;
/// The least that a window lets through, in seconds of the rate: windows may be opened in quick succession.
const LEAST: f64 = 0.02;

/// A bucket that fills at the rate and holds two seconds of it.
#[derive(Debug, Clone)]
pub(super) struct Sampler {
    rate: f64,
    tokens: f64,
    filled: Instant,
}

impl Sampler {
    /// A full bucket; no sampler when the rate is 0 (no limit).
    pub fn new(rate: u32, now: Instant) -> Option<Self> {
        let rate = f64::from(rate);
        (rate > 0.0).then_some(Sampler { rate, tokens: rate * BURST, filled: now })
    }

    /// Events that may pass now.
    pub fn room(&mut self, now: Instant) -> u64 {
        let waited = now.saturating_duration_since(self.filled);
        if waited > Duration::ZERO {
            self.filled = now;
            self.tokens = (self.tokens + waited.as_secs_f64() * self.rate).min(self.rate * BURST);
        }
        self.tokens.max(self.rate * LEAST).max(1.0) as u64
    }

    /// One in how many of `events` is sent.
    pub fn every(&mut self, events: u64, now: Instant) -> u64 {
        let every = events.div_ceil(self.room(now)).max(1);
        self.tokens = (self.tokens - (events / every) as f64).max(0.0);
        every
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_whole_and_a_flood_is_thinned_to_the_rate() {
        let start = Instant::now();
        let mut sampler = Sampler::new(1000, start).unwrap();
        assert_eq!(sampler.every(2000, start), 1);
        let mut sent = 0;
        for tick in 1..=100_u64 {
            let every = sampler.every(1000, start + Duration::from_millis(100 * tick));
            assert!(every >= 10, "ten thousand a second are one in ten: {every}");
            sent += 1000 / every;
        }
        assert!((8_000..=10_000).contains(&sent), "ten seconds at a thousand a second: {sent}");
    }

    #[test]
    fn no_events_cost_nothing_and_no_rate_is_no_limit() {
        let start = Instant::now();
        assert!(Sampler::new(0, start).is_none());
        let mut sampler = Sampler::new(1, start).unwrap();
        assert_eq!(sampler.every(0, start), 1);
        assert_eq!(sampler.room(start), 2);
    }
}
