//! Times of many answers, and what half and nearly all of them stay below.

use std::time::Duration;

/// Times in the order in which they were measured, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: Latencies) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that a part of all (0 to 1) do not pass, in milliseconds; 0 of none.
    pub fn millis_at(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(at).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    }

    /// Half of all.
    pub fn p50(&self) -> f64 {
        self.millis_at(0.5)
    }

    /// Ninety-nine in a hundred.
    pub fn p99(&self) -> f64 {
        self.millis_at(0.99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_all() {
        let mut times = Latencies::default();
        assert_eq!(times.p50(), 0.0);
        (1..=100).rev().for_each(|ms| times.add(Duration::from_millis(ms)));
        assert_eq!((times.p50(), times.p99(), times.millis_at(1.0)), (50.0, 99.0, 100.0));
    }
}
