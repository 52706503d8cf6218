//! A batch as bytes and back: what a topic carries between two stages of one program.
//!
//! Layout, all numbers little-endian: version (`u8`), rows, variables, bytes of text (`u32` each), the text, then for each row
//! its fixed fields in the order of [`Row`], then for each variable start and length. It is a private format: other
//! programs read the JSON of the topics on Kafka.

use whittle_patterns::{FormId, PatternId};

use crate::{Batch, Level, Row, Span};

/// The version that is written.
const VERSION: u8 = 1;
/// Bytes of a row's fixed fields.
const ROW: usize = 4 + 8 + 16 + 8 + 8 + 1 + 4 * 8 + 4 + 4 + 8 + 8;
/// Bytes before the text.
const HEAD: usize = 1 + 3 * 4;

/// Bytes that are no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpackable {
    /// A later program wrote them.
    #[error("the batch has format {0}, which a later version of this program wrote; run that version")]
    Newer(u8),
    /// They are damaged.
    #[error("the batch is damaged")]
    Damaged,
}

/// The bytes of a batch.
pub fn pack(batch: &Batch) -> Vec<u8> {
    let (text, vars) = (batch.all_text(), batch.all_vars());
    let mut out = Vec::with_capacity(HEAD + text.len() + batch.len() * ROW + vars.len() * 8);
    out.push(VERSION);
    for len in [batch.len(), vars.len(), text.len()] {
        out.extend((len as u32).to_le_bytes());
    }
    out.extend(text.as_bytes());
    for row in batch.rows() {
        out.extend(row.partition.to_le_bytes());
        out.extend(row.offset.to_le_bytes());
        out.extend(row.event_id.to_le_bytes());
        out.extend(row.timestamp.to_le_bytes());
        out.extend(row.received_at.to_le_bytes());
        out.push(row.level as u8);
        for span in [row.source, row.message, row.context, row.level_text] {
            put_span(&mut out, span);
        }
        put_span(&mut out, Span { start: row.vars_start, len: row.vars_len });
        out.extend(row.form.0.to_le_bytes());
        out.extend(row.pattern.0.to_le_bytes());
    }
    vars.iter().for_each(|span| put_span(&mut out, *span));
    out
}

fn put_span(out: &mut Vec<u8>, span: Span) {
    out.extend(span.start.to_le_bytes());
    out.extend(span.len.to_le_bytes());
}

/// The batch of some bytes.
///
/// # Errors
/// They are not what [`pack`] gives.
pub fn unpack(bytes: &[u8]) -> Result<Batch, Unpackable> {
    match bytes.first() {
        Some(&VERSION) => {}
        Some(&newer) if newer > VERSION => return Err(Unpackable::Newer(newer)),
        _ => return Err(Unpackable::Damaged),
    }
    whole(&bytes[1..]).ok_or(Unpackable::Damaged)
}

fn whole(bytes: &[u8]) -> Option<Batch> {
    let mut take = Take(bytes);
    let (rows, vars, text) = (take.small()? as usize, take.small()? as usize, take.small()? as usize);
    let text = std::str::from_utf8(take.bytes(text)?).ok()?;
    // No more memory than the bytes that are there can fill.
    if take.0.len() != rows.checked_mul(ROW)?.checked_add(vars.checked_mul(8)?)? {
        return None;
    }
    let rows: Option<Vec<Row>> = (0..rows).map(|_| row(&mut take)).collect();
    let vars: Option<Vec<Span>> = (0..vars).map(|_| take.span()).collect();
    let (rows, vars) = (rows?, vars?);
    let fits = rows.iter().all(|row| row_fits(row, text, &vars));
    fits.then(|| Batch::from_parts(text.to_owned(), rows, vars))
}

