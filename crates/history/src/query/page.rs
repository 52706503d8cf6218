//! A page of rows, newest first, and how many match.
//!
//! The counts say in which stretch of time the page stands; only rows of that stretch are read, however deep it is.

use std::collections::BTreeMap;

use super::meter::Stop;
use super::scan::{Range, Scan};
use super::sink::{Counted, Needs, Place, Row, Sink, Times};
use crate::file::rollup::MINUTE;

/// The order of a page: timestamp, then offset, then partition, all falling.
pub(crate) type Key = (i64, u64, u32);

/// Counts rows by stretches of time.
#[derive(Debug, Default)]
pub(crate) struct Stretches {
    total: u64,
    /// By the last microsecond of a stretch: its first, and the rows.
    counted: BTreeMap<(i64, i64), u64>,
    /// The minute of the last rows, and how many they are.
    minute: Option<(i64, u64)>,
}

impl Stretches {
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    fn close(&mut self) {
        if let Some((minute, rows)) = self.minute.take() {
            let first = minute.saturating_mul(MINUTE);
            *self.counted.entry((first.saturating_add(MINUTE - 1), first)).or_insert(0) += rows;
        }
    }

    /// The times that hold the rows from `skip` on, `limit` of them, newest first; and how many of the rows that are
    /// newer than these are left to skip. `None` when there are no such rows.
    pub(crate) fn window(mut self, mut skip: u64, limit: u64) -> Option<(Range, u64)> {
        self.close();
        let mut window: Option<(Range, u64)> = None;
        let mut clusters = Clusters { counted: self.counted.into_iter().rev().peekable() };
        while let Some((range, rows)) = clusters.next_cluster() {
            match &mut window {
                None if rows <= skip => skip -= rows,
                None => window = Some((range, rows)),
                Some((whole, sum)) => {
                    whole.0 = range.0;
                    *sum += rows;
                }
            }
            if window.is_some_and(|(_, sum)| sum >= skip.saturating_add(limit)) {
                break;
            }
        }
        window.map(|(range, _)| (range, skip))
    }
}

/// Stretches that overlap are taken as one: what is newer and what is older is then apart for certain.
struct Clusters<I: Iterator<Item = ((i64, i64), u64)>> {
    counted: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = ((i64, i64), u64)>> Clusters<I> {
    fn next_cluster(&mut self) -> Option<(Range, u64)> {
        let ((last, mut first), mut rows) = self.counted.next()?;
        while let Some(((_, other), more)) = self.counted.next_if(|((last, _), _)| *last >= first) {
            first = first.min(other);
            rows += more;
        }
        Some(((first, last), rows))
    }
}

impl Sink for Stretches {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn times(&self) -> Times {
        Times::Stretches
    }

    fn counted(&mut self, counted: &Counted) {
        self.total += counted.rows;
        *self.counted.entry((counted.seen.1, counted.seen.0)).or_insert(0) += counted.rows;
    }

    fn row(&mut self, row: &Row<'_>) {
        self.total += 1;
        let minute = row.timestamp.div_euclid(MINUTE);
        match &mut self.minute {
            Some((current, rows)) if *current == minute => *rows += 1,
            _ => {
                self.close();
                self.minute = Some((minute, 1));
            }
        }
    }

    fn memory(&self) -> usize {
        self.counted.len() * 64
    }
}

/// Counts rows, whatever their times.
#[derive(Debug, Default)]
pub(crate) struct Count(pub(crate) u64);

impl Sink for Count {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn times(&self) -> Times {
        Times::None
    }

    fn counted(&mut self, counted: &Counted) {
        self.0 += counted.rows;
    }

    fn row(&mut self, _row: &Row<'_>) {
        self.0 += 1;
    }
}

/// Keeps the newest rows.
#[derive(Debug)]
pub(crate) struct Newest {
    most: usize,
    kept: Vec<(Key, Place)>,
    /// Older than this is not kept.
    floor: Option<Key>,
}

impl Newest {
    pub(crate) fn new(most: usize) -> Self {
        Newest { most, kept: Vec::new(), floor: None }
    }

