//! What every bus offers: entries in, frames out, and who is told what when it goes wrong.

use std::time::Duration;

use bytes::Bytes;

/// Headers of an entry, in order. Names may repeat.
pub type Headers = Vec<(String, Bytes)>;

/// What is appended at once and durable as a whole: one or many records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Decides the partition where [`Entry::partition`] does not.
    pub key: Bytes,
    /// Where it goes; by the hash of the key when `None`.
    pub partition: Option<u32>,
    /// Said beside the body.
    pub headers: Headers,
    /// The records. How `count` of them stand in it is the producer's and the consumer's business.
    pub body: Bytes,
    /// How many offsets it takes; 0 counts as 1.
    pub count: u32,
    /// Microseconds since 1970, by the clock of the producer.
    pub time: i64,
}

/// An entry as it stands in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The partition.
    pub partition: u32,
    /// Offset of its first record; the others follow.
    pub base_offset: u64,
    /// How many records.
    pub count: u32,
    /// Microseconds since 1970, by the clock of the producer.
    pub time: i64,
    /// The key.
    pub key: Bytes,
    /// Said beside the body.
    pub headers: Headers,
    /// The records.
    pub body: Bytes,
}

impl Frame {
    /// The offset after its last record.
    pub fn next_offset(&self) -> u64 {
        self.base_offset + u64::from(self.count)
    }
}

/// A place in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The partition.
    pub partition: u32,
    /// The offset there.
    pub offset: u64,
}

/// Why an entry was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// Try again later: the disk is full, a write or a sync failed, the broker is away. Whether the entry is there is
    /// unknown only with Kafka; embedded it is not there.
    #[error("the bus cannot take it now: {0}")]
    Unavailable(String),
    /// More waits to be written than may: try again in a moment.
    #[error("too much waits to be written")]
    Busy,
    /// Never: it is larger than an entry may be.
    #[error("an entry may have {0} bytes")]
    TooLarge(usize),
    /// The bus is closing.
    #[error("the bus is closing")]
    Closed,
}

/// What went wrong apart from producing.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Try again later.
    #[error("{0}")]
    Unavailable(String),
    /// The partition belongs to another member of the group now.
    #[error("partition {0} belongs to another member of the group")]
    Revoked(u32),
    /// There is no such topic or partition.
    #[error("there is no topic or partition {0}")]
    Unknown(String),
    /// Another process has the data directory.
    #[error("{0} is in use by another process; stop it or give another data directory")]
    Locked(String),
    /// The data are of a newer format: run the newer program.
    #[error("{0}")]
    Newer(String),
    /// The file system failed.
    #[error("{context}: {source}")]
    Io {
        /// What was tried, with the path.
        context: String,
        /// What the file system said.
        source: std::io::Error,
    },
}

/// Told once an entry is durable (with its first position), or that it will not be. Called from the bus's own thread, in
/// the order of the offsets within a partition: it must be short and must not block.
pub type Done = Box<dyn FnOnce(Result<Position, ProduceError>) + Send>;

/// The bus. Shared by all threads.
pub trait Bus: Send + Sync {
    /// Makes a topic when it is missing; answers with the number of its partitions.
    fn ensure_topic(&self, topic: &str, partitions: u32) -> Result<u32, BusError>;

    /// Appends an entry. Never blocks: `done` is called later, or at once with [`ProduceError::Busy`].
    fn produce(&self, topic: &str, entry: Entry, done: Done);

    /// Joins a group on a topic. Members of a group share the partitions; the group holds back retention from then on.
    fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, BusError>;

    /// For each partition the offset that the next durable record gets.
    fn ends(&self, topic: &str) -> Result<Vec<u64>, BusError>;

    /// For each partition the first offset that is still there.
    fn starts(&self, topic: &str) -> Result<Vec<u64>, BusError>;

    /// For each partition the offset that a group goes on from, if it ever committed.
    fn committed(&self, topic: &str, group: &str) -> Result<Vec<Option<u64>>, BusError>;

    /// Why it takes nothing now, in a sentence; `None` when it does.
    fn refusing(&self) -> Option<String>;
}

/// A member of a group. Belongs to one thread.
pub trait Consumer: Send {
    /// The next frames: at least one unless `timeout` passes, at most some `max_bytes`. A frame that holds the position
    /// asked for comes as a whole, also where the position is in its middle.
    fn poll(&mut self, max_bytes: usize, timeout: Duration) -> Result<Vec<Frame>, BusError>;

    /// Says that everything before these offsets is done. Durable when it returns.
    fn commit(&mut self, positions: &[Position]) -> Result<(), BusError>;

    /// Goes on from another offset of a partition.
    fn seek(&mut self, position: Position) -> Result<(), BusError>;

    /// Where this member stands in a partition: what it gave, and what it found lost, lies below. `None` where the partition
    /// is not its own.
    fn position(&self, partition: u32) -> Option<u64>;

    /// The partitions that this member has now.
    fn assignment(&self) -> Vec<u32>;
}

impl BusError {
    /// A failure of the file system, with what was tried.
    pub(crate) fn io(tried: &str, path: &std::path::Path, source: std::io::Error) -> Self {
        BusError::Io { context: format!("{tried} {}", path.display()), source }
    }
}