fn row(take: &mut Take<'_>) -> Option<Row> {
    let (partition, offset) = (take.small()?, take.long()?);
    let event_id = u128::from_le_bytes(take.exact()?);
    let (timestamp, received_at) = (take.long()? as i64, take.long()? as i64);
    let [level] = take.exact()?;
    let level = Level::ALL.get(usize::from(level)).copied()?;
    let (source, message, context, level_text) = (take.span()?, take.span()?, take.span()?, take.span()?);
    let vars = take.span()?;
    let (form, pattern) = (FormId(take.long()?), PatternId(take.long()?));
    Some(Row {
        partition,
        offset,
        event_id,
        timestamp,
        received_at,
        level,
        source,
        message,
        context,
        level_text,
        vars_start: vars.start,
        vars_len: vars.len,
        form,
        pattern,
    })
}

/// Whether all that a row points to is there: whole characters of the text, variables inside of its message and apart.
fn row_fits(row: &Row, text: &str, vars: &[Span]) -> bool {
    let in_text = |span: Span| text.get(span.range()).is_some();
    if ![row.source, row.message, row.context, row.level_text].into_iter().all(in_text) {
        return false;
    }
    let Some(vars) = vars.get(Span { start: row.vars_start, len: row.vars_len }.range()) else { return false };
    let mut end = 0;
    vars.iter().all(|var| {
        let range = var.range();
        let apart = range.start >= end && range.end <= row.message.len as usize;
        end = range.end;
        apart
    })
}

/// Takes numbers off the front of a slice.
struct Take<'a>(&'a [u8]);

impl<'a> Take<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn exact<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn small(&mut self) -> Option<u32> {
        self.exact().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.exact().map(u64::from_le_bytes)
    }

    fn span(&mut self) -> Option<Span> {
        Some(Span { start: self.small()?, len: self.small()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::BatchBuilder;

    fn batch(messages: &[String]) -> Batch {
        let mut builder = BatchBuilder::default();
        for (offset, message) in messages.iter().enumerate() {
            let (source, text) = (builder.push_text("quelle-ä"), builder.push_text(message));
            let (context, level_text) = (builder.push_text("{\"n\":1}"), builder.push_text(""));
            builder.push_row(Row {
                partition: 3,
                offset: offset as u64 + 7,
                event_id: u128::MAX - offset as u128,
                timestamp: -5,
                received_at: i64::MAX,
                level: Level::ALL[offset % 4],
                source,
                message: text,
                context,
                level_text,
                vars_start: 0,
                vars_len: 0,
                form: FormId(0),
                pattern: PatternId(0),
            });
        }
        let mut batch = builder.finish();
        batch.analyse(|_, message, _, vars| {
            vars.extend((message.len() > 2).then_some(Span { start: 1, len: 1 }));
            (FormId(message.len() as u64), PatternId(9))
        });
        batch
    }

    proptest! {
        #[test]
        fn a_batch_comes_back(messages in prop::collection::vec("\\PC{0,12}", 0..8)) {
            let batch = batch(&messages);
            prop_assert_eq!(unpack(&pack(&batch)), Ok(batch));
        }

        #[test]
        fn any_bytes_are_a_batch_or_none(bytes: Vec<u8>, messages in prop::collection::vec("\\PC{0,4}", 1..3), at: prop::sample::Index, to: u8) {
            let _ = unpack(&bytes);
            let mut packed = pack(&batch(&messages));
            prop_assert_eq!(unpack(&packed[..at.index(packed.len())]), Err(Unpackable::Damaged));
            let at = at.index(packed.len());
            packed[at] = to;
            if let Ok(batch) = unpack(&packed) {
                // Whatever it says now, all of it can be read.
                let lens = batch.rows().iter().map(|row| batch.text(row).message.len() + batch.vars(row).len());
                prop_assert!(lens.sum::<usize>() <= packed.len() * messages.len().max(batch.len()));
            }
        }
    }

    #[test]
    fn a_later_format_is_named() {
        assert_eq!(unpack(&[VERSION + 1, 0]), Err(Unpackable::Newer(VERSION + 1)));
    }
}
