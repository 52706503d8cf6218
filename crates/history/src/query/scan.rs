//! Goes over a snapshot: what rollups answer is counted, the rest is read, newest row groups first.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;

use super::cache::Caches;
use super::judge::{ANY_WORDS, Judge, Judged};
use super::meter::{Meter, Stop};
use super::search::SearchError;
use super::sink::{Counted, Sink, Times};
use super::verdict::Verdict;
use crate::file::index::Offsets;
use crate::file::read::RowFile;
use crate::file::rollup::{Cells, MINUTE};
use crate::store::{FileHistory, Snapshot, StoredFile};
use crate::{Filter, Positions};

/// First and last microsecond.
pub(crate) type Range = (i64, i64);

pub(super) fn overlap(a: Range, b: Range) -> Option<Range> {
    let both = (a.0.max(b.0), a.1.min(b.1));
    (both.0 <= both.1).then_some(both)
}

pub(super) fn contains(outer: Range, inner: Range) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

/// A filter over a snapshot.
pub(crate) struct Scan<'a> {
    pub(crate) snapshot: Snapshot,
    pub(crate) judge: Judge<'a>,
    pub(crate) meter: &'a Meter<'a>,
    /// The times that are asked for.
    pub(crate) range: Range,
    pub(super) until: Option<&'a Positions>,
    /// Names what is asked of a row's text, for caches.
    pub(super) signature: Arc<str>,
    pub(super) caches: &'a Caches,
}

/// How much of something had arrived by the positions that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    All,
    Part,
    None,
}

/// Which of the rows that match for certain are still to be read.
#[derive(Clone)]
pub(super) enum Rest {
    None,
    /// Those in these stretches, rising and apart.
    Cut(Rc<[Range]>),
    /// All of them; they all stand in these stretches.
    Within(Rc<[Range]>),
    All,
}

/// A row group that is to be read.
pub(super) struct Work {
    pub(super) file: usize,
    pub(super) group: usize,
    pub(super) arrived: Arrived,
    /// Of the rows that match for certain.
    pub(super) rest: Rest,
    /// Whether there may be rows that their text decides.
    pub(super) maybe: bool,
}

/// What judging the dictionary of a file came to, by the words that may stand in a row group.
pub(super) type JudgedFiles = HashMap<(usize, u64), Rc<Judged>>;

impl<'a> Scan<'a> {
    pub(crate) fn new(history: &'a FileHistory, filter: &'a Filter, meter: &'a Meter<'a>) -> Self {
        let last = filter.to.map_or(Some(i64::MAX), |to| to.checked_sub(1));
        let range = last.map_or((0, -1), |last| (filter.from.unwrap_or(i64::MIN), last));
        let judge = Judge::new(filter, &history.catalog);
        Scan {
            snapshot: history.snapshot(),
            signature: judge.signature().into(),
            judge,
            meter,
            range,
            until: filter.until.as_ref(),
            caches: &history.caches,
        }
    }

    /// Counts what can be counted and reads the rest.
    pub(crate) fn tally(&self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.run(self.range, false, sink)
    }

    /// Reads the rows of a range, counting none.
    pub(crate) fn rows(&self, range: Range, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.run(range, true, sink)
    }

    fn run(&self, range: Range, read: bool, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.meter.look()?;
        for (unit, tail) in self.snapshot.tails.iter().enumerate() {
            self.tail(unit as u32, tail, range, read, sink)?;
        }
        let mut judged = JudgedFiles::new();
        let mut work = Vec::new();
        for at in (0..self.snapshot.files.len()).rev() {
            let planned = self.plan(at, range, read, &mut judged, sink);
            planned.map(|groups| work.extend(groups)).unwrap_or_else(|e| self.meter.damaged(&e));
        }
        let newest = |work: &Work| self.file(work.file).group(work.group).seen.1;
        work.sort_by_key(|work| std::cmp::Reverse(newest(work)));
        for work in work {
            if sink.is_done(newest(&work)) {
                return Ok(());
            }
            self.meter.look()?;
            self.meter.hold(sink.memory())?;
            match self.group(&work, range, &mut judged, sink) {
                Ok(()) => {}
                Err(SearchError::Io(e)) => self.meter.damaged(&e),
                Err(SearchError::Stop(stop)) => return Err(stop),
            }
        }
        Ok(())
    }

