//! Rows for tests: plain values, made into analysed batches as the pipeline makes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use whittle_domain::{Batch, BatchBuilder, Level, Row, Span};
use whittle_patterns::{Catalog, FormId, Miner, PatternId};

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// The end of 2025, on a minute: most rows of tests stand near it.
pub const NOON: i64 = 1_764_504_000 * SECOND;

/// A record as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub partition: u32,
    pub timestamp: i64,
    pub received_at: i64,
    pub level: Level,
    pub level_text: String,
    pub source: String,
    pub message: String,
    pub context: String,
}

/// A line of one source and level with nothing else to it.
pub fn line(timestamp: i64, source: &str, level: Level, message: &str) -> Line {
    Line {
        partition: 0,
        timestamp,
        received_at: timestamp,
        level,
        level_text: String::new(),
        source: source.to_owned(),
        message: message.to_owned(),
        context: String::new(),
    }
}

/// A line with its place in the raw log and its form: what the model keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub offset: u64,
    pub form: FormId,
    pub line: Line,
}

/// Gives lines their offsets and patterns, as ingestion and analysis do.
#[derive(Default)]
pub struct Feeder {
    pub miner: Miner,
    next: BTreeMap<u32, u64>,
}

impl Feeder {
    pub fn catalog(&self) -> Catalog {
        self.miner.catalog()
    }

    /// Leaves offsets of a partition out, as other topics or damage do.
    pub fn skip(&mut self, partition: u32, offsets: u64) {
        *self.next.entry(partition).or_insert(0) += offsets;
    }

    /// The lines with their next offsets.
    pub fn place(&mut self, lines: &[Line]) -> Vec<Placed> {
        let mut vars = Vec::new();
        lines
            .iter()
            .map(|line| {
                let next = self.next.entry(line.partition).or_insert(0);
                let offset = *next;
                *next += 1;
                vars.clear();
                let form = self.miner.observe_from(&line.source, &line.message, &mut vars).form;
                Placed { offset, form, line: line.clone() }
            })
            .collect()
    }

    /// Placed lines as a batch.
    pub fn batch(&mut self, placed: &[Placed]) -> Arc<Batch> {
        let mut builder = BatchBuilder::default();
        for Placed { offset, line, .. } in placed {
            let source = builder.push_text(&line.source);
            let message = builder.push_text(&line.message);
            let context = builder.push_text(&line.context);
            let level_text = builder.push_text(&line.level_text);
            builder.push_row(Row {
                partition: line.partition,
                offset: *offset,
                event_id: u128::from(*offset),
                timestamp: line.timestamp,
                received_at: line.received_at,
                level: line.level,
                source,
                message,
                context,
                level_text,
                vars_start: 0,
                vars_len: 0,
                form: FormId(0),
                pattern: PatternId(0),
            });
        }
        let mut batch = builder.finish();
        let mut found = Vec::new();
        batch.analyse(|source, message, _, vars| {
            found.clear();
            let known = self.miner.observe_from(source, message, &mut found);
            vars.extend(found.iter().map(|var| Span { start: var.start, len: var.len }));
            (known.form, known.pattern)
        });
        Arc::new(batch)
    }
}
