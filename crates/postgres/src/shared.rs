//! What the writer, the questions and the housekeeping of one history share.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_postgres::Client;
use whittle_history::{Positions, Stats};
use whittle_patterns::Catalog;

use crate::connection::{Connector, DbError};
use crate::literal::Literals;
use crate::pool::Pool;
use crate::schema;
use crate::series::AllSeries;
use crate::settings::Settings;

/// The shared state.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    pub(crate) pool: Pool,
    pub(crate) literals: Literals,
    /// The series that a question read last.
    pub(crate) series: Mutex<Arc<AllSeries>>,
    /// Days that have their partitions.
    pub(crate) days: Mutex<HashSet<i32>>,
    /// The tables are there and are ours, as far as is known.
    prepared: AtomicBool,
    preparing: tokio::sync::Mutex<()>,
    /// What went wrong since.
    trouble: Mutex<String>,
    stats: Mutex<Stats>,
    head: Mutex<Positions>,
    /// Batches whose counts are not added up yet.
    pub(crate) fresh: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

/// Locks what holds plain values that are whole after every step, so that a panic elsewhere does not spoil them.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(settings: Settings, catalog: Catalog, connector: Connector) -> Self {
        let pool = Pool::new(connector, settings.readers, settings.connect_timeout);
        Shared {
            settings,
            catalog,
            pool,
            literals: Literals::default(),
            series: Mutex::default(),
            days: Mutex::default(),
            prepared: AtomicBool::new(false),
            preparing: tokio::sync::Mutex::new(()),
            trouble: Mutex::new("PostgreSQL has not answered yet".to_owned()),
            stats: Mutex::default(),
            head: Mutex::default(),
            fresh: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Makes sure that the tables are there before they are used.
    pub(crate) async fn prepare(&self) -> Result<(), DbError> {
        if self.prepared.load(Ordering::Acquire) {
            return Ok(());
        }
        let _one = self.preparing.lock().await;
        if self.prepared.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut client = self.pool.connector.connect().await?;
        schema::prepare(&mut client, &self.settings.raw_log).await.map_err(|error| DbError(error.to_string()))?;
        self.refresh(&client).await?;
        self.prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// Something went wrong: whether the tables are there is looked at again before they are used.
    pub(crate) fn doubt(&self, reason: &str) {
        reason.clone_into(&mut lock(&self.trouble));
        self.prepared.store(false, Ordering::Release);
        lock(&self.days).clear();
    }

    /// Why the database cannot be asked, as far as is known; `None` when nothing went wrong since it could be.
    pub(crate) fn trouble(&self) -> Option<String> {
        (!self.prepared.load(Ordering::Acquire)).then(|| lock(&self.trouble).clone())
    }

    /// Numbers as they were told last: whoever asks may not wait.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = lock(&self.stats).clone();
        stats.files += self.fresh.load(Ordering::Relaxed);
        stats.dropped_rows = self.dropped.load(Ordering::Relaxed);
        stats
    }

    pub(crate) fn head(&self) -> Positions {
        lock(&self.head).clone()
    }

    /// The writer stored rows of these timestamps, and stands there now.
    pub(crate) fn stored(&self, rows: u64, seen: (i64, i64), positions: &Positions) {
        self.fresh.fetch_add(1, Ordering::Relaxed);
        let mut stats = lock(&self.stats);
        stats.rows += rows;
        let range = stats.range.unwrap_or(seen);
        stats.range = Some((range.0.min(seen.0), range.1.max(seen.1)));
        drop(stats);
        self.reached(positions);
    }

    /// These positions are stored.
    pub(crate) fn reached(&self, positions: &Positions) {
        let mut head = lock(&self.head);
        for (&partition, &next) in positions.iter().filter(|(partition, _)| **partition != crate::SEED_PARTITION) {
            let known = head.entry(partition).or_insert(next);
            *known = next.max(*known);
        }
    }

    /// Reads the numbers anew: other copies of this role write as well.
    pub(crate) async fn refresh(&self, client: &Client) -> Result<(), DbError> {
        let sums = "SELECT coalesce(sum(rows), 0)::int8, \
            (extract(epoch FROM min(first)) * 1000000)::int8, (extract(epoch FROM max(last)) * 1000000)::int8 \
            FROM whittle.days WHERE rows > 0";
        let sizes = "SELECT count(*), coalesce(sum(pg_total_relation_size(inhrelid)), 0)::int8 + \
            (SELECT sum(pg_total_relation_size(t::regclass))::int8 FROM unnest(ARRAY['whittle.minutes', 'whittle.hours', 'whittle.dates', \
            'whittle.fresh', 'whittle.series', 'whittle.firsts', 'whittle.days']) t) \
            FROM pg_inherits WHERE inhparent = 'logs'::regclass";
        let (sums, sizes) = (client.query_one(sums, &[]).await?, client.query_one(sizes, &[]).await?);
        let number = |row: &tokio_postgres::Row, at: usize| row.get::<_, i64>(at).unsigned_abs();
        let (first, last): (Option<i64>, Option<i64>) = (sums.get(1), sums.get(2));
        {
            let mut stats = lock(&self.stats);
            stats.rows = number(&sums, 0);
            stats.range = first.zip(last);
            stats.files = number(&sizes, 0);
            stats.disk_bytes = number(&sizes, 1);
        }
        self.reached(&positions(client, "whittle.positions").await?);
        Ok(())
    }
}

/// Positions of a table that has them.
pub(crate) async fn positions(client: &Client, table: &str) -> Result<Positions, DbError> {
    let rows = client.query(&format!("SELECT partition, next FROM {table}"), &[]).await?;
    let of = |row: &tokio_postgres::Row| (row.get::<_, i32>(0).unsigned_abs(), row.get::<_, i64>(1).unsigned_abs());
    Ok(rows.iter().map(of).collect())
}
