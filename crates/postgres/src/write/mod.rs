//! The writer: each batch is one transaction, durable and visible when `append` returns.
//!
//! In it the positions move first, and only from where this writer takes them to be. Where they do not, another writer has
//! them: what it stored is skipped, and the rest is tried from there.

mod batch;
pub(crate) mod checkpoint;
mod days;
mod insights;
mod transaction;

use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashMap;
use tokio::time::timeout;
use tokio_postgres::Client;
use whittle_domain::Batch;
use whittle_history::{Positions, StageState, WriteError, Writer};

pub(crate) use batch::Fresh;
pub(crate) use days::{DAY, drop_day, of_day};
pub(crate) use insights::{Insights, storable_json};
pub(crate) use transaction::{Outcome, store};

use crate::connection::DbError;
use crate::series::KnownSeries;
use crate::shared::{Shared, positions};
use crate::store::PgHistory;

/// Tries after another writer came first. Each means that it stored something, so more say that something is wrong.
const OVERTAKEN: usize = 8;

/// Belongs to one thread.
pub(crate) struct PgWriter {
    history: Arc<PgHistory>,
    on_durable: Box<dyn Fn(&Positions) + Send + Sync>,
    link: Option<Link>,
    /// Rows stored since the last commit of the stages' state, and when the first of them came.
    rows: usize,
    since: Option<Instant>,
}

/// A connection, and what is known as long as it holds.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) positions: Positions,
    pub(crate) series: KnownSeries,
    pub(crate) insights: Insights,
    /// First timestamps that are stored, by day and series.
    pub(crate) firsts: HashMap<(i32, i32), i64>,
}

/// First timestamps that are kept in memory; beyond it they are stored once more, which changes nothing.
pub(crate) const MOST_FIRSTS: usize = 1 << 20;

impl Link {
    /// Connects and reads where the rows end.
    pub(crate) async fn open(shared: &Shared) -> Result<Link, DbError> {
        shared.prepare().await?;
        let client = shared.pool.connector.connect().await?;
        // A writer that hangs must not hold its locks for ever.
        let limit = shared.settings.write_timeout.as_millis();
        client.batch_execute(&format!("SET statement_timeout = {limit}; SET lock_timeout = {limit}")).await?;
        let positions = positions(&client, "whittle.positions").await?;
        let (series, insights, firsts) = Default::default();
        Ok(Link { client, positions, series, insights, firsts })
    }

    /// Stores what is new of a batch.
    pub(crate) async fn append(
        &mut self,
        shared: &Shared,
        batch: &Batch,
        own: Option<&[String]>,
    ) -> Result<usize, DbError> {
        let mut careful = false;
        for _ in 0..OVERTAKEN {
            let rows = Fresh::of(batch, &self.positions);
            if rows.is_empty() {
                return Ok(0);
            }
            match store(self, shared, batch, &rows, own, careful).await? {
                Outcome::Stored { seen, positions } => {
                    self.positions = positions;
                    shared.stored(rows.len() as u64, seen, &self.positions);
                    return Ok(rows.len());
                }
                Outcome::Overtaken => self.positions = positions(&self.client, "whittle.positions").await?,
                Outcome::Malformed(error) if careful => return Err(DbError(error)),
                Outcome::Malformed(error) => {
                    tracing::warn!(error, "PostgreSQL does not take a record as it is: its bytes are kept beside");
                    careful = true;
                }
            }
        }
        Err(DbError("other writers store the same partitions all the time; only one may".to_owned()))
    }
}

impl PgWriter {
    pub(crate) fn new(history: Arc<PgHistory>, on_durable: Box<dyn Fn(&Positions) + Send + Sync>) -> Self {
        PgWriter { history, on_durable, link: None, rows: 0, since: None }
    }

    /// Does something over the connection, within the time for it. After a failure nothing is known any more.
    fn with_link<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Link, &Shared) -> Result<T, DbError>,
    ) -> Result<T, WriteError> {
        let shared = self.history.shared.clone();
        let limit = shared.settings.write_timeout;
        let taken = self.link.take();
        let worked = async {
            let mut link = match taken {
                Some(link) if !link.client.is_closed() => link,
                _ => Link::open(&shared).await?,
            };
            let done = work(&mut link, &shared).await?;
            Ok((link, done))
        };
        let done = self.history.handle.block_on(async { timeout(limit, worked).await });
        match done {
            Ok(Ok((link, done))) => {
                self.link = Some(link);
                Ok(done)
            }
            Ok(Err(DbError(error))) => Err(self.away(error)),
            Err(_) => Err(self.away(format!("PostgreSQL did not store a batch within {limit:?}"))),
        }
    }

    fn away(&self, reason: String) -> WriteError {
        self.history.shared.doubt(&reason);
        WriteError::Unavailable(reason)
    }
}

impl Writer for PgWriter {
    fn append(&mut self, batch: &Arc<Batch>) -> Result<(), WriteError> {
        let stored = self.with_link(async |link, shared| link.append(shared, batch, None).await)?;
        if stored > 0 {
            self.rows += stored;
            self.since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        let settings = &self.history.shared.settings;
        self.rows >= settings.commit_rows || self.since.is_some_and(|since| since.elapsed() >= settings.commit_after)
    }

    fn commit(&mut self, state: StageState) -> Result<(), WriteError> {
        let positions = self.with_link(async |link, _| {
            checkpoint::write(&mut link.client, &link.positions, &state).await?;
            Ok(link.positions.clone())
        })?;
        (self.rows, self.since) = (0, None);
        (self.on_durable)(&positions);
        Ok(())
    }

    fn finish(&mut self, state: StageState) -> Result<(), WriteError> {
        self.commit(state)
    }
}
