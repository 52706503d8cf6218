//! The rows of a tail as the columns of a file.

use std::io;

use whittle_domain::{Batch, Row};
use whittle_patterns::Var;

use super::columns::Columns;
use super::dictionary::Dictionary;
use super::values::{put_values, put_whole};
use super::words;
use super::write::{Counting, FileWriter, Totals};
use crate::tail::Tail;

/// Text of a row group is cut here, so that long messages do not make it unwieldy.
pub(crate) const GROUP_BYTES: usize = 32 << 20;

/// Rows are late, or early, when timestamp and receipt are further apart than this, in microseconds. They would widen
/// the bounds of the others.
pub(crate) const LATE: i64 = 3_600_000_000;

/// Late rows that are in order but for this much, in microseconds, stay as they came: sorting them would narrow no bounds,
/// and reading them from all over the tail costs more than all else that is done with them here.
const NARROW: i64 = 60_000_000;

/// Writes all rows of a tail: those on time as they came, then the others by timestamp.
pub(crate) fn write_tail(tail: &Tail, group_rows: usize, writer: &mut FileWriter) -> io::Result<Totals> {
    let mut groups = Groups::new(&tail.dictionary, group_rows, writer);
    let mut late = Vec::new();
    for segment in tail.segments() {
        for (row, series) in segment.rows() {
            if is_late(row.timestamp, row.received_at) {
                late.push((&*segment.batch, row, series));
            } else {
                groups.push(&segment.batch, row, series)?;
            }
        }
    }
    groups.end()?;
    groups.columns.late = true;
    if disorder(late.iter().map(|(_, row, _)| row.timestamp)) > NARROW {
        late.sort_by_key(|(_, row, _)| row.timestamp);
    }
    for (batch, row, series) in late {
        groups.push(batch, row, series)?;
    }
    groups.end()?;
    Ok(groups.counting.finish())
}

/// The longest way, in microseconds, that a time stands behind one that came before it.
fn disorder(times: impl Iterator<Item = i64>) -> i64 {
    let (mut latest, mut longest) = (i64::MIN, 0);
    for time in times {
        latest = latest.max(time);
        longest = longest.max(latest.saturating_sub(time));
    }
    longest
}

pub(crate) fn is_late(timestamp: i64, received: i64) -> bool {
    timestamp.abs_diff(received) > LATE as u64
}

struct Groups<'a> {
    dictionary: &'a Dictionary,
    group_rows: usize,
    writer: &'a mut FileWriter,
    columns: Columns,
    counting: Counting,
    vars: Vec<Var>,
}

impl<'a> Groups<'a> {
    fn new(dictionary: &'a Dictionary, group_rows: usize, writer: &'a mut FileWriter) -> Self {
        let counting = Counting::of(dictionary);
        Groups { dictionary, group_rows, writer, columns: Columns::default(), counting, vars: Vec::new() }
    }

    fn end(&mut self) -> io::Result<()> {
        let late = self.columns.late;
        let columns = std::mem::replace(&mut self.columns, Columns { late, ..Columns::default() });
        self.counting.add(&columns, self.dictionary);
        self.writer.write(columns, self.dictionary)
    }

    #[inline]
    fn push(&mut self, batch: &Batch, row: &Row, series: u32) -> io::Result<()> {
        if self.columns.len() >= self.group_rows || self.columns.text_bytes() >= GROUP_BYTES {
            self.end()?;
        }
        let columns = &mut self.columns;
        columns.partition.push(row.partition);
        columns.offset.push(row.offset);
        columns.timestamp.push(row.timestamp);
        columns.received.push(row.received_at);
        columns.series.push(series);
        columns.level_text.push(batch.str(row.level_text).as_bytes());
        columns.context.push(batch.str(row.context).as_bytes());
        let message = batch.str(row.message);
        self.vars.clear();
        self.vars.extend(batch.vars(row).iter().map(|var| Var { start: var.start, len: var.len }));
        let Columns { variables, words, .. } = columns;
        // That the skeleton fits was seen when the row was appended.
        if self.dictionary.form(series).skeleton.is_some() {
            put_values(self.vars.iter().map(|var| &message.as_bytes()[var.range()]), &mut variables.bytes);
            words::of_variables(message, &self.vars, |word| words.add(word));
        } else {
            put_whole(message.as_bytes(), &mut variables.bytes);
            words::region(message, 0, message.len(), &mut |word| words.add(word));
        }
        variables.end();
        Ok(())
    }
}
