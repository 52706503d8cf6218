//! Counts that are kept beside the rows: of each minute by level, and of each stretch of time by series.
//!
//! A **cell** is the number of rows of one series in one stretch of time, its *grain*: a minute, or more where minutes
//! hold so few rows that the cells would weigh as much as the rows do. Questions about the stretches at the ends of a
//! range, and finer ones, are answered from the rows.

use crate::wire::{Put, Take};

/// Microseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000_000;

/// The grains, in minutes: each divides the next.
const GRAINS: [i64; 4] = [1, 5, 15, 60];

/// Rows for each cell, at least, before a coarser grain is taken.
const ROWS_PER_CELL: usize = 24;

/// Rows of one series in one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    /// The stretch: its start in grains since 1970.
    pub(crate) stretch: i64,
    pub(crate) series: u32,
    pub(crate) rows: u32,
}

/// The cells of a file, by stretch, then series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cells {
    /// Microseconds of a stretch.
    pub(crate) grain: i64,
    pub(crate) cells: Vec<Cell>,
}

/// Rows of one minute by level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minute {
    /// Minutes since 1970.
    pub(crate) minute: i64,
    pub(crate) levels: [u32; 4],
}

impl Cells {
    /// The cells of minutes (in any order, each as often as it was counted), at the grain that suits so many rows.
    pub(crate) fn of_minutes(minutes: Vec<Cell>, rows: usize) -> Cells {
        Cells { grain: MINUTE, cells: summed(minutes) }.coarsened(rows)
    }

    /// Several files' cells as one; the series are those of the whole. Their grain is the coarsest of them.
    pub(crate) fn merged(parts: &[Cells], rows: usize) -> Cells {
        let grain = parts.iter().map(|part| part.grain).max().unwrap_or(MINUTE);
        let coarser = |part: &Cells| {
            let ratio = grain / part.grain;
            part.cells
                .iter()
                .map(move |cell| Cell { stretch: cell.stretch.div_euclid(ratio), ..*cell })
                .collect::<Vec<_>>()
        };
        Cells { grain, cells: summed(parts.iter().flat_map(coarser).collect()) }.coarsened(rows)
    }

    fn coarsened(mut self, rows: usize) -> Cells {
        for grain in GRAINS.map(|minutes| minutes * MINUTE) {
            if grain > self.grain && self.cells.len() * ROWS_PER_CELL > rows {
                let ratio = grain / self.grain;
                self.cells.iter_mut().for_each(|cell| cell.stretch = cell.stretch.div_euclid(ratio));
                self = Cells { grain, cells: summed(self.cells) };
            }
        }
        self
    }

    /// First and last microsecond of a stretch.
    pub(crate) fn span(&self, stretch: i64) -> (i64, i64) {
        let first = stretch.saturating_mul(self.grain);
        (first, first.saturating_add(self.grain - 1))
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>()
    }

    /// Packed: grain in minutes, number of stretches; for each its distance from the one before, its number of cells,
    /// and for each cell the distance of its series from the one before and its rows less one.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_number((self.grain / MINUTE) as u64);
        let stretches = self.cells.chunk_by(|a, b| a.stretch == b.stretch);
        out.put_number(stretches.clone().count() as u64);
        let mut before = 0;
        for cells in stretches {
            out.put_signed(cells[0].stretch.wrapping_sub(before));
            before = cells[0].stretch;
            out.put_number(cells.len() as u64);
            let mut series = 0;
            for cell in cells {
                out.put_number(u64::from(cell.series - series));
                series = cell.series;
                out.put_number(u64::from(cell.rows - 1));
            }
        }
        out
    }

    /// The cells of a file with so many series.
    pub(crate) fn decode(bytes: &[u8], series_count: usize) -> Option<Cells> {
        let mut take = Take(bytes);
        let minutes = take.small()?;
        let grain = GRAINS.into_iter().find(|&grain| grain == i64::from(minutes))? * MINUTE;
        let mut cells = Vec::new();
        let mut stretch = 0i64;
        for _ in 0..take.count(3)? {
            stretch = stretch.wrapping_add(take.signed()?);
            let mut series = 0u32;
            for _ in 0..take.count(2)? {
                series = series.checked_add(take.small()?)?;
                let rows = take.small()?.checked_add(1)?;
                if series as usize >= series_count {
                    return None;
                }
                cells.push(Cell { stretch, series, rows });
            }
        }
        take.is_done().then_some(Cells { grain, cells })
    }
}

/// Sorted, equal stretch and series as one. Rows of one file are far fewer than a cell can count.
fn summed(mut cells: Vec<Cell>) -> Vec<Cell> {
    if !cells.is_sorted() {
        cells.sort_unstable();
    }
    cells.dedup_by(|cell, into| {
        let same = (cell.stretch, cell.series) == (into.stretch, into.series);
        if same {
            into.rows = into.rows.saturating_add(cell.rows);
        }
        same
    });
    cells
}

/// Counts rows by minute as they come. Rows that come by time cost an addition each.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    minute: i64,
    levels: [u32; 4],
    /// By series, of the current minute.
    rows: Vec<u32>,
    touched: Vec<u32>,
    cells: Vec<Cell>,
    minutes: Vec<Minute>,
}

