//! What takes in the rows and counts of a scan.

use std::sync::Arc;

use whittle_domain::Level;

use crate::file::dictionary::{Dictionary, Series};

/// What a sink wants to know of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) form: bool,
    pub(crate) source: bool,
    pub(crate) level: bool,
    /// The timestamp, also where its range is known.
    pub(crate) time: bool,
    /// The text of the context: each row must be read.
    pub(crate) context: bool,
    /// Offset and partition.
    pub(crate) identity: bool,
}

impl Needs {
    /// Whether rows of different forms or sources must be told apart.
    pub(crate) fn series(self) -> bool {
        self.form || self.source
    }
}

/// What a sink wants to know of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// Nothing.
    None,
    /// A stretch of time however wide.
    Stretches,
    /// In which multiple of so many microseconds.
    Within(i64),
}

/// Where a row stands in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Tails first, then files.
    pub(crate) unit: u32,
    /// Segment or row group.
    pub(crate) part: u32,
    pub(crate) row: u32,
}

/// Rows that were counted without reading them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// Where the sink asked for form or source.
    pub(crate) series: Option<Series>,
    /// Where it asked for the level.
    pub(crate) level: Level,
    /// First and last microsecond that they may stand in.
    pub(crate) seen: (i64, i64),
    pub(crate) rows: u64,
}

/// A row that matches; what the sink did not ask for is zero or empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) place: Place,
    pub(crate) timestamp: i64,
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    /// Indexes in the dictionary that was entered last.
    pub(crate) form: u32,
    pub(crate) source: u32,
    pub(crate) level: Level,
    pub(crate) context: &'a str,
}

/// Takes in what a scan finds.
pub(crate) trait Sink {
    fn needs(&self) -> Needs;
    fn times(&self) -> Times;
    /// What follows is told in the terms of this dictionary.
    fn enter(&mut self, _dictionary: &Arc<Dictionary>) {}
    fn counted(&mut self, counted: &Counted);
    fn row(&mut self, row: &Row<'_>);
    /// Whether rows that are no newer than this can be left out.
    fn is_done(&self, _newest: i64) -> bool {
        false
    }
    /// Bytes held.
    fn memory(&self) -> usize {
        0
    }
}
