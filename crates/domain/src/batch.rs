//! Many records in one allocation: what travels between the stages.
//!
//! All text of all rows stands in one string; a [`Row`] is plain data that
//! points into it. A `String` a field would cost more than everything else
//! that is done with a line.

use whittle_patterns::{FormId, PatternId};

use crate::Level;

/// A stretch of a batch's text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Span {
    /// The stretch as a range of bytes.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// One normalized record, as plain data that points into its batch's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Partition of `logs.raw` that the record came from.
    pub partition: u32,
    /// Offset in that partition: with it the record's identity (`seq`).
    pub offset: u64,
    /// UUIDv7 given at ingestion.
    pub event_id: u128,
    /// The client's time, in microseconds since 1970 (UTC).
    pub timestamp: i64,
    /// The clock of ingestion, in microseconds since 1970 (UTC).
    pub received_at: i64,
    /// One of the four.
    pub level: Level,
    /// Who sent it.
    pub source: Span,
    /// What was sent, byte for byte.
    pub message: Span,
    /// The context as the text of a JSON object; empty when there was none.
    pub context: Span,
    /// The level as it was sent, when it was not one of the four names; else empty.
    pub level_text: Span,
    /// First of the row's variables in [`Batch::all_vars`] (set by analysis).
    pub vars_start: u32,
    /// How many variables the message has.
    pub vars_len: u32,
    /// The form of the message: its literal text with every variable as a hole. Zero before analysis.
    pub form: FormId,
    /// The pattern that the form belonged to when the line was analysed. Zero before analysis.
    pub pattern: PatternId,
}

/// The text of one row, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowText<'a> {
    /// Who sent it.
    pub source: &'a str,
    /// What was sent.
    pub message: &'a str,
    /// JSON object, or empty.
    pub context: &'a str,
    /// The level as sent where it says more than [`Row::level`], or empty.
    pub level_text: &'a str,
}

/// Records in the order of their offsets, with all their text in one allocation.
///
/// Rows of several partitions may stand in one batch; within a partition the
/// offsets rise. Bounds: under 4 GiB of text (stages keep to 16 MiB).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    text: String,
    rows: Vec<Row>,
    vars: Vec<Span>,
    /// In which pass over the log the rows were read: one more each time that it is read anew from an earlier offset.
    pub pass: u32,
}

impl Batch {
    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of memory that the batch holds.
    pub fn memory(&self) -> usize {
        self.text.capacity() + self.rows.capacity() * size_of::<Row>() + self.vars.capacity() * size_of::<Span>()
    }

    /// The text under a span of one of this batch's rows.
    pub fn str(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    /// The text of a row of this batch.
    pub fn text(&self, row: &Row) -> RowText<'_> {
        RowText {
            source: self.str(row.source),
            message: self.str(row.message),
            context: self.str(row.context),
            level_text: self.str(row.level_text),
        }
    }

    /// The variables of a row, as stretches of its *message* (from the message's first byte), in order and not overlapping.
    pub fn vars(&self, row: &Row) -> &[Span] {
        &self.vars[row.vars_start as usize..(row.vars_start + row.vars_len) as usize]
    }

    /// The variables of all rows.
    pub fn all_vars(&self) -> &[Span] {
        &self.vars
    }

    /// All text that rows point into.
    pub(crate) fn all_text(&self) -> &str {
        &self.text
    }

    /// A batch of parts that fit each other.
    pub(crate) fn from_parts(text: String, rows: Vec<Row>, vars: Vec<Span>) -> Batch {
        Batch { text, rows, vars, pass: 0 }
    }

    /// Appends the rows of another batch. Both together must keep to the bounds of a batch.
    pub fn append(&mut self, other: &Batch) {
        let (text, vars) = (self.text.len() as u32, self.vars.len() as u32);
        let moved = |span: Span| Span { start: span.start + text, ..span };
        self.text.push_str(&other.text);
        self.vars.extend_from_slice(&other.vars);
        self.rows.extend(other.rows.iter().map(|row| Row {
            source: moved(row.source),
            message: moved(row.message),
            context: moved(row.context),
            level_text: moved(row.level_text),
            vars_start: row.vars_start + vars,
            ..*row
        }));
    }

    /// A copy of some of the rows.
    pub fn part(&self, rows: std::ops::Range<usize>) -> Batch {
        Batch { text: self.text.clone(), rows: self.rows[rows].to_vec(), vars: self.vars.clone(), pass: self.pass }
    }

    /// A batch of those rows that `keep` keeps, with their text alone. What analysis found stays, but for the variables.
    pub fn picked(&self, mut keep: impl FnMut(&Row) -> bool) -> Batch {
        let mut picked = BatchBuilder::default();
        for row in self.rows.iter().filter(|row| keep(row)) {
            let text = self.text(row);
            let source = picked.push_text(text.source);
            let message = picked.push_text(text.message);
            let context = picked.push_text(text.context);
            let level_text = picked.push_text(text.level_text);
            picked.push_row(Row { source, message, context, level_text, vars_start: 0, vars_len: 0, ..*row });
        }
        picked.finish()
    }

    /// Gives each row its form, pattern and variables, in order. `analyse` appends the message's variables.
    pub fn analyse(&mut self, mut analyse: impl FnMut(&str, &str, &Row, &mut Vec<Span>) -> (FormId, PatternId)) {
        let (text, vars) = (&self.text, &mut self.vars);
        vars.clear();
        for row in &mut self.rows {
            let start = vars.len();
            let source = &text[row.source.range()];
            let message = &text[row.message.range()];
            (row.form, row.pattern) = analyse(source, message, row, vars);
            row.vars_start = start as u32;
            row.vars_len = (vars.len() - start) as u32;
        }
    }
}

impl AsRef<Batch> for Batch {
    fn as_ref(&self) -> &Batch {
        self
    }
}

/// Builds a [`Batch`] row by row.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    batch: Batch,
}

impl BatchBuilder {
    /// A builder with room for `rows` rows and `bytes` bytes of text.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        let (text, rows) = (String::with_capacity(bytes), Vec::with_capacity(rows));
        BatchBuilder { batch: Batch { text, rows, ..Batch::default() } }
    }

    /// Appends text and says where it stands.
    pub fn push_text(&mut self, text: &str) -> Span {
        let start = self.batch.text.len() as u32;
        self.batch.text.push_str(text);
        Span { start, len: text.len() as u32 }
    }

    /// Appends what `write` appends to the text, and says where it stands. `write` must only append.
    pub fn push_with(&mut self, write: impl FnOnce(&mut String)) -> Span {
        let start = self.batch.text.len();
        write(&mut self.batch.text);
        Span { start: start as u32, len: self.batch.text.len().saturating_sub(start) as u32 }
    }

    /// Appends a row whose spans came from this builder.
    pub fn push_row(&mut self, row: Row) {
        self.batch.rows.push(row);
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.batch.rows.len()
    }

    /// Whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.batch.rows.is_empty()
    }

    /// Bytes of text so far.
    pub fn text_len(&self) -> usize {
        self.batch.text.len()
    }

    /// The batch.
    pub fn finish(self) -> Batch {
        self.batch
    }
}
