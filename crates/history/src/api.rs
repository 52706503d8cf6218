//! The border of the history: what is asked, what is answered, what is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use whittle_domain::query::Query;
use whittle_domain::{Batch, Level};
use whittle_patterns::PatternId;

/// For each partition of `logs.raw` the first offset that is not included.
pub type Positions = BTreeMap<u32, u64>;

/// A set of levels, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelSet(pub u8);

impl LevelSet {
    /// All four.
    pub const ALL: LevelSet = LevelSet(0b1111);

    /// Whether a level is in it.
    pub fn contains(self, level: Level) -> bool {
        self.0 & 1 << level as u8 != 0
    }
}

/// Which rows are asked for. Times are `timestamp`, in microseconds since 1970.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Any of these levels.
    pub levels: LevelSet,
    /// Exactly this source.
    pub source: Option<String>,
    /// At or after.
    pub from: Option<i64>,
    /// Before.
    pub to: Option<i64>,
    /// Of this pattern: any id that it was ever shown under.
    pub pattern: Option<PatternId>,
    /// What the text must say.
    pub query: Option<Arc<Query>>,
    /// Only rows below these positions: what had arrived by then.
    pub until: Option<Positions>,
}

impl Default for Filter {
    fn default() -> Self {
        Filter { levels: LevelSet::ALL, source: None, from: None, to: None, pattern: None, query: None, until: None }
    }
}

/// What a query may cost. Shared with whoever may cancel it.
#[derive(Debug, Clone)]
pub struct Budget {
    /// CPU time of the thread that runs it.
    pub cpu: Duration,
    /// Bytes that it may hold.
    pub memory: usize,
    cancelled: Arc<AtomicBool>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { cpu: Duration::from_secs(10), memory: 256 << 20, cancelled: Arc::default() }
    }
}

impl Budget {
    /// A budget of so much CPU time and so many bytes.
    pub fn new(cpu: Duration, memory: usize) -> Self {
        Budget { cpu, memory, cancelled: Arc::default() }
    }

    /// Stops the query at its next look: nobody waits for it any more.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// A count that is exact, or what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exact(u64),
    /// The query ran out of its budget, for this reason; at least so many.
    AtLeast(u64, String),
}

/// A stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Partition of `logs.raw`.
    pub partition: u32,
    /// Offset there. With one partition it is also the row's id.
    pub offset: u64,
    /// The client's time.
    pub timestamp: i64,
    /// The clock of ingestion.
    pub received_at: i64,
    /// One of the four.
    pub level: Level,
    /// The level as sent where it says more, or empty.
    pub level_text: String,
    /// Who sent it.
    pub source: String,
    /// What was sent, byte for byte.
    pub message: String,
    /// JSON object, or empty.
    pub context: String,
    /// The pattern, as it resolves now.
    pub pattern: PatternId,
}

/// A page of rows, newest first: by timestamp, then offset (then partition), falling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// The rows of the page.
    pub rows: Vec<StoredRow>,
    /// How many rows match in all.
    pub total: Total,
    /// The highest stored positions that the answer takes in.
    pub until: Positions,
}

/// By what a histogram splits its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitBy {
    /// One series a level, all four.
    Level,
    /// One series a source: the 20 with most rows, and `Other` where there are more.
    Source,
}

/// Counts over time, zero-filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Start of the first bucket: microseconds, a multiple of `bucket`.
    pub from: i64,
    /// Width of a bucket in microseconds.
    pub bucket: i64,
    /// Name and counts (one a bucket, all of the same length).
    pub series: Vec<(String, Vec<u64>)>,
    /// Sum of all counts.
    pub total: Total,
}

impl Histogram {
    /// The counts of all series together.
    pub fn sums(&self) -> Vec<u64> {
        let mut sums = vec![0; self.series.iter().map(|(_, counts)| counts.len()).max().unwrap_or(0)];
        for (_, counts) in &self.series {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        sums
    }
}

/// A field whose most frequent values are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FacetField {
    /// `source`
    Source,
    /// `level`
    Level,
    /// `pattern`: the resolved ids.
    Pattern,
    /// A top-level field of the context, by its name.
    Context(String),
}

/// Most frequent values, by field, in the order asked for; within a field most frequent first, then by value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets {
    /// Rows that match.
    pub total: Total,
    /// Values and their counts.
    pub fields: Vec<(FacetField, Vec<(String, u64)>)>,
}

/// One pattern among the rows that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternCount {
    /// The pattern, as it resolves now.
    pub pattern: PatternId,
    /// Rows by level, in the order of [`Level::ALL`].
    pub levels: [u64; 4],
    /// Sources with their counts, most frequent first.
    pub sources: Vec<(String, u64)>,
    /// First and last timestamp among the rows that match. Where rows were counted by rollup these are the bounds of its
    /// stretches, which hold them: a minute, or up to an hour where rows are few.
    pub seen: (i64, i64),
    /// First timestamp of the pattern in all that is stored, whatever the filter.
    pub first_ever: i64,
}

/// The patterns of the rows that match, most frequent first, then by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    /// Rows that match.
    pub total: Total,
    /// All of their patterns.
    pub patterns: Vec<PatternCount>,
    /// First timestamp of all that is stored.
    pub oldest: Option<i64>,
}