    pub(super) fn file(&self, at: usize) -> &RowFile {
        &self.snapshot.files[at].rows
    }

    pub(super) fn judged(&self, file: usize, words: u64, judged: &mut JudgedFiles) -> Rc<Judged> {
        let new = || Rc::new(self.judge.judge(&self.file(file).index.dictionary, words));
        judged.entry((file, words)).or_insert_with(new).clone()
    }

    pub(super) fn unit(&self, file: usize) -> u32 {
        (self.snapshot.tails.len() + file) as u32
    }

    /// Counts what the rollup of a file answers; the row groups that are left to read.
    fn plan(
        &self,
        at: usize,
        range: Range,
        read: bool,
        judged: &mut JudgedFiles,
        sink: &mut dyn Sink,
    ) -> io::Result<Vec<Work>> {
        let file = &self.snapshot.files[at];
        let Some(seen) = file.rows.index.seen().filter(|&seen| overlap(seen, range).is_some()) else {
            return Ok(Vec::new());
        };
        let judged = self.judged(at, ANY_WORDS, judged);
        let maybe = judged.has(Verdict::Maybe);
        let arrived: Vec<Arrived> = file.rows.index.groups.iter().map(|group| self.arrived(&group.offsets)).collect();
        let whole = arrived.iter().all(|&arrived| arrived == Arrived::All);
        let rest = match judged.has(Verdict::Yes) {
            false => Rest::None,
            true if read || !whole || sink.needs().context => self.stretches(file, range, &judged),
            true => self.count(file, seen, range, &judged, sink)?,
        };
        let group = |(group, &arrived): (usize, &Arrived)| {
            let seen = overlap(file.rows.group(group).seen, range)?;
            let rest = match &rest {
                Rest::Cut(cut) | Rest::Within(cut) if !cut.iter().any(|&cut| overlap(cut, seen).is_some()) => {
                    Rest::None
                }
                rest => rest.clone(),
            };
            let is_wanted = arrived != Arrived::None && (maybe || !matches!(rest, Rest::None));
            is_wanted.then_some(Work { file: at, group, arrived, rest, maybe })
        };
        Ok(arrived.iter().enumerate().filter_map(group).collect())
    }

    /// Whether a row is among those that are asked for by arrival.
    pub(super) fn has_arrived(&self, partition: u32, offset: u64) -> bool {
        self.until.is_none_or(|until| offset < until.get(&partition).copied().unwrap_or(0))
    }

    /// How much of the rows with these offsets is among those that are asked for by arrival.
    pub(super) fn arrived(&self, offsets: &[Offsets]) -> Arrived {
        let Some(until) = self.until else { return Arrived::All };
        let head = |partition: u32| until.get(&partition).copied().unwrap_or(0);
        if offsets.iter().all(|offsets| offsets.last < head(offsets.partition)) {
            Arrived::All
        } else if offsets.iter().all(|offsets| offsets.first >= head(offsets.partition)) {
            Arrived::None
        } else {
            Arrived::Part
        }
    }

    /// Gives the sink what the rollup of a file says; what it does not say is left.
    fn count(
        &self,
        file: &StoredFile,
        seen: Range,
        range: Range,
        judged: &Judged,
        sink: &mut dyn Sink,
    ) -> io::Result<Rest> {
        let index = &file.rows.index;
        sink.enter(&index.dictionary);
        let is_inside = contains(range, seen);
        if is_inside && sink.times() == Times::None {
            for ((series, rows), verdict) in index.dictionary.series.iter().zip(&index.series).zip(&judged.series) {
                if *verdict == Verdict::Yes && rows.rows > 0 {
                    let counted =
                        Counted { series: Some(*series), level: series.level, seen: rows.seen, rows: rows.rows };
                    sink.counted(&counted);
                }
            }
            return Ok(Rest::None);
        }
        let suits = |grain: i64| match sink.times() {
            Times::Within(width) => width % grain == 0,
            Times::None | Times::Stretches => true,
        };
        if judged.by_level_alone() && !sink.needs().series() && suits(MINUTE) {
            return Ok(self.minutes(&file.rows, range, judged, sink));
        }
        if !suits(index.grain) {
            return Ok(Rest::All);
        }
        // Where the cells cannot be read, the rows still can.
        self.cells(file, range, judged, sink).or_else(|e| {
            tracing::error!(error = %e, file = %file.rows.path.display(), "the cells cannot be read");
            Ok(Rest::All)
        })
    }