impl Counter {
    #[inline]
    pub(crate) fn add(&mut self, timestamp: i64, series: u32, level: u8) {
        let minute = timestamp.div_euclid(MINUTE);
        if minute != self.minute {
            self.close();
            self.minute = minute;
        }
        if series as usize >= self.rows.len() {
            self.rows.resize(series as usize + 1, 0);
        }
        let rows = &mut self.rows[series as usize];
        if *rows == 0 {
            self.touched.push(series);
        }
        *rows += 1;
        self.levels[usize::from(level & 3)] += 1;
    }

    fn close(&mut self) {
        if self.touched.is_empty() {
            return;
        }
        self.minutes.push(Minute { minute: self.minute, levels: std::mem::take(&mut self.levels) });
        for series in self.touched.drain(..) {
            let rows = std::mem::take(&mut self.rows[series as usize]);
            self.cells.push(Cell { stretch: self.minute, series, rows });
        }
    }

    /// The cells of minutes, and the minutes by level.
    pub(crate) fn finish(mut self) -> (Vec<Cell>, Vec<Minute>) {
        self.close();
        (self.cells, summed_minutes(self.minutes))
    }
}

/// Sorted, equal minutes as one.
pub(crate) fn summed_minutes(mut minutes: Vec<Minute>) -> Vec<Minute> {
    minutes.sort_unstable_by_key(|minute| minute.minute);
    minutes.dedup_by(|minute, into| {
        let same = minute.minute == into.minute;
        if same {
            into.levels.iter_mut().zip(minute.levels).for_each(|(sum, n)| *sum = sum.saturating_add(n));
        }
        same
    });
    minutes.shrink_to_fit();
    minutes
}

/// Packed: number of minutes; for each its distance from the one before and its rows by level.
pub(crate) fn encode_minutes(minutes: &[Minute], out: &mut Vec<u8>) {
    out.put_number(minutes.len() as u64);
    let mut before = 0;
    for minute in minutes {
        out.put_signed(minute.minute.wrapping_sub(before));
        before = minute.minute;
        minute.levels.iter().for_each(|&rows| out.put_number(u64::from(rows)));
    }
}

pub(crate) fn take_minutes(take: &mut Take<'_>) -> Option<Vec<Minute>> {
    let mut minutes = Vec::new();
    let mut before = 0i64;
    for _ in 0..take.count(5)? {
        let minute = before.wrapping_add(take.signed()?);
        before = minute;
        minutes.push(Minute { minute, levels: [take.small()?, take.small()?, take.small()?, take.small()?] });
    }
    Some(minutes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn counted(rows: &[(i64, u32)]) -> (Cells, Vec<Minute>) {
        let mut counter = Counter::default();
        rows.iter().for_each(|&(timestamp, series)| counter.add(timestamp, series, (series % 4) as u8));
        let (cells, minutes) = counter.finish();
        (Cells::of_minutes(cells, rows.len()), minutes)
    }

    proptest! {
        #[test]
        fn cells_count_each_row_once(rows in prop::collection::vec((-99i64 * MINUTE..400 * MINUTE, 0u32..6), 0..300)) {
            let (cells, minutes) = counted(&rows);
            let mut expected: BTreeMap<(i64, u32), u32> = BTreeMap::new();
            for &(timestamp, series) in &rows {
                *expected.entry((timestamp.div_euclid(cells.grain), series)).or_insert(0) += 1;
            }
            let found: Vec<_> = cells.cells.iter().map(|cell| ((cell.stretch, cell.series), cell.rows)).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(minutes.iter().map(|m| m.levels.iter().sum::<u32>()).sum::<u32>() as usize, rows.len());
            prop_assert!(minutes.is_sorted_by(|a, b| a.minute < b.minute));
            prop_assert_eq!(Cells::decode(&cells.encode(), 6), Some(cells.clone()));
            let mut packed = Vec::new();
            encode_minutes(&minutes, &mut packed);
            prop_assert_eq!(take_minutes(&mut Take(&packed)), Some(minutes));
        }

        #[test]
        fn merging_is_counting_together(
            a in prop::collection::vec((0i64..400 * MINUTE, 0u32..6), 0..200),
            b in prop::collection::vec((0i64..40 * MINUTE, 0u32..6), 0..200),
        ) {
            let parts = [counted(&a).0, counted(&b).0];
            let merged = Cells::merged(&parts, a.len() + b.len());
            let mut expected: BTreeMap<(i64, u32), u32> = BTreeMap::new();
            for (timestamp, series) in a.into_iter().chain(b) {
                *expected.entry((timestamp.div_euclid(merged.grain), series)).or_insert(0) += 1;
            }
            let found: Vec<_> = merged.cells.iter().map(|cell| ((cell.stretch, cell.series), cell.rows)).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_cells_or_none(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut framed = vec![1];
            framed.extend(&bytes);
            for bytes in [&bytes, &framed] {
                if let Some(cells) = Cells::decode(bytes, 100) {
                    prop_assert!(cells.cells.len() <= bytes.len());
                }
                take_minutes(&mut Take(bytes));
            }
        }
    }
}
