//! Scans the rows that are in memory alone.

use std::sync::Arc;

use whittle_domain::query::RowView;

use super::judge::ANY_WORDS;
use super::meter::Stop;
use super::scan::{Range, Scan};
use super::sink::{Place, Row, Sink};
use super::verdict::Verdict;
use crate::tail::{SKIPPED, Segment, Tail};

impl Scan<'_> {
    /// Gives the sink the rows of a tail.
    pub(super) fn tail(&self, unit: u32, tail: &Tail, range: Range, sink: &mut dyn Sink) -> Result<(), Stop> {
        if tail.rows == 0 {
            return Ok(());
        }
        let judged = self.judge.judge(&tail.dictionary, ANY_WORDS);
        if !judged.has(Verdict::Yes) && !judged.has(Verdict::Maybe) {
            return Ok(());
        }
        sink.enter(&tail.dictionary);
        let mut seen = 0;
        for (part, segment) in tail.segments().enumerate() {
            if segment.seen.0 > range.1 || segment.seen.1 < range.0 || sink.is_done(segment.seen.1) {
                continue;
            }
            seen += segment.series.len();
            if seen > 4096 {
                seen = 0;
                self.meter.look()?;
                self.meter.hold(sink.memory())?;
            }
            self.segment(Place { unit, part: part as u32, row: 0 }, tail, segment, &judged.series, range, sink);
        }
        Ok(())
    }

    fn segment(
        &self,
        place: Place,
        tail: &Tail,
        segment: &Arc<Segment>,
        verdicts: &[Verdict],
        range: Range,
        sink: &mut dyn Sink,
    ) {
        let all_times = range.0 <= segment.seen.0 && segment.seen.1 <= range.1;
        let rows = segment.batch.rows();
        for (at, &series) in segment.series.iter().enumerate() {
            if series == SKIPPED || verdicts[series as usize] == Verdict::No {
                continue;
            }
            let row = &rows[at];
            if !all_times && !(range.0..=range.1).contains(&row.timestamp)
                || !self.has_arrived(row.partition, row.offset)
            {
                continue;
            }
            let of_row = tail.dictionary.series[series as usize];
            if verdicts[series as usize] == Verdict::Maybe {
                let text = segment.batch.text(row);
                let pattern = self.judge.of_form(&tail.dictionary.forms[of_row.form as usize]).pattern;
                let (source, message, context) = (text.source, text.message, text.context);
                if !self.judge.matches(&RowView { source, level: row.level, message, context, pattern }) {
                    continue;
                }
            }
            sink.row(&Row {
                place: Place { row: at as u32, ..place },
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
}
