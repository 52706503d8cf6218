//! Scans the rows that are in memory alone.
//!
//! What is counted is counted by the series of the rows, a number each; a row itself is looked at where its text decides, or
//! where it is to be shown.

use std::sync::Arc;

use whittle_domain::query::RowView;

use super::judge::{ANY_WORDS, Judged};
use super::meter::Stop;
use super::scan::{Arrived, Range, Scan, contains};
use super::sink::{Counted, Place, Row, Sink, Times};
use super::verdict::Verdict;
use crate::tail::{SKIPPED, Segment, Tail};

/// Rows between two looks at the budget.
const LOOK: usize = 4096;

/// A tail under a filter.
struct Judging<'t> {
    unit: u32,
    tail: &'t Tail,
    judged: Judged,
    range: Range,
    /// Rows are to be given one by one, none is counted.
    read: bool,
    /// Rows of each series of a segment, while it is counted.
    counts: Vec<u32>,
}

impl Scan<'_> {
    /// Gives the sink the rows of a tail, the newest segments first.
    pub(super) fn tail(
        &self,
        unit: u32,
        tail: &Tail,
        range: Range,
        read: bool,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        if tail.rows == 0 {
            return Ok(());
        }
        let judged = self.judge.judge(&tail.dictionary, ANY_WORDS);
        if !judged.has(Verdict::Yes) && !judged.has(Verdict::Maybe) {
            return Ok(());
        }
        sink.enter(&tail.dictionary);
        let counts = vec![0; tail.dictionary.series.len()];
        let mut judging = Judging { unit, tail, judged, range, read, counts };
        let mut seen = 0;
        for part in (0..tail.parts()).rev() {
            let Some(segment) = tail.segment(part) else { continue };
            if segment.seen.0 > range.1 || segment.seen.1 < range.0 || sink.is_done(segment.seen.1) {
                continue;
            }
            seen += segment.series.len();
            if seen > LOOK {
                seen = 0;
                self.meter.look()?;
                self.meter.hold(sink.memory())?;
            }
            self.segment(&mut judging, part, segment, sink);
        }
        Ok(())
    }

    fn segment(&self, judging: &mut Judging<'_>, part: usize, segment: &Arc<Segment>, sink: &mut dyn Sink) {
        let arrived = self.arrived(&segment.offsets);
        if arrived == Arrived::None {
            return;
        }
        let all_times = contains(judging.range, segment.seen);
        let can_count = !judging.read && all_times && arrived == Arrived::All && suits(sink, segment);
        if can_count {
            count(judging, segment, sink);
        }
        let wanted = |verdict: Verdict| match verdict {
            Verdict::No => false,
            Verdict::Maybe => true,
            Verdict::Yes => !can_count,
        };
        if can_count && !judging.judged.has(Verdict::Maybe) {
            return;
        }
        let place = Place { unit: judging.unit, part: part as u32, row: 0 };
        for (at, &series) in segment.series.iter().enumerate() {
            if series != SKIPPED && wanted(judging.judged.series[series as usize]) {
                self.row(judging, Place { row: at as u32, ..place }, segment, series, all_times, sink);
            }
        }
    }

    fn row(
        &self,
        judging: &Judging<'_>,
        place: Place,
        segment: &Segment,
        series: u32,
        all_times: bool,
        sink: &mut dyn Sink,
    ) {
        let row = &segment.batch.rows()[place.row as usize];
        let is_in_time = all_times || (judging.range.0..=judging.range.1).contains(&row.timestamp);
        if !is_in_time || !self.has_arrived(row.partition, row.offset) {
            return;
        }
        let dictionary = &judging.tail.dictionary;
        let of_row = dictionary.series[series as usize];
        if judging.judged.series[series as usize] == Verdict::Maybe {
            let text = segment.batch.text(row);
            let pattern = self.judge.of_form(&dictionary.forms[of_row.form as usize]).pattern;
            let (source, message, context) = (text.source, text.message, text.context);
            if !self.judge.matches(&RowView { source, level: row.level, message, context, pattern }) {
                return;
            }
        }
        sink.row(&Row {
            place,
            timestamp: row.timestamp,
            partition: row.partition,
            offset: row.offset,
            form: of_row.form,
            source: of_row.source,
            level: row.level,
            context: segment.batch.str(row.context),
        });
    }
}

/// Whether a sink takes counts for the rows of a segment: it asks for nothing of each row, and its stretches of time are
/// not finer.
fn suits(sink: &dyn Sink, segment: &Segment) -> bool {
    let needs = sink.needs();
    let by_row = needs.time || needs.context || needs.identity;
    !by_row
        && match sink.times() {
            Times::None | Times::Stretches => true,
            Times::Within(width) => segment.seen.0.div_euclid(width) == segment.seen.1.div_euclid(width),
        }
}

/// Counts the rows of a segment that match for certain.
fn count(judging: &mut Judging<'_>, segment: &Segment, sink: &mut dyn Sink) {
    let Judging { tail, judged, counts, .. } = judging;
    let is_certain = |series: u32| series != SKIPPED && judged.series[series as usize] == Verdict::Yes;
    let certain = segment.series.iter().copied().filter(|&series| is_certain(series));
    let seen = segment.seen;
    if !sink.needs().series() && !sink.needs().level {
        let rows = certain.count() as u64;
        if rows > 0 {
            sink.counted(&Counted { series: None, level: Default::default(), seen, rows });
        }
        return;
    }
    let mut touched = Vec::new();
    for series in certain {
        let rows = &mut counts[series as usize];
        if *rows == 0 {
            touched.push(series);
        }
        *rows += 1;
    }
    for at in touched {
        let series = tail.dictionary.series[at as usize];
        let rows = u64::from(std::mem::take(&mut counts[at as usize]));
        sink.counted(&Counted { series: Some(series), level: series.level, seen, rows });
    }
}
