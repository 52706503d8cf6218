//! The rows of a tail as the columns of a file.

use std::io;

use whittle_domain::{Batch, Row};
use whittle_patterns::Var;

use super::columns::Columns;
use super::dictionary::Form;
use super::values::{put_values, put_whole};
use super::write::FileWriter;
use crate::tail::Tail;

/// Text of a row group is cut here, so that long messages do not make it unwieldy.
pub(crate) const GROUP_BYTES: usize = 64 << 20;

/// Writes all rows of a tail in the order in which they came.
pub(crate) fn write_tail(tail: &Tail, group_rows: usize, writer: &mut FileWriter) -> io::Result<()> {
    let mut vars = Vec::new();
    let mut columns = Columns::with_capacity(tail.rows.min(group_rows), tail.rows * 32);
    for segment in tail.segments() {
        for (row, series) in segment.rows() {
            if columns.len() >= group_rows || columns.text_bytes() >= GROUP_BYTES {
                writer.write(std::mem::take(&mut columns), &tail.dictionary)?;
            }
            push(&mut columns, &segment.batch, row, series, tail.dictionary.form(series), &mut vars);
        }
    }
    writer.write(columns, &tail.dictionary)
}

fn push(columns: &mut Columns, batch: &Batch, row: &Row, series: u32, form: &Form, vars: &mut Vec<Var>) {
    columns.partition.push(row.partition);
    columns.offset.push(row.offset);
    columns.timestamp.push(row.timestamp);
    columns.received.push(row.received_at);
    columns.series.push(series);
    columns.level_text.push(batch.str(row.level_text).as_bytes());
    columns.context.push(batch.str(row.context).as_bytes());
    let message = batch.str(row.message).as_bytes();
    vars.clear();
    vars.extend(batch.vars(row).iter().map(|var| Var { start: var.start, len: var.len }));
    // The skeleton is compared, not trusted: two texts of one hash must not become one.
    match &form.skeleton {
        Some(skeleton) if skeleton.matches(message, vars) => {
            put_values(vars.iter().map(|var| &message[var.range()]), &mut columns.variables.bytes);
        }
        _ => put_whole(message, &mut columns.variables.bytes),
    }
    columns.variables.end();
}