    fn minutes(&self, file: &RowFile, range: Range, judged: &Judged, sink: &mut dyn Sink) -> Rest {
        let minutes = &file.index.minutes;
        let span =
            |minute: i64| (minute.saturating_mul(MINUTE), minute.saturating_mul(MINUTE).saturating_add(MINUTE - 1));
        let first = minutes.partition_point(|minute| span(minute.minute).1 < range.0);
        let mut cut = Vec::new();
        for minute in minutes[first..].iter().take_while(|minute| span(minute.minute).0 <= range.1) {
            let seen = span(minute.minute);
            if !contains(range, seen) {
                cut.extend(overlap(seen, range));
                continue;
            }
            for level in Level::ALL.into_iter().filter(|&level| judged.levels.contains(level)) {
                let rows = u64::from(minute.levels[level as usize]);
                if rows > 0 {
                    sink.counted(&Counted { series: None, level, seen, rows });
                }
            }
        }
        rest(cut)
    }

    /// Where rows stand that match for certain, as far as the cells say.
    fn stretches(&self, file: &StoredFile, range: Range, judged: &Judged) -> Rest {
        if judged.series.iter().all(|&verdict| verdict == Verdict::Yes) {
            return Rest::All;
        }
        let Ok(cells) = self.cells_of(file) else { return Rest::All };
        let first = cells.cells.partition_point(|cell| cells.span(cell.stretch).1 < range.0);
        let mut within: Vec<Range> = Vec::new();
        for cell in cells.cells[first..].iter().filter(|cell| judged.series[cell.series as usize] == Verdict::Yes) {
            let seen = cells.span(cell.stretch);
            if seen.0 > range.1 {
                break;
            }
            match within.last_mut() {
                Some(last) if last.1.saturating_add(1) >= seen.0 => last.1 = seen.1,
                _ => within.push(seen),
            }
        }
        if within.is_empty() { Rest::None } else { Rest::Within(within.into()) }
    }

    fn cells_of(&self, file: &StoredFile) -> io::Result<Arc<Cells>> {
        if let Some(cells) = self.caches.cells.get(&file.entry.id) {
            return Ok(cells);
        }
        let cells = Arc::new(file.rows.cells()?);
        self.caches.cells.put(file.entry.id, cells.clone(), cells.memory());
        Ok(cells)
    }

    fn cells(&self, file: &StoredFile, range: Range, judged: &Judged, sink: &mut dyn Sink) -> io::Result<Rest> {
        let cells = self.cells_of(file)?;
        let (series, exact) = (&file.rows.index.dictionary.series, &file.rows.index.series);
        let apart = sink.needs().series() || sink.needs().level;
        let first = cells.cells.partition_point(|cell| cells.span(cell.stretch).1 < range.0);
        let mut cut = Vec::new();
        for stretch in cells.cells[first..].chunk_by(|a, b| a.stretch == b.stretch) {
            let seen = cells.span(stretch[0].stretch);
            if seen.0 > range.1 {
                break;
            }
            let mut yes = stretch.iter().filter(|cell| judged.series[cell.series as usize] == Verdict::Yes).peekable();
            if yes.peek().is_none() {
                continue;
            }
            if !contains(range, seen) {
                cut.extend(overlap(seen, range));
            } else if apart {
                for cell in yes {
                    let seen = overlap(seen, exact[cell.series as usize].seen).unwrap_or(seen);
                    let series = series[cell.series as usize];
                    let rows = u64::from(cell.rows);
                    sink.counted(&Counted { series: Some(series), level: series.level, seen, rows });
                }
            } else {
                let rows = yes.map(|cell| u64::from(cell.rows)).sum();
                sink.counted(&Counted { series: None, level: Level::default(), seen, rows });
            }
        }
        Ok(rest(cut))
    }
}

fn rest(cut: Vec<Range>) -> Rest {
    if cut.is_empty() { Rest::None } else { Rest::Cut(cut.into()) }
}