/// The courses of some patterns, zero-filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trends {
    /// Start of the first bucket, as in [`Histogram`].
    pub from: i64,
    /// Width of a bucket in microseconds.
    pub bucket: i64,
    /// Counts by bucket (all of the same length), in the order of the patterns that were asked for.
    pub counts: Vec<Vec<u64>>,
    /// Rows that match, of whatever pattern.
    pub total: Total,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The history cannot be read now; try again later.
    #[error("the history cannot be read: {0}")]
    Unavailable(String),
    /// Nobody waits for the answer any more.
    #[error("cancelled")]
    Cancelled,
}

/// What is stored, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows that can be found.
    pub rows: u64,
    /// Of them rows that are in memory alone (and in the raw log).
    pub tail_rows: u64,
    /// Bytes of the tail.
    pub tail_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Files on disk.
    pub files: u64,
    /// First and last timestamp.
    pub range: Option<(i64, i64)>,
    /// Rows that retention dropped since the start.
    pub dropped_rows: u64,
}

/// Asks. Shared by all threads; a call runs on the caller's thread and may take as long as its budget.
pub trait Reader: Send + Sync {
    /// A page of rows and how many match.
    fn recent(&self, filter: &Filter, limit: usize, offset: u64, budget: &Budget) -> Result<Recent, QueryError>;
    /// Counts over time: at most 500 buckets. Without `from` or `to` the bounds of what is stored.
    fn histogram(&self, filter: &Filter, buckets: usize, by: SplitBy, budget: &Budget)
    -> Result<Histogram, QueryError>;
    /// The most frequent values of fields.
    fn facets(
        &self,
        filter: &Filter,
        fields: &[FacetField],
        limit: usize,
        budget: &Budget,
    ) -> Result<Facets, QueryError>;
    /// The patterns of what matches.
    fn patterns(&self, filter: &Filter, budget: &Budget) -> Result<Patterns, QueryError>;
    /// Counts over time of some patterns (ids as they resolve now), in the buckets of [`Reader::histogram`]. The filter says
    /// where its range ends, so that all have the same buckets. Here a histogram for each; a history that can group asks once.
    fn trends(
        &self,
        filter: &Filter,
        patterns: &[PatternId],
        buckets: usize,
        budget: &Budget,
    ) -> Result<Trends, QueryError> {
        let all = self.histogram(filter, buckets, SplitBy::Level, budget)?;
        let mut trends = Trends { from: all.from, bucket: all.bucket, counts: Vec::new(), total: all.total };
        for &pattern in patterns {
            let of_pattern = Filter { pattern: Some(pattern), ..filter.clone() };
            let found = self.histogram(&of_pattern, buckets, SplitBy::Level, budget)?;
            trends.counts.push(found.sums());
            if let (Total::Exact(count), Total::AtLeast(_, reason)) = (&trends.total, found.total) {
                trends.total = Total::AtLeast(*count, reason);
            }
        }
        Ok(trends)
    }
    /// The rows next to one, in order of the raw log and of the same source: up to `each` before, the row, up to `each` after.
    fn around(&self, partition: u32, offset: u64, each: usize, budget: &Budget) -> Result<Vec<StoredRow>, QueryError>;
    /// The highest stored positions.
    fn head(&self) -> Positions;
    /// Why nothing can be asked now, as far as is known without asking; `None` when it can.
    fn unavailable(&self) -> Option<String> {
        None
    }
    /// The number that names a row: below 2^53, in the order of a page among rows of one timestamp.
    fn id(&self, row: &StoredRow) -> u64 {
        row.offset
    }
    /// Numbers.
    fn stats(&self) -> Stats;
}

/// What a restart goes on from: committed as one with the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Rows below are stored.
    pub positions: Positions,
    /// State of each stage as of the positions or later, by name: replaced at each commit.
    pub states: BTreeMap<String, Bytes>,
    /// Journals of stages, by name: appended to at each commit.
    pub journals: BTreeMap<String, Bytes>,
}

/// What the stages give at a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageState {
    /// Replaces the state of these names.
    pub states: BTreeMap<String, Bytes>,
    /// Is appended to the journals of these names.
    pub journals: BTreeMap<String, Bytes>,
}

/// Why rows cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Keep the batch and try again: the disk is full or fails.
    #[error("the history cannot be written now: {0}")]
    Unavailable(String),
}

/// Writes. Belongs to one thread.
pub trait Writer: Send {
    /// Takes a batch in; its rows can be found when this returns. Rows below the positions already taken in are skipped, so
    /// that a replay stores nothing twice. Blocks for no longer than a bounded backlog of writes takes.
    fn append(&mut self, batch: &Arc<Batch>) -> Result<(), WriteError>;
    /// Whether enough has gathered (by rows, bytes or time) to be committed.
    fn is_due(&self) -> bool;
    /// Starts to commit everything appended so far together with the stages' state. Does not wait for the disk.
    fn commit(&mut self, state: StageState) -> Result<(), WriteError>;
    /// Commits and waits until all of it is durable: for the end of the program.
    fn finish(&mut self, state: StageState) -> Result<(), WriteError>;
}
