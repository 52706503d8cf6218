//! The records of a partition that are known to be lost, so that each is counted once however many groups pass by.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges remembered for one partition. Beyond it the lowest is forgotten, and would count again if it were read again.
const MAX_RANGES: usize = 65_536;

/// Disjoint ranges of offsets.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    ranges: BTreeMap<u64, u64>,
}

impl Damage {
    /// Adds a range; answers with how many offsets of it are new.
    pub fn add(&mut self, lost: Range<u64>) -> u64 {
        let (mut start, mut end) = (lost.start, lost.end);
        let mut known = 0;
        // From the top down: all that begin before the end and reach into the range.
        while let Some((&from, &to)) = self.ranges.range(..=end).next_back() {
            if to < start || from == to {
                break;
            }
            known += to.min(lost.end).saturating_sub(from.max(lost.start));
            start = start.min(from);
            end = end.max(to);
            self.ranges.remove(&from);
        }
        if start < end {
            self.ranges.insert(start, end);
        }
        if self.ranges.len() > MAX_RANGES {
            self.ranges.pop_first();
        }
        (lost.end - lost.start).saturating_sub(known)
    }

    /// Forgets what lies before an offset.
    pub fn forget(&mut self, before: u64) {
        while let Some((&from, &to)) = self.ranges.first_key_value() {
            if to > before {
                break;
            }
            self.ranges.remove(&from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Damage;

    #[test]
    fn counts_each_offset_once() {
        let mut damage = Damage::default();
        assert_eq!(damage.add(10..20), 10);
        assert_eq!(damage.add(10..20), 0);
        assert_eq!(damage.add(5..12), 5);
        assert_eq!(damage.add(30..31), 1);
        assert_eq!(damage.add(0..40), 40 - 15 - 1);
        assert_eq!(damage.add(20..30), 0);
        assert_eq!(damage.add(40..40), 0);
    }

    #[test]
    fn agrees_with_a_set() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let (mut damage, mut set) = (Damage::default(), std::collections::BTreeSet::new());
            for _ in 0..20 {
                let start = rng.u64(0..60);
                let end = start + rng.u64(0..15);
                let new = (start..end).filter(|o| set.insert(*o)).count() as u64;
                assert_eq!(damage.add(start..end), new);
            }
        }
    }

    #[test]
    fn forgets_what_retention_dropped() {
        let mut damage = Damage::default();
        damage.add(0..5);
        damage.add(8..9);
        damage.forget(5);
        assert_eq!(damage.ranges.len(), 1);
    }
}
