//! What can be set of the history in PostgreSQL.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use whittle_domain::Level;
use whittle_history::Clock;
use whittle_patterns::PatternId;

use crate::Address;

/// Gives the insight of a pattern and a level as a JSON object.
pub type InsightOf = Arc<dyn Fn(PatternId, Level) -> String + Send + Sync>;

/// How the history in PostgreSQL writes, asks, and how long it keeps.
#[derive(Clone)]
pub struct Settings {
    /// Where the database is.
    pub address: Address,
    /// Names the raw log whose positions are stored: a database holds the records of one raw log alone, since offsets are
    /// identities.
    pub raw_log: String,
    /// Connections for questions; more questions wait for one.
    pub readers: usize,
    /// Time to connect, and to set a connection up.
    pub connect_timeout: Duration,
    /// Time for one batch to be stored, before the database counts as away.
    pub write_timeout: Duration,
    /// A commit of the stages' state is due at so many rows since the last one.
    pub commit_rows: usize,
    /// A commit is due when the oldest row since the last one is so old.
    pub commit_after: Duration,
    /// Rows are kept for so long after their receipt, by whole days.
    pub keep_age: Duration,
    /// Bytes in the database beyond which the oldest days go.
    pub keep_bytes: u64,
    /// Pause between two rounds of housekeeping; `None`: only when told.
    pub tidy_every: Option<Duration>,
    /// The clock of retention.
    pub clock: Clock,
    /// What is known of a pattern: kept with rows as it was when they were written, and for `logs_current` as it is.
    pub insight: InsightOf,
}

impl Settings {
    /// The usual settings.
    pub fn new(address: Address, raw_log: impl Into<String>) -> Self {
        Settings {
            address,
            raw_log: raw_log.into(),
            readers: 6,
            connect_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(60),
            commit_rows: 131_072,
            commit_after: Duration::from_secs(5),
            keep_age: Duration::from_secs(7 * 24 * 3600),
            keep_bytes: 10 << 30,
            tidy_every: Some(Duration::from_secs(5)),
            clock: Clock::default(),
            insight: Arc::new(|_, _| r#"{"summary":"analysis_failed","confidence":0}"#.to_owned()),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("address", &self.address).finish_non_exhaustive()
    }
}