    /// Bytes that it may come to hold.
    pub(crate) fn memory_of(most: usize) -> usize {
        most.saturating_mul(2 * size_of::<(Key, Place)>())
    }

    fn cut(&mut self) {
        if self.kept.len() > self.most && self.most > 0 {
            let newest = |(key, _): &(Key, Place)| std::cmp::Reverse(*key);
            self.kept.select_nth_unstable_by_key(self.most - 1, newest);
            self.kept.truncate(self.most);
            self.floor = Some(self.kept[self.most - 1].0);
        }
    }

    /// The rows, newest first.
    pub(crate) fn finish(mut self) -> Vec<(Key, Place)> {
        self.cut();
        self.kept.sort_unstable_by_key(|(key, _)| std::cmp::Reverse(*key));
        self.kept
    }
}

impl Sink for Newest {
    fn needs(&self) -> Needs {
        Needs { identity: true, ..Needs::default() }
    }

    fn times(&self) -> Times {
        Times::Stretches
    }

    fn counted(&mut self, _counted: &Counted) {}

    fn row(&mut self, row: &Row<'_>) {
        let key = (row.timestamp, row.offset, row.partition);
        if self.floor.is_some_and(|floor| key < floor) {
            return;
        }
        self.kept.push((key, row.place));
        if self.kept.len() >= self.most.saturating_mul(2).max(256) {
            self.cut();
        }
    }

    fn is_done(&self, newest: i64) -> bool {
        self.floor.is_some_and(|floor| newest < floor.0)
    }

    fn memory(&self) -> usize {
        self.kept.capacity() * size_of::<(Key, Place)>()
    }
}

/// The places of a page's rows.
pub(crate) fn places(scan: &Scan<'_>, stretches: Stretches, offset: u64, limit: usize) -> Result<Vec<Place>, Stop> {
    let Some((range, skip)) = stretches.window(offset, limit as u64) else { return Ok(Vec::new()) };
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let most = skip.saturating_add(limit);
    scan.meter.hold(Newest::memory_of(most))?;
    let range = (range.0.max(scan.range.0), range.1.min(scan.range.1));
    let mut newest = Newest::new(most);
    let done = scan.rows(range, &mut newest);
    let found = newest.finish();
    match done {
        Err(Stop::Cancelled) => Err(Stop::Cancelled),
        _ => Ok(found.into_iter().skip(skip).map(|(_, place)| place).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_holds_the_page(
            counted in prop::collection::vec((0i64..50, 0i64..8, 1u64..5), 0..20),
            skip in 0u64..40,
            limit in 1u64..10,
        ) {
            // Rows may stand anywhere in their stretch: at its start or at its end must do.
            for at_end in [false, true] {
                let mut stretches = Stretches::default();
                let mut rows = Vec::new();
                for &(first, len, count) in &counted {
                    let seen = (first, first + len);
                    stretches.counted(&Counted { series: None, level: Default::default(), seen, rows: count });
                    rows.extend((0..count).map(|_| if at_end { seen.1 } else { seen.0 }));
                }
                rows.sort_unstable_by_key(|&t| std::cmp::Reverse(t));
                let page: Vec<i64> = rows.iter().copied().skip(skip as usize).take(limit as usize).collect();
                match stretches.window(skip, limit) {
                    None => prop_assert!(page.is_empty()),
                    Some(((first, last), left)) => {
                        let inside: Vec<i64> = rows.into_iter().filter(|t| (first..=last).contains(t)).collect();
                        let found: Vec<i64> = inside.into_iter().skip(left as usize).take(limit as usize).collect();
                        prop_assert_eq!(found, page);
                    }
                }
            }
        }
    }
}
