//! Rows that are in memory alone: the batches as they came, with the series of each row beside.
//!
//! A batch is not copied. What is kept for each row is one number; a question scans these numbers, which is cheaper
//! than an index of rows that live for a minute.

use std::sync::Arc;

use whittle_domain::{Batch, Row};
use whittle_patterns::{FormId, Skeleton, Var};

use crate::Positions;
use crate::file::dictionary::{Dictionary, Finder, Series};
use crate::file::forms::{Form, Forms};
use crate::file::index::Offsets;

/// Marks a row that was there before, and is skipped.
pub(crate) const SKIPPED: u32 = u32::MAX;

/// A batch in the tail.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) batch: Arc<Batch>,
    /// For each row of the batch its series in the tail's dictionary, or [`SKIPPED`].
    pub(crate) series: Vec<u32>,
    /// Rows that are not skipped.
    pub(crate) rows: usize,
    /// First and last timestamp of these.
    pub(crate) seen: (i64, i64),
    /// Their offsets, by partition as they come.
    pub(crate) offsets: Vec<Offsets>,
}

impl Segment {
    /// The rows that are not skipped, with their series.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Row, u32)> {
        self.batch.rows().iter().zip(self.series.iter().copied()).filter(|&(_, series)| series != SKIPPED)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.batch.memory() + self.series.len() * size_of::<u32>()
    }
}

/// Segments of a chunk, so that a reader copies few pointers however small the batches are.
const CHUNK: usize = 256;

/// Rows of the same dictionary, in the order in which they came. Cloning copies pointers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    full: Vec<Arc<Vec<Arc<Segment>>>>,
    open: Vec<Arc<Segment>>,
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

impl Tail {
    /// Takes a segment in, with what it adds to the dictionary.
    pub(crate) fn push(&mut self, segment: Segment, additions: &mut Dictionary) {
        if !additions.is_empty() {
            // Copied only while a reader holds the old one.
            Arc::make_mut(&mut self.dictionary).append(additions);
        }
        self.rows += segment.rows;
        self.bytes += segment.bytes();
        self.open.push(Arc::new(segment));
        if self.open.len() == CHUNK {
            self.full.push(Arc::new(std::mem::take(&mut self.open)));
        }
    }

    pub(crate) fn segment(&self, at: usize) -> Option<&Arc<Segment>> {
        match self.full.get(at / CHUNK) {
            Some(chunk) => chunk.get(at % CHUNK),
            None => self.open.get(at - self.full.len() * CHUNK),
        }
    }

    /// How many segments there are.
    pub(crate) fn parts(&self) -> usize {
        self.full.len() * CHUNK + self.open.len()
    }

    pub(crate) fn segments(&self) -> impl DoubleEndedIterator<Item = &Arc<Segment>> {
        self.full.iter().flat_map(|chunk| chunk.iter()).chain(&self.open)
    }
}

/// Finds the series of rows, and which rows are new. Belongs to the writer.
#[derive(Debug)]
pub(crate) struct Coder {
    known: Arc<Forms>,
    finder: Finder,
    forms: Vec<Arc<Form>>,
    last: Option<(Arc<str>, u32)>,
    vars: Vec<Var>,
}

impl Coder {
    pub(crate) fn new(known: Arc<Forms>) -> Self {
        Coder { known, finder: Finder::default(), forms: Vec::new(), last: None, vars: Vec::new() }
    }

    /// Starts over for a new tail.
    pub(crate) fn reset(&mut self) {
        *self = Coder::new(self.known.clone());
    }

    /// The batch as a segment without the rows below `positions`, which are moved on; `None` when none is left.
    pub(crate) fn segment(
        &mut self,
        batch: &Arc<Batch>,
        positions: &mut Positions,
        additions: &mut Dictionary,
    ) -> Option<Segment> {
        let mut series = Vec::with_capacity(batch.len());
        let (mut rows, mut seen, mut offsets) = (0, (i64::MAX, i64::MIN), Vec::new());
        let mut at: Option<(u32, u64)> = None;
        for row in batch.rows() {
            let next = match at {
                Some((partition, next)) if partition == row.partition => next,
                other => {
                    positions.extend(other);
                    positions.get(&row.partition).copied().unwrap_or(0)
                }
            };
            if row.offset < next {
                at = Some((row.partition, next));
                series.push(SKIPPED);
                continue;
            }
            at = Some((row.partition, row.offset + 1));
            rows += 1;
            seen = (seen.0.min(row.timestamp), seen.1.max(row.timestamp));
            widen(&mut offsets, row);
            series.push(self.series(batch, row, additions));
        }
        positions.extend(at);
        (rows > 0).then(|| Segment { batch: batch.clone(), series, rows, seen, offsets })
    }

    fn series(&mut self, batch: &Batch, row: &Row, additions: &mut Dictionary) -> u32 {
        let source = self.source(batch.str(row.source), additions);
        let message = batch.str(row.message).as_bytes();
        self.vars.clear();
        self.vars.extend(batch.vars(row).iter().map(|var| Var { start: var.start, len: var.len }));
        let mut form = self.form(row.form, message, additions);
        // The skeleton is compared, not trusted: two texts of one hash must not become one. A text that does not fit
        // is kept whole, under the form that means "not analysed".
        let fits = |form: &Form, vars: &[Var]| form.skeleton.as_ref().is_none_or(|s| s.matches(message, vars));
        if !fits(&self.forms[form as usize], &self.vars) {
            form = self.form(FormId(0), message, additions);
        }
        self.finder.series(Series { form, source, level: row.level }, additions)
    }

    fn form(&mut self, id: FormId, message: &[u8], additions: &mut Dictionary) -> u32 {
        let (known, vars) = (&self.known, &self.vars);
        let at = self.finder.form(id, || known.intern(id, skeleton(id, message, vars)), additions);
        if at as usize == self.forms.len() {
            self.forms.extend(additions.forms.last().cloned());
        }
        at
    }

    fn source(&mut self, text: &str, additions: &mut Dictionary) -> u32 {
        match &self.last {
            Some((last, at)) if **last == *text => *at,
            _ => {
                let (text, at) = self.finder.source(text, additions);
                self.last = Some((text, at));
                at
            }
        }
    }
}

/// Takes a row into the offsets of a segment. Rows of a partition stand together but for few batches.
fn widen(offsets: &mut Vec<Offsets>, row: &Row) {
    match offsets.last_mut() {
        Some(last) if last.partition == row.partition => last.last = row.offset,
        _ => offsets.push(Offsets { partition: row.partition, first: row.offset, last: row.offset }),
    }
}

/// Longest literal text that is kept apart from its variables.
const MAX_LITERAL: usize = 16 * 1024;

/// The skeleton of an analysed row; messages whose form is unknown or has too long a text are kept whole.
fn skeleton(id: FormId, message: &[u8], vars: &[Var]) -> Option<Skeleton> {
    let apart = vars.windows(2).all(|pair| pair[0].end() <= pair[1].start as usize);
    let inside = vars.last().is_none_or(|var| var.end() <= message.len());
    if id.0 == 0 || !apart || !inside || vars.len() > usize::from(u16::MAX) {
        return None;
    }
    let literal = message.len() - vars.iter().map(|var| var.len as usize).sum::<usize>();
    (literal <= MAX_LITERAL).then(|| Skeleton::of(message, vars))
}
